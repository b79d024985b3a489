"""Two data sets of the same classes, brought to one size and one number of channels for one network.

Validation comes from the end of each training split, since neighbours share a photograph (SVHN) or a writer (MNIST,
digits); where it is known at which image a writer ends, no writer of the pool is in it. Of a set that is sorted by
class, where neighbours share nothing else, it is drawn from the whole split. Where one set is made from the other
(`mnist_photos` from `mnist`), the first takes the images at even positions and the second those at odd ones, in every
part, so that no digit occurs in both. The pools of both end at the same position: a writer has images at even and at
odd ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np

from common.files import Arrays
from trainables.artifacts.images import CHANNELS, SIDE, Colour, as_planes
from trainables.artifacts.store import Artifact
from trainables.data.dataset import DataSet
from trainables.data.sources import Sources
from trainables.data.subsets import drawn_for_validation, first_of_block, split_train

Domain = Literal["first", "second"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
Part = Literal["pool", "validation", "test"]
__all__ = ["CHANNELS", "DOMAINS", "SIDE", "Colour", "Domain", "Part", "domain_images", "part_rows", "related"]
VERSION = 1  # raised by hand when the meaning of the arrays changes
_KNOWN: WeakKeyDictionary[DataSet, dict[tuple[int, int, int], tuple[np.ndarray, np.ndarray] | None]] = (
    WeakKeyDictionary()
)
"""What `_drawn` returned: a plan asks for it many times."""


def domain_images(
    names: Mapping[Domain, str], sources: Sources, *parts: Part, colour: Colour, validation: int
) -> dict[str, Artifact]:
    """Return artifacts `first_pool`, `second_pool`, … for the given parts: x [N, C, 32, 32] uint8 and y [N] int64.

    `validation` is the number of validation images of each set, or a fifth of its training split if that is fewer; the
    pool is what precedes them. Raises Refused where a data set cannot be read.
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


def part_rows(data: DataSet, part: Part, validation: int, start: int = 0, step: int = 1) -> np.ndarray:
    """Return the positions of a part's images in their split, of which each `step`-th from `start` is used.

    Raises Refused where a data set cannot be read.
    """
    if part == "test":
        return np.arange(start, data.size("test"), step)
    images, blocks = data.size("train"), data.blocks()
    validation = min(validation, images // step // 5)
    before = images - validation * step
    if blocks is not None and validation:
        before = first_of_block(blocks, before)
    elif validation and not data.absent() and (drawn := _drawn(data, before, validation, start, step)) is not None:
        return drawn[0 if part == "pool" else 1]
    if part == "pool":
        return np.arange(start, before, step)
    rows = np.arange(start, images, step)
    return drawn_for_validation(data.labels("train"), rows[rows >= before], validation)


def _drawn(data: DataSet, before: int, validation: int, start: int, step: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Return pool and validation, drawn from the whole training split, where cut off at its end one would lack a class.

    It would in files that are sorted by class, such as class folders. None where both have as many as they can.
    """
    known = _KNOWN.setdefault(data, {})
    key = (validation, start, step)
    if key not in known:
        labels, rows = data.labels("train"), np.arange(start, data.size("train"), step)
        classes = len(np.unique(labels[rows]))
        sides = (rows[rows < before], rows[rows >= before])
        known[key] = None
        if any(len(np.unique(labels[side])) < min(classes, len(side)) for side in sides):
            pool, own = split_train(labels[rows], None, validation, None)
            known[key] = (rows[pool], rows[own])
    return known[key]


def _images(name: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    spec = artifact.spec
    split = sources.test(name) if spec["part"] == "test" else sources.train(name)
    start = spec["every second from"]
    every = {} if start is None else {"start": start, "step": 2}
    rows = part_rows(sources.dataset(name), spec["part"], spec.get("validation", 0), **every)
    return {"x": as_planes(split.images, rows, spec["colour"]), "y": split.labels[rows]}
