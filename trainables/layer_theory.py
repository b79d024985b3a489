"""Which layers commute with shifts, and what their derivatives are: claims of layer theory as experiments.

A trial examines one layer, with random parameters, in float64. It shifts inputs and compares f(S x) with S' f(x)
(`theory.shifts`): a claim holds where the largest difference is at most 1e-10, and fails where it is above 1e-6;
anything between is an error. Where a layer's Jacobians are known in closed form (`theory.jacobians`), they are compared
with automatic differentiation, the spectrum of a circular convolution with the Fourier transform of its filter, and a
linear map that was made to commute with shifts with a convolution. Nothing is trained, and no data is read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import nn

from common.problems import Problem, nearest
from trainables.core.config import TrialConfig
from trainables.core.experiment import EvalSplit, Experiment, Metrics
from trainables.core.measures import Measure, plain
from trainables.data.sources import Sources
from trainables.theory.jacobians import by_autograd, closed_form, converse_error, spectrum_error
from trainables.theory.layers import CHANNELS, LAYERS, SIDE, Convolution, FullyConnected, Padding, built
from trainables.theory.shifts import Border, Offset, Violation, offsets, probes, shifted, violation

HOLDS, FAILS = 1e-10, 1e-6
"""A claim holds with violations up to the first, and fails with one above the second."""
FARTHEST = 3
"""Steps by which images are shifted at most, along each axis; a longer roll is several of these."""
CHECKED = ((2, 6), (1, 4))
"""Channels and sides of the images on which Jacobians are compared."""
BORDERS: Mapping[str, tuple[Padding, Border]] = {
    "circular": ("circular", "roll"),
    "zeros": ("zero", "fill"),
    "zeros_rolled": ("zero", "roll"),
}
"""How convolutions pad, and what a shift lets in at the border."""


def _largest(name: str, label: str) -> Measure:
    return plain(name, better="min", label=label, low=0, optional=name != "violation")


class Config(TrialConfig):
    layer: str = Field(description=f"what is examined: {', '.join(LAYERS)}")
    border: Literal["circular", "zeros", "zeros_rolled"] = Field(
        description="circular: convolutions pad circularly, shifts let in what leaves; zeros: both know zeros beyond"
        " the border; zeros_rolled: convolutions pad with zeros, shifts let in what leaves"
    )

    def cost(self) -> float:
        return 2.0 if "cnn" in self.layer or self.border != "zeros" else 1.0

    def problems(self, sources: Sources) -> list[Problem]:
        known = self.layer in LAYERS
        return [] if known else [Problem("layer", "one that is known", self.layer, nearest(self.layer, LAYERS))]


class LayerTheory(Experiment[Config]):
    has_test = False
    precision = "fp64"
    procedure = (
        f"Nothing is trained. Each layer has random parameters, {CHANNELS} channels and images of {SIDE}×{SIDE} values "
        "in float64. It is tried on every unit impulse, which is exhaustive for a linear layer, on 16 Gaussian images "
        "and, if it is not linear, on every negative impulse; and under every shift of up to "
        f"{FARTHEST} steps along each axis. A claim holds if the largest absolute difference is at most {HOLDS:g}, and "
        f"fails if it is above {FAILS:g}."
    )
    measures = (
        _largest("violation", "largest violation"),
        _largest("off_stride", "least violation at shifts between the strides"),
        _largest("inside", "largest violation away from the border"),
        _largest("jacobian_input", "error of the Jacobian, input"),
        _largest("jacobian_parameters", "error of the Jacobian, parameters"),
        _largest("spectrum", "error of the spectrum"),
        _largest("converse", "error of the converse"),
    )

    def setup(self) -> None:
        self.padding, self.border = BORDERS[self.config.border]
        self.layer = LAYERS[self.config.layer]
        self.module = self._built(CHANNELS, SIDE)

    def train_epoch(self) -> Metrics:
        return {"steps": 0}

    def evaluate(self, split: EvalSplit) -> Metrics:
        found = self._symmetry() | self._jacobians()
        for name, value in found.items():
            if HOLDS < value <= FAILS:
                raise ArithmeticError(
                    f"a claim holds up to {HOLDS:g} and fails above {FAILS:g}; {name} of {self.config.layer} is"
                    f" {value:g}: examine it with smaller images or parameters"
                )
        return found

    @torch.no_grad()
    def _symmetry(self) -> Metrics:
        """Return the violations, and keep those of every shift, and a counterexample of the smallest."""
        inputs = probes(CHANNELS, SIDE, self.generator("probes"), linear=self.layer.linear)
        outputs = self.module(inputs)
        by = offsets(FARTHEST)
        found = [self._violation(inputs, outputs, offset) for offset in by]
        largest, inside = (np.array([getattr(one, name) for one in found]) for name in ("largest", "interior"))
        whole = np.array([all(steps % self.layer.stride == 0 for steps in o) for o in by])
        self.keep_last("shifts", np.array(by, dtype=np.int64))
        self.keep_last("violations", largest)
        self.keep_last("inside", inside)
        self.keep_last("whole", whole)
        failing = [*np.flatnonzero((largest > FAILS) & whole), *np.flatnonzero(largest > FAILS)]
        if failing:
            self._keep_example(inputs, outputs, by[failing[0]])
        measured = {"violation": largest[whole].max(), "off_stride": _least(largest[~whole])}
        measured["inside"] = _most(inside[whole])
        return {name: float(value) for name, value in measured.items() if not math.isnan(value)}

    def _keep_example(self, inputs: torch.Tensor, outputs: torch.Tensor, by: Offset) -> None:
        """Keep both sides of the equation where a shift violates it most: on an impulse, if it does on any."""
        impulses = CHANNELS * SIDE * SIDE
        found = self._violation(inputs[:impulses], outputs[:impulses], by)
        if found.largest <= FAILS:
            found = self._violation(inputs, outputs, by)
        x, expected = inputs[found.worst], outputs[found.worst]
        moved = shifted(x, by, self.border)
        self.keep_last("example_input", x)  # [C, H, W], as the others are
        self.keep_last("example_shifted", moved)
        self.keep_last("example_output", self.module(moved[None])[0])
        expected = expected if found.output is None else shifted(expected, found.output, self.border)
        self.keep_last("example_expected", expected)
        self.keep_last("example_shift", np.array(by))

    def _violation(self, inputs: torch.Tensor, outputs: torch.Tensor, by: Offset) -> Violation:
        layer = self.layer
        return violation(self.module, inputs, outputs, by, self.border, stride=layer.stride, reach=layer.reach)

    def _jacobians(self) -> Metrics:
        """Return how far the derivations are from automatic differentiation; keep the Jacobians that are drawn."""
        found: Metrics = {}
        if not self.layer.pictured:
            return found
        for channels, side in CHECKED:
            found = {name: max(value, found.get(name, 0.0)) for name, value in self._derived(channels, side).items()}
        x = self._image(1, self.layer.pictured)
        pictured = closed_form(self._built(1, self.layer.pictured), x)
        assert pictured is not None
        self.keep_last("jacobian_of_input", pictured.input)
        self.keep_last("jacobian_of_parameters", pictured.parameters)
        return found

    def _derived(self, channels: int, side: int) -> Metrics:
        module, x = self._built(channels, side), self._image(channels, side)
        derived, automatic = closed_form(module, x), by_autograd(module, x)
        assert derived is not None
        found = {
            f"jacobian_{name}": float((getattr(derived, name) - getattr(automatic, name)).abs().max())
            for name in ("input", "parameters")
        }
        if isinstance(module, Convolution) and self.padding == "circular" and module.stride == 1:
            found["spectrum"] = spectrum_error(module, x)
        if isinstance(module, FullyConnected):
            found["converse"], _ = converse_error(module.weight.detach(), channels, side)
        return found

    def _built(self, channels: int, side: int) -> nn.Module:
        return built(self.config.layer, self.padding, self.config.seed, channels=channels, side=side)

    def _image(self, channels: int, side: int) -> torch.Tensor:
        """Return a Gaussian image [channels, side, side] float64."""
        return torch.randn(channels, side, side, dtype=torch.float64, generator=self.generator("image"))

    def facts(self) -> dict[str, Any]:
        return {"about": self.layer.about, "linear": self.layer.linear, "stride": self.layer.stride}


def _most(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.max()) if known.size else math.nan


def _least(values: np.ndarray) -> float:
    return float(values.min()) if values.size else math.nan
