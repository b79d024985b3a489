"""What labels are worth is read off a curve in the logarithm of labels, and never beyond it."""

from __future__ import annotations

import math

import pytest

from analysis.numbers.worth import worth

LABELS = [100.0, 1_000.0, 10_000.0]
CURVE = [(0.7, 0.68, 0.72), (0.9, 0.88, 0.92), (0.95, 0.94, 0.96)]


def test_between_two_points_it_is_read_off_in_the_logarithm() -> None:
    found = worth(LABELS, CURVE, (0.8, 0.78, 0.82))
    assert found.needed == pytest.approx(math.sqrt(100 * 1_000))
    assert found.low == pytest.approx(100 * 10 ** (0.06 / 0.20)), "0.78 on the upper bounds"
    assert found.high == pytest.approx(100 * 10 ** (0.14 / 0.20)), "0.82 on the lower bounds"
    assert worth(LABELS, CURVE, (0.9, 0.9, 0.9)).needed == pytest.approx(1_000)
    assert worth(LABELS, CURVE, (0.7, 0.7, 0.7)).needed == pytest.approx(100)


def test_outside_the_curve_there_is_a_bound_and_no_number() -> None:
    assert list(worth(LABELS, CURVE, (0.96, 0.92, 0.99))) == pytest.approx([math.inf, 1_000, math.inf])
    assert list(worth(LABELS, CURVE, (0.6, 0.5, 0.7))) == pytest.approx([0, 0, 100 * 10**0.1])


def test_a_curve_that_falls_by_chance_counts_as_level_and_one_without_a_number_says_nothing() -> None:
    fallen = [(0.7, 0.7, 0.7), (0.65, 0.65, 0.65), (0.9, 0.9, 0.9)]
    assert worth(LABELS, fallen, (0.8, 0.8, 0.8)).needed == pytest.approx(1_000 * math.sqrt(10))
    unknown = [(math.nan,) * 3, *CURVE[1:]]
    assert all(map(math.isnan, worth(LABELS, unknown, (0.8, 0.7, 0.9))))
    bare = worth(LABELS, CURVE, (0.8, math.nan, math.nan))
    assert bare.needed == pytest.approx(math.sqrt(100 * 1_000))
    assert math.isnan(bare.low)
    assert math.isnan(bare.high)
