"""Families of differences: p-values, what Holm leaves of them, and the four words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from analysis.numbers.families import MOST, adjusted, holm, p_values, prior, shrunk, word
from analysis.numbers.intervals import p_value


def row(difference: float, sd: float, n: int = 5, **more: Any) -> dict[str, Any]:
    return {"factor": "train_size", "metric": "test_error", "difference": difference, "sd": sd, "n": n, **more}


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, math.nan, 0.6]) == pytest.approx([1.0, math.nan, 1.0], nan_ok=True)
    assert holm([]) == []


def test_the_prior_has_the_moments_of_log_variances() -> None:
    """As in Smyth's limma: of variances drawn with d₀ = 6 and s₀² = 2, many enough, these are found again."""
    draws = np.random.default_rng(0)
    true = 2 * 6 / draws.chisquare(6, 20_000)
    found = prior(list(true * draws.chisquare(4, 20_000) / 4), [4] * 20_000)
    assert found.freedom == pytest.approx(6, rel=0.1)
    assert found.variance == pytest.approx(2, rel=0.05)
    few = [0.5, 1.0, 4.0]
    logs = np.log(few) - special.digamma(2) + np.log(2)
    spread = logs.var(ddof=1) - special.polygamma(1, 2)
    found = prior(few, [4] * 3)
    assert special.polygamma(1, found.freedom / 2) == pytest.approx(spread) or found.freedom == pytest.approx(MOST * 12)


def test_variances_that_differ_by_chance_alone_are_pooled_no_further_than_the_most() -> None:
    found = prior([1.0, 1.1, 0.9, 1.0], [4] * 4)
    logs = np.log([1.0, 1.1, 0.9, 1.0]) - special.digamma(2) + np.log(2)
    assert (found.freedom, found.variance) == pytest.approx((MOST * 16, math.exp(logs.mean())))
    assert shrunk(4.0, 4, found) == pytest.approx(
        ((found.freedom * found.variance + 4 * 4.0) / (found.freedom + 4), found.freedom + 4)
    )


def test_a_family_of_one_is_a_paired_t_test() -> None:
    values = [0.011, 0.004, 0.019, 0.008, 0.013]
    alone = row(float(np.mean(values)), float(np.std(values, ddof=1)))
    assert p_values([alone]) == pytest.approx([stats.ttest_1samp(values, 0).pvalue])
    with_images = {**alone, "image_se": 0.004}
    assert p_values([with_images]) == [p_value(alone["difference"], alone["sd"], 5, 0.004)]
    assert p_values([with_images])[0] > p_values([alone])[0], "images count in p, too"


def test_a_family_lends_its_variance() -> None:
    own = p_values([row(0.02, 0.01)])[0]
    lent = p_values([row(0.02, 0.01), *(row(0.0, sd) for sd in (0.009, 0.011, 0.01, 0.012))])[0]
    assert lent < own


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (row(0.0032, 0.00001), "higher"),  # a rise is told as a rise
        (row(0.0032, 0.0023), "not shown to differ"),  # or as not shown: 700 → 900 of the demo
        (row(math.nan, math.nan), "no number"),  # a divergence
        (row(-0.03, 0.0, image_se=0.004), "lower"),  # a fall of 3.00 in all five seeds
        (row(-0.03, 0.0), "not shown to differ"),  # of which nothing is known that varies
    ],
)
def test_the_four_words(made: dict[str, Any], found: str) -> None:
    steps = [made, row(-0.05, 0.004), row(-0.02, 0.003), row(-0.01, 0.003)]
    table = adjusted(pd.DataFrame([made, *steps[1:]] if made["sd"] or "image_se" in made else [made]), 0.025)
    assert table["found"][0] == found
    assert set(table["family"]) == {f"train_size, test_error: {table['p'].notna().sum()}"}


def test_a_family_is_of_one_factor_and_one_measure_within_a_part() -> None:
    rows = [row(0.01, 0.005), row(0.02, 0.005), row(0.01, 0.004) | {"factor": "backbone"}]
    rows = [one | {"data": data} for one in rows for data in ("digits", "letters")]
    table = adjusted(pd.DataFrame(rows), 0.05, within=["data"])
    assert list(table["family"]) == [
        f"{factor}, test_error, data {data}: {n}"
        for factor, n in (("train_size", 2), ("train_size", 2), ("backbone", 1)) for data in ("digits", "letters")
    ]  # fmt: skip
    whole = adjusted(table, 0.05)
    assert list(whole["family"].str.rpartition(": ")[2].astype(int)) == [4] * 4 + [2] * 2


def test_nothing_is_found_at_a_level_that_is_spent() -> None:
    assert word(0.1, 1e-30, 0.0) == "not shown to differ"
    assert word(0.0, 0.0, 0.05) == "not shown to differ"
