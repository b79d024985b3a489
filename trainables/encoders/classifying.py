"""Training a classifier by cross-entropy: an encoder, and a two-layer MLP that reads classes from its latents.

Questions on encoders share it. `trained_network(Classifying, …).module(…).encoder` is the encoder of one that has been
trained: a map from images [N, 1, 28, 28] in 0 … 1 to latents [N, D], on which no non-linearity stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss
from trainables.core.network import Network
from trainables.data.sources import Sources
from trainables.encoders.config import EncoderConfig
from trainables.encoders.digits import EVALUATED, UNIT_INPUT, digit_images, in_unit_range
from trainables.encoders.networks import Classifier
from trainables.training.schedules import Cosine

MEASURED = 5_000
"""The first training images, on which the training loss and accuracy are measured after each epoch."""


class ClassifyingConfig(EncoderConfig):
    """The fields of a trial that trains a classifier."""

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"train": digit_images(self.data, sources, "train")}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"test": digit_images(self.data, sources, "test")}


class Classifying(Experiment[ClassifyingConfig], LeavesNetwork):
    """A trial that trains a classifier. Training loss and accuracy are those of the network after the epoch."""

    measures = (accuracy(), loss())
    procedure = (
        "An encoder and a two-layer MLP on its latents are trained from scratch on gray images of 28×28 pixels in 0 … "
        "1, by cross-entropy, with Adam; the learning rate falls to zero along a cosine over the steps. Nothing is "
        "frozen or augmented."
    )

    def setup(self, train: Tensors, test: Tensors | None = None) -> None:
        config = self.config
        pool, held_out = (torch.from_numpy(rows).to(self.device) for rows in config.choice.rows(self.sources))
        self.train = {"data": Labelled(**train).at(pool)}  # [N, 1, 28, 28] uint8
        self.held_out = {"validation": {"data": Labelled(**train).at(held_out)}}
        if test is not None:
            self.held_out["test"] = {"data": Labelled(**test)}
        self.classes = self.sources.dataset(config.data).classes
        network = Classifier(config.architecture, len(self.classes))
        self.model = network.to(self.device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.lr)
        steps = config.epochs * math.ceil(len(pool) / config.batch_size)
        self.schedule = LambdaLR(self.optimizer, Cosine(steps))

    def train_epoch(self) -> Metrics:
        self.model.train()
        images = self.train["data"]
        batches = torch.randperm(len(images.y), generator=self.generator("order")).split(self.config.batch_size)
        for rows in batches:
            batch = images.at(rows.to(self.device))
            loss = F.cross_entropy(self._logits(batch.x), batch.y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
        measured, _ = self._read(Labelled(images.x[:MEASURED], images.y[:MEASURED]))
        return {**measured, "steps": len(batches)}

    def evaluate(self, split: EvalSplit) -> Metrics:
        measured, correct = self._read(self.held_out[split]["data"])
        if split == "test":
            self.keep_last("test_correct", correct)
        return measured

    @torch.inference_mode()
    def _read(self, images: Labelled) -> tuple[Metrics, torch.Tensor]:
        """Return loss and accuracy on images, and which of them are read right, [N] bool."""
        self.model.eval()
        logits = torch.cat([self._logits(part) for part in images.x.split(EVALUATED)])
        correct = logits.argmax(1) == images.y
        measured = {"loss": F.cross_entropy(logits, images.y).item(), "accuracy": correct.double().mean().item()}
        return measured, correct

    def _logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] float32 of images [N, 1, 28, 28] uint8."""
        with self.autocast():
            logits: torch.Tensor = self.model(in_unit_range(images).contiguous(memory_format=torch.channels_last))
        return logits.float()

    def network(self) -> Network:
        return Network(state=self.model.state_dict(), input=UNIT_INPUT, classes=self.classes)

    @classmethod
    def build(cls, config: Any, classes: int) -> nn.Module:
        return Classifier(config.architecture, classes)
