"""Dimensions, and the random configs that fill a space evenly."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import qmc

from sweeps.engine.space import Range, choice, grid, integers, loguniform, random_configs, uniform


class Unit(Range):
    """Allows the numbers in [0, 1), which are not rounded."""

    def at(self, quantile: float) -> float:
        return quantile


def points(count: int, seed: int, names: str = "abcd") -> np.ndarray[Any, Any]:
    """Return random configs of the unit square, cube, … as points [count, names]."""
    configs = random_configs({name: Unit(0, 1) for name in names}, count, names=[*"abcdefgh"], seed=seed)
    return np.array([[config[name] for name in names] for config in configs])


@given(st.floats(0, 1, exclude_max=True))
def test_every_quantile_lies_within_the_range(quantile: float) -> None:
    assert 1e-4 <= loguniform(1e-4, 1e-1).at(quantile) <= 1e-1
    assert 2 <= uniform(2, 3).at(quantile) <= 3
    assert integers(1, 9).at(quantile) in range(1, 10)
    assert integers(1, 50, log=True).at(quantile) in range(1, 51)
    assert choice(["a", "b", "c"]).at(quantile) in ("a", "b", "c")


@pytest.mark.parametrize("seed", range(5))
def test_eight_configs_are_two_in_each_quarter_of_every_range(seed: int) -> None:
    for column in (points(8, seed) * 4).astype(int).T:
        assert sorted(column) == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("seed", range(5))
def test_eight_configs_are_in_all_four_corners_of_any_two_of_four_hyperparameters(seed: int) -> None:
    for i, j in itertools.combinations(range(4), 2):
        corners = Counter(tuple(point[[i, j]] > 0.5) for point in points(8, seed))
        assert [*corners.values()] == [2, 2, 2, 2]


@pytest.mark.parametrize("names", ["ab", "abcd"])
def test_eight_configs_leave_smaller_holes_than_nearly_all_independent_ones(names: str) -> None:
    independent = np.random.default_rng(0)
    usual = [qmc.discrepancy(independent.random((8, len(names)))) for _ in range(400)]
    for seed in range(20):
        assert qmc.discrepancy(points(8, seed, names)) < np.quantile(usual, 0.05)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**63 - 1), st.sets(st.sampled_from("abcd"), min_size=1))
def test_more_configs_and_pinned_hyperparameters_leave_the_first_values(
    few: int, more: int, seed: int, kept: set[str]
) -> None:
    first = points(few, seed, "".join(sorted(kept)))
    columns = ["abcd".index(name) for name in sorted(kept)]
    assert np.array_equal(first, points(few + more, seed)[:few, columns])


def test_seeds_draw_other_configs() -> None:
    assert not np.isin(points(8, 1), points(8, 2)).any()


def test_each_kind_of_dimension_is_drawn_evenly() -> None:
    space = {
        "lr": loguniform(1e-4, 1),
        "width": integers(1, 4),
        "k": integers(1, 3, log=True),
        "mix": choice(["none", "mixup"]),
    }
    configs = random_configs(space, 1024, names=list(space), seed=3)
    decades = Counter(int(np.floor(np.log10(config["lr"]))) for config in configs)
    assert all(abs(decades[decade] - 256) <= 4 for decade in (-4, -3, -2, -1)), "some are rounded up to the next"
    assert Counter(config["width"] for config in configs) == {1: 256, 2: 256, 3: 256, 4: 256}
    assert Counter(config["mix"] for config in configs) == {"none": 512, "mixup": 512}
    by_k = Counter(config["k"] for config in configs)
    for k in (1, 2, 3):
        assert by_k[k] / 1024 == pytest.approx(np.log((k + 0.5) / (k - 0.5)) / np.log(7), abs=0.01)


def test_grid_covers_every_combination_ends_included() -> None:
    values = list(grid({"lr": loguniform(0.01, 1), "n": choice([1, 2])}, 3))
    assert len(values) == 6
    assert {v["lr"] for v in values} == {0.01, 0.1, 1.0}
    assert [v["k"] for v in grid({"k": integers(1, 9)}, 3)] == [1, 5, 9]
