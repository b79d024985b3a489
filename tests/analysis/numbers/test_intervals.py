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
    NEW,
    THESE,
    bounded_interval,
    counted_interval,
    exact_interval,
    half_width,
    image_standard_error,
    limited,
    on_scale,
    p_value,
    paired_difference,
    t_interval,
    wilson_interval,
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


def test_an_interval_for_new_images_adds_the_squares_of_two_half_widths() -> None:
    values, image_se = [0.80, 0.82, 0.84, 0.86, 0.90], 0.016
    found, these = t_interval(values, image_se=image_se), t_interval(values)
    seeds = stats.t.ppf(0.975, 4) * stats.sem(values)
    half = math.sqrt(seeds**2 + (stats.norm.ppf(0.975) * image_se) ** 2)
    assert (found.low, found.high) == pytest.approx((0.844 - half, 0.844 + half))
    assert (found.kind, these.kind) == (NEW, THESE)
    assert (these.low, these.high) == pytest.approx((0.844 - seeds, 0.844 + seeds))
    share = bounded_interval(values, 0, 1, image_se=image_se)
    slope = half / (0.844 * 0.156)  # the delta method on the logit
    bounds = [1 / (1 + math.exp(-(math.log(0.844 / 0.156) + sign * slope))) for sign in (-1, 1)]
    assert [share.low, share.high] == pytest.approx(bounds)
    assert on_scale(0.844, half_width(found.sd, 5, image_se), 0, 1) == pytest.approx(tuple(bounds))


@pytest.mark.parametrize("count", [0, 1, 4, 10])
def test_the_share_of_seeds_that_diverge_has_clopper_and_pearsons_interval(count: int) -> None:
    expected = stats.binomtest(count, 10).proportion_ci(method="exact")
    assert exact_interval(count, 10) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert all(map(math.isnan, exact_interval(0, 0)))


def test_one_value_has_no_interval_and_nan_is_not_dropped() -> None:
    for found in (t_interval([0.9]), bounded_interval([0.9], 0, 1, image_se=0.01)):
        assert (found.mean, found.n, found.kind) == (0.9, 1, "one seed")
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    for found in (t_interval([0.9, math.nan, 0.8]), bounded_interval([0.9, math.nan, 0.8], 0, 1, image_se=0.01)):
        assert math.isnan(found.mean)
        assert (found.n, found.kind) == (3, "no number")
        assert math.isnan(found.low)
    assert math.isnan(t_interval([]).mean)


def test_counts_keep_to_their_scale_and_an_interval_of_all_of_it_is_none() -> None:
    assert counted_interval([1, 1, 9], 20)[1:3] == (1, pytest.approx(t_interval([1, 1, 9]).high))
    assert counted_interval([8, 9, 9], 9).high == 9
    for found in (counted_interval([5, 300], 414), bounded_interval([0.6, 0.9], 0, 1)):
        assert (found.kind, found.n) == ("too few seeds", 2)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert bounded_interval([0.6, 0.65], 0, 1).kind == THESE


@pytest.mark.parametrize("same", [0.0, 0.9, 1.0])
def test_seeds_that_are_all_the_same_have_the_width_that_images_give(same: float) -> None:
    for found in (bounded_interval([same] * 5, 0, 1), t_interval([same] * 5)):
        assert found.mean == pytest.approx(same)
        assert found.kind == "seeds alike"
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    error = math.sqrt(same * (1 - same) / 499)
    found = bounded_interval([same] * 5, 0, 1, image_se=error, images=500)
    assert found.kind == NEW
    if error:
        assert (found.low, found.high) == pytest.approx(on_scale(same, 1.959964 * error, 0, 1))
    else:
        assert (found.low, found.high) == wilson_interval(round(500 * same), 500), "all right, or all wrong"


def test_perfect_seeds_among_others_have_an_interval() -> None:
    mixed = bounded_interval([1.0, 0.998, 0.994, 1.0, 0.996], 0, 1)
    assert 0.98 < mixed.low < mixed.mean < mixed.high < 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 200), min_size=2, max_size=8).filter(lambda right: len(set(right)) > 1))
def test_accuracy_and_error_have_mirrored_bounds_around_the_mean(right: list[int]) -> None:
    accuracy = bounded_interval([k / 200 for k in right], 0, 1)
    error = bounded_interval([1 - k / 200 for k in right], 0, 1)
    assert accuracy.kind == error.kind
    if accuracy.kind == THESE:
        assert 0 <= accuracy.low <= accuracy.mean <= accuracy.high <= 1
        assert (1 - error.high, 1 - error.low) == pytest.approx((accuracy.low, accuracy.high), abs=1e-9)


@pytest.mark.parametrize("image_se", [0.0, 0.004, math.nan])
def test_p_is_one_minus_the_level_of_the_interval_that_just_reaches_there(image_se: float) -> None:
    values = [0.011, 0.004, 0.019, 0.008, 0.013]
    for level in (0.5, 0.95, 0.99999):
        found = t_interval(values, image_se=image_se, level=level)
        assert p_value(found.high - found.mean, found.sd, 5, image_se) == pytest.approx(1 - level, rel=1e-6)
    assert p_value(0.011, found.sd, 5) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert p_value(0.011, 0.0, 5, 0.004) == pytest.approx(2 * stats.norm.sf(2.75)), "the seeds are alike"
    assert p_value(0.011, found.sd, 5, freedom=20) == pytest.approx(
        2 * stats.t.sf(0.011 / (found.sd / math.sqrt(5)), 20)
    )
    assert p_value(0.0, found.sd, 5, 0.004) == 1
    assert math.isnan(p_value(0.01, 0.0, 5))
    assert math.isnan(p_value(math.nan, 0.01, 5, 0.01))
    assert 0 <= p_value(10.0, 1e-9, 20, 1e-9) < 1e-20


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
    plain, found = t_interval(values, level=0.9), bounded_interval(values, low, high, level=0.9)
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
    assert found.kind in (plain.kind, "too few seeds")
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
    assert image_standard_error(correct) == pytest.approx(math.sqrt(0.9 * 0.1 / 999))
    assert image_standard_error(np.stack([correct] * 5)) == pytest.approx(image_standard_error(correct))
    assert image_standard_error(np.stack([correct]).astype(float) - correct) == 0
    assert math.isnan(image_standard_error(np.array([True])))


def test_image_error_leaves_out_what_the_spread_over_seeds_holds() -> None:
    """By hand: the images' means 1, 1, ½, ½, 0, 0 have a variance of 1/5, the residuals (four ±½) a mean square."""
    correct = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 0, 1, 0, 0]], dtype=bool)
    assert image_standard_error(correct) == pytest.approx(math.sqrt((1 / 5 - 1 / 5 / 2) / 6))
    assert image_standard_error(np.array([[1, 0, 0, 1], [0, 1, 1, 0]], dtype=bool)) == 0, "not below 0"


@pytest.mark.parametrize("kind", ["right or wrong", "score"])
def test_image_error_estimates_what_images_add(kind: str) -> None:
    """Images that differ in difficulty by a known variance: seeds and their residual leave the estimate as it is."""
    draws, sd, scores = np.random.default_rng(0), 0.15, []
    for _ in range(400):
        chance = 0.7 + draws.uniform(-1, 1, 200) * sd * math.sqrt(3)
        noise = draws.random((4, 200)) < chance if kind == "score" else draws.normal(chance, 0.3, (4, 200))
        scores.append(image_standard_error(noise) ** 2)
    error = np.std(scores) / math.sqrt(len(scores))
    assert np.mean(scores) == pytest.approx(sd**2 / 200, abs=4 * error)


def test_strata_count_alike_however_many_images_each_has() -> None:
    small, large = np.arange(100) < 60, np.arange(900) < 810
    strata = np.repeat([0, 1], [100, 900])
    found = image_standard_error(np.concatenate([small, large]), strata)
    assert found == pytest.approx(math.sqrt(0.6 * 0.4 / 99 + 0.9 * 0.1 / 899) / 2)
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


def test_a_difference_of_shares_is_not_bounded_beyond_a_hundred_points() -> None:
    found = paired_difference([0.99, 0.55], [0.5, 0.6])
    assert found.low < -1 or found.high > 1
    assert limited(found, -1.0, 1.0).kind == "too few seeds", "it would cover nearly all that there can be"
    one_sided = limited(found._replace(low=-1.3, high=0.2), -1.0, 1.0)
    assert (one_sided.low, one_sided.high, one_sided.kind) == (-1.0, 0.2, found.kind)
