"""An estimate of the time that trials will still take."""

from __future__ import annotations

import math
import time

from sweeps.engine.agenda import Agenda


class Estimate:
    """Estimates the time that is left from what was done since a trial first reported; until then workers start.

    The longest trials go first, so an estimate by the number of trials is too high; part of a trial's time does not
    depend on its cost, so an estimate by cost is too low. The geometric mean of both is shown. A running trial counts
    by the fraction of its epochs that is done.
    """

    WATCHED = 30.0
    """Seconds after which an estimate is shown even if few trials have finished, as long as epochs have."""

    def __init__(self, agenda: Agenda, slots: int) -> None:
        self._agenda, self._slots = agenda, slots
        self._before = self._done()
        self._first: tuple[float, float, float] | None = None

    def observe(self) -> None:
        """Note how much is done, and the time, when a trial first reports."""
        if self._first is None:
            done = self._done()
            if done[0] > self._before[0]:
                self._first = (time.monotonic(), *done)

    def seconds_left(self) -> float | None:
        """Return the estimate; None while too little is done for one, and when nothing is left."""
        if self._first is None:
            return None
        (count, cost), (began, first_count, first_cost) = self._done(), self._first
        trials_left, cost_left = self._left()
        seconds, early = time.monotonic() - began, count - first_count < 2 * self._slots
        if min(trials_left, cost_left, count - first_count, cost - first_cost) <= 0:
            return None
        if early and seconds < self.WATCHED:
            return None
        by_count = seconds / (count - first_count) * trials_left
        return math.sqrt(by_count * seconds / (cost - first_cost) * cost_left)

    def _done(self) -> tuple[float, float]:
        """Return how many trials are done, and their cost; running ones count by the fraction that is done."""
        runs = self._agenda.condition_runs.values()
        costs = [task.cost for run in runs for task in run.known.values() if task.id not in run.unfinished]
        count, cost = self._under_way()
        return len(costs) + count, sum(costs) + cost

    def _under_way(self) -> tuple[float, float]:
        """Return how much of the running trials is done, as a number of trials and as cost."""
        running = self._agenda.running
        shares = {trial: own.fraction for trial, own in self._agenda.under_way.items()}
        return sum(shares.values()), sum(share * running[trial].cost for trial, share in shares.items())

    def _left(self) -> tuple[float, float]:
        """Return how many trials are left, and their cost; one that is not enqueued yet is taken to cost the mean."""
        count, cost = (-done for done in self._under_way())
        for key, counts in self._agenda.counts().items():
            condition_run = self._agenda.condition_runs[key]
            known = condition_run.known
            mean = sum(t.cost for t in known.values()) / len(known) if known else 0.0
            count += counts.planned - counts.ended
            cost += sum(known[trial].cost for trial in condition_run.unfinished)
            cost += mean * (counts.planned - len(known))
        return count, cost


def clock(seconds: float) -> str:
    """Return a number of seconds as h:mm:ss or m:ss."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
