"""Each rule's derivation: matrix, eigenvalues, limits of stability and best rate, against autograd and numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from trainables.gan.dynamics.averages import AverageAlternating, AverageSimultaneous
from trainables.gan.dynamics.catalogue import RULES
from trainables.gan.dynamics.game import ascent, descent, value
from trainables.gan.dynamics.gradients import AlternatingDFirst, AlternatingGFirst, Extragradient, Simultaneous
from trainables.gan.dynamics.memory import Momentum, MomentumAlternating, OptimisticAlternating
from trainables.gan.dynamics.penalties import R1, Consensus, R1Critical
from trainables.gan.dynamics.rules import Rule
from trainables.gan.dynamics.spectra import growth_of_matrix, growth_of_roots, jacobian

SAME = 1e-9
ALPHAS = (1e-3, 0.1, 0.3, 0.5, 0.7, 1.0, 2.0, 3.0)
WEIGHTS = ((1.0, -0.5), (0.5, -0.2), (2.0, -0.9), (3.5, -0.7))
"""Values of γ and β."""


def rule_of(name: str, alpha: float, gamma: float = 1.0, beta: float = -0.5) -> Rule:
    return RULES[name](alpha, gamma, beta)


def rate(rule: Rule) -> float:
    return growth_of_matrix(jacobian(rule)).rate


def stepped(rule: Rule, *points: float) -> list[float]:
    moved: list[float] = rule.step(torch.tensor(points, dtype=torch.float64)).tolist()
    return moved


def numbers(tensors: list[torch.Tensor]) -> list[float]:
    return [float(tensor.detach()) for tensor in tensors]


def test_players_follow_the_gradients_of_the_game() -> None:
    d, g = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (3.0, 5.0))
    by_d, by_g = torch.autograd.grad(value(d, g), (d, g))
    assert ascent(g) == by_d
    assert descent(d) == -by_g


def test_the_rule_of_the_question_by_hand() -> None:
    assert Simultaneous(0.5).matrix().tolist() == [[1, 0.5], [-0.5, 1]]
    assert stepped(Simultaneous(0.5), 3, 5) == [5.5, 3.5]
    assert stepped(AlternatingDFirst(0.5), 3, 5) == [5.5, 2.25]
    assert stepped(AlternatingGFirst(0.5), 3, 5) == [4.75, 3.5]
    assert stepped(Extragradient(0.5), 3, 5) == [4.75, 2.25], "from (5.5, 3.5) the gradients are 3.5 and −5.5"


@pytest.mark.parametrize(("gamma", "beta"), WEIGHTS)
@pytest.mark.parametrize("name", RULES)
def test_matrix_and_eigenvalues_are_those_of_autograd_and_numpy(name: str, gamma: float, beta: float) -> None:
    for alpha in ALPHAS:
        rule = rule_of(name, alpha, gamma, beta)
        by_autograd = jacobian(rule)
        np.testing.assert_allclose(rule.matrix(), by_autograd, rtol=0, atol=1e-14)
        # Double roots split by 1e-8, so polynomials are compared, and what is made of the roots.
        np.testing.assert_allclose(np.poly(rule.eigenvalues()), np.poly(by_autograd), rtol=1e-10, atol=1e-10)
        derived, found = growth_of_roots(rule.eigenvalues()), growth_of_matrix(by_autograd)
        assert derived.gap(found) < 1e-12
        assert derived.angle == pytest.approx(found.angle, abs=1e-9)


@pytest.mark.parametrize(("gamma", "beta"), WEIGHTS)
@pytest.mark.parametrize("name", RULES)
def test_limits_of_stability_on_both_sides(name: str, gamma: float, beta: float) -> None:
    limit = rule_of(name, 1.0, gamma, beta).limit()
    if not limit:
        assert all(rate(rule_of(name, alpha, gamma, beta)) > SAME for alpha in ALPHAS)
        return
    inside, outside = (rate(rule_of(name, limit * (1 + by), gamma, beta)) for by in (-1e-6, 1e-6))
    assert outside > SAME
    within = [rate(rule_of(name, share * limit, gamma, beta)) for share in (0.001, 0.2, 0.5, 0.9)]
    if RULES[name].converges:
        assert max(inside, *within) < -SAME
    else:
        assert max(map(abs, (inside, *within))) <= SAME, "bounded, and no more"
    assert abs(rate(rule_of(name, limit, gamma, beta))) <= SAME


@pytest.mark.parametrize(("gamma", "beta"), WEIGHTS)
@pytest.mark.parametrize("name", [name for name in RULES if RULES[name].converges])
def test_no_step_size_is_faster_than_the_best(name: str, gamma: float, beta: float) -> None:
    best = rule_of(name, 1.0, gamma, beta).best()
    assert best is not None
    at_best = growth_of_matrix(jacobian(rule_of(name, best.alpha, gamma, beta)))
    assert at_best.modulus == pytest.approx(best.modulus, abs=1e-12)
    alphas = np.linspace(1e-3, rule_of(name, 1.0, gamma, beta).limit(), 999)
    moduli = [growth_of_roots(rule_of(name, float(alpha), gamma, beta).eigenvalues()).modulus for alpha in alphas]
    assert min(moduli) >= best.modulus - 1e-12
    assert min(moduli) < best.modulus + 0.05, "some step size nearby is nearly as fast"


def test_rules_that_never_converge_have_no_best() -> None:
    assert all(rule_of(name, 1.0).best() is None for name in RULES if not RULES[name].converges)


def test_penalties_are_the_gradients_of_what_their_docstrings_penalise() -> None:
    alpha, gamma = 0.3, 0.7
    d, g = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (3.0, 5.0))
    by_d, by_g = torch.autograd.grad(value(d, g), (d, g), create_graph=True)
    slopes = torch.autograd.grad((by_d**2 + by_g**2) / 2, (d, g))
    expected = [d + alpha * (by_d - gamma * slopes[0]), g + alpha * (-by_g - gamma * slopes[1])]
    assert stepped(Consensus(alpha, gamma), 3, 5) == pytest.approx(numbers(expected), abs=1e-14)
    x = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)  # where the generator puts its point
    (slope,) = torch.autograd.grad(d * x, x, create_graph=True)
    (of_penalty,) = torch.autograd.grad(gamma / 2 * slope**2, d)
    expected = [d + alpha * (by_d - of_penalty), g - alpha * by_g]
    assert stepped(R1(alpha, gamma), 3, 5) == pytest.approx(numbers(expected), abs=1e-14)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_consensus_with_the_step_as_its_weight_is_extragradient(alpha: float) -> None:
    np.testing.assert_allclose(
        Consensus(alpha, gamma=alpha).matrix(), Extragradient(alpha).matrix(), rtol=0, atol=1e-15
    )


@pytest.mark.parametrize(("rule", "sign"), [(AlternatingDFirst, 1), (AlternatingGFirst, -1)])
def test_alternating_steps_keep_an_ellipse(rule: type[Rule], sign: int) -> None:
    for alpha in (0.1, 1.0, 1.9):
        form = np.array([[1, sign * alpha / 2], [sign * alpha / 2, 1]])
        moved = rule(alpha).matrix().T @ form @ rule(alpha).matrix()
        np.testing.assert_allclose(moved, form, rtol=0, atol=1e-14)
        assert np.linalg.eigvalsh(form).min() > 0


@pytest.mark.parametrize("beta", [-0.95, -0.5, -0.1, 0.0, 0.3, 0.95])
def test_momentum_of_any_sign_diverges_when_both_move_at_once(beta: float) -> None:
    for alpha in ALPHAS:
        assert rate(Momentum(alpha, beta=beta)) > 0


@pytest.mark.parametrize(
    ("rule", "slope"),
    [
        (MomentumAlternating(1e-3, beta=-0.5), 2 * -0.5 / 1.5**3),
        (MomentumAlternating(1e-3, beta=-0.2), 2 * -0.2 / 1.2**3),
        (OptimisticAlternating(1e-3), -2.0),
        (Momentum(1e-3, beta=-0.5), 0.5 / 1.5**3),
        (Momentum(1e-3, beta=0.5), 1.5 / 0.5**3),
    ],
)
def test_what_docstrings_say_of_small_steps(rule: Any, slope: float) -> None:
    modulus = growth_of_matrix(jacobian(rule)).modulus
    assert (modulus**2 - 1) / rule.alpha**2 == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("t", [0.3, math.sqrt(0.5), 0.9])
def test_the_cubic_of_alternating_optimistic_steps_factors_where_moduli_meet(t: float) -> None:
    """With α² = t³ the characteristic polynomial at −t is t (2t² − 1) (2t² + 2t + 1)."""
    alpha = t**1.5
    cubic = np.polyval([1, 4 * alpha**2 - 2, 1 - 4 * alpha**2, alpha**2], -t)
    assert cubic == pytest.approx(t * (2 * t**2 - 1) * (2 * t**2 + 2 * t + 1), abs=1e-14)


@pytest.mark.parametrize("rule", [AverageSimultaneous(0.3), AverageAlternating(0.3), AverageAlternating(2.0)])
def test_means_have_a_closed_form(rule: Any) -> None:
    state = rule.start(torch.tensor([1.0, -0.4], dtype=torch.float64))
    for _ in range(50):
        state = rule.step(state)
    inner, start = rule.inner.matrix(), np.array([1.0, -0.4])
    powers = np.eye(2) - np.linalg.matrix_power(inner, 51)
    expected = np.linalg.solve(np.eye(2) - inner, powers @ start) / 51
    np.testing.assert_allclose(rule.watched(state).numpy() / 51, expected, rtol=0, atol=1e-12)


def test_critical_damping_is_nilpotent_at_one_whatever_weight_is_asked_for() -> None:
    matrix = R1Critical(1.0, gamma=0.3).matrix()
    assert matrix.any()
    assert not (matrix @ matrix).any()
    np.testing.assert_array_equal(R1Critical(0.7).matrix(), R1(0.7, gamma=2.0).matrix())
