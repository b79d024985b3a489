"""Trends of hyperparameters: the draw is the unit, others are held fixed, and conditions are a family of tests."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from analysis.numbers.families import holm
from analysis.numbers.trends import ENOUGH, trends

CONDITIONS = 6
CONFIGS = ("margin", "lr")


def searched(rng: np.random.Generator, *, effect: float, draws: int = 12) -> pd.DataFrame:
    """Return six conditions with the same draws, in which margin and lr are correlated; what counts is lr.

    `effect` is that of the margin itself, in standard deviations of the noise.
    """
    lr = rng.normal(size=draws)
    margin = 0.67 * lr + math.sqrt(1 - 0.67**2) * rng.normal(size=draws)
    noise = rng.normal(size=(CONDITIONS, draws))
    return pd.DataFrame(
        {"condition": c, "margin": margin[d], "lr": lr[d], "val": 2 * lr[d] + effect * margin[d] + noise[c, d]}
        for c in range(CONDITIONS)
        for d in range(draws)
    )


def shown(table: pd.DataFrame) -> bool:
    return bool((table["p_holm"] < 0.05).any())


def test_a_margin_without_effect_is_rarely_shown_to_have_one_in_any_of_six_conditions() -> None:
    rng = np.random.default_rng(0)
    tables = [searched(rng, effect=0) for _ in range(60)]
    found = [trends(table, "margin", "val", configs=CONFIGS, by=["condition"]) for table in tables]
    rate = np.mean([shown(one) for one in found])
    assert rate < 0.05 + 4 * math.sqrt(0.05 * 0.95 / len(found))
    plain = [
        any(spearmanr(own["margin"], own["val"]).pvalue < 0.05 for _, own in table.groupby("condition"))
        for table in tables
    ]
    assert np.mean(plain) > 0.5, "what the plain correlation of each condition says of it"


def test_an_effect_is_shown() -> None:
    rng = np.random.default_rng(1)
    found = [trends(searched(rng, effect=3), "margin", "val", configs=CONFIGS, by=["condition"]) for _ in range(20)]
    assert np.mean([shown(one) for one in found]) > 0.9
    assert all((one["rho"] > 0).mean() > 0.5 for one in found)


def test_without_other_hyperparameters_it_is_spearmans_correlation() -> None:
    table = searched(np.random.default_rng(2), effect=1).query("condition == 0")
    (row,) = trends(table, "margin", "val", configs=["margin"], by=["condition"]).to_dict("records")
    expected = spearmanr(table["margin"], table["val"])
    assert row["rho"] == pytest.approx(expected.statistic)
    assert row["p"] == pytest.approx(expected.pvalue)


def test_what_is_no_number_is_held_fixed_too_and_too_many_hyperparameters_leave_no_trend() -> None:
    rng = np.random.default_rng(3)
    table = (
        searched(rng, effect=3, draws=ENOUGH)
        .query("condition == 0")
        .assign(kind=list("ababbaab"), on=[True, False] * 4)
    )
    (row,) = trends(table, "margin", "val", configs=["margin", "kind"], by=["condition"]).to_dict("records")
    assert row["rho"] > 0
    others = {f"h{i}": rng.normal(size=ENOUGH) for i in range(4)}
    (row,) = trends(
        table.assign(**others), "margin", "val", configs=["margin", "kind", "on", *others], by=["condition"]
    ).to_dict("records")  # fmt: skip
    assert math.isnan(row["rho"])
    assert math.isnan(row["p_holm"])


def test_holms_adjustment() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # his own steps, by hand
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    adjusted = holm([math.nan, 0.02, math.nan])
    assert adjusted[1] == 0.02
    assert math.isnan(adjusted[0])
    assert holm([]) == []
