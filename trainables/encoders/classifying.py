"""Training a classifier by cross-entropy: an encoder, and a two-layer MLP that reads classes from its latents.

Questions on encoders share it. `trained_network(Classifying, …).module(…).encoder` is the encoder of one that has been
trained: a map from images [N, 1, 28, 28] in 0 … 1 to latents [N, D], on which no non-linearity stands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import Measure, accuracy, loss
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


C = TypeVar("C", bound=ClassifyingConfig)


class Classifying(Experiment[C], LeavesNetwork):
    """A trial that trains a classifier from scratch; one that trains it otherwise derives from it.

    Training loss and accuracy are those of the network after the epoch, on `MEASURED` images at most.
    """

    measures: ClassVar[tuple[Measure, ...]] = (accuracy(), loss())
    procedure = (
        "An encoder and a two-layer MLP on its latents are trained from scratch on gray images of 28×28 pixels in 0 … "
        "1, by cross-entropy, with Adam; the learning rate falls to zero along a cosine over the steps. Nothing is "
        "frozen or augmented."
    )
    least_steps: ClassVar[int] = 1
    """Steps that an epoch has at least: a pass over few images is repeated."""

    def setup(self, train: Tensors, test: Tensors | None = None) -> None:
        self.hold(train, test)
        self.fit(self.new_network())

    def hold(self, train: Tensors, test: Tensors | None) -> None:
        """Set the images to train on and to hold out, of the splits given whole."""
        pool, held_out = (torch.from_numpy(rows).to(self.device) for rows in self.config.choice.rows(self.sources))
        self.train = {"data": Labelled(**train).at(pool)}  # [N, 1, 28, 28] uint8
        self.held_out = {"validation": {"data": Labelled(**train).at(held_out)}}
        if test is not None:
            self.held_out["test"] = {"data": Labelled(**test)}

    def new_network(self) -> Classifier:
        """Return an untrained network on the device."""
        network = Classifier(self.config.architecture, len(self.classes))
        return network.to(self.device).to(memory_format=torch.channels_last)

    def fit(self, network: Classifier) -> None:
        """Set the network to train, with its optimiser and schedule."""
        config, images = self.config, len(self.train["data"].y)
        self.model = network
        self.batch = min(config.batch_size, images)
        self.steps = max(math.ceil(images / self.batch), self.least_steps)
        """Steps of an epoch."""
        self.optimizer = torch.optim.Adam(self.part.parameters(), lr=config.lr)
        self.schedule = LambdaLR(self.optimizer, Cosine(config.epochs * self.steps))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes."""
        return tuple(self.sources.dataset(self.config.data).classes)

    @property
    def part(self) -> nn.Module:
        """The part of the network that is trained: all of it."""
        return self.model

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of images [N, 1, 28, 28] uint8."""
        logits: torch.Tensor = self.model(self.prepared(x))
        return logits

    @staticmethod
    def prepared(images: torch.Tensor) -> torch.Tensor:
        """Return images uint8 as the network takes them."""
        return in_unit_range(images).contiguous(memory_format=torch.channels_last)

    def train_epoch(self) -> Metrics:
        self.part.train()
        images, generator = self.train["data"], self.generator("order")
        passes = math.ceil(self.steps * self.batch / len(images.y))
        order = torch.cat([torch.randperm(len(images.y), generator=generator) for _ in range(passes)])
        for rows in order.split(self.batch)[: self.steps]:
            batch = images.at(rows.to(self.device))
            loss = F.cross_entropy(self._logits(batch.x), batch.y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
        measured, _ = self._read(Labelled(images.x[:MEASURED], images.y[:MEASURED]))
        return {**measured, "steps": self.steps}

    def evaluate(self, split: EvalSplit) -> Metrics:
        measured, correct = self._read(self.held_out[split]["data"])
        if split == "test":
            self.keep_last("test_correct", correct)
        return measured

    @torch.inference_mode()
    def _read(self, images: Labelled) -> tuple[Metrics, torch.Tensor]:
        """Return loss and accuracy on images, and which of them are read right, [N] bool."""
        self.part.eval()
        logits = torch.cat([self._logits(part) for part in images.x.split(EVALUATED)])
        correct = logits.argmax(1) == images.y
        measured = {"loss": F.cross_entropy(logits, images.y).item(), "accuracy": correct.double().mean().item()}
        return measured, correct

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        with self.autocast():
            return self.logits(x).float()

    def network(self) -> Network:
        return Network(state=self.model.state_dict(), input=UNIT_INPUT, classes=self.classes)

    @classmethod
    def build(cls, config: Any, classes: int) -> nn.Module:
        return Classifier(config.architecture, classes)

    def facts(self) -> dict[str, Any]:
        return {"parameters": sum(parameter.numel() for parameter in self.part.parameters())}
