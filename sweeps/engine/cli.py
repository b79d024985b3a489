"""From the command line to an answer: what `main(SWEEP)` at the foot of each question's file does."""

from __future__ import annotations

import gc
import inspect
import os
import shlex
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from analysis.ledger import Ledger, LedgerError
from analysis.report import make as answers
from analysis.report.terminal import standard_output
from common.problems import Problem, Refused
from sweeps.engine.agenda import Agenda
from sweeps.engine.dry_run import dry_run
from sweeps.engine.environment import environment
from sweeps.engine.hardware import slots
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import clock
from sweeps.engine.lock import lock
from sweeps.engine.options import Options, parse
from sweeps.engine.plan import Plan
from sweeps.engine.preflight import answer_problems, make_plan
from sweeps.engine.sweep import Sweep

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
            return dry_run(plan, options, folder)
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
    if runs.empty or runs["plan"].iloc[-1].to_json() != record.to_json():
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
    for course in agenda.condition_runs.values():
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
