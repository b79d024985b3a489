"""Failures in the code of a question: which came first, and whether they are so regular that the sweep should stop.

A trial that ran out of memory, diverged or lost its worker is no such failure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.report.failed import alike, described
from sweeps.engine.plan import Condition, Plan
from trainables.core.task import Task

FIRST = 3
"""How many trials of a sweep, or configs of a condition, have to fail before it is taken to be the code's fault."""


@dataclass(frozen=True)
class Failure:
    """A trial that failed."""

    config: str
    """What it ran with, as `size=20, lr=0.1, seed=1001`."""
    error: str
    """Why it failed: a traceback, as a rule."""


@dataclass(frozen=True)
class Stop:
    """Why a sweep stops."""

    reason: str
    failure: Failure
    """The first one of those that failed."""


class Failures:
    """Notes how trials end, in the order in which they do."""

    def __init__(self, plan: Plan, proven: Iterable[str]) -> None:
        """Begin with the conditions, by key, that the ledger has `proven`."""
        self._plan = plan
        self._conditions = {condition.key: condition for condition in plan.conditions}
        self.first: Failure | None = None
        """The first failure of this command."""
        self.stop: Stop | None = None
        """Why the sweep should stop; None while there is no reason."""
        self.proven = set(proven)
        """The conditions that have a trial that did not fail."""
        self._opening: list[Failure] = []
        """The failures so far, while no trial did anything else, in this command or before."""
        self._first_configs: dict[str, dict[int, list[Failure]]] = {}
        """By condition: the failures of each of the first configs that were handed out, by the config's index."""

    def on_start(self, task: Task) -> None:
        """Note that a trial was handed out."""
        configs = self._first_configs.setdefault(task.condition, {})
        if task.phase == "search" and len(configs) < FIRST:
            configs.setdefault(task.draw, [])

    def on_finished(self, task: Task, error: str | None) -> None:
        """Note how a trial ended; `error` is why its code failed, None where it did not."""
        if error is None:
            self.proven.add(task.condition)
            return
        failure = Failure(self._described(task), error)
        self.first = self.first or failure
        if not self.proven:
            self._opening.append(failure)
        configs = self._first_configs.get(task.condition, {})
        if task.phase == "search" and task.draw in configs and task.seed in self._plan.first_seeds():
            configs[task.draw].append(failure)
        self.stop = self.stop or self._sweep_stop() or self._condition_stop(self._conditions[task.condition])

    def _sweep_stop(self) -> Stop | None:
        """Return the reason to stop if the first trials of the sweep failed with the same error."""
        first = self._opening[:FIRST]
        if self.proven or len(first) < FIRST or not all(alike(first[0].error, other.error) for other in first):
            return None
        return Stop(f"the first {FIRST} trials failed with the same error", first[0])

    def _condition_stop(self, condition: Condition) -> Stop | None:
        """Return the reason to stop if every trial of a condition's first configs failed."""
        configs = self._first_configs[condition.key]
        wanted = min(FIRST, self._plan.configs_in(condition))
        failed = [failure for own in configs.values() for failure in own]
        if condition.key in self.proven or len(failed) < wanted * len(self._plan.first_seeds()):
            return None
        where = described({name: condition.values[name] for name in self._plan.request.factors})
        which = f"the {wanted} first configs" if wanted > 1 else "the first config"
        return Stop(f"every trial of {which} failed" + (f" with {where}" if where else ""), failed[0])

    def _described(self, task: Task) -> str:
        condition, stored = self._conditions[task.condition], task.stored_config
        factors = {name: condition.values[name] for name in self._plan.request.factors}
        tuned = {name: stored.get(name) for name in self._plan.request.hyperparameters}
        return described({**factors, **tuned, "seed": task.seed})
