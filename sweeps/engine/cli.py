"""From the command line to an answer: what `main(SWEEP)` at the foot of each question's file does."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from analysis import report as answers
from analysis.ledger import FINAL, Ledger, LedgerError, canonical
from analysis.results import records
from analysis.terminal import standard_output
from sweeps.engine.environment import environment
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import clock
from sweeps.engine.lock import lock
from sweeps.engine.options import Options, parse
from sweeps.engine.plan import Plan
from sweeps.engine.preflight import answer_problems, make_plan, slots
from sweeps.engine.search import Agenda, settled
from sweeps.engine.sweep import Sweep
from trainables.problems import Problem, Refused

REFUSED = 2
FAILED = 1
INTERRUPTED = 130


def main(sweep: Sweep) -> None:
    """Read the command line, run the sweep, print the answer, and exit.

    Exit codes: 0 complete; 1 trials failed, ran out of memory, diverged or are missing; 2 refused, nothing was
    run; 130 and 143 interrupted by Ctrl-C and SIGTERM.
    """
    gc.freeze()  # what is imported stays: collecting garbage, at exit too, need not go through it again
    gc.set_threshold(100_000)  # and there is little: a tenth of the time that the figures take went into looking
    sys.exit(run(sweep, sys.argv[1:]))


def run(sweep: Sweep, argv: list[str]) -> int:
    """`main` without the exit; returns the exit code."""
    about = inspect.getdoc(inspect.getmodule(sweep.experiment)) or ""
    description = f"{about}\n\nWhat --set takes:\n{sweep.keys()}"
    options, problems = parse(argv, prog=f"python sweeps/{sweep.question}.py", description=description)
    words = [word for word in argv if word != "--fresh"]  # typed again it would set aside what was done
    command = shlex.join(["python", f"sweeps/{sweep.question}.py", *words])
    folder = answers.folder_of(options.out, sweep.question, smoke=options.smoke)
    try:
        plan = make_plan(sweep, options, [*problems, *answer_problems(sweep.question)], folder)
        if options.dry_run:
            return _dry_run(plan, options, folder)
        with lock(folder, command), Interrupt() as interrupt:
            return _sweep(plan, options, folder, command, interrupt)
    except Refused as refused:
        return _say(refused.problems)
    except LedgerError as error:
        print(f"error: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:  # before the sweep, which has `Interrupt`: while data or weights are downloaded
        print("Interrupted; nothing was run.", file=sys.stderr)
        return INTERRUPTED


def _say(problems: tuple[Problem, ...]) -> int:
    noun = "problem" if len(problems) == 1 else "problems"
    print(f"{len(problems)} {noun}; nothing was run.", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    return REFUSED


def _sweep(plan: Plan, options: Options, folder: Path, command: str, interrupt: Interrupt) -> int:
    aside = set_ledger_aside(folder) if options.fresh else None
    try:
        return _on_ledger(plan, options, folder, command, interrupt)
    except Refused:  # by a cluster that was to be joined: nothing was run
        if aside is not None:
            _move_ledger(aside, folder)
            aside.rmdir()
        raise


def _on_ledger(plan: Plan, options: Options, folder: Path, command: str, interrupt: Interrupt) -> int:
    with Ledger(folder) as ledger:
        agenda = Agenda(plan, ledger, slots(options))
        report = None
        if agenda.trials_left:
            from sweeps.engine.run import carry_out  # Ray takes seconds to import

            print("starting Ray …", file=sys.stderr)
            report = carry_out(plan, options, ledger, agenda, command, interrupt)
        else:
            note_plan(ledger, plan, options, command)
        failed, missing = shortfall(agenda)
    answer = answers.make_answer(folder, plan.sweep.question)
    console = standard_output()
    answers.show(answer, console)
    if report is None:
        console.print("Nothing was left to run: the answer is made from the ledger.")
    else:
        _print_speed(report, console)
    if missing:
        console.print(
            f"Partial: {missing} trials are missing. To go on, type the same command:\n  {command}",
            soft_wrap=True,
        )
    elif options.smoke:
        console.print("A smoke run: it shows that every step works, and its numbers mean nothing.")
    elif plan.request.confirm_seeds and not failed:
        console.print(f"For narrower intervals, add seeds:\n  {more_seeds(command, options.seeds)}", soft_wrap=True)
    if report is not None and report.error:
        print(f"error: {report.error}", file=sys.stderr)
    if interrupt.exit_code is not None:
        return interrupt.exit_code
    return FAILED if failed or missing or (report is not None and report.error) else 0


def note_plan(ledger: Ledger, plan: Plan, options: Options, command: str) -> None:
    """Record a command that finds all its trials in the ledger: the answer is to be its own, not the last run's."""
    runs, record = ledger.runs(), plan.record()
    if runs.empty or canonical(runs["plan"].iloc[-1]) != canonical(record):
        number = ledger.begin_run(command=command, plan=record, environment=environment(options))
        ledger.end_run(number, outcome="complete", shared_seconds=0.0)


def _print_speed(report: Any, console: Console) -> None:
    text = f"{clock(report.wall_seconds)} of work on {report.slots} slots ({len(report.workers)} workers)"
    if report.floor_seconds is not None and report.wall_seconds > 0:
        text += (
            f", {report.shared_seconds:.1f} s of it shared;"
            f" floor {report.floor_seconds:.1f} s, η = {report.floor_seconds / report.wall_seconds:.2f}"
        )
    console.print(text, highlight=False, soft_wrap=True)


def shortfall(agenda: Agenda) -> tuple[int, int]:
    """Trials that failed (or diverged where it counts, in confirmation), and trials that are missing."""
    failed = missing = 0
    statuses = agenda.ledger.statuses()
    for course in agenda.courses.values():
        for trial in course.known.values():
            status = statuses.get(trial.id)
            failed += status in ("failed", "oom") or (trial.confirm and status in ("diverged", "collapsed"))
            missing += status in (None, "running")
        if course.stage not in ("confirm", "over"):
            missing += len(agenda.plan.request.confirm_seeds)
    return failed, missing


def more_seeds(command: str, seeds: int) -> str:
    """The same command with twice the seeds."""
    words, kept = shlex.split(command), []
    skip = False
    for word in words:
        if skip or word.startswith("--seeds="):
            skip = False
        elif word == "--seeds":
            skip = True
        elif word != "--fresh":
            kept.append(word)
    return shlex.join([*kept, "--seeds", str(2 * seeds)])


def set_ledger_aside(folder: Path) -> Path | None:
    """Move the ledger and its arrays into `folder/before-<time>`, if there is one, and return that folder; artifacts
    stay, they are content-addressed."""
    if not (folder / "ledger.sqlite").exists():
        return None
    aside = folder / time.strftime("before-%Y%m%d-%H%M%S")
    aside.mkdir(exist_ok=True)
    _move_ledger(folder, aside)
    return aside


def _move_ledger(start: Path, end: Path) -> None:
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "arrays", "checkpoints"):
        if (start / name).exists():
            os.replace(start / name, end / name)


@contextlib.contextmanager
def _ledger_to_look_at(folder: Path, fresh: bool) -> Iterator[Ledger]:
    if (folder / "ledger.sqlite").exists() and not fresh:
        with Ledger(folder, readonly=True) as ledger:
            yield ledger
    else:
        with tempfile.TemporaryDirectory() as empty, Ledger(Path(empty)) as ledger:
            yield ledger


def _dry_run(plan: Plan, options: Options, folder: Path) -> int:
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
                plan.configs_per_condition,
                plan.search_trials,
                plan.confirm_trials,
                settled(counts[condition.key]),
            )
            table.add_row(*(str(condition.values[name]) for name in factors), *map(str, row))
        console.print(table)
        settings = {k: v for k, v in plan.conditions[0].values.items() if k not in plan.request.factors}
        shown = (f"{k}={'default' if v is None else v}" for k, v in settings.items())
        console.print("settings: " + "  ".join(shown), highlight=False)
        for d in plan.draws:
            values = "  ".join(f"{k}={v}" for k, v in d.values.items())
            console.print(f"config {d.index}{' (prescribed)' if d.prescribed else ''}: {values}", highlight=False)
        console.print(_estimate(plan, options, agenda, ledger), highlight=False, soft_wrap=True)
    return 0


def _estimate(plan: Plan, options: Options, agenda: Agenda, ledger: Ledger) -> str:
    """What the trials that are left would take, by the seconds per unit of cost of those that are done."""
    done = ledger.trials(where="status='done' AND seconds > 0")
    known = {t.id: t for course in agenda.courses.values() for t in course.known.values()}
    rates = [row["seconds"] / known[row["id"]].cost for row in records(done) if row["id"] in known]
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
