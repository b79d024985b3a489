"""What a command would run, and how long it would take."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from analysis.ledger import FINAL, Ledger
from analysis.numbers.results import records
from analysis.report.terminal import standard_output
from sweeps.engine.agenda import Agenda
from sweeps.engine.condition_run import count_finished
from sweeps.engine.hardware import slots
from sweeps.engine.live import clock
from sweeps.engine.options import Options
from sweeps.engine.plan import Plan


@contextlib.contextmanager
def _ledger_to_look_at(folder: Path, fresh: bool) -> Iterator[Ledger]:
    if (folder / "ledger.sqlite").exists() and not fresh:
        with Ledger(folder, readonly=True) as ledger:
            yield ledger
    else:
        with tempfile.TemporaryDirectory() as empty, Ledger(Path(empty)) as ledger:
            yield ledger


def dry_run(plan: Plan, options: Options, folder: Path) -> int:
    console = standard_output()
    with _ledger_to_look_at(folder, options.fresh) as ledger:
        agenda = Agenda(plan, ledger)
        counts = agenda.counts()
        factors = plan.request.factors
        table = Table(title=f"{plan.sweep.question}: what would run", title_justify="left")
        for name in (*factors, "configs", "search trials", "confirm trials", "in the ledger"):
            table.add_column(name, justify="left" if name in factors else "right")
        for condition in plan.conditions:
            row = (
                plan.configs_in(condition),
                plan.search_trials_in(condition),
                plan.confirm_trials_in(condition),
                count_finished(counts[condition.key]),
            )
            table.add_row(*(str(condition.values[name]) for name in factors), *map(str, row))
        console.print(table)
        settings = {k: v for k, v in plan.conditions[0].values.items() if k not in plan.request.factors}
        shown = (f"{k}={'default' if v is None else v}" for k, v in settings.items())
        console.print("settings: " + "  ".join(shown), highlight=False)
        for d in plan.draws():
            values = "  ".join(f"{k}={v}" for k, v in d.values.items())
            console.print(f"config {d.index}{' (prescribed)' if d.prescribed else ''}: {values}", highlight=False)
        console.print(_estimate(plan, options, agenda, ledger), highlight=False, soft_wrap=True)
    return 0


def _estimate(plan: Plan, options: Options, agenda: Agenda, ledger: Ledger) -> str:
    """What the trials that are left would take, by the seconds per unit of cost of those that are done."""
    done = ledger.trials(status="done")
    known = {t.id: t for course in agenda.condition_runs.values() for t in course.known.values()}
    timed = [row for row in records(done) if row["id"] in known and row["seconds"] > 0]
    rates = [row["seconds"] / known[row["id"]].cost for row in timed]
    statuses = ledger.statuses()
    left = [t for t in known.values() if statuses.get(t.id) not in FINAL]
    to_come = plan.size - len(known)
    text = f"{len(left) + max(0, to_come)} of {plan.size} trials are left to run"
    if not rates:
        return f"{text}; no trial of this plan has run yet, so there is no estimate of the time."
    mean_cost = sum(t.cost for t in known.values()) / len(known)
    work = sum(rates) / len(rates) * (sum(t.cost for t in left) + max(0, to_come) * mean_cost)
    n = slots(options)
    return f"{text}: about {clock(work / n)} on {n} slots, going by {len(rates)} trials that are done."
