"""The trials of a ledger, one by one: a table in a terminal, tab-separated lines where the output is piped."""

from __future__ import annotations

import math
import os
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from analysis.ledger import Ledger
from analysis.numbers.measures import Form
from analysis.numbers.results import Results, records
from analysis.report.failed import described, headline
from analysis.report.warnings import damaged
from analysis.words import NONE


def trials_of(folder: Path) -> pd.DataFrame:
    """Return a row of text for each trial: its config, seed, phase, status, selecting measure, seconds, worker, error.

    Trials of all commands that count are there, in the order of their conditions and draws; the measure is that of the
    epoch at which a trial is read, so far for one that runs. Raises LedgerError where there is no ledger, or no run.
    """
    with Ledger(folder, readonly=True) as ledger:
        if ledger.damage is not None:
            print(f"warning: {damaged(ledger.damage)}", file=sys.stderr)
        results = Results(ledger)
        trials = records(ledger.trials())
    column, form = results.selecting, results.measures.form(results.selecting.name, {})
    heading = results.measures.headed(column.name)
    values = column.of(results.last) if (column.source or column.name) in results.last else pd.Series(dtype=float)
    varying = {*results.keys, *results.hyperparameters}
    rows = [
        {
            "config": described({k: v for k, v in {**row["condition"], **row["config"]}.items() if k in varying}),
            "seed": str(row["seed"]),
            "phase": row["phase"],
            "status": row["status"],
            heading: _number(values.get(row["id"], math.nan), form),
            "seconds": NONE if pd.isna(row["seconds"]) else f"{row['seconds']:.1f}",
            "worker": row["worker"] or NONE,
            "error": headline(row["error"]) if isinstance(row["error"], str) else "",
        }
        for row in trials
    ]
    return pd.DataFrame(rows, columns=["config", "seed", "phase", "status", heading, "seconds", "worker", "error"])


def show_trials(question: str, folder: Path, console: Console) -> None:
    """Print all trials of a question, and how many there are by status. Raises LedgerError."""
    table = trials_of(folder)
    statuses = ", ".join(f"{count} {status}" for status, count in Counter(table["status"]).items())
    title = f"{question}: {len(table)} trials" + (f" ({statuses})" if statuses else "")
    if not console.is_terminal:
        rows = [list(table.columns), *map(list, table.itertuples(index=False))]
        _print_piped("\n".join("\t".join(str(cell).replace("\t", " ") for cell in row) for row in rows))
        print(title, file=sys.stderr)  # standard output has nothing but the rows
        return
    numeric = {*table.columns[4:6], "seed"}
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title=title, title_justify="left")
    for name in table.columns:
        shown.add_column(name, justify="right" if name in numeric else "left", overflow="fold")
    for row in table.itertuples(index=False):
        shown.add_row(*map(_plain, row))
    console.print(shown)


def _print_piped(text: str) -> None:
    """Print a text to whoever reads it, who may have read enough before its end, as `head` has."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends


def _number(value: float, form: Form) -> str:
    return NONE if math.isnan(value) else form.number(value)


def _plain(cell: object) -> str:
    """Return a cell that rich takes for no markup."""
    return str(cell).replace("[", r"\[")
