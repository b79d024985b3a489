"""Shifts of images, and how far a map is from commuting with them.

A map f is *equivariant* to shifts if a shifted input gives the shifted output, f(S x) = S' f(x), and *invariant* if it
gives the same output, f(S x) = f(x). On a finite image a shift has to say what enters at the border: `roll` lets in
what leaves on the other side, `fill` lets in zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Literal, NamedTuple

import torch

Border = Literal["roll", "fill"]
Offset = tuple[int, int]
"""By how many rows and columns an image is shifted, down and to the right."""
Map = Callable[[torch.Tensor], torch.Tensor]


def shifted(x: torch.Tensor, by: Offset, border: Border) -> torch.Tensor:
    """Return x [..., H, W] shifted by `by`, whose parts are less than H and W in size where zeros enter."""
    rolled = x.roll(by, dims=(-2, -1))
    if border == "fill":
        for axis, steps in zip((-2, -1), by, strict=True):
            length = x.shape[axis]
            entered = range(steps) if steps >= 0 else range(length + steps, length)
            rolled.index_fill_(axis, torch.tensor(entered, dtype=torch.int64, device=x.device), 0)
    return rolled


def offsets(farthest: int) -> list[Offset]:
    """Return the shifts by up to `farthest` steps along each axis, the smallest first."""
    steps = range(-farthest, farthest + 1)
    return sorted(
        product(steps, steps), key=lambda by: (max(map(abs, by)), abs(by[0]) + abs(by[1]), -by[0], -by[1])
    )  # fmt: skip


class Violation(NamedTuple):
    """How far a map is from commuting with one shift, over all inputs that were tried."""

    largest: float
    """The largest absolute difference of an output, max |f(S x) − S' f(x)|."""
    interior: float
    """The largest where neither side sees the border; NaN where no output is that far inside."""
    worst: int
    """The position of the input on which it is largest."""
    output: Offset | None
    """By how much the output was shifted; None where it was not (a map to one value for each image)."""


def violation(
    f: Map, inputs: torch.Tensor, outputs: torch.Tensor, by: Offset, border: Border, *, stride: int, reach: Offset
) -> Violation:  # fmt: skip
    """Return how far f is from commuting with a shift of `inputs` [N, C, H, W], whose `outputs` f(x) are known.

    The output of a map of stride t shifts by s / t where that is whole. Elsewhere every shift of the output is tried,
    and the one that fits best counts. An output at i sees the input from t i − before to t i + after: `reach` is
    (before, after). An output without rows and columns is expected not to change.
    """
    found = f(shifted(inputs, by, border))
    if outputs.ndim < 4:
        error = (found - outputs).abs().flatten(1).amax(1)
        return Violation(float(error.max()), float("nan"), int(error.argmax()), None)
    steps = _output_offsets(by, stride, outputs.shape[-1])
    errors = {step: (found - shifted(outputs, step, border)).abs() for step in steps}
    step = min(errors, key=lambda step: float(errors[step].max()))
    error = errors[step]
    inside = [_inside(by[i], inputs.shape[-2 + i], outputs.shape[-2 + i], stride, reach) for i in range(2)]
    within = error[..., inside[0], :][..., inside[1]]
    interior = float(within.max()) if within.numel() and len(steps) == 1 else float("nan")
    worst = error.flatten(1).amax(1)
    return Violation(float(worst.max()), interior, int(worst.argmax()), step)


def _output_offsets(by: Offset, stride: int, side: int) -> Sequence[Offset]:
    if all(steps % stride == 0 for steps in by):
        return [(by[0] // stride, by[1] // stride)]
    return offsets(side // 2)


def _inside(by: int, length: int, outputs: int, stride: int, reach: Offset) -> list[int]:
    """Return the outputs along an axis that see the whole of their input, with the shift and without."""
    before, after = reach
    seen = ((i, stride * i - before, stride * i + after) for i in range(outputs))
    return [i for i, first, last in seen if min(first, first - by) >= 0 and max(last, last - by) < length]


def probes(channels: int, side: int, generator: torch.Generator, *, linear: bool, random: int = 16) -> torch.Tensor:
    """Return inputs [N, C, side, side] float64 to try a map on: all unit impulses, and Gaussian images.

    Impulses are a basis: on a linear map they are exhaustive. For others negative impulses are tried too, and what
    holds holds on all that was tried.
    """
    impulses = torch.eye(channels * side * side, dtype=torch.float64).reshape(-1, channels, side, side)
    images = torch.randn(random, channels, side, side, dtype=torch.float64, generator=generator)
    return torch.cat([impulses, images] if linear else [impulses, -impulses, images])
