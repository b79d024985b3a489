"""How far training accuracy is above test accuracy, and how large the class is that a classifier was chosen from.

Trials note the facts of `trainables.cifar_transfer`: how many numbers are fitted (`parameters`, `head_parameters`), the
norm of weights over the margin (`norm_over_margin`), the embedding's intrinsic `dimension` and the distance to the
`nearest` other image. A fact that a trial lacks is NaN here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import Interval, paired_difference, t_interval
from analysis.numbers.paired import bounds_of
from analysis.numbers.results import Results, as_given
from analysis.numbers.seeds import image_error_of
from analysis.numbers.tables import bounded

TRAINING, TEST, GAP = "train_accuracy", "test_accuracy", "gap"
COUNTED = ("parameters", "head_parameters")
"""Facts that are the same in all trials of a condition."""
MEASURED = ("norm_over_margin", "dimension", "nearest")
"""Facts that differ between seeds."""
BOUNDS = ("", "_low", "_high", "_interval")
"""What a column's name ends with in `tables.bounded`."""
AVERAGED = (TRAINING, GAP, "capacity", *MEASURED)
"""Columns of `by_trial` that have a mean and an interval over seeds."""


def by_trial(results: Results, seeds: pd.DataFrame, size: str) -> pd.DataFrame:
    """Return the rows of `seeds` with their facts, the training accuracy and the `gap`, it − the test accuracy.

    `size` is the column with the number n of training images. `capacity` is `norm_over_margin` / √n, the term that
    bounds by margin charge for the class: see `trainables.transfer.margins`.
    """
    facts = [results.facts[trial] for trial in seeds["trial"]]
    noted = {name: [_number(own.get(name)) for own in facts] for name in (*COUNTED, *MEASURED)}
    last = results.last.reindex(index=seeds["trial"], columns=[TRAINING])[TRAINING].to_numpy(dtype=float)
    capacity = np.array(noted["norm_over_margin"]) / np.sqrt(seeds[size].to_numpy(dtype=float))
    return seeds.assign(**noted, **{TRAINING: last, GAP: last - seeds[TEST], "capacity": capacity})


def by_condition(results: Results, trials: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Return a row a condition of `by_trial`: n, and mean and interval over its seeds of what was measured or noted.

    That of the gap holds for new test images too, where it is known which of them each network has right.
    """
    tested = results.measures.of(TEST)
    rows = []
    for values, own in trials.groupby(list(factors), sort=False):
        row: dict[str, Any] = {**dict(zip(factors, values, strict=True)), "n": len(own)}
        row |= {name: own[name].iloc[0] for name in COUNTED}
        for name in AVERAGED:
            image_se = image_error_of(results, list(own["trial"]), tested) if name == GAP else math.nan
            row |= bounded(name, t_interval(list(own[name]), image_se=image_se))
        rows.append(row)
    names = [f"{name}{end}" for name in AVERAGED for end in BOUNDS]
    table = pd.DataFrame(rows, columns=[*factors, "n", *COUNTED, *names])
    return as_given(table, rows, list(factors))


def change(results: Results, trials: pd.DataFrame, first: Mapping[str, Any], second: Mapping[str, Any]) -> Interval:
    """Return by how much the gap is higher in the condition `second` than in `first`, by seed."""
    both = _of(trials, first).merge(_of(trials, second), on="seed", suffixes=("", "_second"))
    image_se = bounds_of(results, both, TEST, TEST).get("image_se", math.nan)
    return paired_difference(list(both[GAP]), list(both[f"{GAP}_second"]), image_se=image_se)


def _of(trials: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    return trials[np.logical_and.reduce([trials[name] == value for name, value in where.items()])]


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
