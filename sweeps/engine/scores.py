"""How the configs of each condition do in the search so far, from the ledger and on search seeds alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

from analysis.ledger import FINAL, Ledger
from analysis.selection import Objective
from trainables.core.task import Task

LOST = math.nan
"""The value of a trial that diverged or collapsed: its config ranks last."""


class Scores:
    """Knows the value of each search trial that has ended.

    The best config is the one that `analysis.selection` would choose now: of those tried on the most seeds, the best by
    their mean.
    """

    def __init__(self, ledger: Ledger, goal: Objective) -> None:
        self._ledger, self._goal = ledger, goal
        self._values: dict[str, float | None] = {}
        """By trial; None for one whose config is no candidate, since it failed or was stopped."""

    def note(self, task: Task) -> None:
        """Read the outcome of a trial from the ledger."""
        if task.confirm:
            return
        status, value = self._ledger.outcome(task.id, self._goal.metric)
        if status == "done":
            self._values[task.id] = value
        elif status not in (None, "running"):
            self._values[task.id] = LOST if status in FINAL and status != "stopped" else None

    def forget(self, trial: str) -> None:
        """Forget a trial that runs again."""
        self._values.pop(trial, None)

    def best(self, tasks: Iterable[Task]) -> float | None:
        """Return the score of the best config among these trials of one condition; None while there is none."""
        tried: dict[int, list[float | None]] = {}
        for task in tasks:
            if task.id in self._values:
                tried.setdefault(task.draw, []).append(self._values[task.id])
        whole = [[value for value in values if value is not None] for values in tried.values() if None not in values]
        most = max(map(len, whole), default=0)
        means = [math.fsum(values) / most for values in whole if len(values) == most]
        return min((mean for mean in means if math.isfinite(mean)), key=self._goal.better, default=None)
