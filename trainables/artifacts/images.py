"""Whole splits of a data set as networks take them, and positions of a split's parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import torch

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.data.dataset import SplitName
from trainables.data.pixels import channels_first, framed, grayscale
from trainables.data.sources import Sources

Colour = Literal["gray", "colour"]
CHANNELS: dict[Colour, int] = {"gray": 1, "colour": 3}
SIDE = 32
VERSION = 1  # raised by hand when the meaning of the arrays changes
BATCH = 4_096  # images converted at once: bounds the memory that takes


def split_images(name: str, sources: Sources, split: SplitName, colour: Colour = "colour") -> Artifact:
    """A split of a data set, in its order: x [N, C, 32, 32] uint8 and y [N] int64. Raises Refused.

    Larger images are scaled down, smaller ones get a black frame, grayscale is repeated where colour is asked for.
    """
    spec = {"data": sources.fingerprint(name, split), "split": split, "colour": colour, "side": SIDE}
    compute = partial(_split, name)  # the name is no part of the key: content is, wherever it lies
    return Artifact("images", spec | {"version": VERSION}, compute, light=True)


def _split(name: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    split = sources.test(name) if artifact.spec["split"] == "test" else sources.train(name)
    return {"x": as_planes(split.images, np.arange(len(split.labels)), artifact.spec["colour"]), "y": split.labels}


def as_planes(images: np.ndarray, rows: np.ndarray, colour: Colour) -> np.ndarray:
    """images [N, H, W] or [N, H, W, 3] uint8 -> those at `rows`, [n, C, 32, 32] uint8."""
    channels = CHANNELS[colour]
    planes = np.empty((len(rows), channels, SIDE, SIDE), np.uint8)
    for start in range(0, len(rows), BATCH):
        own = channels_first(torch.from_numpy(images[rows[start : start + BATCH]]))
        own = framed(grayscale(own) if channels == 1 else own, SIDE).expand(-1, channels, -1, -1)
        planes[start : start + BATCH] = (own * 255).round().byte().numpy()
    return planes
