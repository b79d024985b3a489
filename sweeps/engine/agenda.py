"""The agenda: which trial is next, given what has finished. Knows the ledger, not Ray.

Each condition runs its course by itself: search, where trials are dear a round among finalists, selection on
validation data, confirmation. One agenda holds all courses, so that the slots stay busy while single conditions wait.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable
from enum import Enum

from analysis.ledger import Ledger, Status
from sweeps.engine.condition_run import ConditionRun
from sweeps.engine.plan import Plan, Trial
from sweeps.engine.tpe import new_study


class Signal(Enum):
    """What there is instead of a next trial."""

    NOT_YET = "not yet"
    OVER = "over"


class Agenda:
    """All courses; hands out the longest waiting trial first."""

    def __init__(self, plan: Plan, ledger: Ledger, slots: int = 1) -> None:
        self.plan, self.ledger = plan, ledger
        ahead = max(2, math.ceil(2 * slots / len(plan.conditions) / len(plan.first_seeds())))
        shared = new_study(plan, "all conditions") if plan.search == "pareto" else None
        self.courses = {c.key: ConditionRun(c, plan, ledger, ahead, shared) for c in plan.conditions}
        self.running: dict[str, Trial] = {}
        """Handed out and not settled: what a crash leaves open."""
        self.started: dict[str, float] = {}
        """Those of them that a worker has taken up, and the share of its epochs that each has behind it, 0 … 1."""
        self.closed = False
        """Set to hand out nothing more: interrupted, or out of time."""
        self.suspects: list[Trial] = []
        """Trials that were running when a worker ran out of memory: they run alone, and last."""
        self.retrying: str | None = None
        self.best: dict[str, float] = {}
        """The best single value of the selection metric so far, by condition."""
        self._heap: list[tuple[float, int, Trial]] = []
        self._order = itertools.count()
        self._collect(self.courses.values())

    def next(self) -> Trial | Signal:
        """The next trial to run."""
        if self.closed:
            return Signal.OVER
        if self._heap:
            trial = heapq.heappop(self._heap)[2]
        elif self.suspects and not self.running:
            trial = self.suspects.pop(0)
            self.retrying = trial.id
        else:
            return Signal.NOT_YET if self.running or self.suspects else Signal.OVER
        self.running[trial.id] = trial
        return trial

    def settled(self, trial: Trial, value: float | None = None) -> None:
        """The trial's outcome is in the ledger; `value` is its selection metric, for the live view."""
        self.running.pop(trial.id, None)
        self.started.pop(trial.id, None)
        key, better = trial.entry.condition, max if self.plan.sweep.mode == "max" else min
        if value is not None and math.isfinite(value):
            self.best[key] = better(value, self.best.get(key, value))
        course = self.courses[trial.entry.condition]
        course.settled(trial.id)
        self._collect([course])

    def put_back(self, *, suspect: bool) -> None:
        """What was running when Tune gave up; runs again, if suspect alone and last."""
        trials, self.running = list(self.running.values()), {}
        self.started.clear()
        if suspect:
            self.suspects += trials
        else:
            for trial in trials:
                self._push(trial)

    @property
    def dearest(self) -> Trial | None:
        """The trial that is next, the longest of those that wait."""
        return self._heap[0][2] if self._heap else None

    @property
    def trials_left(self) -> int:
        """Trials that wait now (more may be called for later)."""
        return self.ready + len(self.suspects)

    @property
    def ready(self) -> int:
        """Those of them that may run side by side."""
        return len(self._heap)

    def counts(self) -> dict[str, dict[Status | str, int]]:
        """For each condition: how many of its called-for trials have each status; `planned` is all there will be."""
        statuses = self.ledger.statuses()
        table = {}
        for key, course in self.courses.items():
            counts: dict[Status | str, int] = {"planned": self.plan.search_trials + self.plan.confirm_trials}
            if course.stage in ("confirm", "over") or counts["planned"] < len(course.known):  # adopted ones add to it
                counts["planned"] = len(course.known)
            for trial in course.known:
                status: str = statuses.get(trial, "waiting")
                if trial in self.started:
                    status = "running"
                elif status == "running" or trial in self.running:
                    status = "waiting"  # of an earlier run, or on its way to a worker
                counts[status] = counts.get(status, 0) + 1
            table[key] = counts
        return table

    def _collect(self, courses: Iterable[ConditionRun]) -> None:
        for course in courses:
            for trial in course.waiting:
                self._push(trial)
            course.waiting.clear()

    def _push(self, trial: Trial) -> None:
        heapq.heappush(self._heap, (-trial.cost, next(self._order), trial))
