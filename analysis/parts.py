"""A ledger may hold a question on several data sets, or at several sizes: each part of it is told on its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings import Findings
from analysis.numbers import tables
from analysis.numbers.results import CHOSEN, Arrays, records
from analysis.words import heading, missing, setting_text


@dataclass(frozen=True)
class Part:
    """Conditions that differ in a question's own factors alone: all of a ledger, as a rule."""

    found: Findings
    """Their rows; `results` are the whole ledger's."""
    factors: Sequence[str]

    @property
    def shared(self) -> Mapping[str, Any]:
        """What they have in common and those of other parts have not, by key."""
        return self.found.shared

    @property
    def chosen(self) -> pd.DataFrame:
        """Rows of the best-config table that have a reported seed, prescribed recipes left out."""
        return self.found.reported[self.found.reported["recipe"] == CHOSEN]

    @property
    def seeds(self) -> pd.DataFrame:
        """The reported trials of `chosen`, a row each."""
        return self.found.seeds[self.found.seeds["recipe"] == CHOSEN]

    @property
    def measures(self) -> pd.DataFrame:
        """Every measure on test data with its interval, a row a condition; data sets by name."""
        results = self.found.results
        names = [*dict.fromkeys([*results.roles, *results.keys, *results.hyperparameters]), "n"]
        measured = [name for name in map(str, self.chosen) if name.startswith("test_") and "error" not in name]
        return self.chosen.assign(**results.roles)[[*names, *measured]]

    @property
    def suffix(self) -> str:
        """For names of files: empty where there is one part only."""
        values = (setting_text(key, value) if missing(value) else value for key, value in self.shared.items())
        return re.sub(r"[^\w.-]+", "_", "".join(f"_{value}" for value in values))

    @property
    def where(self) -> str:
        """What tells it from other parts, data sets apart, to be said after their names: `, train size 100`."""
        known = {key: value for key, value in self.shared.items() if key not in self.found.results.data_fields}
        return "".join(f", {heading(key)} {setting_text(key, value)}" for key, value in known.items())

    def setting(self, name: str) -> str:
        """What all of them have for a config field that is neither a factor nor searched, for people."""
        return setting_text(name, (self.found.results.settings | dict(self.shared)).get(name))

    def note(self, text: str) -> str:
        """For the face of a figure without means and intervals: data, `text`, and whether the sweep is partial."""
        partial = tables.progress(self.found.best)
        about = f"Data: {self.found.results.describe_data(self.shared)}. {text}"
        return f"{about} PARTIAL: {partial} trials." if partial else about

    def arrays(self, row: Mapping[str, Any]) -> dict[int, Arrays]:
        """What the reported trials of a row of `chosen` left, by seed; empty for one that left nothing readable."""
        own = [seed for seed in records(self.seeds) if _values(seed, self.factors) == _values(row, self.factors)]
        return {int(trial["seed"]): self.found.arrays(trial["trial"]) for trial in own}

    def neighbours(self, row: Mapping[str, Any], metric: str) -> list[dict[str, Any]]:
        """How a row of `chosen` differs from each that differs from it in one factor: rows of `Findings.compare`.

        `difference` is that of the row − that of the other, whose value of `factor` is in `from`.
        """
        found = []
        for name in self.factors:
            for other in self.found.results.factors[name]:
                pairs = records(self.found.compare(name, other, row[name], metric)) if other != row[name] else []
                rest = [key for key in self.factors if key != name]
                found += [pair for pair in pairs if pair["n"] and _values(pair, rest) == _values(row, rest)]
        return found


def parts(found: Findings, factors: Sequence[str]) -> Iterator[Part]:
    """The parts of a ledger in which only `factors` differ and some condition's own config is reported."""
    others = [key for key in found.results.keys if key not in factors]
    rows = records(found.reported[found.reported["recipe"] == CHOSEN])
    for shared in {_values(row, others): row for row in rows}.values():
        own = {name: getattr(found, name) for name in ("seeds", "best", "curves", "differences", "searched")}
        for name, table in own.items():
            same = [_values(row, others) == _values(shared, others) for row in records(table)]
            own[name] = table[np.array(same, dtype=bool)]
        yield Part(replace(found, **own, shared={key: shared[key] for key in others}), factors)


def _values(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Comparable: what is missing is None, which in some tables is NaN."""
    return tuple(None if missing(row[name]) else row[name] for name in names)
