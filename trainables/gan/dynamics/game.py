"""A game of two parameters: V(d, g) = d g, which the discriminator d raises and the generator g lowers.

Both gradients, ∂V/∂d = g and ∂V/∂g = d, vanish at (0, 0) and nowhere else: it is the one stationary point. The Hessian
[[0, 1], [1, 0]] has the eigenvalues 1 and −1, so it is a saddle; neither player gains by leaving it alone, so it is
the one equilibrium. In continuous time d′ = g and g′ = −d go round it at a constant distance. What a rule of discrete
steps makes of that is the question.
"""

from __future__ import annotations

import torch


def value(d: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
    """Return V(d, g), elementwise."""
    return d * g


def ascent(g: torch.Tensor) -> torch.Tensor:
    """Return ∂V/∂d, along which d moves."""
    return g


def descent(d: torch.Tensor) -> torch.Tensor:
    """Return −∂V/∂g, along which g moves."""
    return -d
