"""Gray levels of splits that people bring: a split in 0 … 255 beside one in 0/1 teaches nothing and tests nothing.

What is refused cannot be of one kind, whatever it shows: nothing brighter than 1 of 255; a typical brightest pixel in
one split that is less than a quarter of the other's; or mean levels further apart than a third of the range and than
five standard deviations over images, as of one split that is inverted. Training by day and testing by night is neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from common.problems import Problem
from trainables.data.dataset import SplitName

BARELY = 1
"""No brighter is a split that was scaled to 0 … 1."""
FACTOR = 4
"""How many times the typical brightest pixel of one split may be that of the other."""
DEVIATIONS, APART = 5, 85
"""How far mean levels may be apart: so many standard deviations over images, or so many levels, whichever is more."""
FEWEST = 5
"""Images of a split from which on it is compared with the other."""
MOST = (5_000, 32, 32)
"""How many images, lines and columns are looked at, or up to twice as many, for what is typical."""
NAMES: dict[SplitName, str] = {"train": "training", "test": "test"}


@dataclass(frozen=True)
class Levels:
    """The levels of a split, or of a part of it."""

    highest: int
    """Of all pixels of all images."""
    brightest: np.ndarray
    """[n] uint8, the highest level of each of n images that stand for all, on a grid of their pixels."""
    means: np.ndarray
    """[n] float64, the mean level of each of them, likewise."""


def levels_of(images: np.ndarray) -> Levels:
    """Return the levels of images [N, H, W] or [N, H, W, 3] uint8."""
    rows, lines, columns = (max(1, size // most) for size, most in zip(images.shape[:3], MOST, strict=True))
    seen = images[::rows, ::lines, ::columns]
    pixels = seen.reshape(len(seen), -1)
    return Levels(int(images.max()), pixels.max(1), pixels.mean(1))


def together(parts: Iterable[Levels]) -> Levels:
    """Return the levels of a split from those of its parts, of which there is at least one."""
    known = list(parts)
    return Levels(
        max(part.highest for part in known),
        np.concatenate([part.brightest for part in known]),
        np.concatenate([part.means for part in known]),
    )


def level_problems(where: object, splits: Mapping[SplitName, Levels]) -> list[Problem]:
    """Return what keeps the splits of the data set at `where` from being images of one kind in 0 … 255."""
    highest = " and ".join(f"{own.highest} in the {NAMES[name]} split" for name, own in splits.items())
    for name, own in splits.items():
        if own.highest <= BARELY:
            rule = f"{where}: the {NAMES[name]} images must have levels of 0 … 255, more of them than 0 and 1"
            remedy = "Scale both splits to 0 … 255 alike: images in 0/1 times 255."
            return [Problem("data", rule, f"at most {highest}", remedy, given=False)]
    if min(len(own.means) for own in splits.values()) < FEWEST:
        return []
    typical = {name: float(np.median(own.brightest)) for name, own in splits.items()}
    if max(typical.values()) > FACTOR * min(typical.values()):
        return [_of_two_kinds(where, "a brightest pixel of", typical)]
    means = {name: float(own.means.mean()) for name, own in splits.items()}
    spread = max(float(own.means.std()) for own in splits.values())
    if np.ptp(list(means.values())) > max(APART, DEVIATIONS * spread):
        return [_of_two_kinds(where, "a mean level of", means)]
    return []


def _of_two_kinds(where: object, what: str, found: Mapping[SplitName, float]) -> Problem:
    rule = f"{where}: training and test images must be of one kind, as of 0 … 255 and 0 for black in both"
    told = " and ".join(f"{level:.0f} in the {NAMES[name]} split" for name, level in found.items())
    remedy = "Scale both splits alike; invert one where black and white are exchanged."
    return Problem("data", rule, f"typically {what} {told}", remedy, given=False)
