"""The mean of all iterates so far, of a game that is played by another rule."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from trainables.gan.dynamics.gradients import AlternatingDFirst, Simultaneous
from trainables.gan.dynamics.rules import Rule


class _Average(Rule):
    """What they share: the state is d, g and the sums of all iterates so far, the start included."""

    family = "means of the iterates"
    converges = False
    averaged = True
    played: ClassVar[type[Rule]]

    @property
    def inner(self) -> Rule:
        """The rule that the players follow."""
        return self.played(self.alpha)

    def start(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cat([points, points])

    def step(self, state: torch.Tensor) -> torch.Tensor:
        moved = self.inner.step(state[:2])
        return torch.cat([moved, state[2:] + moved])

    def watched(self, state: torch.Tensor) -> torch.Tensor:
        return state[2:]

    def matrix(self) -> np.ndarray:
        inner = self.inner.matrix()
        return np.block([[inner, np.zeros((2, 2))], [inner, np.eye(2)]])

    def eigenvalues(self) -> np.ndarray:
        return np.append(self.inner.eigenvalues(), [1, 1])

    def limit(self) -> float:
        return self.inner.limit()


class AverageSimultaneous(_Average):
    """The mean of the iterates z₀ … zₖ of simultaneous steps.

    A sum of powers is geometric: z̄ₖ = (I − A)⁻¹ (I − Aᵏ⁺¹) z₀/(k + 1), where I − A = −αJ, with J = [[0, 1], [−1, 0]],
    has the inverse J/α. Aᵏ⁺¹ grows as (1 + α²)^(k/2), which no division by k + 1 tames: the mean diverges at every α,
    as the iterates do. The sum is moved by [[A, 0], [A, I]], with the eigenvalues 1 ± iα and 1, twice.
    """

    title = "mean, simultaneous"
    spectrum = "z̄ₖ = (I − A)⁻¹ (I − Aᵏ⁺¹) z₀/(k + 1); of the sum, λ = 1 ± iα and 1"
    stability = "diverges at every α"
    played = Simultaneous


class AverageAlternating(_Average):
    """The mean of the iterates z₀ … zₖ of alternating steps, d first.

    z̄ₖ = (I − A)⁻¹ (I − Aᵏ⁺¹) z₀/(k + 1), where det(I − A) = α² is not 0. For α < 2 the powers of A are bounded, and the
    mean falls as 1/k: it converges, more slowly than at any exponential rate. At α = 2 Aᵏ⁺¹ grows linearly, and the
    mean stays at a distance; above it diverges. The sum is moved by [[A, 0], [A, I]], with the eigenvalues of A and 1,
    twice.
    """

    title = "mean, alternating"
    spectrum = "z̄ₖ = (I − A)⁻¹ (I − Aᵏ⁺¹) z₀/(k + 1); of the sum, λ of A and 1"
    stability = "falls as 1/k for α < 2; stays at a distance at 2; diverges for α > 2"
    played = AlternatingDFirst
