"""What a hyperparameter may be: a choice, a range of numbers, a range of integers.

Each kind can be drawn at a quantile (random search), spread out (grid search), suggested (Optuna), and narrowed from
the command line.
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
    """One of `values`, in no order that a search could use."""

    values: tuple[Any, ...]

    def at(self, quantile: float) -> Any:
        return self.values[min(int(quantile * len(self.values)), len(self.values) - 1)]

    def grid(self, points: int) -> list[Any]:
        return list(self.values)

    def ends(self) -> list[Any]:
        """Return the values themselves: each may be the one that is wrong."""
        return list(self.values)

    def distribution(self) -> optuna.distributions.BaseDistribution:
        return optuna.distributions.CategoricalDistribution(range(len(self.values)))

    def encode(self, value: Any) -> Any:
        """The value as Optuna's distribution knows it."""
        return self.values.index(value)

    def decode(self, parameter: Any) -> Any:
        """Return the value that Optuna suggests by `parameter`."""
        return self.values[parameter]

    def __contains__(self, value: Any) -> bool:
        return value in self.values

    def __str__(self) -> str:
        return ", ".join(map(str, self.values))


@dataclass(frozen=True)
class Range:
    """A number between `low` and `high` (included), uniform or uniform in the logarithm; three significant digits."""

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
        """Return both ends: if these are right, all between them are."""
        return [self.low, self.high]

    def distribution(self) -> optuna.distributions.BaseDistribution:
        if self.integer:
            return optuna.distributions.IntDistribution(int(self.low), int(self.high), log=self.log)
        return optuna.distributions.FloatDistribution(self.low, self.high, log=self.log)

    def encode(self, value: Any) -> Any:
        """Return the value as Optuna's distribution knows it."""
        return value

    def decode(self, parameter: Any) -> Any:
        """Return the value that Optuna suggests by `parameter`."""
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
    """One of `values`."""
    return Choice(tuple(values))


def uniform(low: float, high: float) -> Range:
    """A number in [low, high]."""
    return Range(low, high)


def loguniform(low: float, high: float) -> Range:
    """A positive number in [low, high], uniform in its logarithm."""
    return Range(low, high, log=True)


def integers(low: int, high: int, *, log: bool = False) -> Range:
    """An integer in [low, high]."""
    return Range(low, high, log=log, integer=True)


def draw(space: Mapping[str, Dimension], question: str, index: int) -> Values:
    """The `index`-th random configuration: the same in every condition, whatever else is in the space."""
    return {name: dimension.at(seed_of(question, "draw", index, name) / 2**63) for name, dimension in space.items()}


def grid(space: Mapping[str, Dimension], points: int) -> Iterator[Values]:
    """Every combination, ranges at `points` values each."""
    for values in itertools.product(*(dimension.grid(points) for dimension in space.values())):
        yield dict(zip(space, values, strict=True))
