"""How often intervals, p-values and claims of an answer err, by simulation of the functions that make them.

    python -m bench.coverage                      # some two minutes on one core
    python -m bench.coverage --repetitions 200    # a glance

Rates are in per cent, ± their Monte Carlo standard error. `these images` is the interval over seeds alone, read as a
statement about new images, which it is not. Whether a network is right about an image is drawn with the logit
μ + (what the image adds) + (what the seed adds), both normal: images differ in how hard they are, seeds in how good.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import optimize, special

from analysis.numbers.families import holm, p_values
from analysis.numbers.galleries import Links
from analysis.numbers.intervals import (
    Interval,
    bounded_interval,
    image_standard_error,
    p_value,
    paired_difference,
    t_interval,
)
from analysis.numbers.looks import ALPHA, SEEDS, Look
from analysis.numbers.results import PerImage
from analysis.numbers.seeds import image_error

Draws = np.random.Generator
HARD = 3.0
"""Standard deviation, on the logit, of what images add: most images are nearly always right, or wrong."""
ALIKE = 0.9
"""Correlation of what images add for two configs."""
DIMENSIONS = 6
PLACES = np.random.default_rng(0).standard_normal((10, DIMENSIONS))
"""Where classes lie in an embedding, [10, DIMENSIONS]."""
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(201)


@dataclass(frozen=True)
class Rate:
    """How often something happened."""

    name: str
    happened: int
    repetitions: int

    @property
    def share(self) -> float:
        """The share of repetitions."""
        return self.happened / self.repetitions

    @property
    def error(self) -> float:
        """The Monte Carlo standard error of the share, as if it had happened, and not happened, half a time more."""
        smooth = (self.happened + 0.5) / (self.repetitions + 1)
        return math.sqrt(smooth * (1 - smooth) / self.repetitions)

    def __str__(self) -> str:
        return f"{self.name:<80}{100 * self.share:6.1f} ± {100 * self.error:.1f}"


@dataclass(frozen=True)
class Config:
    """A config whose accuracy on images of the kind, over seeds, is known."""

    accuracy: float
    seed_sd: float
    """Standard deviation over seeds of the accuracy on all images of the kind."""

    @property
    def seeds(self) -> float:
        """Standard deviation, on the logit, of what seeds add."""
        middle = self._middle(HARD)
        slope = float(_WEIGHTS @ _slope(middle + HARD * _NODES) / _WEIGHTS.sum())
        return self.seed_sd / slope

    @property
    def middle(self) -> float:
        """μ, at which the mean over images and seeds is the accuracy."""
        return self._middle(math.hypot(HARD, self.seeds))

    def right(self, draws: Draws, n: int, hardness: np.ndarray) -> np.ndarray:
        """Return which images [n, images] n trained networks have right."""
        logits = self.middle + HARD * hardness + self.seeds * draws.standard_normal((n, 1))
        right: np.ndarray = draws.random(logits.shape) < special.expit(logits)
        return right

    def _middle(self, spread: float) -> float:
        def excess(middle: float) -> float:
            return float(_WEIGHTS @ special.expit(middle + spread * _NODES) / _WEIGHTS.sum()) - self.accuracy

        return float(optimize.brentq(excess, -50, 50))


def new_images(config: Config, images: int, n: int, repetitions: int, draws: Draws) -> Iterator[Rate]:
    """Yield how often the interval for new images, and that for these, hold the accuracy on all images of the kind."""
    held = {"new images": 0, "these images": 0}
    for _ in range(repetitions):
        right = config.right(draws, n, draws.standard_normal(images))
        values = [float(share) for share in right.mean(axis=1)]
        for name, error in (("new images", image_standard_error(right)), ("these images", math.nan)):
            found = bounded_interval(values, 0, 1, image_se=error, images=images)
            held[name] += found.low <= config.accuracy <= found.high
    for name, count in held.items():
        seeds = f"seed SD {100 * config.seed_sd:g}, {images:,} images, n = {n}"
        yield Rate(f"covers {100 * config.accuracy:g} %, {seeds}: {name}", count, repetitions)


@dataclass(frozen=True)
class Space:
    """Embeddings of two domains' images of ten classes, in which an image is read by its nearest in the other domain.

    Two embeddings of one image are equally good, and what the image adds to them correlates by `ALIKE`.
    """

    images: int
    """Test images of each domain."""
    spread: float = 0.8
    """Standard deviation of what an image adds to its class's place, which has 1, in each of `DIMENSIONS`."""
    seed_spread: float = 0.1
    """That of the entries of a matrix that a seed adds to the embedding."""

    def read(self, draws: Draws, n: int) -> list[list[PerImage]]:
        """Return what n networks of each of two equal configs read on new test images, [2][n]."""
        labels = [draws.integers(10, size=self.images) for _ in range(2)]
        added = [draws.standard_normal((3, self.images, DIMENSIONS)) for _ in range(2)]
        return [
            [self._network(draws, labels, [self._placed(y, own, config) for y, own in zip(labels, added, strict=True)])
             for _ in range(n)]
            for config in (1, 2)
        ]  # fmt: skip

    def _placed(self, labels: np.ndarray, added: np.ndarray, config: int) -> np.ndarray:
        placed: np.ndarray = PLACES[labels] + self.spread * (
            math.sqrt(ALIKE) * added[0] + math.sqrt(1 - ALIKE) * added[config]
        )
        return placed

    def _network(self, draws: Draws, labels: list[np.ndarray], placed: list[np.ndarray]) -> PerImage:
        seed = np.eye(DIMENSIONS) + self.seed_spread * draws.standard_normal((DIMENSIONS, DIMENSIONS))
        spaces, both = [own @ seed for own in placed], []
        for own, other in ((0, 1), (1, 0)):
            distance = (spaces[other] ** 2).sum(1) - 2 * spaces[own] @ spaces[other].T
            near = np.argsort(distance, axis=1)[:, :2]
            right = labels[other][near] == labels[own][:, None]
            both.append((right[:, 0], near[:, 0] + self.images * other, right[:, 1]))
        values, nearest, without = (np.concatenate(parts) for parts in zip(*both, strict=True))
        change = without.astype(float) - values
        return PerImage(values, np.repeat([0, 1], self.images), Links(nearest[:, None], change[:, None]))


def retrieval(space: Space, n: int, repetitions: int, draws: Draws) -> Iterator[Rate]:
    """Yield how often intervals of retrieval hold the accuracy, and tell equal configs apart, with galleries or not.

    The accuracy is the mean over the repetitions.
    """
    known = {"queries and galleries": image_error, "queries alone": _without_gallery}
    covered: dict[str, list[Interval]] = {name: [] for name in known}
    apart = dict.fromkeys(known, 0)
    for _ in range(repetitions):
        first, second = space.read(draws, n)
        values = [[float(own.values.mean()) for own in networks] for networks in (first, second)]
        gaps = [b.less(a) for a, b in zip(first, second, strict=True)]
        for name, error in known.items():
            covered[name].append(bounded_interval(values[0], 0, 1, image_se=error(first)))
            found = paired_difference(*values, image_se=error(gaps))
            apart[name] += found.low > 0 or found.high < 0
    truth = float(np.mean([found.mean for found in covered["queries alone"]]))
    where = f"{space.images:,} images of each domain, n = {n}"
    for name in known:
        held = sum(found.low <= truth <= found.high for found in covered[name])
        yield Rate(f"covers retrieval, {where}: {name}", held, repetitions)
    for name, count in apart.items():
        yield Rate(f"equal embeddings apart, {where}: {name}", count, repetitions)


def _without_gallery(networks: Sequence[PerImage]) -> float:
    return image_error([own._replace(links=None) for own in networks])


def near_all_right(accuracy: float, sd: float, n: int, repetitions: int, draws: Draws) -> Rate:
    """Return how often the interval over seeds that touch 100 % holds their mean, on 10,000 images."""
    images = 10_000
    truth = float(np.minimum(1.0, accuracy + sd * draws.standard_normal(10**6)).mean())
    held = 0
    for _ in range(repetitions):
        values = np.minimum(1.0, accuracy + sd * draws.standard_normal(n))
        found = bounded_interval(list(np.round(images * values) / images), 0, 1)
        held += found.low <= truth <= found.high
    return Rate(f"covers seeds of {100 * accuracy:g} %, SD {100 * sd:g}, cut at 100 %, n = {n}", held, repetitions)


def equal_configs(config: Config, images: int, n: int, repetitions: int, draws: Draws) -> Iterator[Rate]:
    """Yield how often two configs that are equal on all images of the kind are told apart, by intervals at 95 %."""
    apart = {"new images": 0, "these images": 0}
    for _ in range(repetitions):
        first, own = draws.standard_normal((2, images))
        second = ALIKE * first + math.sqrt(1 - ALIKE**2) * own
        a, b = (config.right(draws, n, hardness).astype(float) for hardness in (first, second))
        values = list(a.mean(axis=1)), list(b.mean(axis=1))
        for name, error in (("new images", image_standard_error(b - a)), ("these images", math.nan)):
            found = paired_difference(*values, image_se=error)
            apart[name] += found.low > 0 or found.high < 0
    for name, count in apart.items():
        yield Rate(f"equal configs apart, {images:,} images, n = {n}: {name}", count, repetitions)


def passing(config: Config, images: int, n: int, repetitions: int, draws: Draws) -> Iterator[Rate]:
    """Yield how often a config is said to pass the accuracy that it has exactly."""
    passed = {"new images": 0, "these images": 0}
    for _ in range(repetitions):
        right = config.right(draws, n, draws.standard_normal(images))
        values = [float(share) for share in right.mean(axis=1)]
        for name, error in (("new images", image_standard_error(right)), ("these images", math.nan)):
            passed[name] += bounded_interval(values, 0, 1, image_se=error).low > config.accuracy
    for name, count in passed.items():
        yield Rate(
            f"passes {100 * config.accuracy:g} % that it has, {images:,} images, n = {n}: {name}", count, repetitions
        )


def family(
    size: int, n: int, repetitions: int, draws: Draws, *, ratio: float = 1.0, image_se: float = 0.0, shift: float = 0.0
) -> Iterator[Rate]:
    """Yield how often a family of differences has a false claim, one by one and adjusted; with a `shift`, its power.

    `ratio` is that of the largest SD over seeds to the least, `image_se` in units of the least. With `shift`, in SDs,
    the middle difference is none of chance, and it is counted how often it is shown.
    """
    sds, middle = np.geomspace(1, ratio, size), size // 2
    found = {"one by one": 0, "adjusted": 0}
    for _ in range(repetitions):
        values = sds[:, None] * draws.standard_normal((size, n)) + image_se * draws.standard_normal((size, 1))
        values[middle] += shift * sds[middle]
        rows = [_row(own, image_se or math.nan) for own in values]
        alone = [p_value(row["difference"], row["sd"], n, row["image_se"]) for row in rows]
        for name, p in (("one by one", alone), ("adjusted", holm(p_values(rows)))):
            found[name] += (p[middle] if shift else min(p)) <= ALPHA
    images = ", images add as much" if image_se else ""
    what = f"shows {shift:g} SD in" if shift else "false claim in"
    for name, count in found.items():
        spread = f"SDs 1 to {ratio:g}" if ratio > 1 else "equal SDs"
        yield Rate(f"{what} a family of {size}, {spread}{images}, n = {n}: {name}", count, repetitions)


def looks(repetitions: int, draws: Draws) -> Iterator[Rate]:
    """Yield how often a difference that is none is claimed at any look, each at 5 % and with the level spent."""
    planned = [Look(n, SEEDS[:i]) for i, n in enumerate(SEEDS)]
    found = {"each at 5 %": 0, "spent": 0}
    for _ in range(repetitions):
        values = draws.standard_normal(SEEDS[-1])
        p = [p_values([_row(values[: look.seeds], math.nan)])[0] for look in planned]
        found["each at 5 %"] += min(p) <= ALPHA
        found["spent"] += any(one <= look.level for one, look in zip(p, planned, strict=True))
    for name, count in found.items():
        yield Rate(f"false claim in looks at {', '.join(map(str, SEEDS))} seeds: {name}", count, repetitions)


def _row(values: np.ndarray, image_se: float) -> dict[str, Any]:
    found = t_interval([float(value) for value in values])
    return {"difference": found.mean, "sd": found.sd, "n": found.n, "image_se": image_se}


def _slope(logits: np.ndarray) -> np.ndarray:
    share = special.expit(logits)
    slope: np.ndarray = share * (1 - share)
    return slope


COVERED = (
    (Config(0.5, 0.02), 500),
    (Config(0.9, 0.0036), 500),
    (Config(0.9, 0.0036), 10_000),
    (Config(0.9, 0.012), 10_000),
    (Config(0.99, 0.0014), 10_000),
)
"""Configs and test images, as in the audit that the design rests on."""
FEW = (3, 5, 10)
"""Seeds."""


def rates(repetitions: int, seed: int = 0) -> Iterator[Rate]:
    """Yield all rates."""
    draws = np.random.default_rng(seed)
    for (config, images), n in product(COVERED, FEW):
        yield from new_images(config, images, n, repetitions, draws)
    for (accuracy, sd), n in product([(0.99, 0.02), (0.999, 0.002)], FEW):
        yield near_all_right(accuracy, sd, n, repetitions, draws)
    for images, n in product([500, 10_000], FEW):
        yield from equal_configs(Config(0.9, 0.0036), images, n, repetitions, draws)
    for images, n in product([100, 200], FEW):
        yield from retrieval(Space(images), n, repetitions, draws)
    for n in FEW[:2]:
        yield from passing(Config(0.85, 0.0015), 10_000, n, repetitions, draws)
    for size, n in product([4, 13, 32], FEW):
        yield from family(size, n, repetitions, draws)
        yield from family(size, n, repetitions, draws, ratio=4.0)
        yield from family(size, n, repetitions, draws, image_se=1 / math.sqrt(n))
    for n in FEW:
        yield from family(13, n, repetitions, draws, shift=2.0)
    yield from looks(repetitions, draws)


def main(words: Sequence[str] | None = None, show: Callable[[str], None] = print) -> None:
    """Print all rates."""
    parser = argparse.ArgumentParser(prog="python -m bench.coverage", description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=1_000, help="of each simulation (default: 1000)")
    for rate in rates(parser.parse_args(words).repetitions):
        show(str(rate))


if __name__ == "__main__":
    main()
