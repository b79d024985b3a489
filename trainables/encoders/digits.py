"""The images that encoders see: gray, 28×28."""

from __future__ import annotations

import torch

from trainables.artifacts.images import split_images
from trainables.artifacts.store import Artifact
from trainables.core.network import Input
from trainables.data.dataset import SplitName
from trainables.data.sources import Sources
from trainables.encoders.networks import SIDE

EVALUATED = 500
"""Images evaluated at a time: they fit a processor's cache."""
UNIT_INPUT = Input(channels=1, side=SIDE, mean=(0.0,), std=(1.0,))
"""The images that encoders take: in 0 … 1."""


def digit_images(data: str, sources: Sources, split: SplitName) -> Artifact:
    """Return the artifact of a split: x [N, 1, 28, 28] uint8 and y [N] int64. Raises Refused."""
    return split_images(data, sources, split, "gray", SIDE)


def in_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return images uint8 as float32 in 0 … 1."""
    return images.float() / 255
