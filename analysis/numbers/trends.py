"""Relations that no table of means shows: a measure against another one's, a hyperparameter against what came of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from analysis.numbers.families import holm
from analysis.numbers.paired import FOUND, bounds_of
from analysis.numbers.results import Results

ENOUGH = 8
"""Configs below which no trend is looked for: chance ranks a few in any order."""
FREE = 3
"""Degrees of freedom below which no trend is looked for."""
ROUNDING = 1e-9
"""What is that small, in ranks, is 0."""


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
            found = {"factor": factor, "metric": f"{first} − {second}", **bounds_of(results, own, second, first)}
            rows.append({**dict(zip([factor, *within], values, strict=True)), **means, **found})
    named = [factor, *within, "yardstick", "first", "first_mean", "second", "second_mean", "factor", "metric"]
    return pd.DataFrame(rows, columns=None if rows else [*named, *FOUND])


def trends(
    searched: pd.DataFrame, hyperparameter: str, metric: str, *, configs: Sequence[str], by: Sequence[str]
) -> pd.DataFrame:
    """Return partial rank correlations of a hyperparameter and a metric over the configs searched, a row a group.

    `searched` has a row a trial; `configs` are the columns that make a config, over whose seeds the metric is averaged
    first: the unit is the draw. All groups have the same few draws, in which hyperparameters happen to be correlated,
    so that one without effect would show that of another in group after group. Hence the other ones are held fixed: the
    correlation is of what linear regression on their ranks leaves (of those without an order, on their values). `p` is
    two-sided, and `p_holm` adjusted for the number of groups. All are NaN for fewer than `ENOUGH` configs, where
    all values are alike, and where the others leave fewer than `FREE` degrees of freedom.
    """
    rows = []
    for values, own in searched.groupby(list(by), sort=False, dropna=False):
        means = own.groupby(list(configs), dropna=False)[metric].mean().dropna().reset_index()
        rho, p = _partial_correlation(
            means, hyperparameter, metric, [name for name in configs if name != hyperparameter]
        )
        rows.append({**dict(zip(by, values, strict=True)), "configs": len(means), "rho": rho, "p": p})
    table = pd.DataFrame(rows, columns=[*by, "configs", "rho", "p"])
    return table.assign(p_holm=holm(list(table["p"])))


def _partial_correlation(means: pd.DataFrame, x: str, y: str, others: Sequence[str]) -> tuple[float, float]:
    """Return Spearman's correlation of two columns with the others held fixed, and its p by Student's t."""
    if len(means) < ENOUGH or min(means[x].nunique(), means[y].nunique()) < 2:
        return math.nan, math.nan
    fixed = np.column_stack([np.ones(len(means)), *(_coded(means[name]) for name in others)])
    left = [_residuals(means[name].rank().to_numpy(dtype=float), fixed) for name in (x, y)]
    free = len(means) - 1 - int(np.linalg.matrix_rank(fixed))
    spread = [float(np.linalg.norm(one)) for one in left]
    if free < FREE or min(spread) < ROUNDING * len(means):
        return math.nan, math.nan
    rho = float(np.clip(left[0] @ left[1] / (spread[0] * spread[1]), -1, 1))
    t = rho * math.sqrt(free / max(1 - rho**2, ROUNDING))
    return rho, float(2 * student_t.sf(abs(t), free))


def _coded(column: pd.Series) -> np.ndarray:
    """Return a hyperparameter as columns of a regression [n, k]: ranks of numbers, else one for each further value."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.rank().fillna(0).to_numpy(dtype=float)[:, None]
    return pd.get_dummies(column.astype(str), drop_first=True).to_numpy(dtype=float)


def _residuals(values: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Return what least squares on the columns `fixed` [n, k] leaves of values [n]."""
    fitted, *_ = np.linalg.lstsq(fixed, values, rcond=None)
    left: np.ndarray = values - fixed @ fitted
    return left
