"""A law over train size: error(n) = α + η·n^γ, with γ < 0, fitted to the errors of seeds at some sizes.

    curve = LearningCurve(sizes, errors)          # errors [seeds, sizes, blocks of test images]
    if curve.trouble is None:
        curve.needed(0.05)                        # the train size at which the error is 5 %, with bounds
        crossing(curve, other)                    # that at which two methods have the same error

Sizes are weighted by the inverse of their variance over seeds, smoothed over sizes. How far the law can be trusted is
found by leaving out one whole seed curve at a time, with Student t (five seeds are too few for a bootstrap), and one
block of test images at a time, whose error all seeds and sizes share; squares of half widths add up, as they do in
`numbers.intervals`. A size that is needed, or at which two curves cross, has the bounds at which the band about the
law (or about the difference) holds what is asked for. Nothing is said beyond `FARTHEST` times the largest size.

Limits that were stated beforehand: more images help, the method is *limited by data*, where doubling them takes at
least `WORTH` of the error away at the lower bound, and it is limited by something else where it does not at the upper.

Source: D. Hoiem et al., "Learning curves for analysis of deep networks", 2021, for the law and its weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from scipy import optimize

from analysis.numbers.intervals import LEVEL, t_interval, t_quantile

FEWEST = 4
"""Sizes that a law with three parameters is fitted to, at least."""
FARTHEST = 4
"""How many times the largest size the law is followed."""
STEEPEST, FLATTEST = -2.0, -0.1
"""Between these γ lies; a flatter law cannot be told from a constant."""
WORTH = 0.1
"""The share of the error that doubling the images has to take away for the method to count as limited by data."""
FAR = 0.25
"""The share of an error by which the law may miss it; what lies farther off, and beyond three standard errors, is none
that this law describes."""
CAUTIOUS = 0.99
"""The nominal level of what is extrapolated or held out: there the jackknife of a law with bounds is too short."""
POINTS = 400
"""Points of the band, spaced evenly in the logarithm of the size."""


class Law(NamedTuple):
    """error(n) = α + η·n^γ."""

    alpha: float
    """The error that no number of images would take away."""
    eta: float
    gamma: float

    def at(self, sizes: np.ndarray) -> np.ndarray:
        """Return the error at these sizes."""
        errors: np.ndarray = self.alpha + self.eta * np.asarray(sizes, dtype=float) ** self.gamma
        return errors


class Bounded(NamedTuple):
    """A number with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


class Size(NamedTuple):
    """A train size with bounds; one that lies outside the range is NaN (`value`), 0 (`low`) or infinite (`high`)."""

    value: float
    low: float
    high: float


Limit = Literal["data", "something else", "not shown"]


def fitted(sizes: np.ndarray, errors: np.ndarray, weights: np.ndarray) -> Law:
    """Return the law of least weighted squares; `sizes`, `errors` and `weights` are [K] each.

    α and η are not negative. They are exact for each γ, which is searched between `STEEPEST` and `FLATTEST`.
    """
    root = np.sqrt(weights)
    scale = float(sizes.min())

    def parts(gamma: float) -> tuple[np.ndarray, float]:
        columns = np.stack([np.ones(len(sizes)), (sizes / scale) ** gamma], axis=1)
        found, missed = optimize.nnls(columns * root[:, None], errors * root)
        return found, float(missed)

    best = optimize.minimize_scalar(
        lambda gamma: parts(gamma)[1], bounds=(STEEPEST, FLATTEST), method="bounded", options={"xatol": 1e-4}
    )
    (alpha, eta), _ = parts(float(best.x))
    return Law(float(alpha), float(eta) * scale ** -float(best.x), float(best.x))


@dataclass(frozen=True)
class LearningCurve:
    """The errors of a method at some train sizes, and the law that they follow."""

    sizes: Sequence[int]
    """[K], rising."""
    errors: np.ndarray
    """[seeds, K, blocks]: of each seed at each size, on each of equally large blocks of the test images; with one block
    the law holds on these images alone."""

    @cached_property
    def law(self) -> Law:
        """The law, fitted to the means over seeds."""
        return self._law(self.errors)

    @cached_property
    def means(self) -> np.ndarray:
        """The mean error at each size, [K]."""
        means: np.ndarray = self.errors.mean((0, 2))
        return means

    @cached_property
    def trouble(self) -> str | None:
        """Why the law says nothing of these errors; None where it may be used."""
        if len(self.sizes) < FEWEST:
            return f"there are fewer than {FEWEST} sizes"
        if len(self.errors) < 2:
            return "a single seed does not tell how errors vary"
        if not np.isfinite(self.errors).all():
            return "a seed has no number"
        curves = self.errors.mean(2)
        for before, after in zip(range(len(self.sizes)), range(1, len(self.sizes)), strict=False):
            if t_interval(list(curves[:, after] - curves[:, before])).low > 0:
                return f"the error rises from {self.sizes[before]:,} to {self.sizes[after]:,}"
        if not t_interval(list(curves[:, 0] - curves[:, -1])).low > 0:
            return f"the error is not shown to fall from {self.sizes[0]:,} to {self.sizes[-1]:,}"
        missed = np.abs(self.law.at(np.array(self.sizes)) - self.means)
        far = (missed > FAR * self.means) & (missed > 3 * curves.std(0, ddof=1) / math.sqrt(len(curves)))
        if far.any():
            return f"the law misses the error at {self.sizes[int(far.argmax())]:,} by more than {FAR:.0%}"
        return None

    @cached_property
    def points(self) -> np.ndarray:
        """The sizes at which the band is known, from the smallest to `FARTHEST` times the largest, [POINTS]."""
        return np.geomspace(self.sizes[0], FARTHEST * self.sizes[-1], POINTS)

    @cached_property
    def band(self) -> tuple[np.ndarray, np.ndarray]:
        """The bounds of the law at each of `points`, [POINTS] each."""
        middle, half = spread(self.errors, lambda errors: np.log(self._law(errors).at(self.points)))
        return np.exp(middle - half), np.exp(middle + half)

    def needed(self, error: float) -> Size:
        """Return the train size at which the law has this error."""
        low, high = self.band
        return Size(
            _first(self.points, self.law.at(self.points) <= error, math.nan),
            _first(self.points, low <= error, math.inf, from_start=0.0),
            _first(self.points, np.logical_and.accumulate((high <= error)[::-1])[::-1], math.inf),
        )

    @cached_property
    def doubling(self) -> Bounded:
        """The share of the error at the largest size that twice the images would take away."""
        largest = np.array([1, 2]) * self.sizes[-1]

        def kept(errors: np.ndarray) -> np.ndarray:
            now, then = self._law(errors).at(largest)
            return np.array([math.log(then / now)])

        (middle,), (half,) = spread(self.errors, kept, CAUTIOUS)
        return Bounded(*(1 - math.exp(value) for value in (middle, middle + half, middle - half)))

    @property
    def limited_by(self) -> Limit:
        """What limits the method at its largest size, by `WORTH`."""
        found = self.doubling
        return "data" if found.low >= WORTH else "something else" if found.high < WORTH else "not shown"

    @property
    def predicted(self) -> Bounded | None:
        """The error at the largest size relative to the law of the smaller ones, 0 where it is as they predict.

        None where these are too few.
        """
        if len(self.sizes) <= FEWEST:
            return None

        def missed(errors: np.ndarray) -> np.ndarray:
            law = self._law(errors, last=-1)
            return np.array([math.log(errors.mean((0, 2))[-1] / float(law.at(np.array(self.sizes[-1]))))])

        (middle,), (half,) = spread(self.errors, missed, CAUTIOUS)
        return Bounded(*(math.exp(value) - 1 for value in (middle, middle - half, middle + half)))

    def _law(self, errors: np.ndarray, last: int | None = None) -> Law:
        sizes = np.array(self.sizes, dtype=float)
        return fitted(sizes[:last], errors.mean((0, 2))[:last], self._weights[:last])

    @cached_property
    def _weights(self) -> np.ndarray:
        """The inverse of the variance over seeds at each size, on a line in the logarithms, [K]."""
        variances = self.errors.mean(2).var(0, ddof=1)
        usable = variances > 0
        if usable.sum() < 2:
            return np.ones(len(self.sizes))
        logs = np.log(np.array(self.sizes, dtype=float))
        slope, level = np.polyfit(logs[usable] - logs.mean(), np.log(variances[usable]), 1)
        weights: np.ndarray = np.exp(-(level + slope * (logs - logs.mean())))
        return weights


def crossing(first: LearningCurve, second: LearningCurve) -> Size | None:
    """Return the train size at which two methods have the same error; None where one is better throughout the range.

    They are paired by seed and test image, and have the same sizes. Raises ValueError where they do not.
    """
    if list(first.sizes) != list(second.sizes) or first.errors.shape != second.errors.shape:
        raise ValueError("two curves cross only where both have the same sizes, seeds and blocks of images")
    both = np.stack([first.errors, second.errors], axis=3)

    def ratio(errors: np.ndarray) -> np.ndarray:
        laws = first._law(errors[..., 0]), second._law(errors[..., 1])
        return np.asarray(np.log(laws[0].at(first.points)) - np.log(laws[1].at(first.points)))

    middle, half = spread(both, ratio)
    turns = np.flatnonzero(np.diff(np.sign(middle)) != 0)
    if len(turns) != 1:
        return None
    at = int(turns[0])
    surely = np.abs(middle) > half  # which of them is better is shown here
    before, after = np.flatnonzero(surely[: at + 1]), np.flatnonzero(surely[at + 1 :])
    low = first.points[before[-1]] if len(before) else 0.0
    high = first.points[at + 1 + after[0]] if len(after) else math.inf
    return Size(float(np.sqrt(first.points[at] * first.points[at + 1])), float(low), float(high))


def spread(
    errors: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Return a statistic of errors [seeds, sizes, blocks, …], and half of the width of its interval of this level.

    The standard errors are those of the jackknife, over seeds (with Student t) and over blocks of test images.
    """
    whole = statistic(errors)
    seeds, blocks = errors.shape[0], errors.shape[2]
    by_seed = [statistic(np.delete(errors, i, axis=0)) for i in range(seeds)]
    half = t_quantile(seeds - 1, level) * _jackknifed(by_seed, whole)
    if blocks > 1:
        by_block = [statistic(np.delete(errors, i, axis=2)) for i in range(blocks)]
        half = np.hypot(half, t_quantile(math.inf, level) * _jackknifed(by_block, whole))
    return whole, half


def _jackknifed(values: Sequence[np.ndarray], whole: np.ndarray) -> np.ndarray:
    """Return the standard error of a statistic, from its values with one of n parts left out each.

    It is taken about the value of the whole: where a bound of the law holds (α = 0) the two differ, and the mean of the
    values would make intervals too short.
    """
    known, n = np.stack(values), len(values)
    error: np.ndarray = np.sqrt((n - 1) / n * ((known - whole) ** 2).sum(0))
    return error


def _first(points: np.ndarray, holds: np.ndarray, otherwise: float, from_start: float | None = None) -> float:
    """Return the first point at which something holds; `from_start` where it holds at the first point already."""
    if not holds.any():
        return otherwise
    at = int(holds.argmax())
    return from_start if at == 0 and from_start is not None else float(points[at])
