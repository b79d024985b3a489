"""What is measured of each reported trial: a row a seed, from which tables of means are made.

Accuracies are fractions in [0, 1]; `…_error` is 1 − accuracy. For a metric that is not an accuracy (a loss),
columns bear its own name and there is no `…_error`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import image_standard_error
from analysis.numbers.results import Condition, Correct, Results, as_given, error_of

TOLERANCE = 0.001
"""Epochs to the best: the first epoch within 0.1 point of the best (of another metric: within 0.1 %)."""
COUNTS = ("labels_train", "labels_validation", "test_images")
"""Columns that every table has: how many labels a trial was given, all data sets together."""
_LABELS = re.compile(r"(train|validation|test)_(?:(\w+)_)?labels")


def reported(results: Results, *, extra: bool = False) -> Iterator[tuple[Condition, str, list[dict[str, Any]]]]:
    """Yield (condition, `chosen` or `prescribed`, its reported trials by seed), where there are any.

    The trials on extra seeds are left out; with `extra` there are only they.
    """
    for condition in results.conditions:
        for recipe, text in condition.configs.items():
            trials = condition.reported(text, results.phase, extra=extra)
            if trials:
                yield condition, recipe, trials


def measured(results: Results) -> list[str]:
    """Return the columns of `by_seed` that are averaged over seeds, those of the selecting metric first."""
    splits = ["val", "test"] if results.phase == "confirm" else ["val"]
    oracle = ["oracle"] if results.has_oracle else []
    names = {metric: dict.fromkeys([metric, error_of(metric)]) for metric in results.metrics}
    columns = [f"{split}_{name}" for name in names.pop(results.metric) for split in [*splits, *oracle]]
    columns += [f"{which}_{unit}" for which in ("best", *oracle) for unit in ("epoch", "steps")]
    return [*columns, *(f"{split}_{name}" for several in names.values() for name in several for split in splits)]


def by_seed(results: Results, *, extra: bool = False) -> pd.DataFrame:
    """Return a row for each reported trial (`extra` as there): how it did, after how many epochs and optimiser steps.

    Every `val_…` and `test_…` metric is there, at the epoch at which trials are read: the last one, unless the question
    asks for the best. `best_epoch` is the first epoch within 0.1 point
    of the best validation value, `rising` says that it fell into the last tenth of training, where no falling learning
    rate explains that. `oracle_…` is the best test value over the epochs, which only test data can name. The measures
    of a trial that diverged or collapsed are NaN.
    """
    rows = []
    for condition, recipe, trials in reported(results, extra=extra):
        epochs = results.epochs([trial["id"] for trial in trials])
        for trial in trials:
            own = epochs[epochs["trial"] == trial["id"]] if len(epochs) else epochs
            rows.append(
                {
                    **condition.values,
                    "condition": condition.key,
                    "recipe": recipe,
                    "seed": trial["seed"],
                    "trial": trial["id"],
                    "status": trial["status"],
                    "epochs": len(own),
                    **(_outcome(results, own, trial["facts"]) if trial["status"] == "done" else {}),
                    **labels(trial["facts"]),
                }
            )
    described = [*results.keys, "condition", "recipe", "seed", "trial", "status", "epochs"]
    table = pd.DataFrame(rows, columns=[*described, *measured(results), "rising", *counts(results)])
    return as_given(table, rows, results.keys)


def labels(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts of a trial that count labels and images, under the tables' names.

    `train_labels` → `labels_train`, `test_labels` → `test_images`; of one data set among several,
    `validation_first_labels` → `labels_validation_first`, `test_first_labels` → `test_first_images`.
    """
    found = {}
    for name, count in facts.items():
        if matched := _LABELS.fullmatch(name):
            split, which = matched.groups()
            words = ["test", which, "images"] if split == "test" else ["labels", split, which]
            found["_".join(filter(None, words))] = count
    return found


def counts(results: Results) -> list[str]:
    """Return the columns of `labels` that some trial has, those of `COUNTS` in any case."""
    return list(dict.fromkeys([*COUNTS, *(name for facts in results.facts.values() for name in labels(facts))]))


def images_of(row: Mapping[str, Any], column: str) -> float:
    """Return how many images a metric was measured on, a count of `row` (of `labels`); NaN where that is not known.

    `test_first_error` rests on `test_first_images` where that is counted, else on `test_images`.
    """
    split, _, metric = column.partition("_")
    which = metric.rpartition("_")[0]
    every, own = ("test_images", f"test_{which}_images")
    if split in ("train", "val"):
        every = "labels_train" if split == "train" else "labels_validation"
        own = f"{every}_{which}"
    known = [row[name] for name in (own, every) if name in row and not pd.isna(row[name])]
    return float(known[0]) if known else math.nan


def image_error(networks: Sequence[Correct]) -> float:
    """Return the standard error over test images of a mean over networks; NaN unless they share their images."""
    if not networks or not all(network.alike(networks[0]) for network in networks):
        return math.nan
    return image_standard_error(np.stack([network.right for network in networks]), networks[0].strata)


def network_error(networks: Sequence[Correct]) -> float:
    """Return the standard error over test images of one network's accuracy: the root mean square of these networks'.

    NaN unless they were tested on the same images.
    """
    if math.isnan(image_error(networks)):
        return math.nan
    return math.sqrt(math.fsum(image_error([network]) ** 2 for network in networks) / len(networks))


def _outcome(results: Results, epochs: pd.DataFrame, facts: Mapping[str, Any]) -> dict[str, float]:
    """Return the outcome of one trial; `epochs` and `facts` are its own."""
    held_out = [str(name) for name in epochs if str(name).startswith(("val_", "test_"))]
    read = epochs[epochs["epoch"] == facts["read_epoch"]] if "read_epoch" in facts else epochs
    outcome = {name: float(read[name].iloc[-1]) for name in held_out}
    outcome |= {error_of(name): 1 - value for name, value in outcome.items() if name.endswith("accuracy")}
    for split, prefix in (("val", "best"), ("test", "oracle")):
        name = f"{split}_{results.metric}"
        if name not in outcome or epochs[name].isna().all() or (split == "test" and not results.has_oracle):
            continue
        values = epochs[name].to_numpy(dtype=float)
        first, best = to_the_best(values, maximise=results.goal.mode == "max", accuracy=results.is_accuracy)
        outcome[f"{prefix}_epoch"] = float(epochs["epoch"].iloc[first])
        outcome[f"{prefix}_steps"] = float(epochs["steps"].iloc[first])
        if split == "val":
            late = len(values) > 1 and first >= len(values) - max(1, len(values) // 10)
            outcome["rising"] = float(late and not facts.get("annealed", False))
        else:
            outcome[f"oracle_{results.metric}"] = float(values[best])
            if results.is_accuracy:
                outcome[f"oracle_{error_of(results.metric)}"] = 1 - float(values[best])
    return outcome


def to_the_best(values: np.ndarray, *, maximise: bool, accuracy: bool) -> tuple[int, int]:
    """Return positions in `values` [epochs]: the first within tolerance of the best, and the (first) best itself."""
    signed = values if maximise else -values
    best = int(np.nanargmax(signed))
    slack = TOLERANCE if accuracy else TOLERANCE * abs(float(signed[best]))
    return int(np.argmax(signed >= signed[best] - slack - 1e-12)), best
