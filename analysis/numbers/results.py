"""What a ledger holds, arranged by condition: the common ground of tables, figures and verdicts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.ledger import HELP, Ledger, LedgerError
from analysis.numbers.galleries import Links
from analysis.numbers.measures import Column, Measures, declared_in, titles_in
from analysis.plan_record import DataSetRecord, MeasureRecord, PlanRecord, VariantRecord
from analysis.selection import chosen, config_text, objective
from common.files import Arrays

CHOSEN, PRESCRIBED, REFERENCE = "chosen", "prescribed", "reference"
"""Values of the tables' column `recipe`: whether a row has the config that the search chose, the prescribed one, or
the reference that variants change where none is prescribed.

A variant of the prescribed config has its own name there.
The column keeps its name, which readers of earlier answers know.
"""
LOST = ("diverged", "collapsed")
"""Statuses of a trial that ran and has no number."""
REPORTED = ("done", *LOST)
"""Statuses of a trial that counts as one of the n seeds. Not `stopped`: it has no last epoch to report."""


class PerImage(NamedTuple):
    """A network's measure on each test image, such as whether it is right, or how two networks differ in that."""

    values: np.ndarray
    """[images] bool or float."""
    strata: np.ndarray | None
    """[images] int, where the measure is the mean over parts of unequal size."""
    links: Links | None = None
    """Where values rest on other test images, as nearest neighbours do: on which, and by how much."""

    def alike(self, other: PerImage) -> bool:
        """Whether both were tested on the same images, as far as their number and strata tell."""
        a, b = (np.zeros(len(c.values)) if c.strata is None else c.strata for c in (self, other))
        return np.array_equal(a, b)

    def less(self, other: PerImage) -> PerImage:
        """Return how much higher the values are than another network's on the same images."""
        both = [own for own in (self.links, None if other.links is None else _less(other.links)) if own is not None]
        links = Links(*(np.concatenate(parts, axis=1) for parts in zip(*both, strict=True))) if both else None
        return PerImage(self.values.astype(float) - other.values, self.strata, links)


@dataclass(frozen=True)
class Condition:
    """One combination of factors and settings, and what became of it."""

    key: str
    values: dict[str, Any]
    """Factors, and the settings that vary over the ledger."""
    plan: PlanRecord
    """The newest plan that has this condition."""
    trials: pd.DataFrame
    configs: dict[str, str]
    """Its configs as canonical JSON: `chosen` (absent while nothing is), `prescribed` and its variants (if any)."""
    score: float
    """Mean over the search seeds by which the config was chosen."""
    search_seeds: int

    @property
    def facts(self) -> dict[str, Any]:
        """Constants of its trials (the head's name, labels spent, …)."""
        return {name: value for facts in self.trials["facts"] for name, value in facts.items()}

    def reported(self, config: str, phase: str, *, extra: bool = False) -> list[dict[str, Any]]:
        """Return the trials of a config that stand in the table, by seed; with `extra` those on extra seeds instead."""
        rows = self.trials[(self.trials["phase"] == phase) & (self.trials["config_text"] == config)]
        rows = rows[rows["seed"].isin(self.plan.extra_seeds) == extra]
        return sorted(records(rows[rows["status"].isin(REPORTED)]), key=lambda row: int(row["seed"]))


class Results:
    """All trials of a question, read once; conditions are in the order of their factors.

    Raises LedgerError if no run was recorded.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        runs = records(ledger.runs())
        if not runs:
            if ledger.damage is not None:
                raise LedgerError(f"{ledger.path}: damaged: {ledger.damage}, but no record of a command; {HELP}")
            raise LedgerError(f"{ledger.path}: the ledger holds no run yet; run the sweep first")
        self.plan: PlanRecord = runs[-1]["plan"]
        self.runs = [run for run in runs if self.plan.counts(run["plan"])]
        """The commands that count, oldest first: not those of code whose trials were run again."""
        self.modules = ledger.code()
        """Digests of the modules behind each fingerprint of code, where they are recorded."""
        self.question = self.plan.question
        self.phase = "confirm" if self.plan.confirm else "search"
        """The phase whose trials are reported: a question without a test split reports its search."""
        plans: list[PlanRecord] = [run["plan"] for run in reversed(self.runs)]
        self.factors = _merged(plan.factors for plan in plans)
        self.hyperparameters = list(dict.fromkeys(name for plan in plans for name in plan.hyperparameters))
        self.data: dict[str, DataSetRecord] = {d.name: d for plan in reversed(plans) for d in plan.data}
        """Every data set of the ledger, by name."""
        self.data_fields = list(dict.fromkeys(name for plan in plans for name in plan.data_fields))
        """The config fields that name a data set."""
        self.report = list(self.plan.report)
        """Measures that stand in the rounded tables beside the selecting one, by name."""
        self.newest = {key: plan for plan in reversed(plans) for key in plan.conditions}
        """The newest plan that has a condition, by the condition's key."""
        self.trials, self.left_out = _current(ledger.trials(), self.newest)
        self.last = ledger.read_epochs()
        """The row of the epoch at which each trial is read, by trial."""
        self.settings: dict[str, Any] = {}
        """Settings that are the same in every condition."""
        self.facts: dict[str, dict[str, Any]] = dict(zip(self.trials["id"], self.trials["facts"], strict=True))
        """Constants of each trial (labels spent, …)."""
        self.unreadable: dict[str, str] = {}
        """What was wrong with the arrays of each trial whose arrays could not be read; reading them adds to it."""
        self._per_image: dict[str, Arrays] = {}
        values = {key: self._named(json.loads(key)) for key in self.newest}
        varying = self._varying(list(values.values()))
        self.measures = Measures(declared_in(plans, map(str, self.last)), self._called())
        """What is measured, by name and by column."""
        self._titles = titles_in(plans)
        selecting = self.measures.column(objective(self.plan.select).metric)
        assert selecting is not None  # a plan selects by what it declares, or by what its name says
        self.selecting: Column = selecting
        """The column of the measure by which configs are chosen."""
        self.metrics = self._metrics()
        """What trials report on held-out data, by name: first what selects, then `report`, then the rest."""
        self.conditions = self._conditions(values, [*self.factors, *varying])
        self.keys = list(self.conditions[0].values) if self.conditions else list(self.factors)
        """Columns that tell conditions apart."""

    @property
    def selected(self) -> MeasureRecord:
        """The measure by which configs are chosen."""
        return self.selecting.measure

    @property
    def metric(self) -> str:
        """Its name."""
        return self.selected.name

    @property
    def compared(self) -> MeasureRecord:
        """The measure whose differences and oracle are shown: the error of the selecting one, if it has one."""
        return self.selected.error or self.selected

    @property
    def has_oracle(self) -> bool:
        """Whether test data was evaluated in every epoch, so that the best of them can be named."""
        return self.plan.confirm and self.plan.oracle and "test" in self.selected.splits

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits of held-out data that stand in the tables."""
        return ("val", "test") if self.phase == "confirm" else ("val",)

    @property
    def config_told(self) -> str:
        """How the config came about whose trials are reported, for people."""
        return "a config chosen on validation" if self.plan.searches else "a config that was stated beforehand"

    @property
    def epoch_read(self) -> str:
        """The epoch at which trials are read, for people."""
        return "last epoch" if self.plan.epoch_chosen == "last" else "best validation epoch"

    @property
    def has_prescribed(self) -> bool:
        """Whether some condition has a config that the question itself prescribes."""
        return any(PRESCRIBED in condition.configs for condition in self.conditions)

    def series(self, x: str) -> list[str]:
        """Return the key columns that tell the lines of a figure over `x` from each other."""
        names = [name for name in self.keys if name != x and len({c.values[name] for c in self.conditions}) > 1]
        return [*names, "recipe"] if self.has_prescribed else names

    def describe_data(self, shared: Mapping[str, Any] | None = None) -> str:
        """Return the data sets for figures' notes and texts: `digits (built-in), svhn`.

        With the settings that a part of the ledger has in common (`Findings.shared`), only its data sets are named.
        """
        every = [{**self.settings, **condition.values, **(shared or {})} for condition in self.conditions]
        used = dict.fromkeys(values.get(name) for name in self.data_fields for values in every)
        names = [name for name in used if name] or list(self.data)
        builtin = [name in self.data and self.data[name].builtin for name in names]
        return ", ".join(short(n) + " (built-in)" * own for n, own in zip(names, builtin, strict=True))

    @property
    def roles(self) -> dict[str, str]:
        """Of several data sets, what each is called for people: `first` → `digits`, where it is in all conditions."""
        fields = [name for name in self.data_fields if name != "data" and isinstance(self.settings.get(name), str)]
        return {name: short(self.settings[name]) for name in fields}

    def titled(self, name: str) -> str:
        """Return a hyperparameter for people."""
        return self.measures.filled(self._titles.get(name, name.replace("_", " ")))

    def epochs(self, trials: Sequence[str]) -> pd.DataFrame:
        """Return the epochs of some trials: `trial`, `epoch` and what they reported."""
        return self.ledger.epochs(trials)

    def arrays(self, trial: str) -> Arrays:
        """Return the arrays that a trial left, by name; none where they cannot be read, which `unreadable` notes."""
        try:
            return self.ledger.arrays(trial)
        except (LedgerError, OSError) as error:
            self.unreadable[trial] = str(error)
            return {}

    def per_image(self, trial: str, measure: MeasureRecord) -> PerImage | None:
        """Return a trial's measure on each test image: of an error, that of what it is the error of.

        None where the measure declares no such array, the trial has none, or its arrays cannot be read.
        """
        if measure.images is None:
            return None
        if trial not in self._per_image:
            arrays = self.arrays(trial)
            self._per_image[trial] = {name: arrays[name] for name in self.measures.arrays & arrays.keys()}
        kept = self._per_image[trial]
        if any(name not in kept for name in (measure.images, measure.nearest, measure.without) if name is not None):
            return None
        values = kept[measure.images]
        links = None
        if measure.nearest is not None and measure.without is not None:
            change = kept[measure.without].astype(float) - values
            links = Links(kept[measure.nearest].astype(int)[:, None], change[:, None])
        return PerImage(values, kept.get(measure.strata or ""), links)

    def _called(self) -> dict[str, str]:
        """Return what people call each data set: its name, or that of its config field where it differs."""
        known = {field: self.settings.get(field) for field in self.data_fields}
        return {field: short(name) if isinstance(name, str) else field for field, name in known.items()}

    def _metrics(self) -> list[str]:
        last = self.last[self.last.index.isin(self.trials["id"])].dropna(axis="columns", how="all")
        found = {column.measure.name for column in self.measures.on(last, *self.splits) if column.source is None}
        first = [self.measures.reported(name).name for name in (self.metric, *self.report)]
        return list(dict.fromkeys([*first, *sorted(found)]))

    def _conditions(self, values: Mapping[str, Mapping[str, Any]], shown: Sequence[str]) -> list[Condition]:
        groups = {str(key): own for key, own in self.trials.groupby("condition_key")}
        conditions = []
        for key, plan in self.newest.items():
            own = groups.get(key, self.trials.iloc[:0])
            choice = next(iter(records(chosen(own, self.last, plan))), {})
            configs = {CHOSEN: str(choice["config"])} if choice else {}
            prescribed = own.loc[own["prescribed"], "config_text"]
            if len(prescribed):
                configs[PRESCRIBED] = str(prescribed.iloc[-1])
            configs |= _variants(own, plan.variants.get(key, ()))
            named = {name: values[key].get(name) for name in shown}
            score, seeds = float(choice.get("score", np.nan)), int(choice.get("seeds", 0))
            score = score if self.selecting.source is None else 1 - score
            conditions.append(Condition(key, named, plan, own, configs, score, seeds))
        return sorted(conditions, key=lambda c: [_rank(v, self.factors.get(n, [])) for n, v in c.values.items()])

    def _named(self, condition: Mapping[str, Any]) -> dict[str, Any]:
        """Return a condition's values; a hyperparameter that was fixed for it is renamed, as its column is taken."""
        return {f"fixed_{k}" if k in self.hyperparameters else k: v for k, v in condition.items()}

    def _varying(self, conditions: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the settings, factors aside, that differ between conditions; the others go to `settings`."""
        names = list(dict.fromkeys(name for values in conditions for name in values if name not in self.factors))
        found = {name: {repr(values.get(name)) for values in conditions} for name in names}
        self.settings = {name: conditions[0].get(name) for name in names if len(found[name]) == 1}
        return [name for name in names if len(found[name]) > 1]


def _less(links: Links) -> Links:
    return links._replace(change=-links.change)


def short(name: str) -> str:
    """Return a name or path for people: of a path its last part, also after the `@` of a data set made from another."""
    return "@".join(Path(part).name if "/" in part else part for part in name.split("@"))


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def as_given(table: pd.DataFrame, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> pd.DataFrame:
    """Return a table with the values of `rows` in its columns `names`: beside None, pandas makes floats of integers."""
    for name in names:
        if table[name].isna().any():
            table[name] = pd.Series([row[name] for row in rows], index=table.index, dtype=object)
    return table


def _current(trials: pd.DataFrame, plans: Mapping[str, PlanRecord]) -> tuple[pd.DataFrame, int]:
    """Return the trials with their `config_text`, and how many were left out.

    Data or weights of one name may have had other content in another run. The trials of a condition that count are
    those on the content that its plan recorded.
    """
    trials = trials.assign(config_text=[config_text(config) for config in trials["config"]])
    content = {key: plan.fingerprints[key].model_dump() for key, plan in plans.items()}
    kept = [content[row["condition_key"]][row["phase"]] == row["data_fingerprint"] for row in records(trials)]
    return trials[np.array(kept, dtype=bool)], kept.count(False)


def _variants(trials: pd.DataFrame, variants: Iterable[VariantRecord]) -> dict[str, str]:
    """Return the configs, as canonical JSON, of those variants of the prescribed config that have a trial."""
    configs = dict(zip(trials["config_text"], trials["config"], strict=True))
    return {
        variant.name: text
        for variant in variants
        for text, config in configs.items()
        if variant.values.items() <= config.items()
    }


def _merged(orders: Iterable[Mapping[str, Sequence[Any]]]) -> dict[str, list[Any]]:
    merged: dict[str, list[Any]] = {}
    for order in orders:
        for name, values in order.items():
            known = merged.setdefault(name, [])
            known.extend(value for value in values if value not in known)
    return merged


def _rank(value: Any, order: Sequence[Any]) -> tuple[int, float, str]:
    """Order numbers by size, names as the plan lists them, and the rest by name."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    return (1, order.index(value), "") if value in order else (2, 0, str(value))
