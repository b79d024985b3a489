"""How many trials a plan has, and how many of them have ended: the count that the live view and the exit message have.

The engine knows its trials by their ids; here they are found again by what the ledger's plan says of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.ledger import FINAL
from analysis.numbers.results import Condition, Results
from analysis.plan_record import PlanRecord
from analysis.selection import best_draws, config_text, drawn, goal_of, winner

NOT_ENDED = "running"


class Count(NamedTuple):
    """Trials of a plan, in one condition or several."""

    planned: int
    """All that it asks for; at most so many while it is open which config a condition confirms."""
    ended: int
    """Those whose end is in the ledger, whatever it was."""

    @property
    def missing(self) -> int:
        """Those that have not ended."""
        return self.planned - self.ended


def progress(results: Results) -> Count:
    """Return the count of the last command's plan, in all of its conditions."""
    counts = {condition.key: count(results, condition) for condition in results.conditions}
    own = [counts.get(key, Count(0, 0)) for key in results.plan.conditions]
    return Count(sum(one.planned for one in own), sum(one.ended for one in own))


def told(results: Results) -> str | None:
    """Return `n/N`, trials that have ended of trials planned, for the last command; None if none is missing."""
    whole = progress(results)
    return f"{whole.ended}/{whole.planned}" if whole.missing else None


def count(results: Results, condition: Condition) -> Count:
    """Return the count of a condition, by the newest plan that has it."""
    plan = condition.plan
    since = max(run["started"] for run in results.runs if run["plan"] is plan)
    return _Stages(condition.trials, results.last, plan, condition.key, float(since)).count()


class _Stages:
    """Goes through a condition's stages as the engine does: search, finalists, confirmation."""

    def __init__(self, trials: pd.DataFrame, last: pd.DataFrame, plan: PlanRecord, key: str, since: float) -> None:
        self.plan, self.last = plan, last
        own = drawn(trials, plan, key)
        own = own.assign(config_text=[config_text(config) for config in own["config"]])
        self.search, self.confirm = own[own["phase"] == "search"], own[own["phase"] == "confirm"]
        self.any_confirm = trials[trials["phase"] == "confirm"]  # variants were not drawn
        self.variants = [variant.values for variant in plan.variants.get(key, ())]
        self.since = since
        self.first = plan.search_seeds[:1] if plan.finalists else plan.search_seeds
        self.searched = bool(plan.search_trials[key])
        self.configs = plan.search_trials[key] // len(self.first) if self.searched else 1
        if plan.draws is None:  # a model-based search adopts all configs that the ledger has
            self.configs = max(self.configs, self.search["config_text"].nunique())

    def count(self) -> Count:
        asked = self.search[self.search["seed"].isin(self.first)]
        planned = self.configs * len(self.first) if self.searched else 0
        complete = self._closed(asked) >= planned
        counted = [asked]
        if self.plan.finalists and self.configs > 1:
            further, rows = self._finalists(asked, complete=complete)
            planned += further
            complete = complete and self._closed(rows) >= further
            asked = pd.concat([asked, rows])
            counted = [asked]
        if self.plan.confirm:
            confirmed, rows = self._confirmed(asked, complete=complete)
            planned += confirmed
            counted.append(rows)
        return Count(planned, sum(int((rows["status"] != NOT_ENDED).sum()) for rows in counted))

    def _finalists(self, asked: pd.DataFrame, *, complete: bool) -> tuple[int, pd.DataFrame]:
        """Return how many trials finalists have on further seeds, and those that there are."""
        seeds = self.plan.search_seeds[1:]
        if not complete:
            return min(self.plan.finalists, self.configs) * len(seeds), asked.iloc[:0]
        best = best_draws(asked, self.last, goal_of(self.plan), self.plan.finalists)
        return len(best) * len(seeds), self._of(self.search, best, seeds)

    def _confirmed(self, asked: pd.DataFrame, *, complete: bool) -> tuple[int, pd.DataFrame]:
        """Return how many confirm trials there are to be, and those that there are."""
        seeds = self.plan.confirm_seeds
        certain = {*asked.loc[asked["prescribed"], "config_text"]} if self.plan.prescribed else set()
        if self.configs == 1:  # confirmed whatever the search finds
            certain = {*(asked if self.searched else self.confirm)["config_text"]}
        configs = 1 if self.configs == 1 else 1 + self.plan.prescribed
        variants = self.variants
        if complete:
            best = winner(asked, self.last, goal_of(self.plan))
            chosen = set() if best is None else {best.config}
            configs, certain = max(len(certain | chosen), not self.searched), certain | chosen
            variants = [own for own in variants if not any(own.items() <= json.loads(text).items() for text in chosen)]
        rows = [self._of(self.confirm, certain, seeds), *(self._variant(own, seeds) for own in variants)]
        return (configs + len(variants)) * len(seeds), pd.concat(rows)

    def _variant(self, values: Mapping[str, Any], seeds: Iterable[int]) -> pd.DataFrame:
        """Return the confirm trials of a variant of the prescribed config; it waits for no stage."""
        own = [values.items() <= config.items() for config in self.any_confirm["config"]]
        rows = self.any_confirm[np.array(own, dtype=bool)]
        return rows[rows["seed"].isin([*seeds])]

    def _of(self, trials: pd.DataFrame, configs: Iterable[str], seeds: Iterable[int]) -> pd.DataFrame:
        return trials[trials["config_text"].isin([*configs]) & trials["seed"].isin([*seeds])]

    def _closed(self, trials: pd.DataFrame) -> int:
        """Return how many trials will not run again: a command runs those again that failed in one before."""
        stopped = trials["status"] == "stopped"
        if self.plan.scheduler != "none":
            stopped &= ~trials["seed"].isin(self.first)
        final = trials["status"].isin(FINAL) & ~stopped
        return int((final | ((trials["status"] != NOT_ENDED) & (trials["finished"] >= self.since))).sum())
