"""What is measured of each reported trial: a row a seed, from which tables of means are made.

Accuracies are fractions in [0, 1]; `…_error` is 1 − accuracy. For a metric that is not an accuracy (a loss),
columns bear its own name and there is no `…_error`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.results import Condition, Results

TOLERANCE = 0.001
"""Epochs to the best: the first epoch within 0.1 point of the best (of another metric: within 0.1 %)."""
LABELS = {
    "train_labels": "labels_train",
    "validation_labels": "labels_validation",
    "test_images": "test_images",
    "test_labels": "test_images",
}
"""Facts of a trial that say how many labels it was given → columns."""
COUNTS = tuple(dict.fromkeys(LABELS.values()))


def reported(results: Results) -> Iterator[tuple[Condition, str, list[dict[str, Any]]]]:
    """(condition, `chosen` or `prescribed`, its reported trials by seed), where there are any."""
    for condition in results.conditions:
        for recipe, text in condition.recipes.items():
            trials = condition.reported(text, results.phase)
            if trials:
                yield condition, recipe, trials


def shown(results: Results) -> str:
    """The metric as tables and figures show it: `error` where it is an accuracy."""
    return results.metric.removesuffix("accuracy") + "error" if results.is_accuracy else results.metric


def measured(results: Results) -> list[str]:
    """Columns of `by_seed` that are averaged over seeds."""
    splits = ["val", "test", "oracle"] if results.phase == "confirm" else ["val"]
    names = dict.fromkeys([results.metric, shown(results)])
    durations = ["best_epoch", "best_steps", *(["oracle_epoch", "oracle_steps"] if len(splits) > 1 else [])]
    return [*(f"{split}_{name}" for name in names for split in splits), *durations]


def by_seed(results: Results) -> pd.DataFrame:
    """A row a reported trial: how each seed did, and after how many epochs and optimiser steps.

    `best_epoch` is the first epoch within 0.1 point of the best validation value, `rising` says that it fell
    into the last tenth of training. `oracle_…` is the best test value over the epochs, which only test data
    can name. The measures of a trial that diverged or collapsed are NaN.
    """
    rows = []
    for condition, recipe, trials in reported(results):
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
                    **(_outcome(results, own) if trial["status"] == "done" else {}),
                    **labels(trial["facts"]),
                }
            )
    described = [*results.keys, "condition", "recipe", "seed", "trial", "status", "epochs"]
    return pd.DataFrame(rows, columns=[*described, *measured(results), "rising", *COUNTS])


def labels(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a trial that count labels and images, under the tables' names."""
    return {column: facts[name] for name, column in LABELS.items() if name in facts}


def _outcome(results: Results, epochs: pd.DataFrame) -> dict[str, float]:
    outcome: dict[str, float] = {}
    for split, prefix in (("val", "best"), ("test", "oracle")):
        name = f"{split}_{results.metric}"
        if name not in epochs or epochs[name].isna().all():
            continue
        values = epochs[name].to_numpy(dtype=float)
        first, best = to_the_best(values, maximise=results.goal.mode == "max", accuracy=results.is_accuracy)
        outcome[name] = float(values[-1])
        outcome[f"{prefix}_epoch"] = float(epochs["epoch"].iloc[first])
        outcome[f"{prefix}_steps"] = float(epochs["steps"].iloc[first])
        if split == "val":
            outcome["rising"] = float(len(values) > 1 and first >= len(values) - max(1, len(values) // 10))
        else:
            outcome[f"oracle_{results.metric}"] = float(values[best])
    if results.is_accuracy:
        kept = {name: value for name, value in outcome.items() if name.endswith(results.metric)}
        outcome |= {n.removesuffix(results.metric) + shown(results): 1 - v for n, v in kept.items()}
    return outcome


def to_the_best(values: np.ndarray, *, maximise: bool, accuracy: bool) -> tuple[int, int]:
    """Positions in `values` [epochs]: the first within tolerance of the best, and the (first) best itself."""
    signed = values if maximise else -values
    best = int(np.nanargmax(signed))
    slack = TOLERANCE if accuracy else TOLERANCE * abs(float(signed[best]))
    return int(np.argmax(signed >= signed[best] - slack - 1e-12)), best
