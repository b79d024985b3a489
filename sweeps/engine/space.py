"""A dimension says which values a hyperparameter may have: a choice, a range of numbers, or a range of integers.

Each kind can give the value at a quantile (random search), a few spread-out values (grid search), or Optuna's
distribution (model-based search).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna

from common.seeds import seed_of

Values = dict[str, Any]


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
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = low + quantile * (high - low)
        return self._tidy(math.exp(value) if self.log else value)

    def grid(self, points: int) -> list[Any]:
        if points == 1:
            return [self.at(0.5)]
        return sorted({self.at(i / (points - 1)) for i in range(points)})

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


def draw(space: Mapping[str, Dimension], question: str, index: int) -> Values:
    """Return the `index`-th random config; a hyperparameter's value does not depend on the rest of the space."""
    return {name: dimension.at(seed_of(question, "draw", index, name) / 2**63) for name, dimension in space.items()}


def grid(space: Mapping[str, Dimension], points: int) -> Iterator[Values]:
    """Yield every combination of values, where each range gives at most `points` of them."""
    for values in itertools.product(*(dimension.grid(points) for dimension in space.values())):
        yield dict(zip(space, values, strict=True))
