"""The rules of play by name."""

from __future__ import annotations

from collections.abc import Mapping

from trainables.gan.dynamics.averages import AverageAlternating, AverageSimultaneous
from trainables.gan.dynamics.gradients import AlternatingDFirst, AlternatingGFirst, Extragradient, Simultaneous
from trainables.gan.dynamics.memory import Momentum, MomentumAlternating, Optimistic, OptimisticAlternating
from trainables.gan.dynamics.penalties import R1, Consensus, R1Critical
from trainables.gan.dynamics.rules import Rule

RULES: Mapping[str, type[Rule]] = {
    "simultaneous": Simultaneous,
    "alternating_d_first": AlternatingDFirst,
    "alternating_g_first": AlternatingGFirst,
    "average_simultaneous": AverageSimultaneous,
    "average_alternating": AverageAlternating,
    "extragradient": Extragradient,
    "optimistic": Optimistic,
    "optimistic_alternating": OptimisticAlternating,
    "consensus": Consensus,
    "r1": R1,
    "r1_critical": R1Critical,
    "momentum": Momentum,
    "momentum_alternating": MomentumAlternating,
}
