"""Schedules of the learning rate."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["one-cycle", "constant"]
RISE = 0.2
"""Share of all steps in which the learning rate rises."""


class OneCycle:
    """The learning rate's factor: it rises over the first fifth of all steps and then falls to 0, both linearly.

    Use it with `LambdaLR`. PyTorch's `OneCycleLR` reaches its top a step earlier, and fails where the rise is one step.
    Source: L. Smith, N. Topin, "Super-convergence", 2018.
    """

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.rise = max(1, math.ceil(RISE * steps))

    def __call__(self, step: int) -> float:
        return min((step + 1) / self.rise, (self.steps - step) / max(1, self.steps - self.rise))


class Cosine:
    """The learning rate's factor: it falls from 1 to 0 along half a period of a cosine. Use it with `LambdaLR`."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def __call__(self, step: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * step / self.steps))


class Constant:
    """The factor of a learning rate that does not change. Use it with `LambdaLR`."""

    def __call__(self, step: int) -> float:
        return 1.0
