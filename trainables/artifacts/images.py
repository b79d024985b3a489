"""Whole splits of a data set in the form that networks take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np
import torch

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.data.dataset import SplitName
from trainables.data.pixels import planes
from trainables.data.sources import Sources

Colour = Literal["gray", "colour"]
CHANNELS: dict[Colour, int] = {"gray": 1, "colour": 3}
SIDE = 32
VERSION = 1  # raised by hand when the meaning of the arrays changes
BATCH = 4_096  # images converted at a time, which bounds the memory


def split_images(
    name: str, sources: Sources, split: SplitName, colour: Colour = "colour", side: int = SIDE
) -> Artifact:
    """Return the artifact of a split, in its order: x [N, C, side, side] uint8 and y [N] int64. Raises Refused.

    Larger images are scaled down and smaller ones get a black frame. Grayscale images are repeated to three channels
    where `colour` is "colour"; colour images become luma where it is "gray".
    """
    spec = {"data": sources.fingerprint(name, split), "split": split, "colour": colour, "side": side}
    compute = partial(_split, name)  # the name is not part of the key: the content is, wherever it lies
    return Artifact("images", spec | {"version": VERSION}, compute, light=True)


def _split(name: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    split = sources.test(name) if artifact.spec["split"] == "test" else sources.train(name)
    rows = np.arange(len(split.labels))
    x = as_planes(split.images, rows, artifact.spec["colour"], artifact.spec["side"])
    return {"x": x, "y": split.labels}


def as_planes(images: np.ndarray, rows: np.ndarray, colour: Colour, side: int = SIDE) -> np.ndarray:
    """Convert those of images [N, H, W] or [N, H, W, 3] uint8 that `rows` [n] names to [n, C, side, side] uint8."""
    channels = CHANNELS[colour]
    converted = np.empty((len(rows), channels, side, side), np.uint8)
    for start in range(0, len(rows), BATCH):
        own = torch.from_numpy(images[rows[start : start + BATCH]])
        converted[start : start + BATCH] = planes(own, channels, side).numpy()
    return converted
