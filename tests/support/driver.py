"""Plans of the toy question, and a driver that runs an agenda without training anything."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from analysis.ledger import Ledger, Outcome, Status
from sweeps.engine.agenda import Agenda, Signal
from sweeps.engine.command import Command
from sweeps.engine.older_code import let_count
from sweeps.engine.options import parse
from sweeps.engine.plan import Plan
from sweeps.engine.preflight import make_plan
from sweeps.engine.recorded import recorded
from sweeps.engine.sweep import Sweep, Variants
from tests.support.toy import SWEEP
from trainables.core.loop import Loop
from trainables.core.task import Task

PRESCRIBED = replace(SWEEP, prescribed={"lr": 0.05, "epochs": 3})
CHANGES = {"slow": {"lr": 0.01}, "long": {"epochs": 6}}
VARIED = replace(PRESCRIBED, variants=Variants(CHANGES, at={"size": 150}))
REFERENCED = replace(SWEEP, variants=Variants(CHANGES, reference={"lr": 0.05, "epochs": 3}, at={"size": 150}))


def plan(out: Path, *words: str, sweep: Any = SWEEP) -> Plan:
    """Return the plan of a command with these words."""
    options, problems = parse(["--out", str(out), *words], prog="toy", description="")
    return make_plan(sweep, options, problems, out)


def command(folder: Path) -> Command:
    """Return a command whose ledger and artifacts lie in this folder."""
    return Command("toy", folder, folder / "artifacts")


Score = Callable[[Task], float]


def by_lr(trial: Task) -> float:
    """A landscape with its best at lr = 0.1."""
    return 0.9 - abs(float(trial.stored_config["lr"]) - 0.1)


class Driver:
    """Runs an agenda without training anything."""

    def __init__(self, folder: Path, *words: str, sweep: Sweep = SWEEP) -> None:
        self.plan = plan(folder, *words, sweep=sweep)
        self.ledger = Ledger(folder)
        let_count(self.plan, self.ledger)
        self.agenda = Agenda(self.plan, self.ledger)
        self.ran: list[Task] = []

    def start(self) -> Task | Signal:
        trial = self.agenda.next()
        if isinstance(trial, Task):
            self.ledger.start(trial, worker=None, hardware="")
        return trial

    def finish(self, trial: Task, value: float, status: Status = "done") -> None:
        tested = {self.plan.sweep.metric.replace("val_", "test_"): value} if trial.confirm else {}
        self.ledger.add_epochs(trial.id, [{"epoch": 1, "steps": 1.0, self.plan.sweep.metric: value, **tested}])
        self.ledger.finish(trial.id, Outcome(status))
        self.ran.append(trial)
        self.agenda.on_finished(trial)

    def fail(self, trial: Task, error: str) -> None:
        """Let the trial's code raise an error."""
        self.ledger.finish(trial.id, Outcome("failed", error=error))
        self.ran.append(trial)
        self.agenda.on_finished(trial, error=error)

    def run(self, score: Score = by_lr, at_most: int = 10_000) -> None:
        for _ in range(at_most):
            trial = self.start()
            if not isinstance(trial, Task):
                assert trial is Signal.OVER, "nothing runs, so there is nothing to wait for"
                return
            self.finish(trial, score(trial))

    def command(self, score: Score = by_lr) -> int:
        """Do what a command does: record the plan, run all of its trials, close the ledger; return how many ran."""
        number = self.ledger.begin_run(
            command="toy", plan=recorded(self.plan), environment={}, modules=self.plan.code.modules
        )
        self.run(score)
        self.ledger.end_run(number, outcome="complete", shared_seconds=0)
        self.ledger.close()
        return len(self.ran)

    def phase(self, name: str) -> list[Task]:
        return [t for t in self.ran if t.phase == name]


def trained_here(asked: Plan, folder: Path) -> Ledger:
    """Run all trials of a plan in this process, as a worker does, and record them as the engine does."""
    ledger = Ledger(folder)
    number = ledger.begin_run(command="toy --all", plan=recorded(asked), environment={}, modules=asked.code.modules)
    agenda = Agenda(asked, ledger)
    while isinstance(task := agenda.next(), Task):
        ledger.start(task, worker=None, hardware="")
        trial = Loop(asked.sweep.experiment, task, asked.sources, {}, folder=folder)
        finished = False
        while not finished:
            result = trial.report(0)
            ledger.add_epochs(task.id, json.loads(result["rows"]))
            finished = result["finished"]
        ledger.finish(task.id, Outcome(**result["outcome"]))
        agenda.on_finished(task)
    ledger.end_run(number, outcome="complete", shared_seconds=0)
    return ledger
