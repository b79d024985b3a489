"""Transfer by train size: a frozen, pre-trained network with a new output layer.

The backbone has no gradients and is in evaluation mode, so that running statistics do not change and its dropout is
off. Its features are therefore the same in every epoch and are computed once (`transfer.features`). Only the new output
layer is trained, with cross-entropy and AdamW, on the features of class-balanced images. Dropout between the features
and the output layer (VGG19 has it) is applied to the features in training. A network without a linear output layer
(SqueezeNet) gets a linear layer on its globally pooled last features; the fact `head` names the layer.

The learning rate falls to zero along a cosine over the epochs, since the answer is read at the last one: with a
constant rate (`--set schedule=constant`) that epoch is as noisy as any. As a consequence, the epochs to the best grow
with the epochs asked for; the table gives both, and optimiser steps. The prescribed config has a constant rate and the
same epochs at every size, so that sizes compare.

Training loss and accuracy are those of all training images after an epoch, without dropout: of the same weights, and in
the same way, as on held-out images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from common.files import Arrays
from common.problems import Problem, gather
from trainables.artifacts.store import Artifact
from trainables.core.config import DataName, TrialConfig
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss
from trainables.core.network import Borrowed, Network
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, subset_problems
from trainables.nets.backbones import LETTERS, describe
from trainables.nets.letters_cnn import LettersCNN
from trainables.training.linear_head import HeadSettings, LinearHead
from trainables.transfer.features import (
    FrozenBackbone,
    Part,
    backbone_features,
    features_problems,
    input_of,
    kept_backbone,
)

POOL, VALIDATION = 10_000, 2_000
"""Images in the pool and for validation, unless the config says otherwise or the training split has too few."""
DIGITS = (1_000, 240)
"""The same for the built-in digits, which have 1,287 training images; two of their ten writers validate."""


class Config(TrialConfig):
    data: DataName = Field(description="name or path of the data set")
    backbone: str = Field(description="a torchvision classification network, or letters_cnn")
    train_size: int = Field(gt=0, description="training images, class-balanced, nested per seed")
    lr: float = Field(gt=0, le=10, description="AdamW's learning rate")
    epochs: int = Field(gt=0, le=2000, description="passes over the training images")
    weight_decay: float = Field(ge=0, le=10, description="AdamW's decoupled weight decay")
    batch_size: int = Field(gt=0, description="images a step")
    schedule: Literal["cosine", "constant"] = Field(
        "cosine", description="how the learning rate changes with the steps"
    )
    pool: int | None = Field(None, gt=0, description="images the subsets are drawn from; default: 10,000 or all left")
    validation: int | None = Field(None, gt=0, description="validation images; default: 2,000 or a fifth")

    def annealed(self) -> bool:
        return self.schedule == "cosine"

    def cost(self) -> float:
        return self.epochs * (math.ceil(self.train_size / self.batch_size) + 4)  # 4: validation, in steps

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"pool": self._features(sources, "pool"), "validation": self._features(sources, "validation")}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"test": self._features(sources, "test")}

    def problems(self, sources: Sources) -> list[Problem]:
        return gather(
            lambda: features_problems(self.backbone, self.data, sources),
            lambda: self._size_problems(sources),
        )

    def _size_problems(self, sources: Sources) -> list[Problem]:
        data, (pool, validation) = sources.summary(self.data), self._sizes(sources)
        return subset_problems(data, self.train_size, sources.pool_left(self.data, validation), validation, pool)

    def _sizes(self, sources: Sources) -> tuple[int, int]:
        """Return how many images the pool has and how many are for validation."""
        images = sources.dataset(self.data).size("train")
        pool, validation = DIGITS if self.data == "digits" else (POOL, min(VALIDATION, images // 5))
        validation = self.validation or validation
        return self.pool or min(pool, sources.pool_left(self.data, validation)), validation

    def _features(self, sources: Sources, split: Part) -> Artifact:
        pool, validation = self._sizes(sources)
        return backbone_features(
            self.backbone,
            self.data,
            sources,
            split=split,
            pool=pool,
            validation=validation,
            seed=self.seed,
            precision=self.precision,
        )


class TransferSizes(Experiment[Config], LeavesNetwork):
    measures = (accuracy(), loss())
    procedure = (
        "A pre-trained network is frozen, in evaluation mode, and its output layer is replaced by a new linear one. "
        "Only that layer is trained, with cross-entropy and AdamW; with the cosine schedule, the learning rate falls "
        "to zero over the epochs. Images are scaled, bilinear and antialiased, to the resolution at which the network "
        "was pre-trained (224×224 for most of torchvision's, 28×28 for letters_cnn), and normalised as then."
    )

    def setup(self, pool: Tensors, validation: Tensors, test: Tensors | None = None) -> None:
        chosen = nested_subset(pool["y"].cpu().numpy(), self.config.train_size, self.config.seed)
        self.train = {"data": Labelled(**pool).at(torch.from_numpy(chosen).to(self.device))}
        given = {"validation": validation, "test": test}
        self.held_out = {split: {"data": Labelled(**own)} for split, own in given.items() if own is not None}
        self.about = describe(self.config.backbone)
        self.classes = len(self.sources.dataset(self.config.data).classes)
        settings = HeadSettings(
            lr=self.config.lr,
            weight_decay=self.config.weight_decay,
            epochs=self.config.epochs,
            batch_size=self.config.batch_size,
            dropout=self.about.dropout,
            annealed=self.config.annealed(),
        )
        self.head = LinearHead(self.train["data"].x, self.train["data"].y, self.classes, settings)

    def train_epoch(self) -> Metrics:
        steps = self.head.train_epoch(self.generator("order"))["steps"]
        return {**self._read(self.train["data"])[0], "steps": steps}

    def evaluate(self, split: EvalSplit) -> Metrics:
        metrics, correct = self._read(self.held_out[split]["data"])
        if split == "test":
            self.keep_last("test_correct", correct)
        return metrics

    @torch.inference_mode()
    def _read(self, data: Labelled) -> tuple[Metrics, torch.Tensor]:
        """Return loss and accuracy on images, without dropout, and which of them are right, [N] bool."""
        logits = self.head(data.x)
        correct = logits.argmax(1) == data.y
        loss = F.cross_entropy(logits, data.y).item()
        return {"loss": loss, "accuracy": correct.double().mean().item()}, correct

    def network(self) -> Network:
        return Network(
            state={f"head.{name}": value for name, value in self.head.layer.state_dict().items()},
            input=input_of(self.about),
            classes=self.sources.dataset(self.config.data).classes,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        backbone = LettersCNN() if config.backbone == LETTERS else nn.Identity()
        return FrozenBackbone(backbone, describe(config.backbone).width, classes, config.precision)

    @classmethod
    def borrowed(cls, config: Config, sources: Sources) -> Borrowed:
        return kept_backbone(config.backbone, config.seed, sources)

    def facts(self) -> dict[str, Any]:
        return {"head": self.about.head(self.classes), "width": self.head.x.shape[1]}

    def outputs(self) -> Arrays:
        if "test" not in self.held_out:
            return {}
        return {"test_labels": self.held_out["test"]["data"].y.cpu().numpy().astype(np.int16)}
