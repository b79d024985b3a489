"""What a classifier throws away: images decoded from the latents of its encoder, which is frozen, and of others.

`encoder` is `joint`, an autoencoder trained in the trial; or one that is frozen, to whose latents a fresh decoder is
trained: the encoder of an `autoencoder`, that of a `classifier`, or a `random` one. The two controls, the autoencoder's
frozen and the random one, separate what training jointly brings from what an encoder knows. All have one architecture,
and the decoder starts alike. A judge, a classifier that is decoded in no trial, reads the classes of reconstructions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from common.problems import Problem
from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Metrics
from trainables.core.measures import share
from trainables.data.sources import Sources
from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig
from trainables.encoders.classifying import Classifying
from trainables.encoders.decoded import MEASURES, dimension, scores, shown
from trainables.encoders.digits import EVALUATED, in_unit_range
from trainables.encoders.networks import Autoencoder, Classifier, FrozenEncoder
from trainables.training.trained import TrainedNetwork, trained_network

TRAINED: Mapping[str, type[Experiment[Any]]] = {"autoencoder": Autoencoding, "classifier": Classifying}
"""Who trained the frozen encoders that were trained."""
JUDGE: Mapping[str, Any] = {"seed": 0, "bottleneck": "fc", "latent": 32}
"""What the judge has of its own: a seed that no confirmed trial has, and a latent to read well from."""


class Config(AutoencodingConfig):
    encoder: Literal["joint", "autoencoder", "classifier", "random"] = Field(
        description="joint: trained with the decoder; else frozen, and by whom it was trained"
    )
    encoder_lr: float = Field(gt=0, le=1, description="Adam's highest learning rate for frozen encoders and the judge")

    def networks(self) -> dict[str, TrainedNetwork]:
        """Return the networks that a trial needs, by artifact: all are trained for as many epochs as the decoder."""
        found = {"judge": trained_network(Classifying, self, lr=self.encoder_lr, **JUDGE)}
        if self.encoder in TRAINED:
            found["encoder"] = trained_network(TRAINED[self.encoder], self, lr=self.encoder_lr)
        return found

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        networks = self.networks()
        own = {"encoder": networks["encoder"].artifact(sources)} if "encoder" in networks else {}
        return {**super().artifacts(sources), **own}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {**super().test_artifacts(sources), "judge": self.networks()["judge"].artifact(sources)}

    def problems(self, sources: Sources) -> list[Problem]:
        own = super().problems(sources)
        return own or [one for network in self.networks().values() for one in network.problems(sources)]


class LatentDecoding(Autoencoding[Config]):
    measures = (
        *Autoencoding.measures,
        *MEASURES,
        *(
            share(name, better="max", label=label, images=True, optional=optional, splits=("test",))
            for name, label, optional in (
                ("judged", "reconstructions read right", False),
                ("judged_input", "images read right by the judge", False),
                ("classified", "images read right by the decoded classifier", True),
            )
        ),
    )
    procedure = (
        "Gray images of 28×28 pixels in 0 … 1 are reconstructed from latents of one size by decoders of one "
        "architecture, which start alike, with dark images, and are trained by the mean absolute error (L1), with "
        "Adam; the learning rate falls to zero along a cosine over the steps. With the encoder `joint`, encoder and "
        "decoder are trained together. The other encoders are frozen, in evaluation mode, and their latents scaled to"
        " mean 0 and variance 1 over the training images: that of an autoencoder, trained jointly with another "
        "decoder at a fixed learning rate; that of a classifier, which an MLP of two layers follows, trained by "
        "cross-entropy on the labels of the same images, with the same learning rate and as many epochs; and an "
        "untrained one. A judge, a further classifier, reads the reconstructions. Principal components and the median"
        " image are fitted on the same training images."
    )

    def setup(
        self,
        train: Tensors,
        fitted: Tensors,
        test: Tensors | None = None,
        encoder: Tensors | None = None,
        judge: Tensors | None = None,
    ) -> None:
        super().setup(train, fitted, test)
        arrays = {"encoder": encoder, "judge": judge}
        networks = self.config.networks()
        self.networks = nn.ModuleDict(
            {name: networks[name].module(own, self.sources) for name, own in arrays.items() if own is not None}
        )
        if isinstance(self.model, FrozenEncoder):
            self._freeze(self.model)

    @torch.no_grad()
    def _freeze(self, model: FrozenEncoder) -> None:
        """Give the model its encoder, where that is not random, and scale its latents over the training images."""
        if "encoder" in self.networks:
            network = self.networks["encoder"]
            assert isinstance(network, Autoencoder | Classifier)
            model.take(network.encoder if isinstance(network, Classifier) else network.latent_encoder)
        model.standardise(self._latents(self.train["data"].x))

    @torch.inference_mode()
    def evaluate(self, split: EvalSplit) -> Metrics:
        measured = super().evaluate(split)
        if split == "validation":
            return measured
        data = self.held_out["test"]["data"]
        images, made, latents = in_unit_range(data.x), self._reconstructed(data.x), self._latents(data.x)
        found = scores(images, made, latents, data.y)
        found |= {"judged": self._read("judge", made) == data.y, "judged_input": self._read("judge", images) == data.y}
        if self.config.encoder == "classifier":
            found["classified"] = self._read("encoder", images) == data.y
        for name, own in found.items():
            self.keep_last(f"test_{name}_scores", own if own.dtype == torch.bool else own.float())
        for name, array in shown(images, made, latents, data.y).items():
            self.keep_last(name, array)
        means = {name: own.double().mean().item() for name, own in found.items()}
        return {**measured, **means, "dimension": dimension(latents)}

    def _latents(self, images: torch.Tensor) -> torch.Tensor:
        """Return latents [N, D] float32 of images [N, 1, 28, 28] uint8."""
        self.model.eval()
        with self.autocast():
            return torch.cat([self.model(in_unit_range(part)).float() for part in images.split(EVALUATED)])

    def _read(self, network: str, images: torch.Tensor) -> torch.Tensor:
        """Return the classes [N] that a classifier reads in images [N, 1, 28, 28] in 0 … 1."""
        return torch.cat([self.networks[network](part).argmax(1) for part in images.split(EVALUATED)])

    @classmethod
    def build(cls, config: Config, classes: int) -> Autoencoder:
        return (Autoencoder if config.encoder == "joint" else FrozenEncoder)(config.architecture)
