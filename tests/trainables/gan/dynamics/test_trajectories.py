"""Trajectories past the largest and the smallest number, and the recurrence that is fitted to them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from trainables.gan.dynamics.averages import AverageAlternating
from trainables.gan.dynamics.gradients import AlternatingDFirst, Extragradient, Simultaneous
from trainables.gan.dynamics.memory import MomentumAlternating, Optimistic
from trainables.gan.dynamics.penalties import R1, Consensus, R1Critical
from trainables.gan.dynamics.recurrences import fitted_roots
from trainables.gan.dynamics.rules import Rule
from trainables.gan.dynamics.trajectories import LONG, NEAR, watch, window_starts


def points(lanes: int = 20) -> torch.Tensor:
    return torch.randn(2, lanes, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


def by_hand(rule: Rule, steps: int) -> np.ndarray:
    """Return the distances [steps + 1, lanes] of games that are played without dividing anything."""
    state, found = rule.start(points()), []
    for step in range(steps + 1):
        found.append(torch.hypot(*rule.watched(state)) / (step + 1 if rule.averaged else 1))
        state = rule.step(state)
    return torch.stack(found).numpy()


def test_a_game_goes_on_past_the_largest_number() -> None:
    seen = watch(Simultaneous(2.0), points(), 3000)
    assert seen.distance[-1] - seen.distance[0] == pytest.approx(1500 * math.log(5), rel=1e-12)
    first = int(np.argmax(np.isinf(by_hand(Simultaneous(2.0), 1000)).any(1)))
    assert seen.overflow == first, "where a game that is played as it stands overflows"
    assert 870 < first < 900
    assert seen.near is None


def test_a_game_goes_on_below_the_smallest_number() -> None:
    seen = watch(Consensus(0.5), points(), 5000)
    assert seen.distance[-1] - seen.distance[0] == pytest.approx(-2500 * math.log(2), rel=1e-12)
    assert seen.overflow is None
    assert np.isfinite(seen.windows).all()
    assert np.abs(seen.windows).max(1).min() == 1, "each row of a window is divided by its largest"


@pytest.mark.parametrize("rule", [Extragradient(0.5), Optimistic(0.5), R1(0.3), MomentumAlternating(0.7)])
def test_the_steps_to_a_millionth_are_those_of_the_last_trajectory(rule: Rule) -> None:
    distances = by_hand(rule, 500)
    away = (distances > NEAR * distances[0]).any(1)
    assert watch(rule, points(), 500).near == 1 + int(np.flatnonzero(away)[-1])


def test_what_has_not_arrived_has_no_steps() -> None:
    assert watch(Extragradient(0.5), points(), 100).near is None
    assert watch(AlternatingDFirst(0.5), points(), 300).near is None


def test_of_a_mean_the_sum_is_watched() -> None:
    seen = watch(AverageAlternating(0.3), points(), 200)
    expected = np.sqrt((by_hand(AverageAlternating(0.3), 200) ** 2).mean(1)) * np.arange(1, 202)
    np.testing.assert_allclose(np.exp(seen.distance), expected, rtol=1e-12)


def test_windows_begin_early_and_reach_the_end() -> None:
    begins = window_starts(10_000)
    assert begins[:3] == [0, 1, 2]
    assert begins[-1] == 10_001 - LONG
    assert len(begins) > 15


def windows_of(*sequences: np.ndarray) -> np.ndarray:
    """Return the windows [windows, LONG, rows] of sequences that are equally long."""
    rows = np.stack(sequences, 1)
    return np.stack([rows[i : i + LONG] for i in range(len(rows) - LONG + 1)])


def test_the_roots_of_a_known_recurrence_are_found() -> None:
    fibonacci = [1.0, 1.0]
    while len(fibonacci) < 20:
        fibonacci.append(sum(fibonacci[-2:]))
    roots = sorted(fitted_roots(windows_of(np.array(fibonacci))).real)
    assert roots == pytest.approx([(1 - math.sqrt(5)) / 2, (1 + math.sqrt(5)) / 2], rel=1e-12)


def test_the_shortest_recurrence_counts_and_growth_does_not_hide_modes() -> None:
    k = np.arange(15)
    assert len(fitted_roots(windows_of(3.0**k))) == 1
    mixed = fitted_roots(windows_of(60.0**k + 20.0**k, 60.0**k - 7 * 20.0**k))
    assert sorted(mixed.real) == pytest.approx([20, 60], rel=1e-9)


def test_what_obeys_no_short_recurrence_is_an_error() -> None:
    noise = np.random.default_rng(0).normal(size=(30, 4))
    with pytest.raises(ArithmeticError, match="explains the trajectories"):
        fitted_roots(windows_of(*noise.T))


@pytest.mark.parametrize(
    ("rule", "pair"), [(Simultaneous(0.3), True), (R1(0.3), True), (R1(0.3, gamma=4.0), False), (R1Critical(0.3), True)]
)
def test_determinants_of_successive_states_tell_the_modulus_of_a_pair_only(rule: Rule, pair: bool) -> None:
    first = points(2)
    states = [first, rule.step(first)]
    by_determinants = math.sqrt(abs(float(torch.linalg.det(states[1]) / torch.linalg.det(states[0]))))
    largest = np.abs(fitted_roots(watch(rule, points(), 100).windows)).max()
    assert (by_determinants == pytest.approx(largest, abs=1e-6)) == pair
