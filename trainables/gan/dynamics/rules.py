"""What a rule of play is: how d and g move in a step of size α, and what is derived of it on paper.

A rule is linear on the game V(d, g) = d g: its state s, d and g and whatever it remembers of them, becomes M s in a
step. The distance from the stationary point then follows from the eigenvalues of M: it grows or shrinks by the largest
modulus ρ a step in the long run, times a power of the number of steps where M lacks eigenvectors. Each rule derives its
matrix, eigenvalues and limits of stability in its docstring, and states them in its methods; trials compare these with
the Jacobian of `step` by automatic differentiation, and with trajectories.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch


class Best(NamedTuple):
    """The step size at which a rule converges fastest, derived on paper."""

    alpha: float
    modulus: float
    """The largest modulus of an eigenvalue there: what remains of the distance after a step, in the long run."""
    formula: str
    """Both as formulas, for people."""


@dataclass(frozen=True)
class Rule(ABC):
    """A rule of play with its step size. Its docstring is what an answer quotes as the derivation."""

    alpha: float
    gamma: float = 1.0
    """The weight of a penalty, in rules that have one."""
    beta: float = -0.5
    """The momentum, in rules that have one."""

    title: ClassVar[str]
    """What people call it."""
    family: ClassVar[str]
    """The rules that share a panel of a figure."""
    spectrum: ClassVar[str]
    """The eigenvalues as a formula, for people."""
    stability: ClassVar[str]
    """For which α it converges, stays bounded or diverges, for people."""
    converges: ClassVar[bool] = True
    """Whether it converges at any α, at an exponential rate."""
    uses: ClassVar[frozenset[str]] = frozenset()
    """Which of `gamma` and `beta` change something."""
    averaged: ClassVar[bool] = False
    """Whether what is watched is a mean of iterates: a sum, which a matrix moves, divided by the number of iterates."""

    @abstractmethod
    def step(self, state: torch.Tensor) -> torch.Tensor:
        """Return the state [size, …] after a step; its first two rows are d and g."""

    @abstractmethod
    def matrix(self) -> np.ndarray:
        """Return M [size, size] as it was derived."""

    @abstractmethod
    def eigenvalues(self) -> np.ndarray:
        """Return the eigenvalues of M [size] complex as they were derived."""

    @abstractmethod
    def limit(self) -> float:
        """Return the α up to which ρ ≤ 1, and from which on it diverges; 0 where it diverges at every α."""

    def best(self) -> Best | None:
        """Return the fastest convergence over all α; None where the rule never converges, or no formula is known."""
        return None

    def start(self, points: torch.Tensor) -> torch.Tensor:
        """Return the state [size, …] of a game that begins at `points` [2, …]."""
        return points

    def watched(self, state: torch.Tensor) -> torch.Tensor:
        """Return the part [2, …] of a state whose distance counts, without the division of a mean."""
        return state[:2]


def matrix_of(*rows: Sequence[float]) -> np.ndarray:
    """Return a matrix float64 of its rows."""
    return np.array(rows, dtype=np.float64)


def roots_of(coefficients: Sequence[float]) -> np.ndarray:
    """Return the roots of a polynomial, complex, from its coefficients, the highest power's first."""
    return np.roots(coefficients).astype(np.complex128)
