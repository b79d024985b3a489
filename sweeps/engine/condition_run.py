"""A condition run enqueues the trials of one condition, from search to confirmation, as earlier ones finish."""

from __future__ import annotations

import math
from collections.abc import Iterable

import optuna
import pandas as pd

from analysis import selection
from analysis.ledger import FINAL, Ledger, Status
from analysis.numbers.results import records
from common.canonical import canonical
from sweeps.engine.plan import Condition, Draw, Plan
from sweeps.engine.tpe import Proposer
from trainables.core.task import Phase, Task


class ConditionRun:
    """Takes one condition through its stages: search, finalists, confirmation of the selected config."""

    def __init__(
        self, condition: Condition, plan: Plan, ledger: Ledger, ahead: int, shared: optuna.Study | None = None
    ) -> None:
        self.condition = condition
        self.plan = plan
        self.ledger = ledger
        self.ahead = ahead
        """How many configs a model-based search may try at a time: enough to fill the slots, and no more."""
        self.stage = "search"
        self.waiting: list[Task] = []
        self.known: dict[str, Task] = {}
        """The trials, by id, that this plan has asked for so far, finished ones included."""
        self.unfinished: set[str] = set()
        self._learned: set[int] = set()
        """The indices of the draws whose outcomes the model knows."""
        self._by_config: dict[str, Draw] = {}
        self._draws = {d.index: d for d in plan.draws_of(condition)}
        self._tasks: dict[tuple[int, int, Phase], Task] = {}
        self._proposer: Proposer | None = None
        if plan.model_based:
            self._adopt()
            self._proposer = Proposer(plan, condition, self._draws.values(), shared)
        for d in list(self._draws.values()) if plan.is_searched(condition) else ():
            self._enqueue(d, plan.first_seeds(), "search")
        for d in plan.draws_of(condition):
            if d.prescribed or plan.configs_in(condition) == 1:  # confirmed whatever the search finds: it need not wait
                self._enqueue(d, plan.request.confirm_seeds, "confirm")
        for d in plan.variants_of(condition):
            self._enqueue(d, plan.request.confirm_seeds, "confirm")
        self.proceed()

    @property
    def planned(self) -> int:
        """How many trials the condition has: at most, until its configs to confirm are known."""
        if self.stage in ("confirm", "over"):
            return len(self.known)
        searched = sum(not task.confirm for task in self.known.values())
        if self.stage == "search":  # a model-based search adopts trials, which add to what is asked for
            searched = max(searched, self.plan.search_trials_in(self.condition))
        return searched + self.plan.confirm_trials_in(self.condition)

    def on_finished(self, trial: str) -> None:
        """Note that a trial of this condition has its outcome in the ledger, and proceed."""
        self.unfinished.discard(trial)
        self.proceed()

    def proceed(self) -> None:
        """Enqueue the trials that come next, if those on whose outcomes they depend have finished."""
        if self.stage == "search":
            self._propose()
        if self.stage == "over" or any(self.stage == "confirm" or not self.known[t].confirm for t in self.unfinished):
            return
        if self.stage == "search":
            self.stage = "finalists"
            if self.plan.finalists and self.plan.configs_in(self.condition) > 1:
                for d in self._best(self.plan.finalists):
                    self._enqueue(d, self.plan.request.search_seeds, "search")
        elif self.stage == "finalists":
            self.stage = "confirm"
            for d in self._best(1) if self.plan.request.confirm_seeds else []:
                self._enqueue(d, self.plan.request.confirm_seeds, "confirm")
        else:
            self.stage = "over"
        self.proceed()

    def _enqueue(self, draw: Draw, seeds: Iterable[int], phase: Phase) -> None:
        statuses = self.ledger.statuses()
        for seed in seeds:
            task = self._task(draw, seed, phase)
            if task.id not in self.known:
                self.known[task.id] = task
                self._by_config[selection.config_text(task.stored_config)] = draw
                if not self._is_finished(statuses.get(task.id), seed):
                    self.unfinished.add(task.id)
                    self.waiting.append(task)

    def _task(self, draw: Draw, seed: int, phase: Phase) -> Task:
        """Return the trial of a draw, made only once, since a model-based search needs all of them at every outcome."""
        key = (draw.index, seed, phase)
        if key not in self._tasks:
            self._tasks[key] = self.plan.task(self.condition, draw, seed, phase)
        return self._tasks[key]

    def _is_finished(self, status: Status | None, seed: int) -> bool:
        """Return whether this plan can use an outcome in the ledger; `stopped` counts only where it may stop trials."""
        stoppable = self.plan.scheduler != "none" and seed in self.plan.first_seeds()
        return status in FINAL and (status != "stopped" or stoppable)

    def _rows(self) -> pd.DataFrame:
        """Return the search trials of this condition, without those that only earlier plans asked for."""
        rows = self.ledger.trials(condition=self.condition.key, phase="search")
        return rows[rows["id"].isin(list(self.known))]

    def _best(self, n: int) -> list[Draw]:
        best = selection.best_draws(self._rows(), self.ledger.read_epochs(), self.plan.sweep.goal, n)
        return [self._by_config[config] for config in best]

    # The methods below serve model-based search, which proposes configs one by one and adopts those of earlier runs.

    def _adopt(self) -> None:
        """Adopt the configs that earlier runs searched in this condition, if they lie in the space."""
        rows = self.ledger.trials(condition=self.condition.key, phase="search")
        space = self.plan.space_of(self.condition)
        seen = {canonical(d.values) for d in self._draws.values()}
        for row in records(rows):
            stored = {name: row["config"][name] for name in space if name in row["config"]}
            values = self.plan.used(self.condition, stored)
            absent = {*space} - {*values} - self.plan.unused_in(self.condition, stored)  # fields added since the trial
            if absent or canonical(values) in seen or not all(value in space[name] for name, value in values.items()):
                continue
            seen.add(canonical(values))
            index = max(self._draws, default=0) + 1
            self._draws[index] = Draw(index, values)

    def _propose(self) -> None:
        """Tell the model the outcomes of finished configs, and enqueue the configs that it proposes."""
        if self._proposer is None:
            return
        for d in self._draws.values():
            if d.index in self._learned:
                continue
            ids = [self._task(d, seed, "search").id for seed in self.plan.first_seeds()]
            if not self.unfinished.intersection(ids):
                self._learned.add(d.index)
                self._proposer.tell(d, self._value(ids))
        configs = self.plan.configs_in(self.condition)
        if len(self._draws) < configs and len(self._draws) - len(self._learned) < self.ahead:
            index = max(self._draws, default=0) + 1
            self._draws[index] = Draw(index, self._proposer.ask(index))
            self._enqueue(self._draws[index], self.plan.first_seeds(), "search")
            self._propose()

    def _value(self, ids: list[str]) -> list[float] | None:
        """Return the values from which the model learns, as means over these trials; None if one has no outcome.

        They are the selection metric and, in a `pareto` search, the measure that is traded for it.
        """
        statuses, metric = self.ledger.statuses(), self.plan.sweep.metric
        if any(statuses.get(trial) not in FINAL for trial in ids):
            return None
        last = self.ledger.read_epochs().reindex(index=ids, columns=[metric])
        whole = all(statuses[trial] in ("done", "stopped") for trial in ids)  # a diverged one may end in a number
        values = [float(last[metric].mean(skipna=False)) if whole else math.nan]
        if self.plan.search == "pareto" and (traded := self.plan.sweep.traded) is not None:
            rows = self.ledger.trials(condition=self.condition.key, phase="search")
            facts = [float(row["facts"].get(traded.metric, math.nan)) for row in records(rows) if row["id"] in ids]
            values.append(math.fsum(facts) / len(ids))
        return values
