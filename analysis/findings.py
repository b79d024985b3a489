"""What a question's file is given (`Findings`), what it hands back (`Draft`), and what comes of it (`Answer`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from analysis.numbers import paired, tables
from analysis.numbers.results import CHOSEN, Arrays, Results
from analysis.words import digits_of, heading, listed, percent, ranged, setting_text


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
