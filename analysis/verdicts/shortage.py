"""What was measured of networks with few labels, as tables: by start, beside what needs no network, and its worth."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.overfitting import overfitting
from analysis.numbers.paired import bounds_of
from analysis.numbers.results import CHOSEN, records
from analysis.numbers.worth import worth

LABELS, START, ACCURACY = "labels", "start", "test_accuracy"
SCRATCH, FROZEN, PRETRAINED = "scratch", "frozen", "pretrained"
STARTS = (SCRATCH, FROZEN, PRETRAINED)
METHODS = {"logistic": "logistic regression", "neighbour": "1-NN", "pca": "logistic regression on PCA"}
"""What needs no network, by what its measures are called."""
FIRST = "first labels"
"""The variant of the reference whose labels are those of the first images of the training set."""
BOUNDS = ("", "_low", "_high", "_interval")


class Shortage:
    """What was measured, in tables that are made when they are asked for."""

    def __init__(self, part: Findings) -> None:
        self.part = part
        self.rows: dict[tuple[Any, str, str], dict[str, Any]] = {
            (row[LABELS], row[START], row["recipe"]): row for row in records(part.reported)
        }
        """The rows of `reported`, by labels, start and kind of config."""
        self.labels: list[Any] = sorted(dict.fromkeys(part.chosen[LABELS]), key=self.count)
        """The values of the factor that have a chosen config, the fewest first."""
        self.starts = [start for start in STARTS if start in set(part.chosen[START])]
        """The starts that have one."""

    def count(self, label: Any) -> int:
        """Return how many labels a value of the factor stands for."""
        return int(next(row["labels_train"] for (own, _, _), row in self.rows.items() if own == label))

    @cached_property
    def overfitting(self) -> pd.DataFrame:
        """`numbers.overfitting` of all reported configs."""
        return overfitting(self.part.results, self.part.seeds)

    @cached_property
    def between_starts(self) -> pd.DataFrame:
        """Differences of test accuracy between starts, at equal labels and by the same kind of config: one family."""
        recipes = dict.fromkeys(self.part.reported["recipe"])
        pairs = itertools.product(itertools.combinations(STARTS, 2), recipes)
        return self.part.family([self.part.compare(START, *pair, ACCURACY, recipe) for pair, recipe in pairs])

    @cached_property
    def against_baselines(self) -> pd.DataFrame:
        """Test accuracy of chosen networks − that of what needs no network, by seed and image: one family."""
        seeds = self.part.chosen_seeds
        rows = []
        for label, start in itertools.product(self.labels, self.starts):
            own = seeds[(seeds[LABELS] == label) & (seeds[START] == start)]
            both = own.merge(own, on="seed", suffixes=("", "_second"))
            for name, called in METHODS.items():
                if len(own) and f"test_{name}_accuracy" in own:
                    found = {"factor": "method", "from": called, "to": start, LABELS: label, START: start}
                    bounds = bounds_of(self.part.results, both, f"test_{name}_accuracy", ACCURACY)
                    rows.append({**found, "recipe": CHOSEN, "metric": ACCURACY, **bounds})
        return self.part.family([pd.DataFrame(rows)]) if rows else pd.DataFrame()

    @cached_property
    def worth(self) -> pd.DataFrame:
        """How many labels it takes from scratch to get as far as each chosen network with an encoder: `numbers.worth`.

        There is a row for each, if networks from scratch have two numbers of labels at least.
        """
        curve = [self.rows[label, SCRATCH, CHOSEN] for label in self.labels if (label, SCRATCH, CHOSEN) in self.rows]
        sizes = [float(self.count(row[LABELS])) for row in curve]
        rows = [
            {LABELS: label, START: start, "n": row["n"], **known._asdict()}
            for (label, start, recipe), row in self.rows.items()
            if recipe == CHOSEN and start != SCRATCH and len(curve) > 1
            for known in [worth(sizes, [_bounds(one) for one in curve], _bounds(row))]
        ]
        return pd.DataFrame(rows, columns=[LABELS, START, "n", "needed", "low", "high"])

    @cached_property
    def readers(self) -> pd.DataFrame:
        """The test error of chosen networks and of what needs no network, `reader`, against the count of labels."""
        ends = {end: f"test_error{end}" for end in BOUNDS}
        networks = self.part.chosen.assign(reader=self.part.chosen[START])
        tables = [networks]
        once = self.part.chosen.drop_duplicates(LABELS)
        for name, called in METHODS.items():
            columns = {f"test_{name}_error{end}": own for end, own in ends.items()}
            if columns.keys() <= {*once}:
                tables.append(once.drop(columns=list(ends.values())).rename(columns=columns).assign(reader=called))
        return pd.concat(tables, ignore_index=True).assign(count=lambda table: table["labels_train"].astype(int))

    def timed(self, recipe: str, where: Mapping[str, Any]) -> pd.DataFrame:
        """Return the curves of a kind of config, with the `seconds` that trials had taken, evaluation included."""
        curves, seeds = (_of(table, {"recipe": recipe, **where}) for table in (self.part.drawn_curves, self.part.seeds))
        epochs = self.part.results.epochs(list(seeds["trial"]))
        if curves.empty or epochs.empty:
            return curves.iloc[:0]
        own = seeds[["trial", LABELS, START]].merge(epochs[["trial", "epoch", "seconds"]], on="trial")
        means = own.groupby([LABELS, START, "epoch"], sort=False)["seconds"].mean().rename("mean_seconds").reset_index()
        table = curves.merge(means, on=[LABELS, START, "epoch"], how="left")
        of_seeds = table["seconds"] if "seconds" in table else table["mean_seconds"]
        return table.assign(seconds=of_seeds.fillna(table["mean_seconds"])).drop(columns="mean_seconds")


def _of(table: pd.DataFrame, where: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows that have these values."""
    own = [all(row[name] == value for name, value in where.items()) for row in records(table)]
    return table[pd.Series(own, index=table.index, dtype=bool)]


def _bounds(row: Mapping[str, Any]) -> tuple[float, float, float]:
    return row[ACCURACY], row[f"{ACCURACY}_low"], row[f"{ACCURACY}_high"]
