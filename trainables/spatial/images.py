"""Deformed copies of a data set's images, made once: each with a seed of its own, so that the order means nothing.

A copy belongs to the split, the position and the label of the image that it was made from. None crosses splits.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Literal

import numpy as np

from common.files import Arrays
from common.seeds import seed_of
from trainables.artifacts.images import split_images
from trainables.artifacts.store import Artifact, piece_slice
from trainables.data.dataset import SplitName
from trainables.data.sources import Sources
from trainables.spatial.deformations import Distortion, Kind, Settings, deformed, drawn
from trainables.spatial.networks import SIDE

Copies = Literal["none", "elastic", "zoom", "elastic+zoom", Distortion]
"""What is trained and tested on: each image and these copies of it; with R, RTS, P and E a copy in its place."""
Origin = Literal["original", Kind]
"""What an image is: as it was, or a copy with a deformation."""
ORIGINS: Mapping[Copies, tuple[Origin, ...]] = {
    "none": ("original",),
    "elastic": ("original", "elastic"),
    "zoom": ("original", "zoom"),
    "elastic+zoom": ("original", "elastic", "zoom"),
    "R": ("R",),
    "RTS": ("RTS",),
    "P": ("P",),
    "E": ("E",),
}
A_PIECE = 10_000
"""Images that are deformed at a time: some seconds of work."""
VERSION = 1  # raised by hand when the same images and settings make other copies


def images_of(origin: Origin, data: str, sources: Sources, split: SplitName, settings: Settings) -> Artifact:
    """Return the artifact of the images of a split, or of a deformed copy of each, in the split's order.

    It has x [N, 1, 28, 28] uint8 and y [N] int64, and of copies `parameters` [N, …], as `deformations.drawn` returns
    them. Raises Refused.
    """
    images = split_images(data, sources, split, "gray", SIDE)
    if origin == "original":
        return images
    pieces = -(-sources.dataset(data).size(split) // A_PIECE)
    spec = {"kind": origin, "split": split, **settings.of(origin), "version": VERSION}
    compute = partial(_copies, settings)
    return Artifact("deformed", spec, compute, {"images": images}, pieces=max(1, pieces), light=pieces <= 1)


def _copies(
    settings: Settings, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]
) -> Arrays:
    kind: Kind = artifact.spec["kind"]
    images, labels = needs["images"]["x"], needs["images"]["y"]
    own = piece_slice(len(images), artifact.pieces, piece)
    found, parameters = [], []
    for row in range(own.start, own.stop):
        rng = np.random.default_rng(seed_of("labsweep", "deformed", kind, artifact.spec["split"], row))
        parameters.append(drawn(kind, settings, SIDE, rng))
        found.append(deformed(kind, settings, images[row, 0], parameters[-1]))
    return {"x": np.stack(found)[:, None], "y": labels[own], "parameters": np.stack(parameters)}
