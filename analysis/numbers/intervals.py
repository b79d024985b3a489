"""How far a number can be trusted: intervals over seeds, and the part that the test images have in it.

There are two claims with an interval each, and a text has to say which it makes:

- *This config*, trained again and again with fresh seeds (subset, initialisation, order), has its mean here on
  these test images. Student t over seeds: `t_interval`, `accuracy_interval`, `bounded_interval`,
  `paired_difference`.
- *This network*, as trained, on other images of the same kind: `image_standard_error`. More seeds do not
  shrink it; more test images do.

With five seeds a percentile bootstrap covers 83 % where it claims 95 %; Student t covers 95 % if the values
are near normal, which accuracies close to 1 are on the logit scale rather than on their own.
A value that is NaN (a diverged seed) makes the mean NaN: it is never dropped. One value has no interval.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

LEVEL = 0.95
ROUNDING = 1e-12
"""The largest difference at which values count as the same, such as 0.9 − 0.8 and 0.8 − 0.7."""


class Interval(NamedTuple):
    """A mean over the `n` values of as many seeds, with its bounds and their standard deviation `sd`.

    Bounds and `sd` are NaN for fewer than two values and where a value is NaN; the bounds alone are NaN where all
    values are the same (`t_interval` says why).
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int


def t_interval(values: Sequence[float], *, least: float = -math.inf) -> Interval:
    """Return Student's t interval of the mean of `values` [seeds]; no bound goes below `least` (1 for an epoch).

    The bounds are NaN for a single value, and for values that are all the same: they are too coarsely measured to
    show how they vary, and an interval without width would claim certainty.
    """
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    if n < 2 or not math.isfinite(mean):
        return Interval(mean, math.nan, math.nan, math.nan, n)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = _quantile(n - 1) * sd / math.sqrt(n) if max(values) - min(values) > ROUNDING else math.nan
    return Interval(mean, max(mean - half, least), mean + half, sd, n)


def accuracy_interval(values: Sequence[float], images: int) -> Interval:
    """Return Student's t interval on the logit of accuracies [seeds] in [0, 1], each measured on `images` images.

    The bounds stay within [0, 1]. Accuracies of 0 and 1 have no logit: half an image is added to the right
    and to the wrong ones before it is taken, and removed from the bounds. `mean` and `sd` are the plain ones.
    """
    plain = t_interval(values)
    if math.isnan(plain.high):
        return plain
    smooth = [(value * images + 0.5) / (images + 1) for value in values]
    logit = t_interval([math.log(p / (1 - p)) for p in smooth])
    low, high = ((_expit(bound) * (images + 1) - 0.5) / images for bound in (logit.low, logit.high))
    # The plain mean is not the logit's: where seeds disagree wildly it could fall outside.
    return plain._replace(low=max(0.0, min(low, plain.mean)), high=min(1.0, max(high, plain.mean)))


def bounded_interval(values: Sequence[float], low: float | None, high: float | None) -> Interval:
    """Return Student's t interval of the mean of `values` [seeds] that cannot lie below `low` or above `high`.

    Neither do its bounds, by the delta method: the mean is taken to log(x − low), to log(high − x) or, between two
    bounds, to the logit, and its standard error with it. Unlike the t interval of values that were taken there, it is
    of the mean itself, and a value may lie on a bound. (Simulated for five log-normal or gamma values, it covers 93 to
    95 %; the plain interval 88 to 94 %, and up to half of those reach below the bound.)
    """
    plain = t_interval(values)
    above = math.inf if low is None else plain.mean - low
    below = math.inf if high is None else high - plain.mean
    if math.isnan(plain.high) or not 0 < min(above, below) < math.inf:
        return plain
    half = plain.high - plain.mean
    if low is not None and high is not None:
        share, ratio = above / (above + below), math.exp(half * (above + below) / (above * below))
        odds = share / (1 - share)
        return plain._replace(
            low=low + (high - low) / (1 + ratio / odds), high=low + (high - low) / (1 + 1 / (ratio * odds))
        )
    ratio = math.exp(half / min(above, below))
    if low is not None:
        return plain._replace(low=low + above / ratio, high=low + above * ratio)
    assert high is not None
    return plain._replace(low=high - below * ratio, high=high - below / ratio)


def wilson_interval(right: int, images: int) -> tuple[float, float]:
    """Return the bounds of one network's accuracy on other images of a kind of which it got `right` of `images` right.

    Wilson's score interval (E. Wilson, "Probable inference", 1927).
    """
    z, share = float(special.ndtri((1 + LEVEL) / 2)), right / images
    half = z * math.sqrt(share * (1 - share) / images + (z / images) ** 2 / 4)
    middle, width = share + z * z / images / 2, 1 + z * z / images
    return max(0.0, (middle - half) / width), min(1.0, (middle + half) / width)


def paired_difference(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Return Student's t interval of the mean of `second` − `first`, paired: position i of both is the same seed.

    Raises ValueError if the lengths differ.
    """
    return t_interval([b - a for a, b in zip(first, second, strict=True)])


def image_standard_error(correct: np.ndarray, strata: np.ndarray | None = None) -> float:
    """Return the standard error, over test images, of an accuracy or of a difference of two.

    `correct` [seeds, images] (or [images]) holds whether each network got each image right (bool); for a
    difference, one such array minus the other (float). For one network this is the binomial √(p(1−p)/images);
    several networks share the images they get wrong, so their mean is hardly surer than one of them.

    With `strata` [images] the accuracy is the mean over the strata of the mean within each (two test sets that count
    alike, however many images each has), and the error √(Σ se²)/K. NaN for fewer than two images (in a stratum).
    """
    by_image = np.atleast_2d(np.asarray(correct, dtype=np.float64)).mean(axis=0)
    parts = [by_image] if strata is None else [by_image[strata == stratum] for stratum in np.unique(strata)]
    if min((part.size for part in parts), default=0) < 2:
        return math.nan
    return math.hypot(*(float(part.std() / math.sqrt(part.size)) for part in parts)) / len(parts)


@functools.cache
def _quantile(freedom: int) -> float:
    """Return Student t's two-sided quantile."""
    return float(special.stdtrit(freedom, (1 + LEVEL) / 2))


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
