"""Few labels: an encoder with a two-layer MLP, from scratch or from the encoder of an autoencoder.

`start` is `scratch`, `pretrained` (the encoder of an autoencoder, which saw no labels, is trained further with the MLP)
or `frozen` (the same encoder is kept as it is, in evaluation mode, and the MLP alone is trained on its latents). The
autoencoder is trained with the seed of the trial, on all images but those for validation; with `images=all` on these
too. An epoch is a pass over the labelled images, and 25 steps at least: else evaluation would take most of the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from common.problems import Problem, gather
from trainables.artifacts.store import Artifact
from trainables.core.config import Size
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Labelled, Metrics
from trainables.core.measures import accuracy, loss
from trainables.data.choice import Choice
from trainables.data.sources import Sources
from trainables.encoders.autoencoding import Autoencoding
from trainables.encoders.classifying import Classifying, ClassifyingConfig
from trainables.encoders.digits import EVALUATED
from trainables.encoders.label_baselines import METHODS, label_baselines
from trainables.encoders.networks import Autoencoder, Classifier
from trainables.training.trained import TrainedNetwork, trained_network

LEAST = 25
"""Steps that an epoch has at least."""
WHOLE, HELD_OUT = 50_000, 5_000
"""Labelled images where they are all, and evaluated images, in estimates of time."""


class Config(ClassifyingConfig):
    start: Literal["scratch", "frozen", "pretrained"] = Field(
        description="encoder: from scratch; that of an autoencoder, kept as it is; or that one, trained further"
    )
    labels: Size = Field(description="labelled images; all: all that validation leaves")
    subset: Literal["balanced", "first"] = Field(
        "balanced", description="which are labelled: class-balanced, nested per seed; or the first of the training set"
    )
    train_size: int | None = Field(None, gt=0, description="images that the autoencoder is trained on; default: all")
    images: Literal["pool", "all"] = Field(
        "pool", title="pre-training", description="pool: the autoencoder never sees validation's images; all: it does"
    )
    encoder_lr: float = Field(3e-3, gt=0, le=1, description="Adam's highest learning rate for the autoencoder")
    encoder_epochs: int = Field(20, gt=0, le=2000, description="passes of the autoencoder over its images")
    encoder_batch_size: int = Field(128, gt=0, description="images a step of the autoencoder")

    @property
    def choice(self) -> Choice:
        """The images that are labelled and held out."""
        size = None if self.labels == "all" else self.labels
        return Choice(self.data, self.validation, size, self.seed, "first" if self.subset == "first" else "pool")

    def encoder(self) -> TrainedNetwork:
        """Return the autoencoder whose encoder a trial begins with, if it does."""
        return trained_network(
            Autoencoding, self, lr=self.encoder_lr, epochs=self.encoder_epochs, batch_size=self.encoder_batch_size
        )

    def unused(self) -> frozenset[str]:
        of_encoder = {"train_size", "images", "encoder_lr", "encoder_epochs", "encoder_batch_size"}
        return frozenset(of_encoder if self.start == "scratch" else ())

    def cost(self) -> float:
        images = WHOLE if self.labels == "all" else self.labels
        trained = 3 * max(images, LEAST * self.batch_size) + HELD_OUT
        return float(self.epochs * trained * (1 if self.start == "frozen" else self.width**2))

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        own = {} if self.start == "scratch" else {"encoder": self.encoder().artifact(sources)}
        return {**super().artifacts(sources), **own}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        unlabelled = Choice(self.data, self.validation, None, self.seed)
        read = label_baselines(self.choice, unlabelled, self.latent, sources)
        return {**super().test_artifacts(sources), "baselines": read}

    def problems(self, sources: Sources) -> list[Problem]:
        own = [replace(one, key="labels") if one.key == "train_size" else one for one in super().problems(sources)]
        return own if own or self.start == "scratch" else gather(lambda: self.encoder().problems(sources))


class FewLabels(Classifying[Config]):
    """A trial of the question."""

    measures = (
        accuracy(),
        loss(),
        *(accuracy(name, label=label, optional=True, splits=("test",)) for name, label in METHODS.items()),
    )
    procedure = (
        "An encoder and a two-layer MLP on its latents classify gray images of 28×28 pixels in 0 … 1, by "
        "cross-entropy, with Adam; the learning rate falls to zero along a cosine over the steps. An epoch is a pass "
        f"over the labelled images, and {LEAST} steps at least. From scratch, all is trained. Pre-trained is the "
        "encoder of an autoencoder of the same architecture, which was trained by the mean absolute error (L1) on the "
        "training images, without their labels; it is trained further with the MLP, or kept frozen, in evaluation "
        "mode, and the MLP alone is trained. Nothing is augmented. "
        "Baselines are scikit-learn's logistic regression, on pixels and on as many principal components as the latent "
        "has numbers, and the nearest neighbour, on the same labelled images."
    )
    least_steps = LEAST

    def setup(
        self,
        train: Tensors,
        test: Tensors | None = None,
        encoder: Tensors | None = None,
        baselines: Tensors | None = None,
    ) -> None:
        self.hold(train, test)
        self.baselines = baselines or {}
        network = self.new_network()
        if encoder is not None:
            giving = self.config.encoder().module(encoder, self.sources)
            assert isinstance(giving, Autoencoder)
            network.encoder.load_state_dict(giving.latent_encoder.state_dict())
        if self.frozen:
            self._freeze(network)
        self.fit(network)

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as it is."""
        return self.config.start == "frozen"

    def _freeze(self, network: Classifier) -> None:
        """Keep the encoder as it is; its latents take the place of the images, as they are the same in each epoch."""
        encoder = network.encoder.eval().requires_grad_(False)
        self.train = {"data": self._seen(encoder, self.train["data"])}
        self.held_out = {split: {"data": self._seen(encoder, own["data"])} for split, own in self.held_out.items()}

    @torch.no_grad()
    def _seen(self, encoder: nn.Module, images: Labelled) -> Labelled:
        """Return the latents [N, D] float32 of labelled images."""
        with self.autocast():
            parts = [encoder(self.prepared(part)) for part in images.x.split(EVALUATED)]
        return Labelled(torch.cat(parts).float(), images.y)

    @property
    def part(self) -> nn.Module:
        return self.model.head if self.frozen else self.model

    def logits(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model.head(x) if self.frozen else super().logits(x)
        return logits

    def evaluate(self, split: EvalSplit) -> Metrics:
        measured = super().evaluate(split)
        if split == "test" and self.epoch >= self.config.epochs:
            for name, predicted in self.baselines.items():
                correct = predicted == self.held_out["test"]["data"].y
                measured[f"{name}_accuracy"] = correct.double().mean().item()
                self.keep_last(f"test_{name}_correct", correct)
        return measured

    def facts(self) -> dict[str, Any]:
        counts = torch.bincount(self.train["data"].y, minlength=len(self.classes))
        return {**super().facts(), "labels_by_class": counts.tolist()}
