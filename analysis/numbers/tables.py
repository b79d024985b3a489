"""The tables of an answer, in full precision; `report.rounded` rounds them, `figures` draws them.

Beside the column of a mean over `n` seeds stand `_low` and `_high`, its 95 % interval, and `_interval`: what that holds
for (`new images` or `these images`), or why there is none. Where a measure may be known for each test image, the
interval over seeds alone stands in `_low_these` and `_high_these`, and `_image_se` is the standard error over images.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import Interval, bounded_interval, counted_interval, exact_interval, t_interval
from analysis.numbers.measures import Column, Measures, images_of
from analysis.numbers.progress import count
from analysis.numbers.results import CHOSEN, LOST, REPORTED, Condition, Results, as_given, records
from analysis.numbers.seeds import counts, image_error_of, labels, measured, reported
from analysis.selection import drawn, lead

FEW = 2
"""Seeds up to which each is drawn as a curve: an interval over them covers nearly everything."""
SETTLED = (*REPORTED, "stopped", "failed", "oom")
"""Statuses of a trial that will not run any further."""


def best_config(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each condition, and one for its prescribed config: the config, how good, how long, at what cost.

    `search_…` is the mean over search seeds by which it was chosen; the other means are over the reported
    trials (`seeds`, as `by_seed` gives them). Of these n seeds, `n_diverged` diverged and `n_collapsed` collapsed;
    `lost` is their share, with an exact interval. Counts of trials (`trials` = `run` + `failed` + `unfinished`;
    `stopped` ones are among those run) are the condition's, both phases together, except that `search_…` and
    `confirm_…` tell how many diverged or collapsed in either. `test_configs` counts the configs for which test data
    was opened.
    """
    rows = []
    for condition in results.conditions:
        for recipe in [CHOSEN, *(name for name in condition.configs if name != CHOSEN)]:
            text = condition.configs.get(recipe)
            own = seeds[(seeds["condition"] == condition.key) & (seeds["recipe"] == recipe)]
            rows.append(
                {
                    **condition.values,
                    "recipe": recipe,
                    **_config(results, condition, text),
                    f"search_{results.metric}": condition.score if recipe == CHOSEN else math.nan,
                    "search_seeds": condition.search_seeds if recipe == CHOSEN else 0,
                    **_lead(results, condition, recipe),
                    **_summary(results, own),
                    **_lost(own),
                    **_spent(results, condition, own),
                    **_counts(results, condition),
                }
            )
    return as_given(pd.DataFrame(rows), rows, [*results.keys, *results.hyperparameters])


def curves(results: Results) -> pd.DataFrame:
    """Return a row for each epoch of the reported configs: every measure's mean and interval over the seeds.

    Where a seed has no value (it diverged before), the mean is NaN from there on. A measure that has an error comes as
    that too. Which test images are right is known at the epoch at which trials are read: there alone, if it is the same
    for all seeds, an interval holds for new images.
    """
    rows = []
    for condition, recipe, trials in reported(results):
        ids = [trial["id"] for trial in trials]
        epochs = results.epochs(ids)
        if not len(epochs):
            continue
        images = labels(trials[0]["facts"])
        columns = results.measures.on(epochs, "train", "val", "test")
        noted = ["steps", *(column.name for column in columns if column.source is None)]
        wide = {name: epochs.pivot(index="epoch", columns="trial", values=name) for name in noted}
        by_epoch = {name: own.reindex(columns=ids).to_numpy() for name, own in wide.items()}  # [epochs, trials]
        values = [(column, column.of(by_epoch)) for column in columns]
        read = set(results.last.loc[ids, "epoch"]) if len(results.last.index.intersection(ids)) == len(ids) else set()
        errors = {c.name: image_error_of(results, ids, c.measure) for c in columns if c.split == "test"}
        for i, epoch in enumerate(wide["steps"].index):
            row: dict[str, Any] = {**condition.values, "recipe": recipe, "epoch": epoch, "n": len(ids)}
            row["steps"] = float(np.nanmean(by_epoch["steps"][i]))
            for column, own in values:
                image_se = errors.get(column.name, math.nan) if read == {epoch} else math.nan
                row |= _mean(column, list(own[i]), images, image_se)
            rows.append(row)
    if not rows:
        return pd.DataFrame(columns=[*results.keys, "recipe", "epoch", "n"])
    return as_given(pd.DataFrame(rows), rows, results.keys)


def seed_curves(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each epoch of each reported trial of configs of which there are few, with its `seed`.

    `seeds` is as `by_seed` gives it. The columns are those of `curves`, without bounds.
    """
    rare = seeds.groupby(["condition", "recipe"])["seed"].transform("size") <= FEW
    own = seeds.loc[rare, [*results.keys, "recipe", "seed", "trial"]]
    epochs = results.epochs(list(own["trial"]))
    if epochs.empty:
        return pd.DataFrame()
    columns = results.measures.on(epochs, "train", "val", "test")
    known = epochs.assign(**{column.name: column.of(epochs) for column in columns if column.source is not None})
    return own.merge(known, on="trial").drop(columns="trial")


def searched(results: Results) -> pd.DataFrame:
    """Return a row for each search trial that its condition's plan asked for: its config, seed, status and metrics.

    `draw` numbers the configs of a condition, 0 is the prescribed config. Every `val_…` metric is there, at the `epoch`
    at which the trial is read: the last that it reached, unless the question asks for the best. A trial that failed or
    is not finished has none.
    """
    rows = []
    for condition in results.conditions:
        own = drawn(condition.trials, condition.plan, condition.key)
        for trial in records(own[own["phase"] == "search"]):
            ended = trial["status"] in (*REPORTED, "stopped") and trial["id"] in results.last.index
            rows.append(
                {
                    **condition.values,
                    "draw": trial["draw"],
                    **{name: trial["config"].get(name) for name in results.hyperparameters},
                    "seed": trial["seed"],
                    "trial": trial["id"],
                    "status": trial["status"],
                    **(_reported(results, trial["id"]) if ended else {}),
                }
            )
    held_out = [name for metric in results.metrics if (name := f"val_{metric}") in results.last]
    if results.selecting.source is not None:
        held_out = [results.selecting.name, *held_out]
    described = [*results.keys, "draw", *results.hyperparameters, "seed", "trial", "status", "epoch"]
    return as_given(pd.DataFrame(rows, columns=[*described, *held_out]), rows, results.keys)


def by_set(table: pd.DataFrame, names: Mapping[str, str], measures: Measures) -> pd.DataFrame:
    """Return each row once for each data set, with its measures under plain names: `test_first_error` → `test_error`.

    `names` maps the config fields of the data sets to their names; columns `field` and `data` hold both. What bears a
    field in its name and is no measure, such as a hyperparameter, stays.
    """
    own = {
        field: {str(c): str(c).replace(f"_{field}_", "_", 1) for c in table if _is_of_set(str(c), field, measures)}
        for field in names
    }
    taken = {column for renamed in own.values() for column in (*renamed, *renamed.values())}
    return pd.concat(
        [
            table.drop(columns=[c for c in table if c in taken and c not in renamed])
            .rename(columns=renamed)
            .assign(field=field, data=names[field])
            for field, renamed in own.items()
        ],
        ignore_index=True,
    )


def _is_of_set(name: str, field: str, measures: Measures) -> bool:
    """Return whether a column holds a measure that bears a config field in its name, a bound of one, or its images."""
    words = name.split("_")
    stems = ("_".join(words[:count]) for count in range(len(words), 1, -1))
    measured = any(measures.column(stem) is not None and f"_{field}_" in f"{stem}_" for stem in stems)
    return measured or name == f"test_{field}_images"


def _config(results: Results, condition: Condition, text: str | None) -> dict[str, Any]:
    """Return the hyperparameters of a config of this condition; None for those that change nothing in it."""
    config = json.loads(text) if text else {}
    trials = condition.trials[condition.trials["config_text"] == text]
    unused = {name for facts in trials["facts"] for name in facts.get("unused", ())}
    return {name: None if name in unused else config.get(name) for name in results.hyperparameters}


def _lead(results: Results, condition: Condition, recipe: str) -> dict[str, Any]:
    """Return by how much the chosen config was ahead of the second best in the search, and whether that is little."""
    found = lead(condition.trials, results.last, condition.plan, condition.key) if recipe == CHOSEN else None
    return {"search_lead": math.nan if found is None else found.score, "near_tie": bool(found and found.is_near_tie)}


def _summary(results: Results, own: pd.DataFrame) -> dict[str, Any]:
    """Return means and intervals over the seeds of one config."""
    images = {column: own[column].iloc[0] for column in counts(results) if len(own)}
    row: dict[str, Any] = {"n": len(own)}
    for name in measured(results):
        column, values = results.measures.column(name), list(own[name])
        if column is None:  # epochs or steps, from 1
            row |= bounded(name, counted_interval(values, _most(own, name)))
            continue
        tested = column.split == "test"
        image_se = image_error_of(results, list(own["trial"]), column.measure) if tested else math.nan
        row |= _mean(column, values, images, image_se)
        if tested and (column.source is None or column.measure == results.selected):
            row[f"{name}_sd"] = t_interval(values).sd
            if column.measure.images is not None:
                row[f"{name}_image_se"] = image_se
    row["rising"] = int((own["rising"] == 1).sum())
    return row


def _lost(own: pd.DataFrame) -> dict[str, Any]:
    """Return how many seeds of one config diverged or collapsed, and the share of new seeds that would."""
    counts = {f"n_{status}": int((own["status"] == status).sum()) for status in LOST}
    lost, n = sum(counts.values()), len(own)
    low, high = exact_interval(lost, n)
    return {**counts, "lost": lost / n if n else math.nan, "lost_low": low, "lost_high": high}


def _most(own: pd.DataFrame, name: str) -> float:
    """Return how many epochs, or steps, the longest of some trials were trained for."""
    which, unit = name.split("_")
    each = own[f"{which}_steps"] / own[f"{which}_epoch"] if unit == "steps" else 1
    return float((own["epochs"] * each).max())


def _reported(results: Results, trial: str) -> dict[str, float]:
    """Return what a trial reported last, and the selecting measure."""
    last: dict[str, float] = {str(name): value for name, value in results.last.loc[trial].to_dict().items()}
    selecting = results.selecting
    return last | ({selecting.name: selecting.of(last)} if selecting.source in last else {})


def _mean(
    column: Column, values: Sequence[float], images: Mapping[str, Any], image_se: float = math.nan
) -> dict[str, Any]:
    """Return a mean and its bounds, which are those that its measure's values have too."""
    measure = column.measure
    these = bounded_interval(values, measure.low, measure.high)
    if column.split != "test" or measure.images is None:
        return bounded(column.name, these)
    tested = images_of(images, column)
    shown = bounded_interval(values, measure.low, measure.high, image_se=image_se, images=tested)
    return {
        **bounded(column.name, shown),
        f"{column.name}_low_these": these.low,
        f"{column.name}_high_these": these.high,
    }


def bounded(name: str, interval: Interval) -> dict[str, Any]:
    """Return the columns of a mean: it, its bounds, and what they hold for."""
    return {
        name: interval.mean,
        f"{name}_low": interval.low,
        f"{name}_high": interval.high,
        f"{name}_interval": interval.kind,
    }


def _spent(results: Results, condition: Condition, own: pd.DataFrame) -> dict[str, Any]:
    """Return the labels spent, from the reported trials or, before there are any, from the search."""
    known = labels(condition.facts)
    return {
        name: own[name].iloc[0] if own[name].notna().any() else known.get(name, math.nan) for name in counts(results)
    }


def _counts(results: Results, condition: Condition) -> dict[str, int]:
    trials, missing = condition.trials, count(results, condition).missing
    settled = trials["status"].isin(SETTLED)
    failed = int(trials["status"].isin(["failed", "oom"]).sum())
    ran = int(settled.sum()) - failed
    return {
        "trials": ran + failed + missing,
        "run": ran,
        "failed": failed,
        "stopped": int((trials["status"] == "stopped").sum()),
        **{
            f"{phase}_{status}": int(((trials["phase"] == phase) & (trials["status"] == status)).sum())
            for phase in dict.fromkeys(["search", results.phase])
            for status in LOST
        },
        "unfinished": missing,
        "test_configs": int(trials.loc[trials["test_openings"] > 0, "config_text"].nunique()),
    }
