"""One condition on its way from search over selection to confirmation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import optuna
import pandas as pd

from analysis import selection
from analysis.ledger import FINAL, Ledger, Status
from analysis.numbers.results import records
from common.canonical import canonical
from sweeps.engine.plan import Condition, Draw, Plan, Trial
from sweeps.engine.tpe import Proposer


class ConditionRun:
    """One condition on its way from search to confirmation."""

    def __init__(
        self, condition: Condition, plan: Plan, ledger: Ledger, ahead: int, shared: optuna.Study | None = None
    ) -> None:
        self.condition, self.plan, self.ledger = condition, plan, ledger
        self.ahead = ahead
        """How many configs a model-based search may have open: enough for all slots, else as few as can be."""
        self.stage = "search"
        self.waiting: list[Trial] = []
        self.known: dict[str, Trial] = {}
        """Every trial of the condition that the plan has called for so far."""
        self.unsettled: set[str] = set()
        self._told: set[int] = set()
        self._by_recipe: dict[str, Draw] = {}
        self._draws = {d.index: d for d in plan.draws}
        self._proposer: Proposer | None = None
        if plan.model_based:
            self._adopt()
            self._proposer = Proposer(plan, self._draws.values(), shared)
        for d in list(self._draws.values()):
            self._call(d, plan.first_seeds(), "search")
        for d in plan.draws:
            if d.prescribed or plan.configs_per_condition == 1:  # whatever the search finds: no slot need wait for that
                self._call(d, plan.request.confirm_seeds, "confirm")
        self.proceed()

    def settled(self, trial: str) -> None:
        """A trial of this condition has its outcome, in the ledger."""
        self.unsettled.discard(trial)
        self.proceed()

    def proceed(self) -> None:
        """Call for what comes next, if what it depends on is there."""
        if self.stage == "search":
            self._propose()
        if self.stage == "over" or any(self.stage == "confirm" or not self.known[t].confirm for t in self.unsettled):
            return
        if self.stage == "search":
            self.stage = "finalists"
            if self.plan.finalists and self.plan.configs_per_condition > 1:
                for d in self._best(self.plan.finalists):
                    self._call(d, self.plan.request.search_seeds, "search")
        elif self.stage == "finalists":
            self.stage = "confirm"
            for d in self._best(1) if self.plan.request.confirm_seeds else []:
                self._call(d, self.plan.request.confirm_seeds, "confirm")
        else:
            self.stage = "over"
        self.proceed()

    def _call(self, draw: Draw, seeds: Iterable[int], phase: Any) -> None:
        statuses = self.ledger.statuses()
        for seed in seeds:
            trial = self.plan.trial(self.condition, draw, seed, phase)
            if trial.id not in self.known:
                self.known[trial.id] = trial
                self._by_recipe[selection.recipe_of(trial.entry.config)] = draw
                if not self._is_settled(statuses.get(trial.id), seed):
                    self.unsettled.add(trial.id)
                    self.waiting.append(trial)

    def _is_settled(self, status: Status | None, seed: int) -> bool:
        """Whether an outcome in the ledger is one that this plan can use: it may not stop trials early as that did."""
        stoppable = self.plan.scheduler != "none" and seed in self.plan.first_seeds()
        return status in FINAL and (status != "stopped" or stoppable)

    def _rows(self) -> pd.DataFrame:
        """The search trials of this plan in this condition: the answer is the plan's, whatever else was tried."""
        rows = self.ledger.trials(condition=self.condition.key, phase="search")
        return rows[rows["id"].isin(list(self.known))]

    def _best(self, n: int) -> list[Draw]:
        best = selection.best_draws(self._rows(), self.ledger.last_epochs(), self.plan.sweep.select, n)
        return [self._by_recipe[recipe] for recipe in best]

    # Model-based search: configs come one by one, and those of earlier runs come from the ledger.

    def _adopt(self) -> None:
        rows = self.ledger.trials(condition=self.condition.key, phase="search")
        space, seen = self.plan.request.space, {canonical(d.values) for d in self._draws.values()}
        for row in records(rows):
            values = {name: row["config"].get(name) for name in space}  # a field may be younger than the ledger
            if canonical(values) not in seen and all(value in space[name] for name, value in values.items()):
                seen.add(canonical(values))
                index = max(self._draws, default=0) + 1
                self._draws[index] = Draw(index, values)

    def _propose(self) -> None:
        if self._proposer is None:
            return
        for d in self._draws.values():
            ids = [self.plan.trial(self.condition, d, s, "search").id for s in self.plan.first_seeds()]
            if d.index not in self._told and not self.unsettled.intersection(ids):
                self._told.add(d.index)
                self._proposer.tell(d, self._value(ids))
        if len(self._draws) < self.plan.configs_per_condition and len(self._draws) - len(self._told) < self.ahead:
            index = max(self._draws, default=0) + 1
            self._draws[index] = Draw(index, self._proposer.ask(index))
            self._call(self._draws[index], self.plan.first_seeds(), "search")
            self._propose()

    def _value(self, ids: list[str]) -> list[float] | None:
        """Means over the search seeds of what the model learns from: the metric, and what is traded for it."""
        statuses, metric = self.ledger.statuses(), self.plan.sweep.metric
        if any(statuses.get(trial) not in FINAL for trial in ids):
            return None
        last = self.ledger.last_epochs().reindex(index=ids, columns=[metric])
        whole = all(statuses[trial] in ("done", "stopped") for trial in ids)  # one that diverged may end in a number
        values = [float(last[metric].mean(skipna=False)) if whole else math.nan]
        if self.plan.search == "pareto" and (traded := self.plan.sweep.traded) is not None:
            rows = self.ledger.trials(condition=self.condition.key, phase="search")
            facts = [float(row["facts"].get(traded.metric, math.nan)) for row in records(rows) if row["id"] in ids]
            values.append(math.fsum(facts) / len(ids))
        return values


def settled(counts: dict[Status | str, int]) -> int:
    """How many trials have an outcome, by a row of `Agenda.counts`."""
    return sum(n for status, n in counts.items() if status not in ("planned", "waiting", "running"))
