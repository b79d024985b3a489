"""The game V(d, g) = d g by several rules of play: what becomes of the distance from its stationary point.

A trial plays one rule with one step size from many starts at once, in float64. It measures the factor ρ of the distance
a step in the long run, the angle by which a step turns, and how far games end; and predicts the same from the
eigenvalues of the step's Jacobian, by automatic differentiation. Nothing is trained, and no data is read. A game that
diverges beyond the largest number is a result.
"""

from __future__ import annotations

import inspect
import math
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import torch
from pydantic import Field

from common.problems import Problem, nearest
from trainables.core.config import TrialConfig
from trainables.core.experiment import EvalSplit, Experiment, Metrics
from trainables.core.measures import plain
from trainables.data.sources import Sources
from trainables.gan.dynamics.catalogue import RULES
from trainables.gan.dynamics.gradients import Extragradient
from trainables.gan.dynamics.outcomes import Measured, measured, predicted, predicted_distance, verdict
from trainables.gan.dynamics.penalties import Consensus
from trainables.gan.dynamics.rules import Rule
from trainables.gan.dynamics.spectra import NOTHING, Growth, growth_of_roots
from trainables.gan.dynamics.trajectories import states

CHECKED = 300
"""Steps of the games that check a formula, with as many trajectories."""
CURVE = np.linspace(0.005, 2.2, 440)
"""The step sizes at which the derived ρ is kept for the figure."""
PATH = 400
"""Steps of the trajectories that are kept for the figure."""
PATH_STARTS = ((1.0, -0.4), (0.0, 0.2))
"""Where they begin: values of d, then values of g."""
FAR = 1e6
"""By how much they may have grown; what comes after is not kept."""


class Config(TrialConfig):
    rule: str = Field(description=f"how the players move: {', '.join(RULES)}")
    alpha: float = Field(
        ge=1e-3, le=4, description="size of a step (below 0.001 some rules could hardly be told from one that circles)"
    )
    gamma: float = Field(1.0, gt=0, le=10, description="weight of the penalty, of consensus and r1")
    beta: float = Field(-0.5, ge=-0.9, le=-0.1, description="momentum: the part of the last step that is kept")
    trajectories: int = Field(10_000, gt=1, le=100_000, description="starts, drawn from a normal distribution")
    steps: int = Field(10_000, ge=100, le=1_000_000, description="steps of each trajectory")

    def unused(self) -> frozenset[str]:
        known = RULES[self.rule].uses if self.rule in RULES else frozenset()
        return frozenset({"gamma", "beta"} - known)

    def cost(self) -> float:
        return float(self.steps) * (1000 + self.trajectories)

    def problems(self, sources: Sources) -> list[Problem]:
        if self.rule not in RULES:
            return [Problem("rule", "one that is known", self.rule, nearest(self.rule, RULES))]
        least = math.ceil(2 * math.pi / self.alpha)
        if self.steps >= least:
            return []
        rule = f"at least once around the stationary point, 2π/α steps, {least:,} at α = {self.alpha:g}"
        return [Problem("steps", rule, self.steps, f"Ask for {least} or more, or for larger α.")]


class GanDynamics(Experiment[Config]):
    has_test = False
    precision = "fp64"
    procedure = (
        "Nothing is trained. In the game V(d, g) = d g, which d raises and g lowers, each trial plays one rule with one"
        " step size α from starts that are drawn from a normal distribution, in float64. All games are divided by a"
        " common number now and then, whose logarithm is carried, so that none overflows or vanishes. The recurrence"
        " that successive values of d and g obey is fitted to windows of the whole game, by least squares; ρ is the"
        " modulus of its largest root. It is compared with the largest modulus of the eigenvalues of the step's"
        " Jacobian, by automatic differentiation. Roots within 1e-6 of each other count as one, at their mean. A"
        " distance counts as kept where |ln ρ| is at most 1e-9."
    )
    measures = (
        plain("gap", better="min", label="difference of measured and predicted ln ρ", low=0),
        plain("predicted", better="min", label="predicted ρ", low=0, decimals=9),
        plain("measured", better="min", label="measured ρ", low=0, decimals=9),
        plain("angle", better="min", label="angle a step", unit="degrees", low=0, high=180),
        plain("angle_gap", better="min", label="difference of measured and predicted angle", unit="degrees", low=0),
        plain("distance", better="min", label="distance at the end over that at the start, log10", optional=True),
        plain("distance_gap", better="min", label="difference of its logarithm from the predicted, a step", low=0,
              optional=True),
        plain("arrival", better="min", label="steps to a millionth of the distance", low=0, decimals=0, optional=True),
        plain("overflow", better="max", label="steps to overflow", low=0, decimals=0, optional=True),
        plain("best_gap", better="min", label="difference from the formula for the best α, ln ρ", low=0, optional=True),
        plain("consensus_gap", better="min", label="difference from consensus with γ = α", low=0, optional=True),
    )  # fmt: skip

    def setup(self) -> None:
        config = self.config
        self.rule = RULES[config.rule](config.alpha, config.gamma, config.beta)
        self.points = torch.randn(2, config.trajectories, dtype=torch.float64, generator=self.generator("starts"))

    def train_epoch(self) -> Metrics:
        return {"steps": 0}

    @torch.no_grad()
    def evaluate(self, split: EvalSplit) -> Metrics:
        rule, steps = self.rule, self.config.steps
        found, expected = measured(rule, self.points, steps), predicted(rule)
        self.keep_last("growth", np.array([astuple(found.growth), astuple(expected)]))
        self.keep_last("path", self._path())
        self.keep_last("curve", np.stack([CURVE, [_derived(rule, alpha) for alpha in CURVE]]))
        turned = [math.degrees(growth.angle) for growth in (found.growth, expected)]
        metrics = {
            "gap": found.growth.gap(expected),
            "predicted": expected.modulus,
            "measured": found.growth.modulus,
            "angle": turned[0],
            "angle_gap": abs(turned[0] - turned[1]),
        }
        return metrics | self._distances(found) | self._formulas()

    def _distances(self, found: Measured) -> Metrics:
        """Return how far trajectories end, and when they come near or overflow, whichever happens."""
        metrics = {name: float(at) for name, at in (("arrival", found.near), ("overflow", found.overflow)) if at}
        if found.growth.modulus <= NOTHING:
            return metrics  # what is left is rounding
        first, last, steps = float(found.distance[0]), float(found.distance[-1]), self.config.steps
        gap = abs(last - predicted_distance(self.rule, self.points, steps)) / steps
        return metrics | {"distance": (last - first) / math.log(10), "distance_gap": gap}

    def _formulas(self) -> Metrics:
        """Return how far games are from what was derived: of the fastest α, and of what is the same as another rule."""
        rule, points, found = self.rule, self.points[:, :CHECKED], {}
        if (best := rule.best()) is not None:
            fastest = measured(replace(rule, alpha=best.alpha), points, CHECKED).growth
            found["best_gap"] = fastest.gap(replace(fastest, modulus=best.modulus))
        if isinstance(rule, Extragradient):
            found["consensus_gap"] = _apart(rule, Consensus(rule.alpha, gamma=rule.alpha), points)
        return found

    def _path(self) -> np.ndarray:
        """Return d and g, or their means, after 0, 1, … `PATH` steps, [steps, 2, starts]; NaN far beyond the figure."""
        points = torch.tensor(PATH_STARTS, dtype=torch.float64)
        path = np.full((PATH + 1, *points.shape), np.nan)
        for step, (state, scale) in enumerate(states(self.rule, points, PATH)):
            if scale < math.log(FAR):
                mean = step + 1 if self.rule.averaged else 1
                path[step] = (self.rule.watched(state) * math.exp(scale) / mean).numpy()
        return path

    def facts(self) -> dict[str, Any]:
        rule, best = self.rule, self.rule.best()
        ends = [Growth(*growth) for growth in self.gathered()["growth"].tolist()]
        found, expected = (verdict(growth, averaged=rule.averaged) for growth in ends)
        return {
            "title": rule.title,
            "family": rule.family,
            "spectrum": rule.spectrum,
            "stability": rule.stability,
            "derivation": " ".join((inspect.getdoc(type(rule)) or "").split()),
            "best": None if best is None else best._asdict(),
            "verdict": found,
            "predicted_verdict": expected,
            "power": ends[0].power,
        }


def _derived(rule: Rule, alpha: float) -> float:
    """Return ρ at another step size, as it was derived."""
    return growth_of_roots(replace(rule, alpha=float(alpha)).eigenvalues()).modulus


def _apart(rule: Rule, other: Rule, points: torch.Tensor) -> float:
    """Return how far two rules come apart, at most, as a share of the distance from the stationary point."""
    farthest = 0.0
    for (state, scale), (others, of_others) in zip(
        states(rule, points, CHECKED), states(other, points, CHECKED), strict=True
    ):
        apart = torch.hypot(*(state - others * math.exp(of_others - scale))) / torch.hypot(*state)
        farthest = max(farthest, float(apart.max()))
    return farthest
