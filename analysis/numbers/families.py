"""Families of differences: what is shown when several are looked at together.

A *family* is all differences of one factor and one measure that an answer compares in one part of a ledger, whatever
the recipe: a question declares it by what it hands to `Findings.family`, and tables name it. Of a family that is not
adjusted, 13 differences hold a false one in 49 % of complete nulls, 32 in 82 % (n = 5; `python -m bench.coverage`).

p-values are of moderated t: a variance from few seeds is shrunk towards those of the family, s̃² = (d₀s₀² + νs²)/(d₀
+ ν), where d₀ and s₀² are by the method of moments. Where a difference is known image by image, its image part counts
as in its interval. Holm's step-down then holds the risk of any false claim in the family at its level, whatever
depends on what.

Sources: G. Smyth, "Linear models and empirical Bayes methods for assessing differential expression", 2004 (limma);
S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from scipy import optimize, special

from analysis.numbers.intervals import p_value
from analysis.numbers.results import records

Found = Literal["lower", "higher", "not shown to differ", "no number"]
"""The four words for a difference."""
LEAST = 1e-5
"""A variance of seeds that are alike counts as this share of the family's median when the prior is fitted."""


class Prior(NamedTuple):
    """What a family knows of the variance of one of its differences over seeds: `variance`, as if from `freedom`."""

    variance: float
    freedom: float


NOTHING = Prior(0.0, 0.0)
MOST = 1 / 6
"""The share of a family's degrees of freedom that its prior counts for, at most. Variances of a few differences often
look alike by chance: then a prior of infinite freedom would pool them, and where one SD is four times another, the
family erred in 9 to 12 % of simulated nulls; as it is, in 4 to 8 % (`python -m bench.coverage`)."""


def prior(variances: Sequence[float], freedom: Sequence[float]) -> Prior:
    """Return d₀ and s₀² by the moments of log s²; `variances` [differences] have `freedom` [differences] each.

    d₀ is at most `MOST` of all degrees of freedom, as it is where variances differ no more than chance makes them. From
    fewer than two differences nothing is known.
    """
    known = np.array(variances, dtype=float)
    nu = np.array(freedom, dtype=float)
    usable = np.isfinite(known) & (nu > 0)
    known, nu = known[usable], nu[usable]
    if len(known) < 2 or not known.max() > 0:
        return NOTHING
    known = np.maximum(known, LEAST * (float(np.median(known)) or float(known.max())))
    logs = np.log(known) - special.digamma(nu / 2) + np.log(nu / 2)
    middle = float(logs.mean())
    spread = float(logs.var(ddof=1) - special.polygamma(1, nu / 2).mean())
    most = MOST * float(nu.sum())
    if spread <= 0:
        return Prior(math.exp(middle), most)
    half = _inverse_trigamma(spread)
    variance = math.exp(middle + float(special.digamma(half)) - math.log(half))
    return Prior(variance, min(2 * half, most))


def shrunk(variance: float, freedom: float, known: Prior) -> tuple[float, float]:
    """Return a variance shrunk towards the family's, and its degrees of freedom."""
    total = known.freedom + freedom
    return (known.freedom * known.variance + freedom * variance) / total, total


def holm(values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given; NaN is no comparison, and stays NaN."""
    adjusted, highest = [math.nan] * len(values), 0.0
    known = sorted((value, i) for i, value in enumerate(values) if not math.isnan(value))
    for rank, (value, i) in enumerate(known):
        highest = max(highest, min(1.0, (len(known) - rank) * value))
        adjusted[i] = highest
    return adjusted


def p_values(rows: Sequence[Any]) -> list[float]:
    """Return the p of moderated t of each row of a family: its `difference`, `sd` over `n` seeds and `image_se`."""
    freedom = [max(0, int(row["n"]) - 1) for row in rows]
    variances = [float(row["sd"]) ** 2 for row in rows]
    known = prior(variances, freedom)
    found = []
    for row, variance, nu in zip(rows, variances, freedom, strict=True):
        if nu < 1 or math.isnan(variance):
            found.append(math.nan)
            continue
        moderated, total = shrunk(variance, nu, known)
        images = float(row.get("image_se", math.nan))
        found.append(p_value(float(row["difference"]), math.sqrt(moderated), nu + 1, images, total))
    return found


def adjusted(table: pd.DataFrame, level: float, within: Sequence[str] = ()) -> pd.DataFrame:
    """Return differences (`paired.differences`) with `family`, `p`, `p_adjusted` and `found`, one of the four words.

    A difference is shown where its adjusted p is at most `level`. Families lie `within` equal values of these columns.
    A family's name has its factor, its measure, these values, and how many of its differences can be tested.
    """
    table = table.reset_index(drop=True)
    rows = records(table)
    members: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        where = [f"{name} {row[name]}" for name in within if name != row["factor"]]
        members.setdefault((row["factor"], row["metric"], *where), []).append(i)
    told: list[dict[str, Any]] = [{} for _ in rows]
    for name, own in members.items():
        values = p_values([rows[i] for i in own])
        named = f"{', '.join(name)}: {sum(not math.isnan(value) for value in values)}"
        for i, value, whole in zip(own, values, holm(values), strict=True):
            found = word(float(rows[i]["difference"]), whole, level)
            told[i] = {"family": named, "p": value, "p_adjusted": whole, "found": found}
    names = ["family", "p", "p_adjusted", "found"]
    return table.drop(columns=names, errors="ignore").join(pd.DataFrame(told, index=table.index, columns=names))


def word(difference: float, p: float, level: float) -> Found:
    """Return which of the four words a difference has, by its adjusted p."""
    if math.isnan(difference):
        return "no number"
    if not p <= level or difference == 0:
        return "not shown to differ"
    return "lower" if difference < 0 else "higher"


def _inverse_trigamma(value: float) -> float:
    """Return x > 0 with trigamma(x) = `value` > 0."""

    def excess(logarithm: float) -> float:
        return float(special.polygamma(1, math.exp(logarithm))) - value

    return math.exp(float(optimize.brentq(excess, math.log(1e-8), math.log(1e8))))
