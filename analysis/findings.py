"""What a question's file is given for one part of a ledger (`Findings`), and what it hands back (`Draft`).

A ledger may hold a question on several data sets, or at several sizes. A part has the conditions that differ in the
question's own factors alone: that is all of a ledger, as a rule. Every part is answered by itself, and the report joins
the answers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.numbers import families, paired
from analysis.numbers.intervals import NEW
from analysis.numbers.looks import NONE, Look
from analysis.numbers.measures import nearness
from analysis.numbers.one_config import at_one_config
from analysis.numbers.progress import told
from analysis.numbers.results import CHOSEN, Results, records
from analysis.numbers.tables import seed_curves
from analysis.words import (
    OVER_BOTH,
    Block,
    Claim,
    Difference,
    Paragraph,
    amount,
    change,
    file_suffix,
    heading,
    interval_note,
    listed,
    lost_seeds,
    missing,
    ranged,
    setting_text,
)
from common.files import Arrays


class Drawing(NamedTuple):
    """A figure, which is drawn when it is written, and what to say below it."""

    draw: Callable[[], Figure]
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a question's file draws and concludes from."""

    results: Results
    """All of the ledger, whichever part this is."""
    seeds: pd.DataFrame
    """A row for each reported trial, `seeds.by_seed`: every `val_…` and `test_…` metric, and how it was reached."""
    best: pd.DataFrame
    """Rows of `tables.best_config`, those with no reported seed included (`n` is 0)."""
    curves: pd.DataFrame
    """A row for each epoch, `tables.curves`."""
    differences: pd.DataFrame
    """Differences of the selecting metric, over all factors."""
    searched: pd.DataFrame
    """A row for each search trial, `tables.searched`."""
    extra: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Like `seeds`: the trials on extra seeds, which the question prescribes and which are in no mean."""
    look: Look = NONE
    """Which look at the ledger this answer is, and at which level it may claim something."""
    factors: Sequence[str] = ()
    """The factors in which conditions of this part differ."""
    shared: Mapping[str, Any] = field(default_factory=dict)
    """The other keys of its conditions, all alike, with their values."""

    @property
    def reported(self) -> pd.DataFrame:
        """The rows of `best` that have a reported seed."""
        return self.best[self.best["n"] > 0]

    @property
    def chosen(self) -> pd.DataFrame:
        """The rows of `reported` that are of chosen configs, prescribed ones left out."""
        return self.reported[self.reported["recipe"] == CHOSEN]

    @property
    def chosen_seeds(self) -> pd.DataFrame:
        """The reported trials of chosen configs, a row each."""
        return self.seeds[self.seeds["recipe"] == CHOSEN]

    @property
    def drawn_curves(self) -> pd.DataFrame:
        """Return `curves`, and where there are two seeds at most, the curve of each: these rows have a `seed`."""
        single = seed_curves(self.results, self.seeds)
        return pd.concat([self.curves.assign(seed=np.nan), single], ignore_index=True) if len(single) else self.curves

    @property
    def measures(self) -> pd.DataFrame:
        """Every measure on test data with its interval, a row for each condition; data sets are called by name."""
        results = self.results
        names = [*dict.fromkeys([*results.roles, *results.keys, *results.hyperparameters]), "n"]
        errors = {f"test_{one.error.name}" for one in results.measures.declared if one.error is not None}
        ends = ("", "_low", "_high", "_interval", "_low_these", "_high_these")
        errors = {f"{name}{end}" for name in errors for end in ends}
        measured = [name for name in map(str, self.chosen) if name.startswith("test_") and name not in errors]
        return self.chosen.assign(**results.roles)[[*names, *measured]]

    @property
    def suffix(self) -> str:
        """What the names of this part's files end with; empty where there is one part only."""
        return file_suffix(self.shared)

    @property
    def where(self) -> str:
        """What tells this part from others beside its data sets, to be said after their names: `, train size 100`."""
        known = {key: value for key, value in self.shared.items() if key not in self.results.data_fields}
        return "".join(f", {heading(key)} {setting_text(key, value)}" for key, value in known.items())

    def setting(self, name: str) -> str:
        """Return what all conditions have for a config field that is neither compared nor searched, for people."""
        return setting_text(name, (self.results.settings | dict(self.shared)).get(name))

    def note(self, *more: str, means: bool = True, tested: bool = True) -> str:
        """Return the note below a figure: data, what means and intervals are over, `more` sentences, what is missing.

        `means=False` is for a figure that shows no means over seeds, `tested=False` for one without test data.
        """
        data = self.results.describe_data(self.shared)
        about = [f"Data: {data}."] if data else []
        if means:
            seeds = ranged(self.reported["n"])
            fresh = "fresh seeds" if self.results.phase == "confirm" else "seeds"
            same = {key: set(self.best[key]) for key in self.results.factors if key not in self.results.data_fields}
            only = "".join(f"; {heading(key)} {setting_text(key, v.pop())}" for key, v in same.items() if len(v) == 1)
            over = f"One {fresh[:-1]}." if seeds == "1" else f"Mean over {seeds} {fresh}."
            about = [f"Data: {self.results.describe_data(self.shared)}{self._tested() if tested else ''}{only}.", over]
        partial = told(self.results)
        return " ".join([*about, *filter(None, more), *([f"PARTIAL: {partial} trials."] if partial else [])])

    @property
    def near(self) -> str:
        """How near the best validation value counts as the best, as `best_epoch` takes it: `0.1 point`."""
        return nearness(self.results.selected)

    @property
    def hold_for_new_images(self) -> bool:
        """Whether some interval of these conditions holds for new test images, and not for these alone."""
        kinds = self.best[[name for name in map(str, self.best) if name.endswith("_interval")]]
        return bool((kinds == NEW).any(axis=None))

    def axis(self, name: str) -> str:
        """Return what to write at an axis: of a measure, `error, %`, or of a column of it, `test error, %`."""
        return self.results.measures.headed(name)

    def is_share(self, name: str) -> bool:
        """Return whether a measure, or a column of one, is drawn in per cent."""
        return self.results.measures.is_share(name)

    def arrays(self, trial: str) -> Arrays:
        """Return the arrays that a reported trial left, by name; none, and a warning, where they cannot be read."""
        return self.results.arrays(trial)

    def arrays_of(self, row: Mapping[str, Any]) -> dict[int, Arrays]:
        """Return what the reported trials of a row of `chosen` left, by seed; empty where nothing can be read."""
        own = [seed for seed in records(self.chosen_seeds) if _values(seed, self.factors) == _values(row, self.factors)]
        return {int(trial["seed"]): self.arrays(trial["trial"]) for trial in own}

    def compare(self, factor: str, first: Any, second: Any, metric: str, recipe: str = CHOSEN) -> pd.DataFrame:
        """Return how `metric` (a column of `seeds`) differs between conditions that differ in `factor` alone, by seed.

        There is a row for each such pair that has reported trials, with the columns of `differences`. These rows are a
        family by themselves; where an answer compares more, `family` makes one of them. `difference` is
        that with `second` − that with `first`. The factor may be "recipe", for chosen against prescribed configs.
        """
        return self.family([paired.compare(self.results, self.seeds, factor, first, second, metric, recipe)])

    def family(self, tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
        """Return all rows of tables of differences, adjusted for the families that they make together.

        A family is all differences of one factor and one measure. Of those that an answer tells together, none may be
        left out here: its `p_adjusted`, and hence what is `found`, would be that of fewer comparisons.
        """
        known = list(tables)
        filled = [table for table in known if len(table)] or known[:1]
        return families.adjusted(pd.concat(filled, ignore_index=True), self.look.level) if filled else pd.DataFrame()

    def neighbours(self, row: Mapping[str, Any], metric: str) -> list[dict[str, Any]]:
        """Return how a row of `chosen` differs from each that differs from it in one factor, as rows of `compare`.

        `difference` is that of the row − that of the other, whose value of `factor` is in `from`. The family is all
        pairs of values of the factor: which row is asked for may depend on the numbers.
        """
        found = []
        for name in self.factors:
            rest = [key for key in self.factors if key != name]
            pairs = itertools.combinations(dict.fromkeys(self.chosen[name]), 2)
            for pair in records(self.family(self.compare(name, *values, metric) for values in pairs)):
                if row[name] in (pair["from"], pair["to"]) and _values(pair, rest) == _values(row, rest):
                    found.append(paired.turned(pair) if pair["from"] == row[name] else pair)
        return found

    def at_one_config(self, row: Mapping[str, Any]) -> list[tuple[Any, Difference]]:
        """Return how a row of `differences` is at either of two chosen configs, on validation data and search seeds.

        Each comes after the value of the row's factor at which that config was chosen. There is none where both sides
        chose the same config, or where no config ran on both.
        """
        found = []
        for own in at_one_config(self.results, row):
            note = interval_note(own["interval"], mixed=False)
            told = change(
                self.results.measures.form(own["metric"], row), own["difference"], own["low"], own["high"], note
            )
            where = {name: value for name, value in self._named(own).items() if name != own["factor"]}
            numbers = (own["metric"], own["difference"], own["low"], own["high"], own["n"], where)
            sides = {"factor": own["factor"], "before": own["from"], "after": own["to"]}
            found.append((own["config_of"], Difference(told, *numbers, "seeds", **sides)))
        return found

    def level(self, row: Mapping[str, Any], column: str) -> Claim:
        """Return a measure of a row of `best` as a claim that reads `5.1 % [4.9, 5.3]` or `3.21 px [3.10, 3.32]`."""
        mean, low, high, kind = (row[f"{column}{end}"] for end in ("", "_low", "_high", "_interval"))
        found = self.results.measures.column(column)
        tested = found is not None and found.split == "test"  # the terms say what the oracle's intervals hold for
        note = interval_note(kind, mixed=tested and self.hold_for_new_images)
        told = amount(self.results.measures.form(column, row), mean, low, high, note)
        if missing(mean) and "lost" in row:
            told = f"no number ({lost_seeds(row) or 'not measured in every seed'})"
        return Claim(told, column, mean, low, high, row["n"], self._named(row), "seeds" if kind != NEW else OVER_BOTH)

    def difference(self, row: Mapping[str, Any]) -> Difference:
        """Return a row of `differences` or `compare` as a claim that reads `+1.2 points [0.4, 2.0]`."""
        gap, low, high, kind = row["difference"], row["low"], row["high"], row["interval"]
        note = interval_note(kind, mixed=self.hold_for_new_images)
        where = {name: value for name, value in self._named(row).items() if name != row["factor"]}
        return Difference(
            text=change(self.results.measures.form(row["metric"], row), gap, low, high, note),
            metric=row["metric"],
            estimate=gap,
            low=low,
            high=high,
            n=row["n"],
            where=where,
            over="seeds" if kind != NEW else OVER_BOTH,
            factor=row["factor"],
            before=row["from"],
            after=row["to"],
            p=row["p_adjusted"],
            level=self.look.level,
        )

    def _named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what tells a row's condition and config from others in the ledger."""
        names = [name for name in [*self.results.keys, "recipe"] if name in row]
        return {**self.shared, **{name: row[name] for name in names}}

    def terms(self, counted: str = "") -> str:
        """Return what a verdict's numbers claim, on which data, and how many labels they needed: its last paragraph.

        `counted` says what sizes count: "Sizes count training labels".
        """
        rows = self.chosen if len(self.chosen) else self.reported
        data = self.results.describe_data(self.shared)
        sentences = [*([f"Data: {data}."] if data else []), self._claimed(rows)]
        if self.results.has_oracle:
            held = "; its intervals hold on these images" if self.hold_for_new_images else ""
            sentences.append(f"The oracle is named by test data, hence flattering{held}.")
        if self.look.seeds > 1 and len(self.differences):
            adjusted = "adjusted for all differences of its factor and measure (Holm)"
            sentences.append(f"A difference is told as lower or higher where its p, {adjusted}, is {self.look.told}.")
        spent = sorted(rows["labels_validation"].dropna().unique()) if "labels_validation" in rows else []
        labels = f"{spent[-1]:.0f} " if spent and spent[-1] > 0 else ""
        labels = f"up to {labels}" if labels and len(spent) > 1 else labels
        if counted:
            more = f"; choosing took {labels}more, for validation" if labels else ""
            sentences.append(f"{counted}{more}.")
        elif labels:
            sentences.append(f"Choosing took {labels}labels, for validation.")
        return " ".join(sentences)

    def _claimed(self, rows: pd.DataFrame) -> str:
        """Return the sentences that say what the numbers of some rows are claims about."""
        seeds = ranged(rows["n"])
        read, config = self.results.epoch_read, self.results.config_told
        brackets = f"Square brackets are 95 % Student t intervals over {seeds}"
        if self.results.phase == "search" and seeds == "1":
            return "Each number is of one trial."
        if self.results.phase == "search":
            return f"{brackets} search seeds, at the {read} of the config that did best on them."
        if seeds == "1":
            return (
                f"Each number is of one fresh seed, at the {read} of {config}: a claim about that network, not about"
                f" the config.{self._spread(rows)}"
            )
        if self.hold_for_new_images:
            return (
                f"Square brackets are 95 % intervals over {seeds} fresh seeds and over test images, at the {read} of"
                f" {config}: a claim about the config, trained again and read on new images of the kind."
            )
        return (
            f"{brackets} fresh seeds, at the {read} of {config}: a claim about the config, trained again, on these test"
            " images."
        )

    def _spread(self, rows: pd.DataFrame) -> str:
        """Return a sentence on how far a network varies with the test images; empty where none is measured."""
        measure = self.results.selected
        if measure.images is None:
            return ""
        error = rows[f"test_{measure.name}_image_se"].max()
        form = self.results.measures.form(f"test_{measure.name}", {})
        known = f" (standard error up to {form.spread(error)})" if error > 0 else ""
        return f" On other images it varies{known}."

    def _tested(self) -> str:
        """`, 500 and 300 test images`, of each data set, if all rows have these."""
        fields = self.results.data_fields
        names = ["test_images"] if len(fields) == 1 else [f"test_{name}_images" for name in fields]
        counts = [{int(n) for n in self.reported[name].dropna()} if name in self.reported else set() for name in names]
        known = all(len(several) == 1 for several in counts)
        return f", {listed(f'{several.pop():,}' for several in counts)} test images" if known else ""


@dataclass(frozen=True)
class Draft:
    """What a question's file hands back for one part. The report adds the part's suffix to all names."""

    title: str
    verdict: Sequence[Block]
    """What was found, with its claims."""
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
    """Figures by file name."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables, written as CSV, by file name."""
    differences: pd.DataFrame | None = None
    """Rows of `Findings.compare` that stand in the answer instead of `Findings.differences`."""
    closing: Sequence[Paragraph] = ()
    """What holds for every part: it is said once, after the verdicts of all parts."""
    sections: Mapping[str, Sequence[Block]] = field(default_factory=dict)
    """Further sections of the page by heading, such as derivations; a terminal leaves them out."""
    counted: str = ""
    """What sizes count, for the terms: "Sizes count training labels"."""


def by_part(whole: Findings, factors: Sequence[str]) -> Findings:
    """Return what a ledger holds, its differences adjusted for families within each part in which `factors` differ."""
    others = [key for key in whole.results.keys if key not in factors]
    return replace(whole, differences=families.adjusted(whole.differences, whole.look.level, within=others))


def parts(whole: Findings, factors: Sequence[str]) -> Iterator[Findings]:
    """Yield the parts of a ledger in which only `factors` differ and some condition's own config is reported."""
    others = [key for key in whole.results.keys if key not in factors]
    whole = by_part(whole, factors)
    for shared in {_values(row, others): row for row in records(whole.chosen)}.values():
        own = {name: getattr(whole, name) for name in ("seeds", "best", "curves", "differences", "searched")}
        for name, table in own.items():
            same = [_values(row, others) == _values(shared, others) for row in records(table)]
            own[name] = table[np.array(same, dtype=bool)]
        yield replace(whole, **own, factors=factors, shared={key: shared[key] for key in others})


def _values(row: Mapping[str, Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Return values that can be compared: what is missing is None, which in some tables is NaN."""
    return tuple(None if missing(row[name]) else row[name] for name in names)
