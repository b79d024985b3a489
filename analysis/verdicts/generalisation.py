"""What was measured of how methods of transfer generalise, as claims for texts and tables for figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings import Findings
from analysis.numbers import generalisation
from analysis.numbers.bias_variance import Terms, decompose, interval
from analysis.numbers.generalisation import BOUNDS, GAP
from analysis.numbers.intervals import NEW, Interval
from analysis.numbers.measures import Form
from analysis.numbers.results import CHOSEN, records
from analysis.numbers.tables import bounded
from analysis.verdicts.methods import METHOD, SIZE
from analysis.words import OVER_BOTH, Claim, Difference, amount, change, interval_note

Condition = tuple[str, int]
"""A method and a size."""
SHARE = Form(True, 1, "")
"""How terms of the error and the gap are written: with one decimal in per cent, or in points."""


@dataclass(frozen=True)
class Generalisation:
    """What was measured of the chosen configs."""

    part: Findings
    trials: pd.DataFrame
    """`generalisation.by_trial`, a row a trial."""
    table: pd.DataFrame
    """`generalisation.by_condition`, a row a condition."""
    terms: Mapping[Condition, tuple[tuple[int, ...], Terms]]
    """The seeds of a condition and its terms of the error, where all its trials left their predictions."""
    errors: pd.DataFrame
    """The means of the terms with their intervals, a row a condition; `n` counts samples."""

    def gap(self, row: Mapping[str, Any]) -> Difference:
        """Return the training accuracy − the test accuracy of a row of `table`."""
        fields = self._fields(row, GAP, change(SHARE, *_bounds(row, GAP), self._note(row, GAP)))
        return Difference(factor="split", before="test", after="training", **fields)

    def gap_change(self, method: str) -> Difference | None:
        """Return how the gap of a method changes from its smallest to its largest size; None where it has one size."""
        sizes = sorted(self.table.loc[self.table[METHOD] == method].dropna(subset=GAP)[SIZE])
        if len(sizes) < 2:
            return None
        ends = ((method, sizes[0]), (method, sizes[-1]))
        found = generalisation.change(self.part.results, self.trials, *map(_where, ends))
        return self._difference(found, GAP, SIZE, *ends)

    def term(self, row: Mapping[str, Any], name: str) -> Claim:
        """Return a term of the error of a row of `errors`."""
        return Claim(**self._fields(row, name, amount(SHARE, *_bounds(row, name), self._note(row, name))))

    def term_change(self, name: str, factor: str, first: Condition, second: Condition) -> Difference | None:
        """Return by how much a term is higher in the condition `second`; None unless both have the same samples."""
        if not {first, second} <= self.terms.keys() or self.terms[first][0] != self.terms[second][0]:
            return None
        gap = self.terms[second][1].less(self.terms[first][1])
        return self._difference(interval(getattr(gap, name)), name, factor, first, second)

    def quantity(self, row: Mapping[str, Any], name: str, decimals: int) -> Claim:
        """Return a plain number of a row of `table`, on which test images have no part."""
        note = interval_note(row[f"{name}_interval"], mixed=False)
        return Claim(**self._fields(row, name, amount(Form(False, decimals, ""), *_bounds(row, name), note)))

    def _note(self, row: Mapping[str, Any], name: str) -> str:
        return interval_note(row[f"{name}_interval"], mixed=self.part.hold_for_new_images)

    def _fields(self, row: Mapping[str, Any], name: str, told: str) -> dict[str, Any]:
        """Return the fields of a claim."""
        mean, low, high = _bounds(row, name)
        return {
            "text": told,
            "metric": name,
            "estimate": mean,
            "low": low,
            "high": high,
            "n": row["n"],
            "where": {**self.part.shared, METHOD: row[METHOD], SIZE: row[SIZE], "recipe": CHOSEN},
            "over": OVER_BOTH if row[f"{name}_interval"] == NEW else "seeds",
        }

    def _difference(self, found: Interval, name: str, factor: str, first: Condition, second: Condition) -> Difference:
        before, after = (_where(condition)[factor] for condition in (first, second))
        row = {**_where(second), **bounded(name, found), "n": found.n}
        fields = self._fields(row, name, change(SHARE, *_bounds(row, name), self._note(row, name)))
        fields["where"] = {key: value for key, value in fields["where"].items() if key != factor}
        return Difference(factor=factor, before=before, after=after, **fields)


def measured(part: Findings) -> Generalisation:
    """Return what was measured of the chosen configs."""
    trials = generalisation.by_trial(part.results, part.chosen_seeds, SIZE)
    terms = dict(_decomposed(part))
    rows = []
    for condition, (seeds, own) in terms.items():
        row: dict[str, Any] = {**_where(condition), "n": len(seeds)}
        for name in Terms._fields:
            row |= bounded(name, interval(getattr(own, name)))
        rows.append(row)
    names = [f"{name}{end}" for name in Terms._fields for end in BOUNDS]
    errors = pd.DataFrame(rows, columns=[METHOD, SIZE, "n", *names])
    table = generalisation.by_condition(part.results, trials, [METHOD, SIZE])
    return Generalisation(part, trials, table, terms, errors)


def _decomposed(part: Findings) -> Iterator[tuple[Condition, tuple[tuple[int, ...], Terms]]]:
    """Yield the seeds and terms of each condition of which two trials or more, and all, left their predictions.

    A condition with a seed that diverged has none: without that seed the method would look better than it is.
    """
    for row in records(part.chosen):
        kept = {seed: own for seed, own in part.arrays_of(row).items() if "test_predicted" in own}
        if len(kept) < max(2, row["n"]):
            continue
        first, *others = (own["test_labels"] for own in kept.values())
        if all(np.array_equal(first, labels) for labels in others):
            predicted = np.stack([own["test_predicted"] for own in kept.values()])
            yield (row[METHOD], row[SIZE]), (tuple(kept), decompose(predicted, first))


def _where(condition: Condition) -> dict[str, Any]:
    return dict(zip((METHOD, SIZE), condition, strict=True))


def _bounds(row: Mapping[str, Any], name: str) -> tuple[float, float, float]:
    return row[name], row[f"{name}_low"], row[f"{name}_high"]
