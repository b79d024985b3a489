"""Schedules of the learning rate."""

from __future__ import annotations

import math

RISE = 0.2
"""Share of all steps in which the learning rate rises."""


class OneCycle:
    """The learning rate's factor: up in the first fifth of all steps, then down to 0, both linearly.

    Source: L. Smith, N. Topin, "Super-convergence", 2018.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.rise = steps, max(1, math.ceil(RISE * steps))

    def __call__(self, step: int) -> float:
        return min((step + 1) / self.rise, (self.steps - step) / max(1, self.steps - self.rise))
