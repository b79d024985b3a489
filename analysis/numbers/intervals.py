"""How far a number can be trusted: intervals over seeds and test images, and p-values that agree with them.

There are three claims, and a text has to say which it makes:

- *This config*, trained again with fresh seeds (subset, initialisation, order) and read on new images of the kind:
  `NEW`, the claim that an answer makes where it is known which images each network has right. Half of the interval's
  width is h, h² = (t·s/√n)² + (z·e)²: Student t over the n seeds, and e of `image_standard_error`.
- The same *on these test images*: `THESE`, Student t over seeds alone. As a claim about new images it would cover 73 %
  at n = 5 on 500 images, 56 % at n = 10 (accuracy 90 %, seed SD 0.36 points; `python -m bench.coverage`).
- *This network*, as trained, on new images: `wilson_interval`. More seeds do not shrink it; more test images do.

With five seeds a percentile bootstrap covers 83 % where it claims 95 %; Student t covers 95 % of near-normal values.
A value that is NaN (a diverged seed) makes the mean NaN: it is never dropped. One value has no interval.

Sources: F. Graybill and C. Wang, "Confidence intervals on nonnegative linear combinations of variances", 1980, for
adding the squares of half widths; the delta method as in A. van der Vaart, "Asymptotic statistics", 1998, chapter 3.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy import optimize, special

from analysis.numbers.galleries import Links, gallery_variance

LEVEL = 0.95
SMALLEST = 1e-300
"""A p-value is not told more exactly than that."""
ROUNDING = 1e-12
"""The largest difference at which values count as the same, such as 0.9 − 0.8 and 0.8 − 0.7."""
WHOLE = 0.95
"""The share of a scale with two ends from which on an interval says nothing, and is none."""
Holds = Literal["new images", "these images"]
Lacks = Literal["no seed", "one seed", "seeds alike", "too few seeds", "no number"]
"""Why there are no bounds; "no number" where a value is NaN: a seed diverged, or a condition lacks the measure."""
Kind = Holds | Lacks
NEW: Holds = "new images"
THESE: Holds = "these images"


class Interval(NamedTuple):
    """A mean over the `n` values of as many seeds, with its bounds and their standard deviation `sd`.

    `kind` says what the bounds hold for, or why they are NaN. `sd` is NaN for fewer than two values and where a value
    is NaN.
    """

    mean: float
    low: float
    high: float
    sd: float
    n: int
    kind: Kind


def t_interval(values: Sequence[float], *, image_se: float = math.nan, level: float = LEVEL) -> Interval:
    """Return the interval of the mean of `values` [seeds], for new images if `image_se` is known.

    The bounds are NaN for a single value. Without `image_se` they are for values that are all the same, too: these are
    too coarsely measured to show how they vary, and an interval without width would claim certainty.
    """
    n = len(values)
    mean = math.fsum(values) / n if n else math.nan
    if n < 2 or not math.isfinite(mean):
        lacks: Lacks = "no number" if n and not math.isfinite(mean) else "one seed" if n else "no seed"
        return Interval(mean, math.nan, math.nan, math.nan, n, lacks)
    sd = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = half_width(sd if max(values) - min(values) > ROUNDING else 0.0, n, image_se, level)
    if math.isnan(half):
        return Interval(mean, math.nan, math.nan, sd, n, "seeds alike")
    return Interval(mean, mean - half, mean + half, sd, n, THESE if math.isnan(image_se) else NEW)


def half_width(sd: float, n: int, image_se: float = math.nan, level: float = LEVEL) -> float:
    """Return half of the width of the interval of a mean over `n` ≥ 2 seeds; NaN where nothing varies.

    `image_se`, the standard error over test images, is NaN for a claim about these images.
    """
    half = t_quantile(n - 1, level) * sd / math.sqrt(n)
    if not math.isnan(image_se):
        half = math.hypot(half, t_quantile(math.inf, level) * image_se)
    return half if half > 0 else math.nan


def bounded_interval(
    values: Sequence[float],
    low: float | None,
    high: float | None,
    *,
    image_se: float = math.nan,
    images: float = math.nan,
    level: float = LEVEL,
) -> Interval:
    """Return the interval of the mean of `values` [seeds] that cannot lie below `low` or above `high`.

    Neither do its bounds, by the delta method (`on_scale`). Between two ends there is none that covers the whole scale
    (`WHOLE`). Where all of `images` are right in all networks, or wrong, and `image_se` is hence 0, it is Wilson's, of
    one network.
    """
    plain = t_interval(values, image_se=image_se, level=level)
    if image_se == 0 and images > 0 and (low, high) == (0, 1) and plain.mean in (0, 1):
        bounds = wilson_interval(int(plain.mean * images), int(images), level)
        return plain._replace(low=bounds[0], high=bounds[1], kind=NEW)
    if math.isnan(plain.high):
        return plain
    if low is None and high is None:
        return plain
    bounds = on_scale(plain.mean, plain.high - plain.mean, low, high)
    return _on_whole(plain._replace(low=bounds[0], high=bounds[1]), low, high)


def on_scale(mean: float, half: float, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the bounds of a mean that cannot lie below `low` or above `high`, by the delta method.

    The mean is taken to log(x − low), to log(high − x) or, between two ends, to the logit, and half of the interval's
    width with it. Unlike the t interval of values that were taken there, it is of the mean itself, a value may lie on
    an end, and more seeds make it no worse. (Simulated for five log-normal or gamma values, it covers 93 to 95 %, the
    plain interval 88 to 94 %; for ten accuracies that touch 100 %, 95 %, where the t interval of logits covers 70 %.)
    """
    above = math.inf if low is None else mean - low
    below = math.inf if high is None else high - mean
    if not 0 < min(above, below) < math.inf:
        return mean - half, mean + half
    if low is not None and high is not None:
        share, ratio = above / (above + below), math.exp(half * (above + below) / (above * below))
        odds = share / (1 - share)
        return low + (high - low) / (1 + ratio / odds), low + (high - low) / (1 + 1 / (ratio * odds))
    ratio = math.exp(half / min(above, below))
    if low is not None:
        return low + above / ratio, low + above * ratio
    assert high is not None
    return high - below * ratio, high - below / ratio


def counted_interval(values: Sequence[float], most: float) -> Interval:
    """Return Student's t interval of the mean of counts [seeds] from 1 to `most`, such as epochs; none of them all."""
    found = t_interval(values)
    return _on_whole(found._replace(low=max(found.low, 1.0), high=min(found.high, most)), 1.0, most)


def paired_difference(
    first: Sequence[float], second: Sequence[float], *, image_se: float = math.nan, level: float = LEVEL
) -> Interval:
    """Return the interval of the mean of `second` − `first`, paired: position i of both is the same seed.

    `image_se` is that of the differences of the same pairs. Raises ValueError if the lengths differ.
    """
    return t_interval([b - a for a, b in zip(first, second, strict=True)], image_se=image_se, level=level)


def p_value(distance: float, sd: float, n: int, image_se: float = math.nan, freedom: float | None = None) -> float:
    """Return the two-sided p of a mean over `n` seeds that lies `distance` from what is tested.

    It is 1 − the level of the interval that just reaches there, so that p and interval agree. `freedom` are the degrees
    of freedom of `sd`, n − 1 by default. NaN where nothing varies.
    """
    freedom = n - 1 if freedom is None else freedom
    seeds, images = sd / math.sqrt(n), 0.0 if math.isnan(image_se) else image_se
    if math.isnan(distance) or not seeds + images > 0:
        return math.nan
    distance = abs(distance)
    by_seeds = 2 * float(special.stdtr(freedom, -distance / seeds)) if seeds else 0.0
    by_images = 2 * float(special.ndtr(-distance / images)) if images else 0.0
    least = max(by_seeds, by_images, SMALLEST)
    if not (seeds and images) or least in (SMALLEST, 1.0):
        return least

    def excess(exponent: float) -> float:
        tail = math.exp(exponent) / 2
        half = math.hypot(special.stdtrit(freedom, tail) * seeds, special.ndtri(tail) * images)
        return float(half - distance)

    return math.exp(float(optimize.brentq(excess, math.log(least), 0.0))) if excess(math.log(least)) > 0 else least


def wilson_interval(right: int, images: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the bounds of one network's accuracy on other images of a kind of which it got `right` of `images` right.

    Wilson's score interval (E. Wilson, "Probable inference", 1927).
    """
    z, share = float(special.ndtri((1 + level) / 2)), right / images
    half = z * math.sqrt(share * (1 - share) / images + (z / images) ** 2 / 4)
    middle, width = share + z * z / images / 2, 1 + z * z / images
    return max(0.0, (middle - half) / width), min(1.0, (middle + half) / width)


def exact_interval(count: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the bounds of the share that `count` of `n` come from, such as of the seeds on which a config diverges.

    They are exact, hence wide: with few seeds a share is hardly known. NaN where n is 0. Source: C. Clopper and
    E. Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial", 1934.
    """
    if not n:
        return math.nan, math.nan
    tail = (1 - level) / 2
    low = float(special.betaincinv(count, n - count + 1, tail)) if count else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1 - tail)) if count < n else 1.0
    return low, high


def image_standard_error(
    correct: np.ndarray, strata: np.ndarray | None = None, links: Sequence[Links] | None = None
) -> float:
    """Return the standard error, over test images, of a measure's mean over networks, or of a difference of two.

    `correct` [seeds, images] (or [images]) holds whether each network got each image right (bool), or its score
    (float); for a difference, one such array minus the other. It is √((S² − R/n)/M), not below 0: S² is the
    variance over the M images of an image's mean over the n networks, R the mean square of what neither image nor
    network explains, which the spread over seeds holds already. Networks share the images that they get wrong, so their
    mean is hardly surer than one of them; of one network it is √(p(1−p)/(M−1)).

    With `strata` [images] the measure is the mean over the strata of the mean within each (two test sets that count
    alike, however many images each has), and squares add up: √(Σ se²)/K. NaN for fewer than two images (in a stratum).
    With `links` [seeds] images' values rest on other test images too (`galleries`).

    Source: the two-way table without replication, as in S. Searle et al., "Variance components", 1992, chapter 4.
    """
    scores = np.atleast_2d(np.asarray(correct, dtype=np.float64))
    parts = [scores] if strata is None else [scores[:, strata == stratum] for stratum in np.unique(strata)]
    if min((part.shape[1] for part in parts), default=0) < 2:
        return math.nan
    own = math.sqrt(max(0.0, math.fsum(map(_image_variance, parts)))) / len(parts)
    return own if links is None else math.hypot(own, math.sqrt(gallery_variance(scores, strata, links)))


def _image_variance(scores: np.ndarray) -> float:
    """Return the variance, over images, of the mean of scores [seeds, images]; by chance it may be below 0."""
    seeds, images = scores.shape
    by_image = scores.mean(axis=0)
    between = float(by_image.var(ddof=1))
    if seeds > 1:
        rest = scores - by_image - scores.mean(axis=1, keepdims=True) + scores.mean()
        between -= float(np.square(rest).sum()) / ((seeds - 1) * (images - 1)) / seeds
    return between / int(images)


def limited(found: Interval, low: float, high: float) -> Interval:
    """Return an interval of what cannot lie below `low` or above `high`; without bounds where it covers nearly all."""
    return _on_whole(found._replace(low=max(found.low, low), high=min(found.high, high)), low, high)


def _on_whole(found: Interval, low: float | None, high: float | None) -> Interval:
    """Return the interval without its bounds where these cover all of a scale with two ends."""
    if low is None or high is None or not found.high - found.low >= WHOLE * (high - low):
        return found
    return found._replace(low=math.nan, high=math.nan, kind="too few seeds")


@functools.cache
def t_quantile(freedom: float, level: float = LEVEL) -> float:
    """Return Student's t two-sided quantile; of infinite freedom, the normal one."""
    share = (1 + level) / 2
    return float(special.ndtri(share) if math.isinf(freedom) else special.stdtrit(freedom, share))
