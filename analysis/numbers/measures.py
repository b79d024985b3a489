"""What is measured, by the columns of the tables: all of it is declared in plans, and nothing is read from a name.

Ledgers that were made before measures were declared tell by the end of a name what it is: `by_suffix` alone knows how.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import pandas as pd

from analysis.plan_record import MeasureRecord, PlanRecord
from analysis.selection import Objective, objective

SPLITS = {"search": "search", "train": "training", "val": "validation", "test": "test", "oracle": "oracle"}
"""By what a column's name begins with: what people read. `search` is validation data too, over search seeds."""
LABELS = {"train": "labels_train", "val": "labels_validation"}
"""By split: the column that counts its labels."""
SHARE_TOLERANCE = 0.001
"""A share of images that close to the best, 0.1 point, counts as the best, unless its measure says otherwise."""
RANGE_TOLERANCE = 0.01
"""Likewise of a plain number, as a share of the range of its values."""
MANY_IMAGES = 2_000
"""Images from which on a share has two decimals in per cent: one image is less than a twentieth of a point."""


class Column(NamedTuple):
    """A column of the tables that holds a measure on one split."""

    name: str
    split: str
    """One of `SPLITS`."""
    measure: MeasureRecord
    source: str | None = None
    """Of an error, the column that it is 1 − the values of; None for what trials report themselves."""

    def of(self, table: Any) -> Any:
        """Return its values in a table, or in arrays by name, of what trials reported."""
        return table[self.name] if self.source is None else 1 - table[self.source]


class Form(NamedTuple):
    """How the values of a measure are written."""

    share: bool
    """Whether they are shown in per cent."""
    decimals: int | None
    """None: four significant digits, three of a difference."""
    unit: str

    def number(self, value: float) -> str:
        """Return a value without its unit."""
        text = f"{value:.4g}" if self.decimals is None else f"{self.scale * value:.{self.decimals}f}"
        return text.replace("-", "−")

    def signed(self, value: float) -> str:
        """Return a difference without its unit; of shares, in points with two decimals."""
        decimals = 2 if self.share else self.decimals
        text = f"{value:+.3g}" if decimals is None else f"{self.scale * value:+.{decimals}f}"
        return text.replace("-", "−")

    @property
    def scale(self) -> int:
        """By what a value is multiplied to be shown."""
        return 100 if self.share else 1

    def spread(self, error: float) -> str:
        """Return a standard error with its unit; of shares, in points with one decimal."""
        return f"{100 * error:.1f} points" if self.share else f"{self.number(error)}{self.after}"

    @property
    def after(self) -> str:
        """What stands after a number: ` %`, ` px`, or nothing."""
        return " %" if self.share else f" {self.unit}" if self.unit else ""


@dataclass(frozen=True)
class Measures:
    """The measures of a ledger, by their names and by the columns of the tables."""

    declared: tuple[MeasureRecord, ...]
    called: Mapping[str, str]
    """What people call the data sets, by config field; `{first}` in a label is replaced by it."""

    def __getitem__(self, name: str) -> MeasureRecord:
        """Return the measure, or the error of one, of this name."""
        return self._parents[name][0]

    def of(self, name: str) -> MeasureRecord:
        """Return the measure of this name, or the one that is in the column of this name."""
        column = self.column(name)
        return self[name] if column is None else column.measure

    def reported(self, name: str) -> MeasureRecord:
        """Return the measure that trials report for a name: for an error, the measure that it is the error of."""
        measure, parent = self._parents[name]
        return parent or measure

    def with_error(self, name: str) -> list[MeasureRecord]:
        """Return the measure that trials report for a name, and its error if it has one."""
        own = self.reported(name)
        return [own, own.error] if own.error is not None else [own]

    def column(self, name: str) -> Column | None:
        """Return the measure in a column, None where it holds none."""
        return self._columns.get(name)

    def columns(self, name: str, *splits: str) -> list[Column]:
        """Return the columns of a measure on these splits, each before that of its error if it has one."""
        return [self._columns[f"{split}_{one.name}"] for split in splits for one in self.with_error(name)]

    def on(self, table: pd.DataFrame, *splits: str) -> list[Column]:
        """Return the columns of what trials reported on these splits, in the table's order, each before its error's."""
        known = [found for name in table if (found := self.column(str(name))) is not None and found.split in splits]
        return [column for found in known for column in self.columns(found.measure.name, found.split)]

    def label(self, name: str) -> str:
        """Return what people call a measure, or the measure and the split of a column: `test digits error`."""
        column = self.column(name)
        if column is not None:
            return f"{SPLITS[column.split]} {self.label(column.measure.name)}"
        return self.filled(self[name].label or name.replace("_", " "))

    def filled(self, text: str) -> str:
        """Return a label or title with the data sets' names in the places of their config fields."""
        for field, data in self.called.items():
            text = text.replace(f"{{{field}}}", data)
        return text

    def headed(self, name: str) -> str:
        """Return the label with its unit, as a heading or at an axis: `test error, %`."""
        return self.label(name) + unit_of(self.of(name))

    def is_share(self, name: str) -> bool:
        """Return whether a measure, or the measure in a column, is shown in per cent."""
        return self.of(name).kind == "share"

    def form(self, name: str, row: Mapping[str, Any]) -> Form:
        """Return how the values in a column are written; `row` has the counts of images."""
        column = self._columns[name]
        measure = column.measure
        if measure.kind != "share" or measure.decimals is not None:
            return Form(measure.kind == "share", measure.decimals, measure.unit)
        return Form(True, 2 if images_of(row, column) >= MANY_IMAGES else 1, "")

    @property
    def arrays(self) -> set[str]:
        """The names of all arrays that hold values for each test image, of their strata, and of what they rest on."""
        named = ((one.images, one.strata, one.nearest, one.without) for one in self.declared)
        return {name for names in named for name in names if name is not None}

    @cached_property
    def _parents(self) -> dict[str, tuple[MeasureRecord, MeasureRecord | None]]:
        """By name: the measure, and for an error the measure that it is the error of."""
        found: dict[str, tuple[MeasureRecord, MeasureRecord | None]] = {one.name: (one, None) for one in self.declared}
        return found | {one.error.name: (one.error, one) for one in self.declared if one.error is not None}

    @cached_property
    def _columns(self) -> dict[str, Column]:
        return {
            f"{split}_{name}": Column(f"{split}_{name}", split, one, f"{split}_{parent.name}" if parent else None)
            for split in SPLITS
            for name, (one, parent) in self._parents.items()
        }


def unit_of(measure: MeasureRecord) -> str:
    """Return what a heading says after a measure's label."""
    unit = "%" if measure.kind == "share" else measure.unit
    return f", {unit}" if unit else ""


def nearness(measure: MeasureRecord) -> str:
    """Return in words how near the best counts as the best."""
    if measure.kind == "share":
        points = 100 * (SHARE_TOLERANCE if measure.tolerance is None else measure.tolerance)
        return f"{points:g} point{'s' if points > 1 else ''}"
    if measure.tolerance is None:
        return f"{100 * RANGE_TOLERANCE:g} % of the range"
    return f"{measure.tolerance:g} {measure.unit}".strip()


def images_of(row: Mapping[str, Any], column: Column) -> float:
    """Return how many images a column was measured on, a count of `row` (`seeds.labels`); NaN where it is not known.

    A measure that is of the data set `first` rests on `test_first_images` where these are counted, else on
    `test_images`.
    """
    every, own = "test_images", f"test_{column.measure.of}_images"
    if column.split in LABELS:
        every, own = LABELS[column.split], f"{LABELS[column.split]}_{column.measure.of}"
    known = [row[name] for name in (own, every) if name in row and not pd.isna(row[name])]
    return float(known[0]) if known else math.nan


def declared_in(plans: Sequence[PlanRecord], columns: Iterable[str]) -> tuple[MeasureRecord, ...]:
    """Return the measures that plans declare, the newest of them first: its declaration counts.

    Where the newest plan to mention a name declares nothing, the name tells what it is; so it is with the names in
    `columns`, of what trials reported, and with those that plans select by or report.
    """
    found: dict[str, MeasureRecord] = {}
    for plan in plans:
        for measure in plan.measures:
            found.setdefault(measure.name, measure)
    known = {one.name for measure in found.values() for one in (measure, measure.error) if one is not None}
    fields = _roles(plans)
    mentioned = [plan.select.rpartition(" ")[2] for plan in plans]
    mentioned += [f"val_{name}" for plan in plans for name in plan.report]
    for column in [*mentioned, *columns]:
        split, _, name = column.partition("_")
        if split in SPLITS and name not in known:
            known.add(name)
            found[name] = by_suffix(name, fields, objective(plans[0].select))
    return tuple(found.values())


def by_suffix(name: str, data_fields: Collection[str], goal: Objective) -> MeasureRecord:
    """Return what a name meant before measures were declared.

    `X_accuracy` and `X_error` were shares of images, X the data set or what else they were of; anything else was a
    number without bounds. `data_fields` are the config fields that name one data set of several.
    """
    words = _words(name, data_fields)
    better = goal.mode if goal.metric == f"val_{name}" else "min"
    if not name.endswith(("accuracy", "error")):
        return MeasureRecord(name=name, better=better, label=" ".join(words))
    stem, _, _ = name.rpartition("_")
    own = MeasureRecord(
        name=name, better="max" if words[-1] == "accuracy" else better, kind="share", label=" ".join(words),
        low=0.0, high=1.0, of=stem or None,
    )  # fmt: skip
    if not name.endswith("accuracy"):
        return own
    start = name.removesuffix("accuracy")
    arrays = {"images": f"test_{start}correct", "strata": f"test_{start}strata"}
    error = {"name": f"{start}error", "label": " ".join([*words[:-1], "error"]), "better": "min"}
    return own.model_copy(update=arrays | {"error": own.model_copy(update=arrays | error)})


def titles_in(plans: Sequence[PlanRecord]) -> dict[str, str]:
    """Return the titles of config fields, the newest plan's first.

    Where no plan declares anything, a word that names a data set stands for it in the name of a hyperparameter too.
    """
    if any(plan.measures for plan in plans):
        return {name: title for plan in reversed(plans) for name, title in plan.titles.items()}
    return {name: " ".join(_words(name, _roles(plans))) for plan in plans for name in plan.hyperparameters}


def _roles(plans: Iterable[PlanRecord]) -> set[str]:
    """Return the config fields that name one data set of several."""
    return {field for plan in plans for field in plan.data_fields} - {"data"}


def _words(name: str, data_fields: Collection[str]) -> list[str]:
    return [f"{{{word}}}" if word in data_fields else word for word in name.split("_")]
