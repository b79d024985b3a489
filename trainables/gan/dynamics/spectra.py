"""Eigenvalues of a step and roots of a recurrence: the largest modulus, its angle, and whether eigenvectors lack.

A double root of a polynomial that is known up to ε splits by √ε, some 1e-8, while the mean of the two is known up to ε.
Hence roots that lie within `TOGETHER` of each other count as one, at their mean.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch.autograd.functional import jacobian as by_autograd

from trainables.gan.dynamics.rules import Rule

TOGETHER = 1e-6
"""Distance within which roots count as one; the largest of a rule differ by 1e-5 or more, unless α is within 1e-12 of
where they meet."""
NOTHING = 1e-12
"""A modulus up to which a step leaves nothing: all eigenvalues are 0, and the matrix is nilpotent."""


@dataclass(frozen=True)
class Growth:
    """What becomes of the distance in the long run: its size is that of kᵖ ρᵏ after k steps."""

    modulus: float
    """ρ, the largest modulus of an eigenvalue."""
    angle: float
    """The angle by which a step turns, of the eigenvalue with that modulus, from 0 to π; of several, the largest."""
    power: int
    """p: 0 where there are enough eigenvectors; for each that lacks in a chain, 1 more."""

    @property
    def rate(self) -> float:
        """ln ρ, the growth of the logarithm of the distance a step; −∞ where a step leaves nothing."""
        return math.log(self.modulus) if self.modulus > NOTHING else -math.inf

    def gap(self, other: Growth) -> float:
        """Return |ln ρ − ln ρ′|; where both leave nothing, so that there are no logarithms, |ρ − ρ′|."""
        if self.modulus <= NOTHING and other.modulus <= NOTHING:
            return abs(self.modulus - other.modulus)
        return abs(math.log(max(self.modulus, NOTHING)) - math.log(max(other.modulus, NOTHING)))


def clusters(roots: Iterable[complex]) -> list[tuple[complex, int]]:
    """Return (mean, number) of each group of roots that lie together, in no order."""
    groups: list[list[complex]] = []
    for root in roots:
        near = [group for group in groups if min(abs(root - other) for other in group) <= TOGETHER]
        rest = [group for group in groups if group not in near]
        groups = [*rest, [root, *(other for group in near for other in group)]]
    return [(complex(np.mean(group)), len(group)) for group in groups]


def dominant(roots: Iterable[complex]) -> list[tuple[complex, int]]:
    """Return the groups of roots of the largest modulus, up to `TOGETHER`."""
    found = clusters(roots)
    largest = max(abs(root) for root, _ in found)
    return [(root, count) for root, count in found if abs(root) >= largest - TOGETHER]


def growth_of_roots(roots: Iterable[complex], power: int = 0) -> Growth:
    """Return the growth that roots mean, with a power of k that is known otherwise."""
    largest = dominant(roots)
    modulus = max(abs(root) for root, _ in largest)
    turning = max(abs(float(np.angle(root))) for root, _ in largest) if modulus > NOTHING else 0.0
    return Growth(float(modulus), turning, power)


def growth_of_matrix(matrix: np.ndarray) -> Growth:
    """Return the growth that a matrix [n, n] means for vectors in general."""
    roots = np.linalg.eigvals(matrix)
    powers = [_longest_chain(matrix, root) - 1 for root, count in dominant(roots) if count > 1]
    found = growth_of_roots(roots, max(powers, default=0))
    return found if found.modulus > NOTHING else Growth(found.modulus, 0.0, 0)


def _longest_chain(matrix: np.ndarray, root: complex) -> int:
    """Return the size of the largest Jordan block of an eigenvalue: from which power on (M − λI)ʲ keeps its rank."""
    shifted = matrix - root * np.eye(len(matrix))
    ranks, product = [len(matrix)], np.eye(len(matrix), dtype=np.complex128)
    while True:
        product = product @ shifted
        ranks.append(int(np.linalg.matrix_rank(product, tol=TOGETHER)))
        if ranks[-1] == ranks[-2]:
            return len(ranks) - 2


def jacobian(rule: Rule) -> np.ndarray:
    """Return the Jacobian of a step at the stationary point, [size, size] float64, by automatic differentiation."""
    rest = rule.start(torch.zeros(2, dtype=torch.float64))
    found: torch.Tensor = by_autograd(rule.step, rest)  # torch.func.jacrev would take a second to import
    return found.numpy()
