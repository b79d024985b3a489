"""Rules that remember the step before: optimistic steps and negative momentum."""

from __future__ import annotations

import math

import numpy as np
import torch

from trainables.gan.dynamics.game import ascent, descent
from trainables.gan.dynamics.rules import Best, Rule, matrix_of, roots_of


class _WithMemory(Rule):
    """What they share: the state is d, g and those of the step before, which at the start are the same."""

    family = "look-ahead and memory"

    def start(self, points: torch.Tensor) -> torch.Tensor:
        return torch.cat([points, points])


class Optimistic(_WithMemory):
    """Both follow their gradient as it will be if it changes as it just did (Popov 1980; Daskalakis et al. 2018).

    z⁺ = z + 2α J z − α J z₋, so on [z, z₋] M = [[I + 2αJ, −αJ], [I, 0]]. On an eigenvector of J, whose eigenvalues are
    ±i, λ² − (1 ± 2iα) λ ± iα = 0, hence λ = (1 ± 2iα ± √(1 − 4α²))/2, the signs independent. Up to α = ½ the larger
    modulus is |λ|² = (1 + √(1 − 4α²))/2; above it is |λ|² = (1 + (2α + √(4α² − 1))²)/4, which is 1 at 2α + √(4α² − 1) =
    √3: the rule converges for α < 1/√3. It is fastest at α = ½, ρ = 1/√2, where (1 ± i)/2 are both double and M lacks
    eigenvectors: there the distance falls as k ρᵏ.
    """

    title = "optimistic"
    spectrum = "λ = (1 ± 2iα ± √(1 − 4α²))/2"
    stability = "converges for α < 1/√3 ≈ 0.577, and diverges above"

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g, d_before, g_before = state
        d_next = d + self.alpha * (2 * ascent(g) - ascent(g_before))
        return torch.stack([d_next, g + self.alpha * (2 * descent(d) - descent(d_before)), d, g])

    def matrix(self) -> np.ndarray:
        a = self.alpha
        return matrix_of([1, 2 * a, 0, -a], [-2 * a, 1, a, 0], [1, 0, 0, 0], [0, 1, 0, 0])

    def eigenvalues(self) -> np.ndarray:
        root = np.emath.sqrt(1 - 4 * self.alpha**2)
        signs = [(turn, sign) for turn in (1, -1) for sign in (1, -1)]
        return np.array([(1 + 2j * turn * self.alpha + sign * root) / 2 for turn, sign in signs], dtype=np.complex128)

    def limit(self) -> float:
        return 1 / math.sqrt(3)

    def best(self) -> Best:
        return Best(0.5, math.sqrt(0.5), "ρ = 1/√2 at α = 1/2, as k ρᵏ")


class OptimisticAlternating(_WithMemory):
    """The optimistic steps one after the other: d⁺ = d + α (2g − g₋), g⁺ = g − α (2d⁺ − d).

    The state is [d, g, d₋, g₋], of which d₋ is not used. With d and g in proportion to λᵏ, (λ − 1) d = α (2 − 1/λ) g
    and (λ − 1) g = −α (2λ − 1) d, hence λ (λ − 1)² + α² (2λ − 1)² = λ³ + (4α² − 2) λ² + (1 − 4α²) λ + α² = 0, beside λ
    = 0 of what is not used. For small α a complex pair has |λ|² ≈ 1 − 2α², twice as far from 1 as when both move at
    once. The product of the three roots is −α², so the third is negative; it is −1 at α = 2/3, the limit (Jury's
    conditions hold below). The pair's modulus falls and the third's rises until they meet, at |λ|³ = α²: with t = |λ|
    the cubic is t (2t² − 1) (2t² + 2t + 1), hence ρ = 1/√2 at α = 2^(−3/4).
    """

    title = "optimistic, alternating"
    spectrum = "λ³ + (4α² − 2) λ² + (1 − 4α²) λ + α² = 0"
    stability = "converges for α < 2/3, and diverges above"

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g, _, g_before = state
        d_next = d + self.alpha * (2 * ascent(g) - ascent(g_before))
        return torch.stack([d_next, g + self.alpha * (2 * descent(d_next) - descent(d)), d, g])

    def matrix(self) -> np.ndarray:
        a = self.alpha
        return matrix_of([1, 2 * a, 0, -a], [-a, 1 - 4 * a * a, 0, 2 * a * a], [1, 0, 0, 0], [0, 1, 0, 0])

    def eigenvalues(self) -> np.ndarray:
        four = 4 * self.alpha**2
        return np.append(roots_of([1, four - 2, 1 - four, four / 4]), 0)

    def limit(self) -> float:
        return 2 / 3

    def best(self) -> Best:
        return Best(2**-0.75, math.sqrt(0.5), "ρ = 1/√2 at α = 2^(−3/4)")


class Momentum(_WithMemory):
    """Both keep a part β of their last step: z⁺ = z + α J z + β (z − z₋), with −1 < β < 0 (Gidel et al. 2019).

    On [z, z₋] M = [[(1 + β) I + αJ, −βI], [I, 0]]. On an eigenvector of J, λ² − (1 + β ± iα) λ + β = 0. By Schur and
    Cohn both roots are inside the unit circle only if (1 + β) √((1 − β)² + α²) < (1 − β) (1 + β), which no α > 0
    fulfils; nor is one on it, which would need (1 + β) sin(θ/2) = 0 and so α = 0. When both move at once, momentum of
    any β between −1 and 1 diverges at every α: for small ones as |λ|² ≈ 1 + α² (1 + β)/(1 − β)³.
    """

    title = "negative momentum"
    family = "negative momentum"
    spectrum = "λ² − (1 + β ± iα) λ + β = 0"
    stability = "diverges at every α"
    converges = False
    uses = frozenset({"beta"})

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g, d_before, g_before = state
        d_next = d + self.alpha * ascent(g) + self.beta * (d - d_before)
        return torch.stack([d_next, g + self.alpha * descent(d) + self.beta * (g - g_before), d, g])

    def matrix(self) -> np.ndarray:
        a, b = self.alpha, self.beta
        return matrix_of([1 + b, a, -b, 0], [-a, 1 + b, 0, -b], [1, 0, 0, 0], [0, 1, 0, 0])

    def eigenvalues(self) -> np.ndarray:
        middle = 1 + self.beta + np.array([1j, -1j]) * self.alpha
        root = np.sqrt(middle**2 - 4 * self.beta)
        return np.concatenate([(middle + root) / 2, (middle - root) / 2])

    def limit(self) -> float:
        return 0.0


class MomentumAlternating(Momentum):
    """Negative momentum, one after the other: d⁺ = d + α g + β (d − d₋), g⁺ = g − α d⁺ + β (g − g₋).

    With d and g in proportion to λᵏ, (λ − 1) (1 − β/λ) d = α g and (λ − 1) (1 − β/λ) g = −αλ d, hence (λ − 1)² (λ − β)²
    + α² λ³ = 0. For small α a pair near 1 has |λ|² ≈ 1 + 2α²β/(1 − β)³, below 1 since β < 0. On the unit circle the
    equation reads 2 sin(θ/2) (1 − β exp(−iθ)) = ±α, whose imaginary part is 0 at λ = −1 alone: the rule converges for α
    < 2 (1 + β). A negative real root goes from β to −1 while the pair's modulus falls; where they meet, at −x, x³ + βx
    + β (1 + β) = 0 and α = (x + 1) (x + β)/x^(3/2), it is fastest. (That holds for β < √48 − 7 ≈ −0.072; nearer to 0
    the pair meets on the real axis before.)
    """

    title = "negative momentum, alternating"
    spectrum = "(λ − 1)² (λ − β)² + α² λ³ = 0"
    stability = "converges for α < 2 (1 + β), and diverges above"
    converges = True

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g, d_before, g_before = state
        d_next = d + self.alpha * ascent(g) + self.beta * (d - d_before)
        return torch.stack([d_next, g + self.alpha * descent(d_next) + self.beta * (g - g_before), d, g])

    def matrix(self) -> np.ndarray:
        a, b = self.alpha, self.beta
        return matrix_of([1 + b, a, -b, 0], [-a * (1 + b), 1 + b - a * a, a * b, -b], [1, 0, 0, 0], [0, 1, 0, 0])

    def eigenvalues(self) -> np.ndarray:
        b = self.beta
        quartic = np.polymul([1, -1 - b, b], [1, -1 - b, b]) + np.array([0, self.alpha**2, 0, 0, 0])
        return roots_of(quartic)

    def limit(self) -> float:
        return 2 * (1 + self.beta)

    def best(self) -> Best | None:
        b = self.beta
        if b > math.sqrt(48) - 7:
            return None
        (x,) = [float(root.real) for root in roots_of([1, 0, b, b * (1 + b)]) if root.real > -b]
        return Best((x + 1) * (x + b) / x**1.5, x, "ρ³ + βρ + β (1 + β) = 0 at α = (ρ + 1) (ρ + β)/ρ^(3/2)")
