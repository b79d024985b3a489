"""Relations that no table of means shows: a measure against another one's, a hyperparameter against what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.numbers.paired import FOUND, bounds_of
from analysis.numbers.results import Results

ENOUGH = 8
"""Configs below which no trend is looked for: what else was drawn differs too, and chance ranks a few in any order."""


def against(
    results: Results,
    seeds: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    factor: str,
    yardstick: Any,
    within: Sequence[str],
) -> pd.DataFrame:
    """Return how far measures of one value of a factor, the yardstick, are above those of its other values, by seed.

    `seeds` has a row a reported trial (`seeds.by_seed`). Of `pairs`, the first is a column of the yardstick's rows,
    the second one of the others': `difference` is first − second where the columns `within` and the seed are the same,
    with the columns of `paired.bounds_of`. Pairs whose columns are missing are left out.
    """
    other = seeds[factor] != yardstick
    known = [pair for pair in pairs if set(pair) <= set(seeds)]
    both = seeds[other].merge(seeds[~other], on=[*within, "seed"], suffixes=("", "_second"))
    rows = []
    for values, own in both.groupby([factor, *within], sort=False, dropna=False):
        for first, second in known:
            means = {"yardstick": yardstick, "first": first, "first_mean": own[f"{first}_second"].mean(skipna=False),
                     "second": second, "second_mean": own[second].mean(skipna=False)}  # fmt: skip
            found = bounds_of(results, own, second, first)
            rows.append({**dict(zip([factor, *within], values, strict=True)), **means, **found})
    named = [factor, *within, "yardstick", "first", "first_mean", "second", "second_mean"]
    return pd.DataFrame(rows, columns=None if rows else [*named, *FOUND])


def trends(
    searched: pd.DataFrame, hyperparameter: str, metric: str, *, configs: Sequence[str], by: Sequence[str]
) -> pd.DataFrame:
    """Return Spearman's rank correlation of a hyperparameter and a metric over the configs searched, a row a group.

    `searched` has a row a trial; `configs` are the columns that make a config, over whose seeds the metric is averaged
    first. `rho` and its two-sided `p` are NaN for fewer than `ENOUGH` configs and where all values are alike. Nothing
    else that was drawn is held fixed: independent draws add noise, no bias. `p` is not corrected for several groups.
    """
    from scipy.stats import spearmanr

    rows = []
    for values, own in searched.groupby(list(by), sort=False, dropna=False):
        means = own.groupby(list(configs), dropna=False)[metric].mean().dropna().reset_index()
        enough = len(means) >= ENOUGH and min(means[hyperparameter].nunique(), means[metric].nunique()) > 1
        rho, p = spearmanr(means[hyperparameter], means[metric]) if enough else (math.nan, math.nan)
        rows.append({**dict(zip(by, values, strict=True)), "configs": len(means), "rho": float(rho), "p": float(p)})
    return pd.DataFrame(rows, columns=[*by, "configs", "rho", "p"])
