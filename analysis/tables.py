"""The tables of an answer, in full precision; `formats` rounds them for people, `figures` draws them.

Columns of a mean carry `_low` and `_high` beside it: its 95 % interval over seeds, of which there are `n`.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.intervals import (
    Interval,
    accuracy_interval,
    image_standard_error,
    paired_difference,
    t_interval,
)
from analysis.measures import COUNTS, labels, measured, reported, shown
from analysis.results import CHOSEN, PRESCRIBED, REPORTED, Condition, Results
from analysis.selection import drawn

SETTLED = (*REPORTED, "stopped", "failed", "oom")
"""Statuses of a trial that will not run any further."""


def best_config(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """A row a condition, and another for its prescribed recipe: the config, how good, how long, at what cost.

    `search_…` is the mean over search seeds by which it was chosen; the other means are over the reported
    trials (`seeds`, as `by_seed` gives them). Counts of trials (`trials` = `run` + `failed` + `unfinished`;
    `stopped` and `diverged` are among those run) are the condition's, both phases together. `test_configs`
    counts the configs for which test data was opened.
    """
    rows = []
    for condition in results.conditions:
        for recipe in [CHOSEN, *(name for name in condition.recipes if name != CHOSEN)]:
            text = condition.recipes.get(recipe)
            config = json.loads(text) if text else {}
            own = seeds[(seeds["condition"] == condition.key) & (seeds["recipe"] == recipe)]
            rows.append(
                {
                    **condition.values,
                    "recipe": recipe,
                    **{name: config.get(name) for name in results.hyperparameters},
                    f"search_{results.metric}": condition.score if recipe == CHOSEN else math.nan,
                    "search_seeds": condition.search_seeds if recipe == CHOSEN else 0,
                    **_summary(results, own),
                    **_spent(condition, own),
                    **_counts(condition),
                }
            )
    return pd.DataFrame(rows)


def curves(results: Results) -> pd.DataFrame:
    """A row an epoch of each condition's reported recipes: every metric's mean and interval over the seeds.

    Where a seed has no value (it diverged before), the mean is NaN from there on. Accuracies come as errors
    too.
    """
    rows = []
    for condition, recipe, trials in reported(results):
        ids = [trial["id"] for trial in trials]
        epochs = results.epochs(ids)
        images = labels(trials[0]["facts"])
        metrics = [name for name in epochs.columns if str(name).startswith(("train_", "val_", "test_"))]
        for epoch, own in epochs.groupby("epoch") if len(epochs) else ():
            own = own.set_index("trial").reindex(ids)
            row: dict[str, Any] = {**condition.values, "recipe": recipe, "epoch": epoch, "n": len(ids)}
            row["steps"] = float(own["steps"].mean())
            for name in metrics:
                row |= _mean(str(name), list(own[name]), images)
                if str(name).endswith("accuracy"):
                    row |= _mean(str(name).removesuffix("accuracy") + "error", list(1 - own[name]), images)
            rows.append(row)
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*results.keys, "recipe", "epoch", "n"])


def differences(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """Paired by seed: neighbouring values of a numeric factor, all pairs of another, chosen against prescribed.

    `difference` is second − first of `metric`, where only `factor` differs. `low` and `high` bound it over
    seeds; `image_se` is its standard error over test images, paired too. Intervals are not widened for the
    number of comparisons.
    """
    metric = ("test_" if results.phase == "confirm" else "val_") + shown(results)
    groups = [
        (condition, recipe, seeds[(seeds["condition"] == condition.key) & (seeds["recipe"] == recipe)])
        for condition, recipe, _ in reported(results)
    ]
    rows = []
    for (first, recipe_a, a), (second, recipe_b, b) in itertools.combinations(groups, 2):
        factor = _compared(results, (first, recipe_a), (second, recipe_b))
        if factor is None:
            continue
        x = {**first.values, "recipe": recipe_a}
        y = {**second.values, "recipe": recipe_b}
        both = a.merge(b, on="seed", suffixes=("", "_second"))
        gap = paired_difference(list(both[metric]), list(both[f"{metric}_second"]))
        rows.append(
            {
                "factor": factor,
                "first": x[factor],
                "second": y[factor],
                **{key: "" if key == factor else value for key, value in x.items()},
                "metric": metric,
                "difference": gap.mean,
                "low": gap.low,
                "high": gap.high,
                "n": gap.n,
                "image_se": _paired_image_error(results, list(both["trial"]), list(both["trial_second"])),
            }
        )
    named = ["factor", "first", "second", *results.keys, "recipe"]
    return pd.DataFrame(rows, columns=[*named, "metric", "difference", "low", "high", "n", "image_se"])


def progress(best: pd.DataFrame) -> str | None:
    """`n/N` of a best-config table: trials settled of trials planned; None if all are."""
    own = best[best["recipe"] == CHOSEN]
    planned, unfinished = int(own["trials"].sum()), int(own["unfinished"].sum())
    return f"{planned - unfinished}/{planned}" if unfinished else None


def _summary(results: Results, own: pd.DataFrame) -> dict[str, Any]:
    """Means and intervals over the seeds of one recipe."""
    images = {column: own[column].iloc[0] for column in COUNTS if len(own)}
    row: dict[str, Any] = {"n": len(own)}
    for name in measured(results):
        row |= _mean(name, list(own[name]), images)
        if name == f"test_{results.metric}":
            row[f"{name}_sd"] = t_interval(list(own[name])).sd
            row[f"{name}_image_se"] = _image_error(results, list(own["trial"]))
    row["rising"] = int((own["rising"] == 1).sum())
    return row


def _mean(name: str, values: Sequence[float], images: Mapping[str, Any]) -> dict[str, float]:
    """A mean and its bounds; on the logit for a share of images whose number is known."""
    split = {"train": "labels_train", "val": "labels_validation"}.get(name.split("_")[0], "test_images")
    count = images.get(split)
    if name.endswith(("accuracy", "error")) and count is not None and count > 0:
        interval: Interval = accuracy_interval(values, int(count))
    else:
        interval = t_interval(values, least=1.0 if name.endswith(("_epoch", "_steps")) else -math.inf)
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _image_error(results: Results, trials: Sequence[str]) -> float:
    known = [correct for correct in map(results.correct, trials) if correct is not None]
    same = len({correct.shape for correct in known}) == 1  # else they are not the same test images
    return image_standard_error(np.stack(known)) if same else math.nan


def _paired_image_error(results: Results, first: Sequence[str], second: Sequence[str]) -> float:
    pairs = [(results.correct(a), results.correct(b)) for a, b in zip(first, second, strict=True)]
    gaps = [b.astype(float) - a for a, b in pairs if a is not None and b is not None and a.shape == b.shape]
    return image_standard_error(np.stack(gaps)) if len({gap.shape for gap in gaps}) == 1 else math.nan


def _compared(results: Results, a: tuple[Condition, str], b: tuple[Condition, str]) -> str | None:
    """The one key in which two rows differ, if they are to be compared."""
    (first, recipe_a), (second, recipe_b) = a, b
    if first.key == second.key:
        return "recipe" if first.recipes[recipe_a] != second.recipes[recipe_b] else None
    differing = [name for name in results.keys if first.values[name] != second.values[name]]
    if len(differing) != 1 or PRESCRIBED in (recipe_a, recipe_b):
        return None
    values = {condition.values[differing[0]] for condition in results.conditions}
    if all(isinstance(value, int | float) for value in values):
        low, high = sorted((first.values[differing[0]], second.values[differing[0]]))
        return None if any(low < value < high for value in values) else differing[0]
    return differing[0]


def _spent(condition: Condition, own: pd.DataFrame) -> dict[str, Any]:
    """Labels, from the reported trials or, before there are any, from the search."""
    known = labels(condition.facts)
    return {name: own[name].iloc[0] if own[name].notna().any() else known.get(name, math.nan) for name in COUNTS}


def _counts(condition: Condition) -> dict[str, int]:
    trials, plan, recipes = condition.trials, condition.plan, condition.recipes
    settled = trials["status"].isin(SETTLED)
    search = trials["phase"] == "search"
    planned_search = search & trials["id"].isin(drawn(trials, plan)["id"])
    missing = int(plan["search_trials"]) - int((planned_search & settled).sum())
    missing = max(missing, int((planned_search & ~settled).sum()))
    if plan["confirm"]:
        prescribed = plan.get("prescribed", False)
        wanted = {r for name, r in recipes.items() if prescribed or name == CHOSEN} if CHOSEN in recipes else ()
        planned = len(plan["confirm_seeds"]) * (len(wanted) if wanted else 1 + bool(prescribed))
        awaited = trials["recipe"].isin(list(wanted)) & trials["seed"].isin(plan["confirm_seeds"])
        missing += planned - int((~search & settled & awaited).sum())
    failed = int(trials["status"].isin(["failed", "oom"]).sum())
    ran = int(settled.sum()) - failed
    return {
        "trials": ran + failed + missing,
        "run": ran,
        "failed": failed,
        "stopped": int((trials["status"] == "stopped").sum()),
        "diverged": int(trials["status"].isin(["diverged", "collapsed"]).sum()),
        "unfinished": missing,
        "test_configs": int(trials.loc[trials["test_openings"] > 0, "recipe"].nunique()),
    }
