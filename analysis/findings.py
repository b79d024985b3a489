"""What a question's file is given (`Findings`), what it hands back (`Draft`), and what comes of it (`Answer`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.numbers import paired, tables
from analysis.numbers.results import CHOSEN, Arrays, Results, records
from analysis.words import digits_of, heading, listed, missing, percent, ranged, setting_text


class Drawing(NamedTuple):
    """A figure and what to say below it."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a question's file draws and concludes from; there is at least one reported trial."""

    results: Results
    seeds: pd.DataFrame
    """A row a reported trial, `seeds.by_seed`: every `val_…` and `test_…` metric at the last epoch."""
    best: pd.DataFrame
    """Rows of `tables.best_config`, those with no reported seed included (`n` is 0)."""
    curves: pd.DataFrame
    """A row an epoch, `tables.curves`."""
    differences: pd.DataFrame
    """Of the selecting metric, over all factors."""
    searched: pd.DataFrame
    """A row a search trial, `tables.searched`."""
    apart: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Like `seeds`: the trials on seeds that the question prescribes, which are in no mean."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """What these conditions have in common and others of the ledger have not, by key: see `parts`."""

    @property
    def reported(self) -> pd.DataFrame:
        """The rows of `best` that have a reported seed."""
        return self.best[self.best["n"] > 0]

    def arrays(self, trial: str) -> Arrays:
        """The arrays that a reported trial left, by name; none, and a warning, where they cannot be read."""
        return self.results.arrays(trial)

    def compare(self, factor: str, first: Any, second: Any, metric: str, recipe: str = CHOSEN) -> pd.DataFrame:
        """How `metric` (a column of `seeds`) differs between conditions that differ in `factor` alone, seed by seed.

        A row for each such pair that has reported trials: `difference` is that with `second` − that with `first`; the
        columns are those of `differences`. The factor may be "recipe", `first` and `second` are recipes then.
        """
        return paired.compare(self.results, self.seeds, factor, first, second, metric, recipe)

    def share(self, row: Mapping[str, Any], column: str) -> str:
        """An accuracy or error of a row of `best`, in per cent with its interval, for text: `5.1 % [4.9, 5.3]`."""
        return percent(row[column], row[f"{column}_low"], row[f"{column}_high"], digits_of(row, column) or 1)

    def note(self, *more: str) -> str:
        """What stands on each figure's face: data, seeds, whether it is partial, and `more` sentences."""
        seeds = ranged(self.reported["n"])
        fresh = "fresh seeds" if self.results.phase == "confirm" else "seeds"
        partial = tables.progress(self.best)
        same = {key: set(self.best[key]) for key in self.results.factors if key not in self.results.data_fields}
        only = "".join(f"; {heading(key)} {setting_text(key, v.pop())}" for key, v in same.items() if len(v) == 1)
        over = f"One {fresh[:-1]}." if seeds == "1" else f"Mean and 95 % interval over {seeds} {fresh}."
        text = [f"Data: {self.results.describe_data(self.shared)}{self._tested()}{only}.", over]
        return " ".join([*text, *filter(None, more), *([f"PARTIAL: {partial} trials."] if partial else [])])

    def terms(self, counted: str = "") -> str:
        """What a verdict's numbers claim, on which data, and which labels they took: its last paragraph.

        `counted` says what sizes count: "Sizes count training labels".
        """
        chosen = self.reported[self.reported["recipe"] == CHOSEN]
        chosen = chosen if len(chosen) else self.reported
        data, seeds = f"Data: {self.results.describe_data(self.shared)}.", ranged(chosen["n"])
        brackets = f"Square brackets are 95 % Student t intervals over {seeds}"
        if self.results.phase == "confirm":
            error = chosen[name].max() if (name := f"test_{self.results.metric}_image_se") in chosen else 0
            spread = f" (standard error up to {100 * error:.1f} points)" if error > 0 else ""
            claims = [
                f"{brackets} fresh seeds, at the last epoch of a config chosen on validation: a claim about the recipe,"
                f" trained again, on these test images. One trained network on other images varies too{spread}."
                if seeds != "1"
                else "Each number is of one fresh seed, at the last epoch of a config chosen on validation: a claim"
                f" about that network, not about the recipe. On other images it varies{spread}."
            ]
        else:
            claims = [f"{brackets} search seeds, at the last epoch of the config that did best on them."]
        if self.results.has_oracle:
            claims.append("The oracle is named by test data, hence flattering.")
        spent = chosen["labels_validation"].dropna().unique()
        took = f"{'up to ' if len(spent) > 1 else ''}{max(spent):.0f} " if max(spent, default=0) > 0 else ""
        if counted:
            claims.append(f"{counted}; choosing took {took}more, for validation.")
        elif took:
            claims.append(f"Choosing took {took}labels, for validation.")
        return " ".join([data, *claims])

    def _tested(self) -> str:
        """`, 500 and 300 test images`, of each data set, if all rows have these."""
        fields = self.results.data_fields
        names = ["test_images"] if len(fields) == 1 else [f"test_{name}_images" for name in fields]
        counts = [{int(n) for n in self.reported[name].dropna()} if name in self.reported else set() for name in names]
        known = all(len(several) == 1 for several in counts)
        return f", {listed(f'{several.pop():,}' for several in counts)} test images" if known else ""


@dataclass(frozen=True)
class Draft:
    """What a question's file hands back."""

    title: str
    verdict: str
    """Markdown; numbers with their intervals, n, and which claim they make."""
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
    """By file name."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables, written as CSV, by file name."""
    differences: pd.DataFrame | None = None
    """Rows of `Findings.compare`, to stand in the answer instead of `Findings.differences`."""
    terms: str = ""
    """What the verdict's numbers claim, and on what: ends it in the files; in a terminal stands the table's note."""


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
