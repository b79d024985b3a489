"""What a number of labels is worth: how many another way needs for the same accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Worth(NamedTuple):
    """Labels that another way needs, with bounds: 0 stands for fewer than its fewest, infinity for more than all."""

    needed: float
    low: float
    high: float


def worth(
    labels: Sequence[float], curve: Sequence[tuple[float, float, float]], reached: tuple[float, float, float]
) -> Worth:
    """Return how many labels the way of the `curve` needs to get as far as `reached`.

    `labels` ascend; the curve has an accuracy with its bounds for each, and `reached` is one too. It is read off
    between two points in the logarithm of the labels, and never beyond them. The lower bound of what is reached is read
    off the curve's upper bounds and the upper bound off its lower ones, which is wider than an interval would be.
    """
    ways = zip(*curve, strict=True)  # accuracies, lower bounds and upper bounds
    middle, lower, upper = (list(way) for way in ways)
    return Worth(_read(labels, middle, reached[0]), _read(labels, upper, reached[1]), _read(labels, lower, reached[2]))


def _read(labels: Sequence[float], curve: Sequence[float], reached: float) -> float:
    """Return the fewest labels at which a curve, made to rise throughout, is at `reached`."""
    if math.isnan(reached) or any(map(math.isnan, curve)):
        return math.nan
    rising = np.maximum.accumulate(curve)
    if reached > rising[-1]:
        return math.inf
    if reached < rising[0]:
        return 0.0
    first = int(np.argmax(rising >= reached))
    if first == 0:
        return float(labels[0])
    share = (reached - rising[first - 1]) / (rising[first] - rising[first - 1])
    return float(np.exp(np.interp(share, [0, 1], np.log([labels[first - 1], labels[first]]))))
