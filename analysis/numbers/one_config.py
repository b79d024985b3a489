"""Differences between conditions whose chosen configs differ, at one config: what the factor does without the choice.

Search trials tell: conditions share their draws, so the config that one chose has run in the other too, on the same
search seeds. Their numbers are of validation images. The config was chosen on them, which favours its own condition.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.numbers.paired import bounds_of
from analysis.numbers.results import CHOSEN, REPORTED, Condition, Results, records


def at_one_config(results: Results, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return how a difference of chosen configs is at either config, as rows of `paired.differences`, by search seed.

    `row` is such a difference, and `config_of` says in each row returned at which value of the factor its config was
    chosen. A config that did not run in both conditions has none; where both chose the same one, there is nothing to
    tell.
    """
    sides = [_condition(results, row, value) for value in (row["from"], row["to"])]
    if any(side is None or CHOSEN not in side.configs for side in sides):
        return []
    first, second = (side for side in sides if side is not None)
    if _settings(results, first) == _settings(results, second):
        return []
    return list(_compared(results, row, first, second))


def _compared(
    results: Results, row: Mapping[str, Any], first: Condition, second: Condition
) -> Iterator[dict[str, Any]]:
    metric = f"val_{results.compared.name}"
    for value, side in ((row["from"], first), (row["to"], second)):
        own = [_searched(results, condition, _settings(results, side), metric) for condition in (first, second)]
        both = own[0].merge(own[1], on="seed", suffixes=("", "_second"))
        if len(both):
            found = bounds_of(results, both, metric, metric)
            named = {name: row[name] for name in ("factor", "from", "to", *results.keys)}
            yield {**named, "recipe": CHOSEN, "config_of": value, "metric": metric, **found}


def _condition(results: Results, row: Mapping[str, Any], value: Any) -> Condition | None:
    """Return the condition of a side of a difference, at which its factor has this value."""
    wanted = {name: value if name == row["factor"] else row[name] for name in results.keys}
    return next((c for c in results.conditions if all(_same(c.values[name], wanted[name]) for name in wanted)), None)


def _settings(results: Results, condition: Condition) -> dict[str, Any]:
    """Return the hyperparameters of a condition's chosen config."""
    config = json.loads(condition.configs[CHOSEN])
    return {name: config.get(name) for name in results.hyperparameters}


def _searched(results: Results, condition: Condition, settings: Mapping[str, Any], metric: str) -> pd.DataFrame:
    """Return the search trials of a condition with these hyperparameters: `seed`, `trial` and the measure."""
    column = results.measures.column(metric)
    assert column is not None
    rows = []
    for trial in records(condition.trials[condition.trials["phase"] == "search"]):
        same = all(_same(trial["config"].get(name), value) for name, value in settings.items())
        if same and trial["status"] in REPORTED:
            ended = trial["status"] == "done" and trial["id"] in results.last.index
            value = float(column.of(results.last.loc[trial["id"]])) if ended else float("nan")
            rows.append({"seed": trial["seed"], "trial": trial["id"], metric: value})
    return pd.DataFrame(rows, columns=["seed", "trial", metric])


def _same(first: Any, second: Any) -> bool:
    return bool(first == second) or bool(pd.isna(first) and pd.isna(second))
