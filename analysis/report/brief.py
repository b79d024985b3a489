"""An answer on one screen: one table, and a few lines on what it rests on. The files have everything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.numbers.intervals import NEW
from analysis.numbers.measures import nearness, unit_of
from analysis.numbers.results import CHOSEN, LOST, Results, records
from analysis.report.cells import INTERVAL, bounded, key_cells, number, seeds_cell, whole
from analysis.report.rounded import reported_cells
from analysis.words import NONE, as_text, heading

WRONG = {
    "failed": "failed",
    **{f"search_{status}": f"{status} in the search" for status in LOST},
    **{f"confirm_{status}": f"{status} on fresh seeds" for status in LOST},
    "unfinished": "unfinished",
}
"""Counts of what went wrong, and what they are called."""


@dataclass(frozen=True)
class Brief:
    """What a terminal shows, besides warnings and file names."""

    shared: str
    """What all rows have in common: data, factors with a single value, settings."""
    table: pd.DataFrame
    """Text: what tells the conditions apart, the best config, and how good it is."""
    keys: int
    """How many of its first columns name the condition."""
    further: int
    """How many of its last columns are left out where they do not fit."""
    note: str
    """What the numbers mean: two lines of 80 characters at most."""
    cost: str
    """Trials, what went wrong with them and where, and labels."""


def make_brief(results: Results, best: pd.DataFrame) -> Brief:
    """Make a brief from the best-config table, `tables.best_config`."""
    rows = records(best)
    cells = [key_cells(results, row) for row in rows]
    names = list(cells[0]) if cells else []
    varying = [key for key in names if len({cell[key] for cell in cells}) > 1]
    table = pd.DataFrame(
        {**{key: cell[key] for key in varying}, **_config(results, row), **_found(results, row)}
        for cell, row in zip(cells, rows, strict=True)
    )
    own = [(cell, row) for cell, row in zip(cells, rows, strict=True) if row["recipe"] == CHOSEN]
    named = [(", ".join(f"{key} {cell[key]}" for key in varying if key != "recipe"), row) for cell, row in own]
    return Brief(
        shared=_shared(results, {key: cells[0][key] for key in names if key not in varying}),
        table=table,
        keys=len(varying),
        further=len(results.report),
        note=_note(results, table, new_images=_hold_for_new_images(results, best)),
        cost=f"{_trials(named)} {_labels([row for _, row in own])}".strip(),
    )


def _config(results: Results, row: Mapping[str, Any]) -> dict[str, str]:
    return {results.titled(name): as_text(row[name]) for name in results.hyperparameters}


def _found(results: Results, row: Mapping[str, Any]) -> dict[str, str]:
    n, form = int(row["n"]), results.measures.form(f"test_{results.metric}", row)
    headed = results.measures.headed
    epochs = NONE if not n else whole(row["best_epoch"]) + (" ↑" if row["rising"] > n / 2 else "")
    further = reported_cells(results, row, bounds=False)
    if results.phase != "confirm":
        name = f"val_{results.metric}"
        measured = {f"{headed(name)} {INTERVAL}": bounded(row, name, form)}
        return {**measured, "n": seeds_cell(row), "best epoch": epochs, **further}
    validation = number(row[f"val_{results.metric}"], n, form)
    if not n:
        searched = number(row[f"search_{results.metric}"], 0, form)
        validation = NONE if searched == NONE else f"{searched} *"
    oracle = {"oracle": number(row[f"oracle_{results.metric}"], n, form)} if results.has_oracle else {}
    return {
        _validation(results): validation,
        f"{headed(f'test_{results.metric}')} {INTERVAL}": bounded(row, f"test_{results.metric}", form),
        "n": seeds_cell(row),
        **oracle,
        "best epoch": epochs,
        **further,
    }


def _validation(results: Results) -> str:
    """Return a short heading: `val. %`, `val. px`, or the measure itself where it has no unit."""
    unit = unit_of(results.selected).removeprefix(", ")
    return f"val. {unit or results.measures.label(results.metric)}"


def _shared(results: Results, keys: Mapping[str, str]) -> str:
    fixed = {heading(k): as_text(v) for k, v in results.settings.items() if v is not None} | dict(keys)
    told = set(map(heading, results.data_fields))
    rest = [f"{name} {value}" for name, value in fixed.items() if name not in told]
    data = results.describe_data()
    return "; ".join([*([f"Data: {data}"] if data else []), *rest])


def _hold_for_new_images(results: Results, best: pd.DataFrame) -> bool:
    return bool((best.get(f"test_{results.metric}_interval", pd.Series(dtype=object)) == NEW).any())


def _note(results: Results, table: pd.DataFrame, *, new_images: bool) -> str:
    near = nearness(results.selected)
    if results.phase != "confirm":
        read = f"Mean of n search seeds, {results.epoch_read} [95 % t interval]."
        return f"{read}\nBest epoch: first within {near} of the best."
    holds = ", new images" if new_images else " t interval" if results.selected.images is None else ", these images"
    oracle = "oracle: best test of any epoch; " if results.has_oracle else ""
    lines = (
        f"{'Chosen by val.; test' if results.plan.searches else 'Test'}: mean of n fresh seeds, {results.epoch_read}"
        f" [95 %{holds}]",
        f"{oracle}best epoch: val. within {near}",
    )
    starred = any(str(cell).endswith("*") for cell in table.filter(like="val.").to_numpy().ravel())
    return "\n".join(lines) + ("; *: search" if starred else "")


def _trials(conditions: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Return `145 trials (29 a condition).`, or how many ran, and what went wrong in which condition.

    All trials in the ledger are counted, those of other plans too: how much of the plan is done, the heading says.
    """
    total = {name: sum(int(row[name]) for _, row in conditions) for name in ("trials", "run", "stopped")}
    wrong: dict[str, list[str]] = {}
    for name, row in conditions:
        kinds = [f"{row[kind]} {told}" for kind, told in WRONG.items() if row.get(kind)]
        if kinds:
            wrong.setdefault(", ".join(kinds), []).append(name)
    told = [
        f"{kinds} ({'; '.join(names) if len(names) < 4 else f'in each of {len(names)} conditions'})"
        if len(conditions) > 1
        else kinds
        for kinds, names in wrong.items()
    ]
    text = f"{total['trials']} trials"
    if total["run"] < total["trials"]:
        text = f"{total['run']} trials ran"
    elif len(conditions) > 1 and len({row["trials"] for _, row in conditions}) == 1:
        text += f" ({conditions[0][1]['trials']} a condition)"
    if total["stopped"]:
        text += f", {total['stopped']} of them stopped early"
    return f"{text}: {'; '.join(told)}." if told else f"{text}."


def _labels(rows: Sequence[Mapping[str, Any]]) -> str:
    spent = {
        "training": _span(row.get("labels_train") for row in rows),
        "validation": _span(row.get("labels_validation") for row in rows),
    }
    texts = [f"{count} for {use}" for use, count in spent.items() if count]
    tested = _span(row.get("test_images") for row in rows)
    parts = [f"labels: {', '.join(texts)}"] if texts else []
    parts += [f"{tested} test images"] if tested else []
    return "; ".join(parts).capitalize() + "." if parts else ""


def _span(values: Any) -> str:
    known = sorted({int(value) for value in values if value is not None and not pd.isna(value)})
    return "–".join(f"{value:,}" for value in dict.fromkeys([known[0], known[-1]])) if known else ""
