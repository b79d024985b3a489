"""The agenda decides which trial is next, given those that have finished. It knows the ledger, not Ray.

Each condition goes through its stages by itself: search, a round among finalists where the plan has finalists,
selection on validation data, and confirmation. One agenda holds all condition runs, so that the slots stay busy while
single conditions wait for their last trials.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from analysis.ledger import FINAL, Ledger, Status
from sweeps.engine.condition_run import ConditionRun
from sweeps.engine.failures import Failures
from sweeps.engine.plan import Plan
from sweeps.engine.scores import Scores
from sweeps.engine.tpe import new_study
from trainables.core.task import Task


class Signal(Enum):
    """Why there is no next trial: others must finish first, or none is left."""

    NOT_YET = "not yet"
    OVER = "over"


class UnderWay(NamedTuple):
    """How far a running trial is."""

    epoch: int = 0
    """The last epoch that it reported; 0 before the first."""
    epochs: int = 1
    """How many it runs."""
    value: float | None = None
    """Its selection metric at that epoch."""

    @property
    def fraction(self) -> float:
        """The fraction of epochs done, 0 to 1."""
        return self.epoch / self.epochs


class Counts(NamedTuple):
    """How many trials a plan has, here or in all conditions, and what became of them: the one count that all tell."""

    planned: int
    """All that the command asks for; at most so many while it is open which config a condition confirms."""
    ended: int
    """Those whose end is in the ledger, whatever it was."""
    failed: int
    """Those of them that failed or ran out of memory: another command runs them again."""
    diverged: int
    """Those that diverged or collapsed."""
    running: int
    again: int
    """Those that have ended and run again: earlier commands' failed ones."""

    @property
    def missing(self) -> int:
        """Those that have not ended."""
        return self.planned - self.ended


def together(counts: Iterable[Counts]) -> Counts:
    """Return the counts of several conditions as one."""
    return Counts(*(sum(numbers) for numbers in zip(Counts(0, 0, 0, 0, 0, 0), *counts, strict=True)))


class Agenda:
    """Holds all condition runs, and hands out the most expensive waiting trial first."""

    def __init__(self, plan: Plan, ledger: Ledger, slots: int = 1) -> None:
        self.plan = plan
        self.ledger = ledger
        ahead = max(2, math.ceil(2 * slots / len(plan.conditions) / len(plan.first_seeds())))
        shared = new_study(plan, "all conditions") if plan.search == "pareto" else None
        self.condition_runs = {c.key: ConditionRun(c, plan, ledger, ahead, shared) for c in plan.conditions}
        statuses = ledger.statuses()
        self.failures = Failures(
            plan,
            (key for key, r in self.condition_runs.items() if any(statuses.get(t) in FINAL for t in r.known)),
        )
        """The trials whose code failed; they close the agenda where they are too regular for chance."""
        self.running: dict[str, Task] = {}
        """Trials, by id, that were handed out and have no outcome yet; a crash leaves them open."""
        self.under_way: dict[str, UnderWay] = {}
        """How far each trial is, by id, that a worker has started."""
        self.closed = False
        """Whether no more trials are handed out: the command was interrupted, its time budget is spent, or its code
        fails."""
        self.suspects: list[Task] = []
        """Trials that were running when Tune gave up, for instance for lack of memory: they run alone, and last."""
        self.retrying: str | None = None
        """The id of the suspect that was handed out last."""
        self._scores = Scores(ledger, plan.sweep.goal)
        for condition_run in self.condition_runs.values():
            for task in condition_run.known.values():
                if task.id in statuses:
                    self._scores.note(task)
        self._heap: list[tuple[float, int, Task]] = []
        self._order = itertools.count()
        self._collect(self.condition_runs.values())

    def next(self) -> Task | Signal:
        """Return the next trial to run, or why there is none."""
        if self.closed:
            return Signal.OVER
        if self._heap:
            task = heapq.heappop(self._heap)[2]
        elif self.suspects and not self.running:
            task = self.suspects.pop(0)
            self.retrying = task.id
        else:
            return Signal.NOT_YET if self.running or self.suspects else Signal.OVER
        self.running[task.id] = task
        self._scores.forget(task.id)
        self.failures.on_start(task)
        return task

    def on_finished(self, task: Task, error: str | None = None) -> None:
        """Note that a trial has its outcome in the ledger; `error` is why its code failed, if it did."""
        self.failures.on_finished(task, error)
        self.closed = self.closed or self.failures.stop is not None
        self.running.pop(task.id, None)
        self.under_way.pop(task.id, None)
        self._scores.note(task)
        condition_run = self.condition_runs[task.condition]
        condition_run.on_finished(task.id)
        self._collect([condition_run])

    def put_back(self, *, suspect: bool) -> None:
        """Let the running trials run again, since Tune gave up on them: suspects one at a time, after all others."""
        tasks = list(self.running.values())
        self.running = {}
        self.under_way.clear()
        if suspect:
            self.suspects += tasks
        else:
            for task in tasks:
                self._push(task)

    @property
    def most_expensive(self) -> Task | None:
        """The most expensive of the waiting trials, which is the next to run."""
        return self._heap[0][2] if self._heap else None

    @property
    def trials_left(self) -> int:
        """How many trials are waiting now, suspects included; more may be enqueued later."""
        return self.ready + len(self.suspects)

    @property
    def ready(self) -> int:
        """How many of the waiting trials may run side by side."""
        return len(self._heap)

    def best(self, condition: str) -> float | None:
        """Return the mean over search seeds of the best config of a condition so far; None while there is none."""
        return self._scores.best(self.condition_runs[condition].known.values())

    def counts(self) -> dict[str, Counts]:
        """Return, by condition, how many trials the plan has, and how many of them have ended, failed or run."""
        statuses = self.ledger.statuses()
        return {key: self._counts(condition_run, statuses) for key, condition_run in self.condition_runs.items()}

    def _counts(self, condition_run: ConditionRun, statuses: Mapping[str, Status]) -> Counts:
        running = sum(trial in self.under_way for trial in condition_run.known)
        known = {trial: statuses.get(trial, "running") for trial in condition_run.known}
        ended = {trial: status for trial, status in known.items() if status != "running"}
        return Counts(
            planned=condition_run.planned,
            ended=len(ended),
            failed=sum(status in ("failed", "oom") for status in ended.values()),
            diverged=sum(status in ("diverged", "collapsed") for status in ended.values()),
            running=running,
            again=len(condition_run.unfinished.intersection(ended)),
        )

    def _collect(self, condition_runs: Iterable[ConditionRun]) -> None:
        for condition_run in condition_runs:
            for task in condition_run.waiting:
                self._push(task)
            condition_run.waiting.clear()

    def _push(self, task: Task) -> None:
        heapq.heappush(self._heap, (-task.cost, next(self._order), task))
