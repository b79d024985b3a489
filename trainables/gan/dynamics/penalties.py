"""Rules that follow the gradients and a penalty of weight γ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from trainables.gan.dynamics.game import ascent, descent
from trainables.gan.dynamics.rules import Best, Rule, matrix_of


class Consensus(Rule):
    """Both also lower L = ½ (|∂V/∂d|² + |∂V/∂g|²) with weight γ (Mescheder, Nowozin, Geiger 2017).

    In this game L = ½ (d² + g²): z⁺ = z + α (J z − γ z), hence A = (1 − αγ) I + α J and λ = 1 − αγ ± iα. |λ|² = 1 − 2αγ
    + α² (1 + γ²) is below 1 for α < 2γ/(1 + γ²), and least, 1/(1 + γ²), at half of that. With γ = α it is the matrix of
    extragradient. (With γ = 1/α λ is ±iα: the larger γ, the more the penalty moves the players instead of the game.)
    """

    title = "consensus"
    family = "penalties"
    spectrum = "λ = 1 − αγ ± iα, |λ|² = 1 − 2αγ + α² (1 + γ²)"
    stability = "converges for α < 2γ/(1 + γ²), circles there, and diverges above"
    uses = frozenset({"gamma"})

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        return torch.stack(
            [d + self.alpha * (ascent(g) - self.gamma * d), g + self.alpha * (descent(d) - self.gamma * g)]
        )

    def matrix(self) -> np.ndarray:
        kept = 1 - self.alpha * self.gamma
        return matrix_of([kept, self.alpha], [-self.alpha, kept])

    def eigenvalues(self) -> np.ndarray:
        kept = 1 - self.alpha * self.gamma
        return np.array([kept + 1j * self.alpha, kept - 1j * self.alpha])

    def limit(self) -> float:
        return 2 * self.gamma / (1 + self.gamma**2)

    def best(self) -> Best:
        return Best(self.limit() / 2, 1 / math.hypot(1, self.gamma), "ρ = 1/√(1 + γ²) at α = γ/(1 + γ²)")


class R1(Rule):
    """d also lowers (γ/2) |∇D|², the penalty R1 on the discriminator's slope (Mescheder, Geiger, Nowozin 2018).

    Read as a discriminator D(x) = d x and a generator that puts its one point at g, the game has ∇D = d: d⁺ = d + α (g
    − γ d), g⁺ = g − α d. Hence A = [[1 − αγ, α], [−α, 1]], of trace 2 − αγ and determinant 1 − αγ + α², and λ = 1 − α
    (γ ± √(γ² − 4))/2. For γ < 2 they are a complex pair, |λ|² = 1 − αγ + α²: it converges for α < γ, and fastest, |λ|²
    = 1 − γ²/4, at α = γ/2. For γ > 2 they are real: it converges for α < 4/(γ + √(γ² − 4)), and fastest where both have
    the same modulus, √(1 − 4/γ²), at α = 2/γ. At γ = 2 see the critical case.
    """

    title = "R1"
    family = "penalties"
    spectrum = "λ = 1 − α (γ ± √(γ² − 4))/2"
    stability = "converges for α < γ where γ ≤ 2, for α < 4/(γ + √(γ² − 4)) where γ ≥ 2, and diverges above"
    uses = frozenset({"gamma"})

    def step(self, state: torch.Tensor) -> torch.Tensor:
        d, g = state
        return torch.stack([d + self.alpha * (ascent(g) - self.gamma * d), g + self.alpha * descent(d)])

    def matrix(self) -> np.ndarray:
        return matrix_of([1 - self.alpha * self.gamma, self.alpha], [-self.alpha, 1])

    def eigenvalues(self) -> np.ndarray:
        root = np.emath.sqrt(self.gamma**2 - 4)
        return np.array([1 - self.alpha * (self.gamma + sign * root) / 2 for sign in (1, -1)], dtype=np.complex128)

    def limit(self) -> float:
        return self.gamma if self.gamma < 2 else 4 / (self.gamma + math.sqrt(self.gamma**2 - 4))

    def best(self) -> Best:
        if self.gamma < 2:
            return Best(self.gamma / 2, math.sqrt(1 - self.gamma**2 / 4), "ρ = √(1 − γ²/4) at α = γ/2")
        return Best(2 / self.gamma, math.sqrt(1 - 4 / self.gamma**2), "ρ = √(1 − 4/γ²) at α = 2/γ")


@dataclass(frozen=True)
class R1Critical(R1):
    """R1 with γ = 2, between a pair that turns and a pair that does not: critically damped.

    A = [[1 − 2α, α], [−α, 1]] has the double eigenvalue λ = 1 − α, and A − λI = α [[−1, 1], [−1, 1]] is not 0 while its
    square is: A has one eigenvector only, at every α. It converges for α < 2, as k |1 − α|ᵏ. At α = 1 λ is 0 and A² =
    0: the rule arrives in two steps, from anywhere. At α = 2 λ is −1, and the distance grows linearly.
    """

    title = "R1, γ = 2"
    spectrum = "λ = 1 − α, twice"
    stability = "converges for α < 2; arrives in two steps at 1; grows linearly at 2; diverges for α > 2"
    uses = frozenset()

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma", 2.0)  # whatever was asked for: it is what makes the case critical

    def best(self) -> Best:
        return Best(1.0, 0.0, "ρ = 0 at α = 1")
