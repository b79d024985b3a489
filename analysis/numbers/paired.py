"""Differences between conditions, paired by seed: what both networks of a seed have in common drops out of them.

A row compares two conditions (or chosen and prescribed config of one) that differ in `factor` alone: `difference` is
how much higher `metric` is at its value `to` than at `from`. `low` and `high` bound it; `interval` says what they hold
for (`new images` or `these images`), or why there are none; `sd` is its standard deviation over seeds. Of a measure
that may be known for each test image, `low_these` and `high_these` bound it over seeds alone, and `image_se` is the
standard error over images, paired too (NaN where no arrays tell). Intervals are not widened for the number of
comparisons.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.numbers.intervals import limited, paired_difference
from analysis.numbers.results import CHOSEN, PRESCRIBED, REFERENCE, Condition, Results, as_given
from analysis.numbers.seeds import image_error
from analysis.plan_record import MeasureRecord

Row = tuple[Condition, str]
"""A row of the best-config table: a condition, and `chosen` or `prescribed`."""


def differences(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """Return differences of the selecting measure, or of its error if it has one.

    Compared are neighbouring values of a numeric factor, all pairs of another, and prescribed configs (or the reference
    where none is prescribed) with the chosen ones and with their variants.
    """
    metric = f"{results.splits[-1]}_{results.compared.name}"
    pairs = [
        (factor, a, b)
        for a, b in itertools.combinations(_rows(results, seeds), 2)
        if (factor := _neighbours(results, a, b)) is not None
    ]
    return _paired(results, seeds, pairs, metric)


def compare(
    results: Results, seeds: pd.DataFrame, factor: str, first: Any, second: Any, metric: str, recipe: str = CHOSEN
) -> pd.DataFrame:
    """Return differences of any column of `seeds` between conditions that have `first` and `second`, alike elsewhere.

    The factor may be "recipe", for chosen against prescribed configs: a condition has a row where these are two. Pairs
    without a seed in common have none.
    """
    rows = [row for row in _rows(results, seeds) if factor == "recipe" or row[1] == recipe]
    sides = ([row for row in rows if _values(row)[factor] == value] for value in (first, second))
    pairs = [(factor, a, b) for a, b in itertools.product(*sides) if _differing(a, b) == [factor]]
    paired = _paired(results, seeds, pairs if metric in seeds else [], metric)
    return paired[paired["n"] > 0]


def bounds_of(results: Results, both: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
    """Return how much higher the column `second` is in trials than `first` in others: estimate, bounds and n.

    `both` has a row for each seed; what is of the second trial ends with `_second`: `trial_second`.
    """
    values = list(both[first]), list(both[f"{second}_second"])
    measures = _of_images(results, first, second)
    image_se = _image_error(results, both, measures) if measures else math.nan
    these, shown = paired_difference(*values), paired_difference(*values, image_se=image_se)
    column = results.measures.column(first)
    if column is not None and column.measure.kind == "share":
        shown = limited(shown, -1.0, 1.0)
    return {
        "difference": shown.mean,
        "low": shown.low,
        "high": shown.high,
        "interval": shown.kind,
        "n": shown.n,
        "sd": shown.sd,
        **({"low_these": these.low, "high_these": these.high, "image_se": image_se} if measures else {}),
    }


FOUND = ("difference", "low", "high", "interval", "n", "sd")
"""The columns of `bounds_of` that there are always."""


def turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row the other way round: how much higher the metric is at `from` than at `to`, which change places."""
    flipped = {"from": row["to"], "to": row["from"], "difference": -row["difference"]}
    for end in ("", "_these"):
        if f"low{end}" in row:
            flipped |= {f"low{end}": -row[f"high{end}"], f"high{end}": -row[f"low{end}"]}
    if row.get("found") in ("lower", "higher"):
        flipped["found"] = "higher" if row["found"] == "lower" else "lower"
    return {**row, **flipped}


def _paired(results: Results, seeds: pd.DataFrame, pairs: Iterable[tuple[str, Row, Row]], metric: str) -> pd.DataFrame:
    rows = []
    for factor, first, second in pairs:
        a, b = (seeds[(seeds["condition"] == c.key) & (seeds["recipe"] == recipe)] for c, recipe in (first, second))
        both = a.merge(b, on="seed", suffixes=("", "_second"))
        x, y = _values(first), _values(second)
        rows.append(
            {
                "factor": factor,
                "from": x[factor],
                "to": y[factor],
                **{key: "" if key == factor else value for key, value in x.items()},
                "metric": metric,
                **bounds_of(results, both, metric, metric),
            }
        )
    named = ["factor", "from", "to", *results.keys, "recipe", "metric", *FOUND]
    table = pd.DataFrame(rows, columns=None if rows else named)
    return as_given(table, rows, ["from", "to", *results.keys])


def _rows(results: Results, seeds: pd.DataFrame) -> list[Row]:
    """Return the rows that have a reported trial among `seeds`."""
    known = set(zip(seeds["condition"], seeds["recipe"], strict=True))
    return [(c, recipe) for c in results.conditions for recipe in c.configs if (c.key, recipe) in known]


def _values(row: Row) -> dict[str, Any]:
    return {**row[0].values, "recipe": row[1]}


def _differing(a: Row, b: Row) -> list[str]:
    """Return the keys in which two rows differ; a prescribed config that was chosen is one with the chosen config."""
    x, y = _values(a), _values(b)
    names = [name for name in x if x[name] != y[name]]
    return [] if names == ["recipe"] and a[0].configs[a[1]] == b[0].configs[b[1]] else names


def _neighbours(results: Results, a: Row, b: Row) -> str | None:
    """Return the one key in which two rows differ, if they are to be compared."""
    differing = _differing(a, b)
    if differing == ["recipe"]:
        return "recipe" if {PRESCRIBED, REFERENCE} & {a[1], b[1]} else None
    if len(differing) != 1 or a[1] != CHOSEN:
        return None
    name = differing[0]
    values = {condition.values[name] for condition in results.conditions}
    if all(isinstance(value, int | float) for value in values):
        low, high = sorted((a[0].values[name], b[0].values[name]))
        return None if any(low < value < high for value in values) else name
    return name


def _of_images(results: Results, *names: str) -> list[MeasureRecord]:
    """Return the measures in two columns, if both may be known for each test image."""
    columns = [results.measures.column(name) for name in names]
    found = [c.measure for c in columns if c is not None and c.split == "test" and c.measure.images is not None]
    return found if len(found) == len(names) else []


def _image_error(results: Results, both: pd.DataFrame, measures: Sequence[MeasureRecord]) -> float:
    """Return the standard error over test images of a mean difference; NaN where no arrays on the same images tell."""
    gaps = []
    for a, b in zip(both["trial"], both["trial_second"], strict=True):
        x, y = results.per_image(a, measures[0]), results.per_image(b, measures[1])
        if x is not None and y is not None and x.alike(y):
            gaps.append(y.less(x))
    return image_error(gaps)
