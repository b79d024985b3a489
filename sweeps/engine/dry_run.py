"""What a command would run and download, and how long it would take (`--dry-run`); nothing is written or downloaded."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from analysis.ledger import FINAL, Ledger
from analysis.numbers.results import records
from analysis.report.terminal import standard_output
from common.problems import Refused
from sweeps.engine.agenda import Agenda
from sweeps.engine.command import Command
from sweeps.engine.estimate import clock
from sweeps.engine.hardware import Machine
from sweeps.engine.older_code import counting_only
from sweeps.engine.plan import Plan
from trainables.data.readers.download import Absent, parted, told


def dry_run(command: Command, machine: Machine, plan: Plan, absent: Sequence[Absent] = ()) -> None:
    """Print the conditions, the configs, what would be downloaded, and an estimate of the time."""
    console = standard_output()
    with _copied_ledger(command) as ledger, counting_only(plan, ledger):
        agenda = _agenda(plan, ledger)
        if agenda is not None:
            in_ledger = {key: str(counts.ended) for key, counts in agenda.counts().items()}
            left = _estimate(agenda, machine.slots)
        elif ledger.statuses():  # a trial's id depends on what is absent
            in_ledger = dict.fromkeys((condition.key for condition in plan.conditions), "?")
            lacking = " and ".join(one.what for one in absent)
            left = f"{plan.size} trials in all; what the ledger has of them cannot be told until {lacking} are there."
        else:
            in_ledger = dict.fromkeys((condition.key for condition in plan.conditions), "0")
            left = _untried(f"{plan.size} of {plan.size} trials are left to run")
    console.print(_conditions(plan, in_ledger))
    _print_configs(plan, console)
    if absent:
        console.print(f"would be downloaded first: {told(absent)}", highlight=False, soft_wrap=True)
    console.print(left, highlight=False, soft_wrap=True)


def _agenda(plan: Plan, ledger: Ledger) -> Agenda | None:
    """Return the agenda; None where trials' ids depend on what would have to be downloaded. Raises Refused."""
    try:
        return Agenda(plan, ledger)
    except Refused as refused:
        wrong, _ = parted(refused.problems)
        if wrong:
            raise
        return None


@contextlib.contextmanager
def _copied_ledger(command: Command) -> Iterator[Ledger]:
    """Open a copy of the command's ledger, or an empty one where it has none yet or --fresh would set it aside."""
    with tempfile.TemporaryDirectory() as folder:
        if (command.folder / "ledger.sqlite").exists() and not command.fresh:
            with Ledger(command.folder, readonly=True) as ledger:
                ledger.copy_to(Path(folder) / "ledger.sqlite")
            if ledger.damage is not None:
                print(f"{ledger.path} is damaged: {ledger.damage}. All others would run again.", file=sys.stderr)
        with Ledger(Path(folder)) as copy:
            yield copy


def _conditions(plan: Plan, in_ledger: Mapping[str, str]) -> Table:
    """Return a table with a row for each condition: its factors, and how many trials it has, and has had."""
    factors = plan.request.factors
    table = Table(title=f"{plan.sweep.question}: what would run", title_justify="left")
    for name in factors:
        table.add_column(name, justify="left")
    for name in ("configs", "search trials", "confirm trials", "in the ledger"):
        table.add_column(name, justify="right")
    for condition in plan.conditions:
        values = [condition.values[name] for name in factors]
        numbers = [plan.configs_in(condition), plan.search_trials_in(condition), plan.confirm_trials_in(condition)]
        table.add_row(*map(str, [*values, *numbers, in_ledger[condition.key]]))
    return table


def _print_configs(plan: Plan, console: Console) -> None:
    """Print the settings that all trials share, and the configs that are known beforehand."""
    settings = []
    for name, value in plan.conditions[0].values.items():
        if name not in plan.request.factors:
            settings.append(f"{name}={'default' if value is None else value}")
    console.print("settings: " + "  ".join(settings), highlight=False)
    for draw in plan.draws():
        values = "  ".join(f"{name}={value}" for name, value in draw.values.items())
        prescribed = " (prescribed)" if draw.prescribed else ""
        console.print(f"config {draw.index}{prescribed}: {values}", highlight=False)
    for condition in plan.conditions:
        for draw in plan.variants_of(condition):
            where = ", ".join(f"{name}={condition.values[name]}" for name in plan.request.factors)
            of = "the prescribed config" if plan.sweep.prescribed is not None else "our own config"
            console.print(f"variant of {of}, at {where}: {draw.variant}", highlight=False)


def _untried(text: str) -> str:
    return f"{text}; no trial of this plan has run yet, so there is no estimate of the time."


def _estimate(agenda: Agenda, slots: int) -> str:
    """Return how many trials are left, and how long they would take at the seconds per unit of cost so far."""
    plan = agenda.plan
    statuses = agenda.ledger.statuses()
    known = {trial.id: trial for run in agenda.condition_runs.values() for trial in run.known.values()}
    left = [trial for trial in known.values() if statuses.get(trial.id) not in FINAL]
    to_come = max(0, plan.size - len(known))
    text = f"{len(left) + to_come} of {plan.size} trials are left to run"
    rates = [
        row["seconds"] / known[row["id"]].cost
        for row in records(agenda.ledger.trials(status="done"))
        if row["id"] in known and row["seconds"] > 0
    ]
    if not rates:
        return _untried(text)
    mean_cost = sum(trial.cost for trial in known.values()) / len(known)
    cost_left = sum(trial.cost for trial in left) + to_come * mean_cost
    seconds = sum(rates) / len(rates) * cost_left / slots
    return f"{text}: about {clock(seconds)} on {slots} slots, estimated from {len(rates)} trials that are done."
