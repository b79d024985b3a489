"""Intervals say what they claim to say."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.numbers.intervals import (
    accuracy_interval,
    bounded_interval,
    image_standard_error,
    paired_difference,
    t_interval,
)


def test_t_interval_is_students() -> None:
    found = t_interval([1, 2, 3, 4, 5])
    assert found.mean == 3
    assert found.n == 5
    assert found.sd == pytest.approx(1.5811388)
    assert (found.low, found.high) == pytest.approx(stats.t.interval(0.95, 4, loc=3, scale=math.sqrt(2.5 / 5)))


def test_five_seeds_are_covered_as_often_as_claimed() -> None:
    draws = np.random.default_rng(0).normal(10, 3, (4000, 5))
    hits = [(found := t_interval(list(row))).low <= 10 <= found.high for row in draws]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.012)


def test_accuracies_near_one_are_covered_too() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(4, 0.6, (3000, 5))  # seeds differ; the recipe's accuracy is the mean of 1/(1+e^-x)
    values = rng.binomial(10_000, 1 / (1 + np.exp(-logits))) / 10_000
    truth = float(np.mean(1 / (1 + np.exp(-rng.normal(4, 0.6, 10**6)))))
    hits = [(found := accuracy_interval(list(row), 10_000)).low <= truth <= found.high for row in values]
    assert np.mean(hits) > 0.925


def test_one_value_has_no_interval_and_nan_is_not_dropped() -> None:
    for found in (t_interval([0.9]), accuracy_interval([0.9], 100)):
        assert (found.mean, found.n) == (0.9, 1)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    for found in (t_interval([0.9, math.nan, 0.8]), accuracy_interval([0.9, math.nan, 0.8], 100)):
        assert math.isnan(found.mean)
        assert found.n == 3
    assert math.isnan(t_interval([]).mean)


def test_bounds_stop_at_the_least_possible() -> None:
    assert t_interval([1, 1, 9], least=1).low == 1


@pytest.mark.parametrize("same", [0.0, 0.9, 1.0])
def test_seeds_that_are_all_the_same_show_no_spread_so_there_is_no_interval(same: float) -> None:
    for found in (accuracy_interval([same] * 5, 500), t_interval([same] * 5)):
        assert found.mean == pytest.approx(same)
        assert math.isnan(found.low)
        assert math.isnan(found.high)


def test_perfect_seeds_among_others_have_an_interval() -> None:
    mixed = accuracy_interval([1.0, 0.998, 0.994, 1.0, 0.996], 500)
    assert 0.98 < mixed.low < mixed.mean < mixed.high <= 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=8).filter(lambda right: len(set(right)) > 1))
def test_accuracy_and_error_have_mirrored_bounds_around_the_mean(right: list[int]) -> None:
    accuracy = accuracy_interval([k / 200 for k in right], 200)
    error = accuracy_interval([1 - k / 200 for k in right], 200)
    assert 0 <= accuracy.low <= accuracy.mean <= accuracy.high <= 1
    assert (1 - error.high, 1 - error.low) == pytest.approx((accuracy.low, accuracy.high), abs=1e-9)


def test_pairing_removes_what_seeds_have_in_common() -> None:
    subset = np.random.default_rng(2).normal(0, 0.05, 5)
    first, second = 0.80 + subset, 0.82 + subset + np.array([1, -1, 0, 1, -1]) * 1e-3
    found = paired_difference(list(first), list(second))
    assert found.mean == pytest.approx(0.02, abs=1e-3)
    assert found.low > 0.01
    assert stats.ttest_ind(first, second).pvalue > 0.3  # unpaired, the difference drowns
    with pytest.raises(ValueError, match=r"zip\(\)"):
        paired_difference([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("low", "high", "there", "back"),
    [
        (0.0, None, math.log, math.exp),
        (None, 8.0, lambda x: -math.log(8 - x), lambda y: 8 - math.exp(-y)),
        (0.0, 8.0, lambda x: math.log(x / (8 - x)), lambda y: 8 / (1 + math.exp(-y))),
    ],
)
def test_bounded_intervals_are_students_on_the_scale_without_bounds(
    low: float | None, high: float | None, there: Callable[[float], float], back: Callable[[float], float]
) -> None:
    values = [1.0, 2.0, 6.0]
    plain, found = t_interval(values), bounded_interval(values, low, high)
    slope = (there(3 + 1e-6) - there(3 - 1e-6)) / 2e-6  # the delta method's
    half = (plain.high - plain.mean) * slope
    assert (found.low, found.high) == pytest.approx((back(there(3) - half), back(there(3) + half)))
    assert plain.low < 0, "which no value can be"
    assert found._replace(low=0, high=0) == plain._replace(low=0, high=0), "mean, SD and n are the plain ones"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8), st.sampled_from([(0.0, None), (None, 1.0), (0.0, 1.0)]))
def test_bounded_intervals_stay_within_the_bounds_even_of_values_on_them(
    values: list[float], bounds: tuple[float | None, float | None]
) -> None:
    found, plain = bounded_interval(values, *bounds), t_interval(values)
    assert math.isnan(found.low) == math.isnan(plain.low)
    if not math.isnan(found.low):
        least, most = (-math.inf if bounds[0] is None else 0), (math.inf if bounds[1] is None else 1)
        assert least <= found.low <= found.mean <= found.high <= most


def test_without_bounds_an_interval_is_the_plain_one() -> None:
    assert bounded_interval([1.0, 2.0, 6.0], None, None) == t_interval([1.0, 2.0, 6.0])


def test_five_skewed_distances_are_covered_nearly_as_often_as_claimed() -> None:
    draws = np.random.default_rng(0).gamma(4, 0.25, (4000, 5))
    hits = [(found := bounded_interval(list(row), 0, None)).low <= 1 <= found.high for row in draws]
    assert np.mean(hits) == pytest.approx(0.945, abs=0.012)


def test_image_error_is_binomial_for_one_network_and_does_not_shrink_with_copies() -> None:
    correct = np.arange(1000) < 900
    assert image_standard_error(correct) == pytest.approx(math.sqrt(0.9 * 0.1 / 1000))
    assert image_standard_error(np.stack([correct] * 5)) == pytest.approx(image_standard_error(correct))
    assert image_standard_error(np.stack([correct]).astype(float) - correct) == 0
    assert math.isnan(image_standard_error(np.array([True])))


def test_strata_count_alike_however_many_images_each_has() -> None:
    small, large = np.arange(100) < 60, np.arange(900) < 810
    strata = np.repeat([0, 1], [100, 900])
    found = image_standard_error(np.concatenate([small, large]), strata)
    assert found == pytest.approx(math.sqrt(0.6 * 0.4 / 100 + 0.9 * 0.1 / 900) / 2)
    draws = np.random.default_rng(0)
    means = [(draws.binomial(100, 0.6) / 100 + draws.binomial(900, 0.9) / 900) / 2 for _ in range(4000)]
    assert found == pytest.approx(np.std(means), rel=0.05)
    assert math.isnan(image_standard_error(np.array([True, True, False]), np.array([0, 0, 1])))


def test_differences_that_are_alike_but_for_rounding_have_no_interval() -> None:
    first, second = [0.8, 0.7, 0.6], [0.9, 0.8, 0.7]
    assert len({b - a for a, b in zip(first, second, strict=True)}) > 1, "0.1 in several roundings"
    found = paired_difference(first, second)
    assert found.mean == pytest.approx(0.1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
