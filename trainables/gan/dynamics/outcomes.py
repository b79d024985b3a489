"""What trajectories of a rule were measured to do, what its Jacobian says that they do, and what that is called."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from trainables.gan.dynamics.recurrences import fitted_roots
from trainables.gan.dynamics.rules import Rule
from trainables.gan.dynamics.spectra import NOTHING, Growth, growth_of_matrix, growth_of_roots, jacobian
from trainables.gan.dynamics.trajectories import Watched, watch

SAME = 1e-9
"""Up to which |ln ρ| a distance counts as kept, and a measured ln ρ as the predicted one."""

Verdict = Literal[
    "arrives",
    "converges",
    "converges as k ρᵏ",
    "falls as 1/k",
    "circles",
    "stays at a distance",
    "grows linearly",
    "diverges",
]


@dataclass(frozen=True)
class Measured:
    """What trajectories did."""

    growth: Growth
    distance: np.ndarray
    """[steps + 1] the logarithm of the distance from the stationary point, root mean square over trajectories."""
    near: int | None
    """After how many steps no trajectory was farther than a millionth of where it began; None if that came not."""
    overflow: int | None
    """After how many steps the distance of a trajectory is beyond the largest float64; None if it is not."""


def measured(rule: Rule, points: torch.Tensor, steps: int) -> Measured:
    """Return what trajectories from `points` [2, lanes] float64 do: nothing that was derived of the rule is used.

    ρ and the angle are those of the largest root of the recurrence that d and g obey. (Where two values suffice and
    the roots are a complex pair, ρ² is the ratio of successive determinants of two states; else it would be wrong.) A
    sum of iterates obeys the same recurrence with a root of 1 more.
    """
    seen = watch(rule, points, steps)
    roots = fitted_roots(seen.windows)
    found = growth_of_roots(np.append(roots, 1.0) if rule.averaged else roots)
    found = replace(found, power=_power(seen.distance, found) - rule.averaged)
    return Measured(found, _of_means(rule, seen), seen.near, seen.overflow)


def predicted(rule: Rule) -> Growth:
    """Return what follows from the eigenvalues of the Jacobian of a step."""
    found = growth_of_matrix(jacobian(rule))
    return replace(found, power=found.power - rule.averaged)


def predicted_distance(rule: Rule, points: torch.Tensor, steps: int) -> float:
    """Return the logarithm of the root mean square distance after `steps` steps, from a power of the Jacobian."""
    power, scale = matrix_power(jacobian(rule), steps)
    moved = torch.from_numpy(power) @ rule.start(points)
    distance = float(torch.hypot(*rule.watched(moved)).square().mean().sqrt())
    return math.log(distance) + scale - (math.log(steps + 1) if rule.averaged else 0.0) if distance else -math.inf


def matrix_power(matrix: np.ndarray, exponent: int) -> tuple[np.ndarray, float]:
    """Return the power of a matrix by repeated squaring, divided by its largest entry, and the logarithm of that."""
    power, scale = np.eye(len(matrix)), 0.0
    square, of_square = matrix, 0.0
    while exponent:
        if exponent % 2:
            power, scale = _scaled(power @ square, scale + of_square)
        square, of_square = _scaled(square @ square, 2 * of_square)
        exponent //= 2
    return power, scale


def verdict(growth: Growth, *, averaged: bool) -> Verdict:
    """Return what a growth is called; `averaged` of a mean of iterates, whose power is one less than that of a sum."""
    if growth.modulus <= NOTHING:
        return "arrives"
    if growth.rate > SAME:
        return "diverges"
    if growth.rate < -SAME:
        return "converges as k ρᵏ" if growth.power > 0 else "converges"
    if growth.power < 0:
        return "falls as 1/k"
    if growth.power > 0:
        return "grows linearly"
    return "stays at a distance" if averaged else "circles"


def _power(distance: np.ndarray, found: Growth) -> int:
    """Return p of a distance of the size kᵖ ρᵏ, a whole number: twice the steps make what remains 2ᵖ times as large."""
    if found.modulus <= NOTHING:
        return 0
    rest = distance - found.rate * np.arange(len(distance))
    return round(float(rest.max() - rest[: len(rest) // 2 + 1].max()) / math.log(2))


def _of_means(rule: Rule, seen: Watched) -> np.ndarray:
    divided: np.ndarray = seen.distance - np.log(np.arange(1, len(seen.distance) + 1))
    return divided if rule.averaged else seen.distance


def _scaled(matrix: np.ndarray, scale: float) -> tuple[np.ndarray, float]:
    largest = float(np.abs(matrix).max())
    return (matrix / largest, scale + math.log(largest)) if largest else (matrix, scale)
