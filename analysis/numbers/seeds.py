"""What is measured of each reported trial: a row a seed, from which tables of means are made.

Shares of images are fractions in [0, 1]. A measure that has an error, 1 − it, has that in columns of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import image_standard_error
from analysis.numbers.measures import RANGE_TOLERANCE, SHARE_TOLERANCE
from analysis.numbers.results import Condition, PerImage, Results, as_given
from analysis.plan_record import MeasureRecord

COUNTS = ("labels_train", "labels_validation", "test_images")
"""The first columns of counts: how many labels a trial was given, all data sets together."""
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
    """Return the columns of `by_seed` that are averaged over seeds, those of the selecting measure first."""
    oracle = ["oracle"] if results.has_oracle else []
    first, *others = [[one.name for one in results.measures.with_error(name)] for name in results.metrics]
    first.sort(key=lambda name: name != results.metric)  # an error may select
    columns = [f"{split}_{name}" for name in first for split in [*results.splits, *oracle]]
    columns += [f"{which}_{unit}" for which in ("best", *oracle) for unit in ("epoch", "steps")]
    columns += ["peak_epoch" for _ in oracle]
    return [*columns, *(f"{split}_{name}" for several in others for name in several for split in results.splits)]


def by_seed(results: Results, *, extra: bool = False) -> pd.DataFrame:
    """Return a row for each reported trial (`extra` as there): how it did, after how many epochs and optimiser steps.

    Every `val_…` and `test_…` measure is there, at the epoch at which trials are read: the last one, unless the
    question asks for the best. `best_epoch` is the first epoch so near the best validation value that it counts as the
    best, `rising` says that it fell into the last tenth of training, where no falling learning rate explains that.
    `oracle_…` is the best test value over the epochs, which only test data can name, `oracle_epoch` the first epoch so
    near it, and `peak_epoch` the first at which it is reached exactly. The measures of a trial that diverged or
    collapsed are NaN.
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
    """Return the columns of `labels` that some trial has."""
    found = dict.fromkeys(name for facts in results.facts.values() for name in labels(facts))
    return [*(name for name in COUNTS if name in found), *(name for name in found if name not in COUNTS)]


def image_error(networks: Sequence[PerImage]) -> float:
    """Return the standard error over test images of a mean over networks; NaN unless they share their images."""
    if not networks or not all(network.alike(networks[0]) for network in networks):
        return math.nan
    links = [network.links for network in networks if network.links is not None]
    values = np.stack([network.values for network in networks])
    return image_standard_error(values, networks[0].strata, links if len(links) == len(networks) else None)


def image_error_of(results: Results, trials: Sequence[str], measure: MeasureRecord) -> float:
    """Return the standard error over test images of a measure's mean over trials; NaN where no array tells."""
    if measure.images is None:
        return math.nan
    known = (results.per_image(trial, measure) for trial in trials)
    return image_error([network for network in known if network is not None])


def _outcome(results: Results, epochs: pd.DataFrame, facts: Mapping[str, Any]) -> dict[str, float]:
    """Return the outcome of one trial; `epochs` and `facts` are its own."""
    read = epochs[epochs["epoch"] == facts["read_epoch"]] if "read_epoch" in facts else epochs
    outcome = {c.name: float(c.of(read).iloc[-1]) for c in results.measures.on(epochs, "val", "test")}
    for split, prefix in (("val", "best"), ("test", "oracle")):
        column = results.measures.column(f"{split}_{results.metric}")
        if column is None or column.name not in outcome or (split == "test" and not results.has_oracle):
            continue
        values = column.of(epochs).to_numpy(dtype=float)
        if np.isnan(values).all():
            continue
        first, best = to_the_best(values, results.selected)
        outcome[f"{prefix}_epoch"] = float(epochs["epoch"].iloc[first])
        outcome[f"{prefix}_steps"] = float(epochs["steps"].iloc[first])
        if split == "val":
            late = len(values) > 1 and first >= len(values) - max(1, len(values) // 10)
            outcome["rising"] = float(late and not facts.get("annealed", False))
        else:
            outcome["peak_epoch"] = float(epochs["epoch"].iloc[best])
            outcome[f"oracle_{results.metric}"] = float(values[best])
            for other in results.measures.columns(results.metric, "oracle"):
                outcome.setdefault(other.name, 1 - float(values[best]))
    return outcome


def to_the_best(values: np.ndarray, measure: MeasureRecord) -> tuple[int, int]:
    """Return positions in `values` [epochs]: the first within tolerance of the best, and the (first) best itself."""
    signed = values if measure.better == "max" else -values
    best = int(np.nanargmax(signed))
    if measure.tolerance is not None:
        slack = measure.tolerance
    elif measure.kind == "share":
        slack = SHARE_TOLERANCE
    else:
        slack = RANGE_TOLERANCE * float(np.nanmax(signed) - np.nanmin(signed))
    return int(np.argmax(signed >= signed[best] - slack - 1e-12)), best
