"""Roots that lie together, chains of eigenvectors, and what growth they mean."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainables.gan.dynamics.gradients import AlternatingDFirst, Simultaneous
from trainables.gan.dynamics.memory import Optimistic
from trainables.gan.dynamics.penalties import R1, R1Critical
from trainables.gan.dynamics.rules import Rule
from trainables.gan.dynamics.spectra import Growth, clusters, growth_of_matrix, growth_of_roots, jacobian


def test_a_double_root_that_rounding_split_is_one_at_its_mean() -> None:
    found = sorted(clusters([0.5 + 2e-8j, 0.1, 0.5 - 2e-8j]), key=lambda group: abs(group[0]))
    assert found == [(0.1, 1), (0.5, 2)]


def test_roots_in_a_row_are_one_group_in_any_order() -> None:
    for order in ([0.0, 9e-7, 18e-7], [18e-7, 0.0, 9e-7]):
        ((mean, count),) = clusters(order)
        assert count == 3
        assert mean.real == pytest.approx(9e-7, rel=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_power_counts_eigenvectors_that_lack_in_a_chain(size: int) -> None:
    chain = 0.5 * np.eye(size) + np.diag(np.ones(size - 1), 1)
    beside = np.block([[chain, np.zeros((size, 2))], [np.zeros((2, size)), 0.5 * np.eye(2)]])
    rotated = np.linalg.qr(np.random.default_rng(0).normal(size=beside.shape))[0]
    found = growth_of_matrix(beside)
    assert found.modulus == pytest.approx(0.5, abs=1e-9)
    assert found.power == size - 1
    if size <= 2:  # the mean of longer chains is as near, but they spread beyond what counts as together
        assert growth_of_matrix(rotated @ beside @ rotated.T).power == size - 1


def test_a_chain_of_a_smaller_eigenvalue_does_not_count() -> None:
    assert growth_of_matrix(np.array([[0.5, 1, 0], [0, 0.5, 0], [0, 0, 0.9]])).power == 0


@pytest.mark.parametrize(
    ("rule", "power"),
    [
        (AlternatingDFirst(2.0), 1),
        (AlternatingDFirst(1.9), 0),
        (Optimistic(0.5), 1),
        (Optimistic(0.499), 0),
        (R1Critical(0.3), 1),
        (R1Critical(2.0), 1),
        (R1(0.3, gamma=1.9), 0),
        (R1Critical(1.0), 0),
    ],
)
def test_rules_lack_eigenvectors_where_their_docstrings_say(rule: Rule, power: int) -> None:
    assert growth_of_matrix(jacobian(rule)).power == power


def test_the_angle_is_that_of_the_largest_eigenvalue() -> None:
    assert growth_of_matrix(jacobian(Simultaneous(1.0))).angle == pytest.approx(math.pi / 4, abs=1e-15)
    assert growth_of_roots([-0.9, 0.5j, -0.5j]).angle == pytest.approx(math.pi)
    assert growth_of_roots([-0.9, 0.9]).angle == pytest.approx(math.pi), "of several, the largest"
    assert growth_of_roots([0.9, 0.5j]).angle == 0


def test_the_gap_of_what_leaves_nothing_is_that_of_the_moduli() -> None:
    nothing, little = Growth(0.0, 0.0, 0), Growth(3e-17, 0.0, 0)
    assert nothing.gap(little) == 3e-17
    assert nothing.rate == -math.inf
    assert Growth(2.0, 0.0, 0).gap(Growth(1.0, 0.0, 0)) == pytest.approx(math.log(2))
    assert Growth(0.5, 0.0, 0).gap(nothing) > 20, "finite, and far beyond any tolerance"
