"""Rules that follow the gradients as they are: both players at once, one after the other, or after a look ahead."""

from __future__ import annotations

import math

import numpy as np
import torch

from trainables.gan.dynamics.game import ascent, descent
from trainables.gan.dynamics.rules import Best, Rule, matrix_of


class Simultaneous(Rule):
    """Both players move at once: d⁺ = d + α g, g⁺ = g − α d.

    Hence A = [[1, α], [−α, 1]] = I + α J with J = [[0, 1], [−1, 0]]. The characteristic polynomial (1 − λ)² + α² has
    the roots λ = 1 ± iα, of modulus √(1 + α²) > 1: the rule diverges at every α. Since AᵀA = (1 + α²) I, each step
    multiplies every distance by exactly √(1 + α²), and turns by arctan α, clockwise with d to the right and g upwards.
    """

    title = "simultaneous"
    family = "gradient steps"
    spectrum = "λ = 1 ± iα, |λ| = √(1 + α²)"
    stability = "diverges at every α"
    converges = False

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        return torch.stack([d + self.alpha * ascent(g), g + self.alpha * descent(d)])

    def matrix(self) -> np.ndarray:
        return matrix_of([1, self.alpha], [-self.alpha, 1])

    def eigenvalues(self) -> np.ndarray:
        return np.array([1 + 1j * self.alpha, 1 - 1j * self.alpha])

    def limit(self) -> float:
        return 0.0


class _Alternating(Rule):
    """What both orders share: of their matrices, trace and determinant are the same, hence the eigenvalues."""

    family = "gradient steps"
    spectrum = "λ = 1 − α²/2 ± iα √(1 − α²/4), |λ| = 1 up to α = 2"
    stability = "bounded for α < 2, and never converges; grows linearly at 2; diverges for α > 2"
    converges = False

    def eigenvalues(self) -> np.ndarray:
        middle, root = 1 - self.alpha**2 / 2, np.emath.sqrt(self.alpha**2 / 4 - 1) * self.alpha
        return np.array([middle + root, middle - root], dtype=np.complex128)

    def limit(self) -> float:
        return 2.0


class AlternatingDFirst(_Alternating):
    """d moves first, and g answers where d is then: d⁺ = d + α g, g⁺ = g − α d⁺ = −α d + (1 − α²) g.

    Hence A = [[1, α], [−α, 1 − α²]], of trace 2 − α² and determinant 1. The roots of λ² − (2 − α²) λ + 1 are λ = 1 −
    α²/2 ± iα √(1 − α²/4): for α < 2 a complex pair on the unit circle, λ = exp(±iθ) with sin(θ/2) = α/2. The step keeps
    d² + α d g + g², which for α < 2 is an ellipse: the rule neither converges nor diverges. At α = 2 both are −1 and A
    has one eigenvector only: the distance grows linearly. For α > 2 one is below −1: the rule diverges.
    """

    title = "alternating, d first"

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        d = d + self.alpha * ascent(g)
        return torch.stack([d, g + self.alpha * descent(d)])

    def matrix(self) -> np.ndarray:
        return matrix_of([1, self.alpha], [-self.alpha, 1 - self.alpha**2])


class AlternatingGFirst(_Alternating):
    """g moves first, and d answers where g is then: g⁺ = g − α d, d⁺ = d + α g⁺ = (1 − α²) d + α g.

    Hence A = [[1 − α², α], [−α, 1]], of the same trace and determinant as with d first, and the same eigenvalues. The
    step keeps d² − α d g + g², the mirrored ellipse.
    """

    title = "alternating, g first"

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        g = g + self.alpha * descent(d)
        return torch.stack([d + self.alpha * ascent(g), g])

    def matrix(self) -> np.ndarray:
        return matrix_of([1 - self.alpha**2, self.alpha], [-self.alpha, 1])


class Extragradient(Rule):
    """Both look a step ahead, and follow the gradients there: z̃ = z + α J z, z⁺ = z + α J z̃ (Korpelevich 1976).

    Hence A = I + α J + α² J² = (1 − α²) I + α J, since J² = −I, and λ = 1 − α² ± iα. |λ|² = 1 − α² + α⁴ is below 1 for
    0 < α < 1: the rule converges there, circles at α = 1, where λ = ±i, and diverges above. |λ|² is least, 3/4, at α² =
    1/2.
    """

    title = "extragradient"
    family = "look-ahead and memory"
    spectrum = "λ = 1 − α² ± iα, |λ|² = 1 − α² + α⁴"
    stability = "converges for α < 1; circles at 1; diverges for α > 1"

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        ahead_d, ahead_g = d + self.alpha * ascent(g), g + self.alpha * descent(d)
        return torch.stack([d + self.alpha * ascent(ahead_g), g + self.alpha * descent(ahead_d)])

    def matrix(self) -> np.ndarray:
        return matrix_of([1 - self.alpha**2, self.alpha], [-self.alpha, 1 - self.alpha**2])

    def eigenvalues(self) -> np.ndarray:
        return np.array([1 - self.alpha**2 + 1j * self.alpha, 1 - self.alpha**2 - 1j * self.alpha])

    def limit(self) -> float:
        return 1.0

    def best(self) -> Best:
        return Best(math.sqrt(0.5), math.sqrt(0.75), "ρ = √3/2 at α = 1/√2")
