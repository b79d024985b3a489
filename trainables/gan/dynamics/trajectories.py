"""Trajectories of a rule, as many as there are lanes in one tensor, without overflow or underflow.

The states of all lanes are divided by their largest entry now and then, and the logarithm of what they were divided by
is carried: a game that diverges goes on past the largest number, and one that converges below the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from trainables.gan.dynamics.rules import Rule

EVERY = 16
"""Steps after which states are divided: no rule with α ≤ 4 grows by more than 1e40 in as many."""
LONG = 7
"""Successive states that are kept together, to fit recurrences to."""
NEAR = 1e-6
"""The share of its first distance at which a trajectory counts as arrived."""
OVERFLOW = math.log(np.finfo(np.float64).max)


def states(rule: Rule, points: torch.Tensor, steps: int) -> Iterator[tuple[torch.Tensor, float]]:
    """Yield the state after 0, 1, …, `steps` steps, [size, lanes], and the logarithm of what it was divided by.

    `points` [2, lanes] float64 are where the games begin.
    """
    state, scale = rule.start(points), 0.0
    for step in range(steps + 1):
        yield state, scale
        if step % EVERY == EVERY - 1 and (largest := float(state.abs().max())) > 0:
            state, scale = state / largest, scale + math.log(largest)
        state = rule.step(state)


@dataclass
class Watched:
    """What was seen of trajectories."""

    distance: np.ndarray
    """[steps + 1] the logarithm of the root mean square over lanes of the distance from the stationary point, of what
    is watched (of a mean: of the sum)."""
    windows: np.ndarray
    """[windows, LONG, rows]: successive values of d and of g, a row for each lane and player, scaled to 1 at most."""
    near: int | None
    """The number of steps after which no lane was farther than `NEAR` of where it began; None if that came not."""
    overflow: int | None
    """The number of steps after which the distance of some lane is beyond the largest float64; None if it is not."""


def watch(rule: Rule, points: torch.Tensor, steps: int) -> Watched:
    """Return what trajectories from `points` [2, lanes] float64 do in `steps` steps."""
    begins = window_starts(steps)
    kept = {step + i for step in begins for i in range(LONG)}
    seen: dict[int, tuple[torch.Tensor, float]] = {}
    distance = np.empty(steps + 1)
    first = torch.hypot(*points)
    away, overflow = 0, None
    for step, (state, scale) in enumerate(states(rule, points, steps)):
        lengths = torch.hypot(*rule.watched(state))
        mean = -math.log(step + 1) if rule.averaged else 0.0
        distance[step] = _log(float(lengths.square().mean().sqrt())) + scale
        if bool((lengths > first * math.exp(min(math.log(NEAR) - scale - mean, OVERFLOW))).any()):
            away = step
        if overflow is None and _log(float(lengths.max())) + scale + mean > OVERFLOW:
            overflow = step
        if step in kept:
            seen[step] = state[:2], scale
    windows = np.stack([_window([seen[step + i] for i in range(LONG)]) for step in begins])
    return Watched(distance, windows, away + 1 if away < steps else None, overflow)


def window_starts(steps: int, count: int = 24) -> list[int]:
    """Return the steps at which windows begin, denser at first: what dies away is seen before it does."""
    last = steps + 1 - LONG
    return sorted({int(step) for step in np.geomspace(1, last + 1, count) - 1})


def _window(seen: list[tuple[torch.Tensor, float]]) -> np.ndarray:
    """Return successive values as [LONG, rows], each row divided by its largest."""
    _, origin = seen[0]
    values = torch.stack([value * math.exp(scale - origin) for value, scale in seen]).flatten(1)
    largest = values.abs().amax(0)
    scaled: np.ndarray = (values / torch.where(largest > 0, largest, 1.0)).numpy()
    return scaled


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf
