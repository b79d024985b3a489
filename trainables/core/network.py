"""What an experiment says of the network that it has trained, so that others can use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from trainables.artifacts.store import Artifact
from trainables.core.device import Precision
from trainables.data.pixels import normalised, planes


class Input(BaseModel):
    """The images that a network takes, and how others become such images."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: Literal[1, 3]
    side: int
    """Height and width, in pixels."""
    mean: tuple[float, ...] | None = None
    """Subtracted from each channel in 0 … 1; None: the network takes uint8 images, and smaller ones get a frame."""
    std: tuple[float, ...] | None = None
    """By which each channel is then divided."""

    def prepared(self, images: torch.Tensor) -> torch.Tensor:
        """Return [N, channels, side, side], uint8 or normalised float32, for [N, H, W] or [N, H, W, 3] uint8."""
        if self.mean is None or self.std is None:
            return planes(images, self.channels, self.side)
        return normalised(images, self.channels, self.side, self.mean, self.std)


class Pretrained(BaseModel):
    """Weights of a torchvision backbone, which are named rather than kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    """The part of the module that is the backbone."""
    backbone: str
    sha256: str
    """Of the file of weights."""


@dataclass(frozen=True)
class Network:
    """A trained network: what it needs beside the config, from which `LeavesNetwork.build` makes its module."""

    state: Mapping[str, torch.Tensor]
    """The state dict of that module, without what it has borrowed."""
    input: Input
    classes: tuple[str, ...] = ()
    """Names of the classes in the order of the logits; none for a network that maps images to embeddings."""
    heads: tuple[str, ...] = ()
    """For a module with several outputs, [N, heads, classes], what each reads, such as a data set; none for one."""
    precision: Precision = "fp32"
    """The arithmetic in which it was evaluated."""


@dataclass(frozen=True)
class Borrowed:
    """What a network has that its trial did not train."""

    parts: Mapping[str, Artifact] = field(default_factory=dict)
    """Artifacts that are state dicts, by the part of the module that they are of."""
    pretrained: Pretrained | None = None
