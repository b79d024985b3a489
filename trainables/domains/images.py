"""Two data sets of the same classes, brought to one size and one number of channels for one network.

Validation is the block at the end of each training split, since neighbours share a photograph (SVHN) or a writer
(MNIST, digits). Where one set is made from the other (`mnist_photos` from `mnist`), the first takes the images at even
positions and the second those at odd ones, in every part, so that no digit occurs in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, get_args

import numpy as np

from common.files import Arrays
from trainables.artifacts.images import CHANNELS, SIDE, Colour, as_planes
from trainables.artifacts.store import Artifact
from trainables.data.sources import Sources

Domain = Literal["first", "second"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
Part = Literal["pool", "validation", "test"]
__all__ = ["CHANNELS", "DOMAINS", "SIDE", "Colour", "Domain", "Part", "domain_images", "part_rows", "related"]
VERSION = 1  # raised by hand when the meaning of the arrays changes


def domain_images(
    names: Mapping[Domain, str], sources: Sources, *parts: Part, colour: Colour, validation: int
) -> dict[str, Artifact]:
    """Return artifacts `first_pool`, `second_pool`, … for the given parts: x [N, C, 32, 32] uint8 and y [N] int64.

    `validation` is the number of validation images of each set, or a fifth of its training split if that is fewer; the
    pool is the rest. Raises Refused where a data set cannot be read.
    """
    halved = related(names["first"], names["second"], sources)
    made = {}
    for part in parts:
        for position, (domain, name) in enumerate(names.items()):
            spec: dict[str, Any] = {
                "data": sources.fingerprint(name, "test" if part == "test" else "train"),
                "part": part,
                "colour": colour,
                "side": SIDE,
                "every second from": position if halved else None,
                "version": VERSION,
            }
            if part != "test":
                spec["validation"] = validation
            made[f"{domain}_{part}"] = Artifact("images", spec, partial(_images, name), light=True)
    return made


def related(first: str, second: str, sources: Sources) -> bool:
    """Return whether two sets show the same images: one is made from the other, or both are made from a third."""
    origins = [{name, *sources.dataset(name).made_from[:1]} for name in (first, second)]
    return bool(origins[0] & origins[1])


def part_rows(images: int, part: Part, validation: int, start: int = 0, step: int = 1) -> np.ndarray:
    """Return the positions of a part's images in a split of `images`, of which each `step`-th from `start` is used."""
    rows = np.arange(start, images, step)
    if part == "test":
        return rows
    before = len(rows) - min(validation, len(rows) // 5)
    return rows[:before] if part == "pool" else rows[before:]


def _images(name: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    spec = artifact.spec
    split = sources.test(name) if spec["part"] == "test" else sources.train(name)
    start = spec["every second from"]
    every = {} if start is None else {"start": start, "step": 2}
    rows = part_rows(len(split.labels), spec["part"], spec.get("validation", 0), **every)
    return {"x": as_planes(split.images, rows, spec["colour"]), "y": split.labels[rows]}
