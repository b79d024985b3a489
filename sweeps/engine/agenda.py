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

from analysis.ledger import FINAL, Ledger, Status
from sweeps.engine.condition_run import ConditionRun
from sweeps.engine.failures import Failures
from sweeps.engine.plan import Plan
from sweeps.engine.tpe import new_study
from trainables.core.task import Task


class Signal(Enum):
    """Why there is no next trial: others must finish first, or none is left."""

    NOT_YET = "not yet"
    OVER = "over"


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
        self.fraction_done: dict[str, float] = {}
        """The fraction of epochs done (0 to 1), by trial id, of the trials that a worker has started."""
        self.closed = False
        """Whether no more trials are handed out: the command was interrupted, its time budget is spent, or its code
        fails."""
        self.suspects: list[Task] = []
        """Trials that were running when Tune gave up, for instance for lack of memory: they run alone, and last."""
        self.retrying: str | None = None
        """The id of the suspect that was handed out last."""
        self.best: dict[str, float] = {}
        """The best single value of the selection metric so far, by condition."""
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
        self.failures.on_start(task)
        return task

    def on_finished(self, task: Task, value: float | None = None, error: str | None = None) -> None:
        """Note that a trial has its outcome in the ledger.

        `value` is its selection metric, for the live view, and `error` why its code failed, if it did.
        """
        self.failures.on_finished(task, error)
        self.closed = self.closed or self.failures.stop is not None
        self.running.pop(task.id, None)
        self.fraction_done.pop(task.id, None)
        better = max if self.plan.sweep.mode == "max" else min
        if value is not None and math.isfinite(value):
            self.best[task.condition] = better(value, self.best.get(task.condition, value))
        condition_run = self.condition_runs[task.condition]
        condition_run.on_finished(task.id)
        self._collect([condition_run])

    def put_back(self, *, suspect: bool) -> None:
        """Let the running trials run again, since Tune gave up on them: suspects one at a time, after all others."""
        tasks = list(self.running.values())
        self.running = {}
        self.fraction_done.clear()
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

    def counts(self) -> dict[str, dict[Status | str, int]]:
        """Return, by condition, how many trials have each status; `planned` counts all that it will have."""
        statuses = self.ledger.statuses()
        return {key: self._counts(condition_run, statuses) for key, condition_run in self.condition_runs.items()}

    def _counts(self, condition_run: ConditionRun, statuses: Mapping[str, Status]) -> dict[Status | str, int]:
        condition = condition_run.condition
        planned = self.plan.search_trials_in(condition) + self.plan.confirm_trials_in(condition)
        if condition_run.stage in ("confirm", "over") or planned < len(condition_run.known):  # adopted trials add to it
            planned = len(condition_run.known)
        counts: dict[Status | str, int] = {"planned": planned}
        for trial in condition_run.known:
            status: str = statuses.get(trial, "waiting")
            if trial in self.fraction_done:
                status = "running"
            elif status == "running" or trial in self.running:
                status = "waiting"  # an earlier run began it, or it is on its way to a worker
            counts[status] = counts.get(status, 0) + 1
        return counts

    def _collect(self, condition_runs: Iterable[ConditionRun]) -> None:
        for condition_run in condition_runs:
            for task in condition_run.waiting:
                self._push(task)
            condition_run.waiting.clear()

    def _push(self, task: Task) -> None:
        heapq.heappush(self._heap, (-task.cost, next(self._order), task))
