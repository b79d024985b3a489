"""The law over train size: known curves are recovered, bounds hold what they should, ill-behaved ones are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.numbers.laws import FARTHEST, Law, LearningCurve, crossing, fitted

SIZES = [100, 300, 500, 700, 900]
KNOWN = Law(0.02, 0.6, -0.5)


def drawn(law: Law, seed: int, seeds: int = 5, sizes: list[int] = SIZES, spread: float = 0.08) -> LearningCurve:
    """Return a curve whose seeds vary by a factor, part of which a seed has at every size."""
    rng = np.random.default_rng(seed)
    own = 0.55 * rng.normal(size=(seeds, 1)) + 0.84 * rng.normal(size=(seeds, len(sizes)))
    return LearningCurve(sizes, (law.at(np.array(sizes)) * np.exp(spread * own))[:, :, None])


@pytest.mark.parametrize("law", [KNOWN, Law(0.0, 1.5, -0.6), Law(0.05, 3.0, -0.9), Law(0.3, 0.2, -0.2)])
def test_a_law_without_noise_is_recovered(law: Law) -> None:
    sizes = np.array(SIZES, dtype=float)
    found = fitted(sizes, law.at(sizes), np.ones(len(sizes)))
    further = np.array([50.0, 400.0, FARTHEST * 900.0])
    np.testing.assert_allclose(found.at(further), law.at(further), rtol=2e-3)


def test_what_is_needed_inverts_the_law() -> None:
    curve = drawn(KNOWN, 0, spread=1e-6)
    assert curve.needed(0.05).value == pytest.approx((0.6 / 0.03) ** 2, rel=0.02)
    assert curve.doubling.value == pytest.approx(1 - KNOWN.at(1800) / KNOWN.at(900), rel=0.01)
    assert curve.limited_by == "data"
    assert drawn(Law(0.2, 6.0, -1.0), 0, spread=1e-6).limited_by == "something else"
    assert curve.predicted is not None
    assert curve.predicted.value == pytest.approx(0, abs=1e-3)


@pytest.mark.slow
def test_bounds_hold_the_truth_about_as_often_as_they_say() -> None:
    target, size = float(KNOWN.at(np.array(1_350))), 1_350
    held = {"needed": 0, "doubling": 0, "predicted": 0}
    truth = 1 - float(KNOWN.at(np.array(1800)) / KNOWN.at(np.array(900)))
    for seed in range(100):
        curve = drawn(KNOWN, seed)
        found, doubling, predicted = curve.needed(target), curve.doubling, curve.predicted
        assert predicted is not None
        held["needed"] += found.low <= size <= found.high
        held["doubling"] += doubling.low <= truth <= doubling.high
        held["predicted"] += predicted.low <= 0 <= predicted.high
    assert all(count >= 88 for count in held.values()), held


def test_a_size_beyond_the_range_is_none() -> None:
    curve = drawn(KNOWN, 1, spread=0.01)
    far = curve.needed(0.021)
    assert math.isnan(far.value)
    assert far.high == math.inf
    near = curve.needed(0.5)
    assert near.low == 0.0


def test_two_curves_cross_where_their_laws_do() -> None:
    first, second = drawn(Law(0.0, 1.0, -0.5), 2, spread=0.01), drawn(Law(0.0, 10.0, -0.87), 3, spread=0.01)
    found = crossing(first, second)
    assert found is not None
    sizes = np.geomspace(100, 3600, 2000)
    true = sizes[np.argmin(abs(Law(0.0, 1.0, -0.5).at(sizes) - Law(0.0, 10.0, -0.87).at(sizes)))]
    assert found.low < true < found.high
    assert crossing(first, drawn(Law(0.0, 2.0, -0.5), 4, spread=0.01)) is None, "twice the error throughout"
    with pytest.raises(ValueError, match="same sizes"):
        crossing(first, drawn(KNOWN, 0, sizes=[100, 300, 500, 900]))


def test_curves_cross_within_bounds_about_as_often_as_they_say() -> None:
    one, other = Law(0.0, 1.0, -0.5), Law(0.0, 10.0, -0.87)
    sizes = np.geomspace(100, 3600, 2000)
    true = sizes[np.argmin(abs(one.at(sizes) - other.at(sizes)))]
    found = [crossing(drawn(one, 2 * s, spread=0.03), drawn(other, 2 * s + 1, spread=0.03)) for s in range(40)]
    known = [size for size in found if size is not None]
    assert len(known) >= 30
    assert sum(size.low <= true <= size.high for size in known) >= 0.88 * len(known)


@pytest.mark.parametrize(
    ("errors", "why"),
    [
        ([0.3, 0.2, 0.1], "fewer than 4 sizes"),
        ([0.30, 0.2, 0.1, 0.2, 0.1], "rises from 500 to 700"),
        ([0.3, 0.3, 0.3, 0.3, 0.3], "not shown to fall"),
        ([0.3, 0.2, math.nan, 0.1, 0.1], "no number"),
        ([0.3, 0.299, 0.298, 0.02, 0.019], "misses the error at 500|misses the error at 300|misses the error at 700"),
    ],
)
def test_a_curve_that_no_law_describes_is_refused(errors: list[float], why: str) -> None:
    noise = np.random.default_rng(0).normal(size=(5, len(errors))) * 1e-4
    curve = LearningCurve(SIZES[: len(errors)], (np.array(errors) + noise)[:, :, None])
    assert curve.trouble is not None
    assert any(part in curve.trouble for part in why.split("|")), curve.trouble


def test_a_single_seed_has_no_law() -> None:
    assert "single seed" in str(drawn(KNOWN, 0, seeds=1).trouble)


def test_blocks_of_test_images_widen_the_band() -> None:
    rng, curve = np.random.default_rng(0), drawn(KNOWN, 5)
    shared = 1 + 0.3 * rng.normal(size=10)
    blocks = LearningCurve(SIZES, curve.errors * (shared - shared.mean() + 1))
    np.testing.assert_allclose(blocks.means, curve.means)
    narrow, wide = curve.band, blocks.band
    assert (wide[1] - wide[0] > narrow[1] - narrow[0]).all()
