"""What a ledger holds, arranged by condition: the common ground of tables, figures and verdicts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.ledger import Ledger, LedgerError
from analysis.selection import Objective, chosen, objective, recipe_of

CHOSEN, PRESCRIBED = "chosen", "prescribed"
REPORTED = ("done", "diverged", "collapsed")
"""Statuses of a trial that counts as one of the n seeds. Not `stopped`: it has no last epoch to report."""


@dataclass(frozen=True)
class Condition:
    """One combination of factors and settings, and what became of it."""

    key: str
    values: dict[str, Any]
    """Factors, and the settings that vary over the ledger."""
    plan: Mapping[str, Any]
    """The newest plan that has this condition."""
    trials: pd.DataFrame
    recipes: dict[str, str]
    """`chosen` (absent while nothing is) and `prescribed` (if there is one) → recipe, as canonical JSON."""
    score: float
    """Mean over the search seeds by which the recipe was chosen."""
    search_seeds: int

    @property
    def facts(self) -> dict[str, Any]:
        """Constants of its trials (the head's name, labels spent, …)."""
        return {name: value for facts in self.trials["facts"] for name, value in facts.items()}

    def reported(self, recipe: str, phase: str) -> list[dict[str, Any]]:
        """The trials of a recipe that stand in the table, by seed."""
        rows = self.trials[(self.trials["phase"] == phase) & (self.trials["recipe"] == recipe)]
        return sorted(records(rows[rows["status"].isin(REPORTED)]), key=lambda row: int(row["seed"]))


class Results:
    """All trials of a question, read once; conditions are in the order of their factors.

    Raises LedgerError if no run was recorded.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.runs = records(ledger.runs())
        if not self.runs:
            raise LedgerError(f"{ledger.path}: the ledger holds no run yet; run the sweep first")
        self.plan: dict[str, Any] = self.runs[-1]["plan"]
        self.question: str = self.plan["question"]
        self.goal: Objective = objective(self.plan["select"])
        self.metric = self.goal.metric.removeprefix("val_")
        self.phase = "confirm" if self.plan["confirm"] else "search"
        """The phase whose trials are reported: a question without a test split reports its search."""
        plans = [run["plan"] for run in reversed(self.runs)]
        self.factors = _merged({name: list(values) for name, values in plan["factors"].items()} for plan in plans)
        self.hyperparameters = list(dict.fromkeys(name for plan in plans for name in plan["hyperparameters"]))
        self.data = {d["name"]: d for plan in reversed(plans) for d in plan.get("data", [])}
        self.newest = {str(key): plan for plan in reversed(plans) for key in plan["conditions"]}
        """The newest plan that has a condition, by the condition's key."""
        self.trials, self.left_out = _current(ledger.trials(), self.newest)
        self.last = ledger.last_epochs()
        self.settings: dict[str, Any] = {}
        """Settings that are the same in every condition."""
        self.unreadable: list[str] = []
        """What was wrong with each trial's arrays that could not be read; reading them adds to it."""
        self._correct: dict[str, np.ndarray | None] = {}
        self.conditions = self._conditions()
        self.keys = list(self.conditions[0].values) if self.conditions else list(self.factors)
        """Columns that tell conditions apart."""

    @property
    def is_accuracy(self) -> bool:
        """Whether the metric is a fraction of images, shown in per cent and as an error too."""
        return self.metric.endswith("accuracy")

    @property
    def has_prescribed(self) -> bool:
        """Whether some condition has a recipe that the question itself prescribes."""
        return any(PRESCRIBED in condition.recipes for condition in self.conditions)

    def series(self, x: str) -> list[str]:
        """The key columns that tell the lines of a figure over `x` apart."""
        names = [name for name in self.keys if name != x and len({c.values[name] for c in self.conditions}) > 1]
        return [*names, "recipe"] if self.has_prescribed else names

    def describe_data(self) -> str:
        """The data sets, for a figure's face and the text: `digits (built-in)`."""
        used = self.settings.get("data", [c.values.get("data") for c in self.conditions])
        names = dict.fromkeys([used] if isinstance(used, str) else [n for n in used if n] or list(self.data))
        return ", ".join(Path(n).name + (" (built-in)" if self.data.get(n, {}).get("builtin") else "") for n in names)

    def epochs(self, trials: Sequence[str]) -> pd.DataFrame:
        """Epochs of some trials; `trial`, `epoch` and the metrics."""
        return self.ledger.epochs(trials)

    def correct(self, trial: str) -> np.ndarray | None:
        """Which test images a trial got right, [images] bool; None where that cannot be read (see `unreadable`)."""
        if trial not in self._correct:
            try:
                self._correct[trial] = self.ledger.arrays(trial).get("test_correct")
            except (LedgerError, OSError) as error:
                self._correct[trial] = None
                self.unreadable.append(str(error))
        return self._correct[trial]

    def _conditions(self) -> list[Condition]:
        groups = {str(key): own for key, own in self.trials.groupby("condition_key")}
        newest = {key: self.newest.get(key, self.plan) for key in self.newest | groups}
        values = {key: self._named(json.loads(key)) for key in newest}
        shown = [*self.factors, *self._varying(list(values.values()))]
        conditions = []
        for key, plan in newest.items():
            own = groups.get(key, self.trials.iloc[:0])
            choice = next(iter(records(chosen(own, self.last, plan))), {})
            recipes = {CHOSEN: str(choice["recipe"])} if choice else {}
            prescribed = own.loc[own["prescribed"], "recipe"]
            if len(prescribed):
                recipes[PRESCRIBED] = str(prescribed.iloc[-1])
            named = {name: values[key].get(name) for name in shown}
            score, seeds = float(choice.get("score", np.nan)), int(choice.get("seeds", 0))
            conditions.append(Condition(key, named, plan, own, recipes, score, seeds))
        return sorted(conditions, key=lambda c: [_rank(v, self.factors.get(n, [])) for n, v in c.values.items()])

    def _named(self, condition: Mapping[str, Any]) -> dict[str, Any]:
        """A condition's values; a hyperparameter that was fixed for it is named so: its column is taken."""
        return {f"fixed_{k}" if k in self.hyperparameters else k: v for k, v in condition.items()}

    def _varying(self, conditions: Sequence[Mapping[str, Any]]) -> list[str]:
        """Settings, other than factors, that differ between conditions; the others go to `settings`."""
        names = list(dict.fromkeys(name for values in conditions for name in values if name not in self.factors))
        found = {name: {repr(values.get(name)) for values in conditions} for name in names}
        self.settings = {name: conditions[0].get(name) for name in names if len(found[name]) == 1}
        return [name for name in names if len(found[name]) > 1]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _current(trials: pd.DataFrame, plans: Mapping[str, Mapping[str, Any]]) -> tuple[pd.DataFrame, int]:
    """Trials with their `recipe`, and how many were left out.

    Data or weights of one name may have had other content in another run. The trials of a condition that count are
    those on the content that its plan recorded; all of them where it recorded none.
    """
    trials = trials.assign(recipe=[recipe_of(config) for config in trials["config"]])
    content = {
        (key, phase): fingerprint
        for key, plan in plans.items()
        for phase, fingerprint in plan.get("fingerprints", {}).get(key, {}).items()
    }
    kept = [
        content.get((row["condition_key"], row["phase"]), row["data_fingerprint"]) == row["data_fingerprint"]
        for row in records(trials)
    ]
    return trials[np.array(kept, dtype=bool)], kept.count(False)


def _merged(orders: Any) -> dict[str, list[Any]]:
    merged: dict[str, list[Any]] = {}
    for order in orders:
        for name, values in order.items():
            known = merged.setdefault(name, [])
            known.extend(value for value in values if value not in known)
    return merged


def _rank(value: Any, order: Sequence[Any]) -> tuple[int, float, str]:
    """Numbers by size, names in the order in which the plan lists them, the rest by name."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return (1, order.index(value), "") if value in order else (2, 0, str(value))
