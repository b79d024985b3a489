"""What is measured agrees with what is predicted, and is called by the right name."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from trainables.gan.dynamics.catalogue import RULES
from trainables.gan.dynamics.outcomes import SAME, matrix_power, measured, predicted, predicted_distance, verdict

ALPHAS = (0.02, 0.3, 0.5, 1.0, 2.0, 3.0)


def starts(lanes: int = 30) -> torch.Tensor:
    return torch.randn(2, lanes, dtype=torch.float64, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("name", RULES)
def test_measured_growth_is_the_predicted_one(name: str) -> None:
    for alpha in ALPHAS:
        rule = RULES[name](alpha)
        found, expected = measured(rule, starts(), 700), predicted(rule)
        assert found.growth.gap(expected) <= SAME / 100
        assert found.growth.angle == pytest.approx(expected.angle, abs=SAME)
        assert found.growth.power == expected.power
        if found.growth.modulus > 0.1:
            by_power = predicted_distance(rule, starts(), 700)
            assert abs(found.distance[-1] - by_power) / 700 < SAME


@pytest.mark.slow
def test_rules_can_be_told_apart_at_the_smallest_step() -> None:
    rates = {
        name: measured(RULES[name](1e-3), starts(10), 6300).growth.rate for name in ("extragradient", "optimistic")
    }
    assert rates["extragradient"] == pytest.approx(-5e-7, rel=1e-3)
    assert abs(rates["extragradient"] - rates["optimistic"]) < 1e-11, "both lose α²/2 a step"
    assert measured(RULES["optimistic_alternating"](1e-3), starts(10), 6300).growth.rate == pytest.approx(
        -1e-6, rel=1e-3
    )


@pytest.mark.parametrize(
    ("name", "alpha", "called"),
    [
        ("simultaneous", 0.02, "diverges"),
        ("alternating_d_first", 1.9, "circles"),
        ("alternating_g_first", 2.0, "grows linearly"),
        ("alternating_d_first", 2.1, "diverges"),
        ("average_simultaneous", 0.1, "diverges"),
        ("average_alternating", 0.1, "falls as 1/k"),
        ("average_alternating", 2.0, "stays at a distance"),
        ("extragradient", 0.9, "converges"),
        ("extragradient", 1.0, "circles"),
        ("optimistic", 0.49, "converges"),
        ("optimistic", 0.5, "converges as k ρᵏ"),
        ("optimistic", 0.58, "diverges"),
        ("r1_critical", 0.3, "converges as k ρᵏ"),
        ("r1_critical", 1.0, "arrives"),
        ("r1_critical", 2.0, "grows linearly"),
        ("momentum_alternating", 0.99, "converges"),
        ("momentum_alternating", 1.0, "circles"),
    ],
)
def test_each_case_has_a_verdict_of_its_own(name: str, alpha: float, called: str) -> None:
    rule = RULES[name](alpha)
    found = measured(rule, starts(), 900).growth
    assert verdict(found, averaged=rule.averaged) == called
    assert verdict(predicted(rule), averaged=rule.averaged) == called


def test_a_nilpotent_step_arrives_in_two() -> None:
    assert measured(RULES["r1_critical"](1.0), starts(), 200).near == 2


def test_means_fall_as_one_over_the_steps() -> None:
    found = measured(RULES["average_alternating"](0.5), starts(), 4000).distance
    at = np.array([1000, 2000, 4000])
    peaks = [found[k - 50 : k + 1].max() for k in at]
    np.testing.assert_allclose(np.diff(peaks), -math.log(2), atol=0.05)


def test_powers_of_a_matrix_beyond_the_largest_number() -> None:
    power, scale = matrix_power(np.array([[3.0, 1.0], [0.0, 3.0]]), 2000)
    assert power[0, 1] / power[0, 0] == pytest.approx(2000 / 3, rel=1e-12)
    assert math.log(power[0, 0]) + scale == pytest.approx(2000 * math.log(3), rel=1e-12)
    nothing, _ = matrix_power(np.array([[-1.0, 1.0], [-1.0, 1.0]]), 7)
    assert not nothing.any()
