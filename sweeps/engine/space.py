"""A dimension says which values a hyperparameter may have: a choice, a range of numbers, or a range of integers.

Each kind can give the value at a quantile (random search), a few spread-out values (grid search), or Optuna's
distribution (model-based search).
Source of the sequence of random configs: S. Joe, F. Kuo, "Constructing Sobol sequences with better two-dimensional
projections", SIAM J. Sci. Comput. 2008, with J. Matoušek's scrambling, J. Complexity 1998.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
import torch

Values = dict[str, Any]
SOBOL_FIRST = (0, 1, 2, 7)
"""The dimensions of the sequence that hyperparameters take first: of 8 points, no two of these have the same halves."""


@dataclass(frozen=True)
class Choice:
    """Allows any of `values`, whose order means nothing to a search."""

    values: tuple[Any, ...]

    def at(self, quantile: float) -> Any:
        return self.values[min(int(quantile * len(self.values)), len(self.values) - 1)]

    def grid(self, points: int) -> list[Any]:
        return list(self.values)

    def ends(self) -> list[Any]:
        """Return all values, since any of them may be invalid."""
        return list(self.values)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        return optuna.distributions.CategoricalDistribution(range(len(self.values)))

    def encode(self, value: Any) -> Any:
        """Return the parameter of Optuna's distribution that stands for a value."""
        return self.values.index(value)

    def decode(self, parameter: Any) -> Any:
        """Return the value that a parameter of Optuna's distribution stands for."""
        return self.values[parameter]

    def __contains__(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Range:
    """Allows numbers from `low` to `high`, drawn uniformly (`log`: in the logarithm), with three significant digits."""

    low: float
    high: float
    log: bool = False
    integer: bool = False

    def at(self, quantile: float) -> float | int:
        """Return the value at a quantile in [0, 1); an integer stands for what is rounded to it, at the ends too."""
        half = 0.5 if self.integer else 0.0
        return self._between(self.low - half, self.high + half, quantile)

    def grid(self, points: int) -> list[Any]:
        shares = [i / (points - 1) for i in range(points)] if points > 1 else [0.5]
        return sorted({self._between(self.low, self.high, share) for share in shares})

    def ends(self) -> list[float | int]:
        """Return both ends: if they are valid, all values between them are."""
        return [self.low, self.high]

    def distribution(self) -> optuna.distributions.BaseDistribution:
        if self.integer:
            return optuna.distributions.IntDistribution(int(self.low), int(self.high), log=self.log)
        return optuna.distributions.FloatDistribution(self.low, self.high, log=self.log)

    def encode(self, value: Any) -> Any:
        """Return the parameter of Optuna's distribution that stands for a value."""
        return value

    def decode(self, parameter: Any) -> Any:
        """Return the value that a parameter of Optuna's distribution stands for."""
        return parameter if self.integer else self._tidy(parameter)

    def __contains__(self, value: Any) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def _between(self, low: float, high: float, share: float) -> float | int:
        """Return the value that lies this share of the way from `low` to `high`, tidied and within the range."""
        if self.log:
            return self._tidy(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
        return self._tidy(low + share * (high - low))

    def _tidy(self, value: float) -> float | int:
        rounded = round(value) if self.integer else float(f"{value:.3g}")
        return min(max(rounded, self.low), self.high)


Dimension = Choice | Range


def choice(values: Sequence[Any]) -> Choice:
    """Return a dimension that allows any of `values`."""
    return Choice(tuple(values))


def uniform(low: float, high: float) -> Range:
    """Return a dimension that allows the numbers in [low, high]."""
    return Range(low, high)


def loguniform(low: float, high: float) -> Range:
    """Return a dimension that allows the positive numbers in [low, high], drawn uniformly in the logarithm."""
    return Range(low, high, log=True)


def integers(low: int, high: int, *, log: bool = False) -> Range:
    """Return a dimension that allows the integers in [low, high], both ends included."""
    return Range(low, high, log=log, integer=True)


def random_configs(space: Mapping[str, Dimension], count: int, *, names: Sequence[str], seed: int) -> list[Values]:
    """Return the first `count` random configs, which fill the space evenly: points of a scrambled Sobol sequence.

    Each of `names` has a coordinate of the sequence, whether or not the space has it. So the first configs are the same
    however many are drawn, and the values of a hyperparameter whichever others are searched or pinned.
    """
    engine = torch.quasirandom.SobolEngine(max(len(names), 1 + max(SOBOL_FIRST)), scramble=True, seed=seed)
    points = engine.draw(count, dtype=torch.float64)  # [count, dimensions] in [0, 1); scipy.stats takes 1 s to import
    order = [*SOBOL_FIRST, *(i for i in range(points.shape[1]) if i not in SOBOL_FIRST)]
    quantiles = {name: points[:, i].tolist() for name, i in zip(names, order, strict=False)}
    return [{name: dimension.at(quantiles[name][i]) for name, dimension in space.items()} for i in range(count)]


def middle(space: Mapping[str, Dimension]) -> Values:
    """Return a config that stands for all, where the values make no difference."""
    return {name: dimension.at(0.5) for name, dimension in space.items()}


def grid(space: Mapping[str, Dimension], points: int) -> Iterator[Values]:
    """Yield every combination of values, where each range gives at most `points` of them."""
    for values in itertools.product(*(dimension.grid(points) for dimension in space.values())):
        yield dict(zip(space, values, strict=True))
