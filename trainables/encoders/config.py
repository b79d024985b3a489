"""The fields of a trial that trains an encoder, whatever it is trained for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.problems import Problem, gather
from trainables.core.config import DataName, TrialConfig
from trainables.data.choice import VALIDATION, Choice
from trainables.data.sources import Sources
from trainables.encoders.networks import Activation, Architecture, Kind, Norm


class EncoderConfig(TrialConfig):
    """The fields of architecture, images and training, which an autoencoder and a classifier have in common."""

    data: DataName = Field(description="name or path of the data set")
    bottleneck: Kind = Field(description="conv: the latent is a small image; fc: it is a vector, by linear layers")
    latent: int = Field(gt=0, description="numbers in the latent vector")
    lr: float = Field(gt=0, le=1, description="Adam's highest learning rate")
    width: int = Field(gt=0, le=256, description="maps of the first stage; 2 and then 4 times as many in later ones")
    strides: str = Field(pattern=r"^[1-4](-[1-4]){1,5}$", description="strides of the stages, such as 2-2-2-2")
    activation: Activation = Field(description="non-linearity between layers")
    norm: Norm = Field(description="normalisation after each convolution")
    epochs: int = Field(gt=0, le=2000, description="passes over the training images")
    batch_size: int = Field(gt=0, description="images a step")
    train_size: int | None = Field(None, gt=0, description="training images, class-balanced; default: all there are")
    images: Literal["pool", "all"] = Field(
        "pool", description="pool: validation's images do not train; all: they do, too"
    )
    validation: int = Field(VALIDATION, gt=0, description="validation images; a fifth of the split where that is fewer")

    @property
    def architecture(self) -> Architecture:
        """The architecture of the network."""
        strides = tuple(map(int, self.strides.split("-")))
        return Architecture(self.bottleneck, self.latent, self.width, strides, self.activation, self.norm)

    @property
    def choice(self) -> Choice:
        """The images that are trained on and held out."""
        return Choice(self.data, self.validation, self.train_size, self.seed, self.images)

    def annealed(self) -> bool:
        return True

    def cost(self) -> float:
        return float(self.epochs * self.width**2 * (self.train_size or 1))

    def problems(self, sources: Sources) -> list[Problem]:
        return gather(self._architecture_problems, lambda: self.choice.problems(sources))

    def _architecture_problems(self) -> list[Problem]:
        rule = self.architecture.problem
        remedy = "Change the latent, or the strides."
        return [] if rule is None else [Problem("latent", rule, self.latent, remedy)]
