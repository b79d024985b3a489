"""From the command line to an answer: what `main(SWEEP)` at the foot of each question's file does.

Nothing here imports Ray, which takes seconds, before it is certain that there are trials to run.
"""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console

from analysis.ledger import LedgerError
from analysis.numbers.looks import next_look, next_told
from analysis.report import make as answers
from analysis.report.answer import Answer
from analysis.report.terminal import standard_output
from common.problems import REFUSED, Problem, Refused, refuse
from sweeps.engine.agenda import Agenda, together
from sweeps.engine.command import Command, Report, command_of, start_of
from sweeps.engine.dry_run import dry_run
from sweeps.engine.environment import environment
from sweeps.engine.estimate import clock
from sweeps.engine.failures import Failures, Stop
from sweeps.engine.hardware import Machine, machine_of
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.lock import lock
from sweeps.engine.mending import opened
from sweeps.engine.older_code import counting_only
from sweeps.engine.options import parse
from sweeps.engine.plan import Plan
from sweeps.engine.preflight import answer_problems, checked_plan, make_plan
from sweeps.engine.recorded import recorded
from sweeps.engine.startup import collect_garbage_less
from sweeps.engine.sweep import Sweep

COMPLETE = 0
FAILED = 1
INTERRUPTED = 130
_AS_IT_IS: dict[str, Any] = {"markup": False, "highlight": False, "soft_wrap": True}
"""How rich prints what others wrote: it would take `[x]` for markup."""


@dataclass(frozen=True)
class Outcome:
    """What came of a command."""

    answer: Answer
    report: Report | None
    """How the work on Ray went; None where the ledger lacked nothing."""
    failed: int
    missing: int
    """Trials that failed, and trials that are missing."""
    failures: Failures
    """Why the sweep stopped, if its code fails."""


def main(sweep: Sweep, argv: Sequence[str] | None = None, start: Sequence[str] = ()) -> NoReturn:
    """Read the command line, run the sweep, print the answer, and exit.

    `argv` are the words after the command's `start`, if they are not those of this process; see `command_of`.

    Exit codes: 0 complete; 1 trials failed, ran out of memory, diverged, collapsed or are missing; 2 refused, nothing
    was run; 130 and 143 interrupted by Ctrl-C and SIGTERM.
    """
    collect_garbage_less()
    sys.exit(run(sweep, sys.argv[1:] if argv is None else argv, start))


def run(sweep: Sweep, argv: Sequence[str], start: Sequence[str] = ()) -> int:
    """Do what `main` does with these words of a command line, and return the exit code."""
    start = start or start_of(sweep.question)
    about = inspect.getdoc(inspect.getmodule(sweep.experiment)) or ""
    description = f"{about}\n\nWhat --set takes:\n{sweep.keys()}"
    fields = sweep.experiment.config_class().model_fields
    options, problems = parse(list(argv), prog=" ".join(start), description=description, fields=fields)
    command = command_of(sweep.question, argv, options, start)
    machine = machine_of(options)
    try:
        problems += answer_problems(sweep.question)
        if command.dry_run:
            dry_run(command, machine, *checked_plan(sweep, options, problems, command.folder))
            return COMPLETE
        plan = make_plan(sweep, options, problems, command.folder)
        with lock(command.folder, command.text), Interrupt() as interrupt:
            return _run(command, machine, plan, interrupt)
    except Refused as refused:
        _print_problems(refused.problems)
        return REFUSED
    except LedgerError as error:
        return refuse(error)
    except KeyboardInterrupt:  # while data or weights are downloaded; later on `Interrupt` handles the signal
        print("Interrupted; nothing was run.", file=sys.stderr)
        return INTERRUPTED


def _print_problems(problems: tuple[Problem, ...]) -> None:
    noun = "problem" if len(problems) == 1 else "problems"
    print(f"{len(problems)} {noun}; nothing was run.", file=sys.stderr)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)


def _run(command: Command, machine: Machine, plan: Plan, interrupt: Interrupt) -> int:
    """Run the sweep, print the answer and how to go on, and return the exit code."""
    outcome = carry_through(command, machine, plan, interrupt)
    _tell(command, plan, outcome)
    return _exit_code(outcome, interrupt)


def carry_through(command: Command, machine: Machine, plan: Plan, interrupt: Interrupt) -> Outcome:
    """Run the sweep on its ledger, which --fresh sets aside before, and make the answer.

    Raises Refused by a cluster that was to be joined: nothing was run then.
    """
    aside = set_ledger_aside(command.folder) if command.fresh else None
    try:
        return _run_and_answer(command, machine, plan, interrupt)
    except Refused:
        if aside is not None:
            _move_ledger(aside, command.folder)
            aside.rmdir()
        raise


def _run_and_answer(command: Command, machine: Machine, plan: Plan, interrupt: Interrupt) -> Outcome:
    with opened(command.folder) as ledger, counting_only(plan, ledger):
        agenda = Agenda(plan, ledger, machine.slots)
        report = _run_trials(command, machine, agenda, interrupt)
        failed, missing = shortfall(agenda)
    answer = answers.make_answer(command.folder, plan.sweep.question)
    return Outcome(answer, report, failed, missing, agenda.failures)


def _tell(command: Command, plan: Plan, outcome: Outcome) -> None:
    console, report, failed = standard_output(), outcome.report, outcome.failed
    stop = outcome.failures.stop
    if stop is None or outcome.failures.proven:  # else there is no number to show
        answers.show(outcome.answer, console)
    print_effort(report, console)
    if stop is not None:
        _print_stop(stop, command, console)
    elif outcome.missing:
        _print_how_to_go_on(command, outcome.missing, console)
    elif command.smoke and failed:
        console.print(
            f"A smoke run: not every step works: {failed} trial{'s' * (failed > 1)} failed, diverged or collapsed."
        )
    elif command.smoke:
        console.print("A smoke run: it shows that every step works, and its numbers mean nothing.")
    elif plan.request.confirm_seeds and not failed:
        print_next_look(command, int(outcome.answer.best["n"].max()), console)
    if report is not None and report.error:
        print(f"error: {report.error}", file=sys.stderr)


def _exit_code(outcome: Outcome, interrupt: Interrupt) -> int:
    if interrupt.exit_code is not None:
        return interrupt.exit_code
    error = outcome.report is not None and outcome.report.error
    incomplete = outcome.failed or outcome.missing or outcome.answer.faults or error
    return FAILED if incomplete else COMPLETE


def _run_trials(command: Command, machine: Machine, agenda: Agenda, interrupt: Interrupt) -> Report | None:
    """Run the trials that the ledger lacks; return None if it lacks none."""
    if not agenda.trials_left:
        record_plan(command, machine, agenda)
        return None
    print("starting Ray …", file=sys.stderr)
    from sweeps.engine.run import carry_out  # it imports Ray

    return carry_out(command, machine, agenda, interrupt)


def record_plan(command: Command, machine: Machine, agenda: Agenda) -> None:
    """Record a command whose trials are all in the ledger, so that the answer follows its plan, not the last run's."""
    runs = agenda.ledger.runs()
    record = recorded(agenda.plan)
    if runs.empty or runs["plan"].iloc[-1].to_json() != record.to_json():
        number = agenda.ledger.begin_run(
            command=command.text,
            plan=record,
            environment=environment(machine, command.words),
            modules=agenda.plan.code.modules,
        )
        agenda.ledger.end_run(number, outcome="complete", shared_seconds=0.0)


def shortfall(agenda: Agenda) -> tuple[int, int]:
    """Return how many trials failed and how many are missing.

    A confirmation trial that diverged or collapsed counts as failed: it leaves a mean without a number.
    """
    counts, statuses = together(agenda.counts().values()), agenda.ledger.statuses()
    known = [trial for run in agenda.condition_runs.values() for trial in run.known.values() if trial.confirm]
    without_number = sum(statuses.get(trial.id) in ("diverged", "collapsed") for trial in known)
    return counts.failed + without_number, counts.missing


def print_effort(report: Report | None, console: Console) -> None:
    """Print how long the work took, and how near that is to the fastest possible; nothing was run without `report`."""
    if report is None:
        console.print("Nothing was left to run: the answer is made from the ledger.")
        return
    text = f"{clock(report.wall_seconds)} of work on {report.slots} slots ({len(report.workers)} workers)"
    if report.floor_seconds is not None and report.wall_seconds > 0:
        efficiency = 100 * report.floor_seconds / report.wall_seconds
        text += f", {report.shared_seconds:.1f} s of it shared: {efficiency:.0f} % of the fastest possible (η)"
    console.print(text, highlight=False, soft_wrap=True)


def _print_how_to_go_on(command: Command, missing: int, console: Console) -> None:
    text = f"Partial: {missing} trials are missing. To go on, type the same command:\n  {command.text}"
    console.print(text, soft_wrap=True)


def _print_stop(stop: Stop, command: Command, console: Console) -> None:
    """Print why the sweep stopped, with the whole of the first error."""
    console.print(f"Stopped, since {stop.reason}. The first, with {stop.failure.config}:\n", **_AS_IT_IS)
    console.print(stop.failure.error.rstrip(), **_AS_IT_IS)
    console.print(f"\nMend it, then type the same command; failed trials run again:\n  {command.text}", **_AS_IT_IS)


def print_next_look(command: Command, seeds: int, console: Console) -> None:
    """Print which look at more seeds there would be, and how to ask for it."""
    more = next_look(seeds)
    asked = f"\n  {command.with_seeds(more)}" if more is not None else ""
    console.print(f"{next_told(seeds)}{asked}", soft_wrap=True)


def set_ledger_aside(folder: Path) -> Path | None:
    """Move the ledger, its arrays, networks and checkpoints into `folder/before-<time>`; return that folder.

    Returns None where there is no ledger. Artifacts stay: their names follow from their content.
    """
    if not (folder / "ledger.sqlite").exists():
        return None
    aside = folder / time.strftime("before-%Y%m%d-%H%M%S")
    aside.mkdir(exist_ok=True)
    _move_ledger(folder, aside)
    return aside


def _move_ledger(start: Path, end: Path) -> None:
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "arrays", "networks", "checkpoints"):
        if (start / name).exists():
            os.replace(start / name, end / name)
