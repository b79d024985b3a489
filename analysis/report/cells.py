"""Cells of the rounded tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.numbers.intervals import NEW, THESE
from analysis.numbers.measures import Form
from analysis.numbers.results import LOST, Results
from analysis.words import NONE, heading, setting_text

INTERVAL = "[95 %]"
"""What a heading says where a column's cells have an interval."""
ON_THESE = "these images [95 %]"
"""The heading of intervals over seeds alone, beside those that hold for new images too."""


def key_cells(results: Results, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the first cells of a row, which tell its condition (and config) from others."""
    cells = {heading(name): key_text(results, name, row[name]) for name in results.keys}
    if results.has_prescribed:
        cells["recipe"] = str(row["recipe"])
    return cells


def key_text(results: Results, name: str, value: Any) -> str:
    """Return a factor's or setting's value; where it is the role of a data set (`first`), the data set's name."""
    return results.roles[value] if isinstance(value, str) and value in results.roles else setting_text(name, value)


def key_named(results: Results, name: str, value: Any) -> str:
    """Return a factor's or setting's value with its name: `latent 2`, `fully connected yes`, `config chosen`.

    A data set is called by its own name alone.
    """
    text = key_text(results, name, value)
    return text if name in results.data_fields else f"{'config' if name == 'recipe' else heading(name)} {text}"


def number(value: float, n: int, form: Form) -> str:
    """Return a value in a measure's form: `NaN` where one of n seeds diverged, a dash where n is 0."""
    if math.isnan(value):
        return "NaN" if n else NONE
    return form.number(value)


def seeds_cell(row: Mapping[str, Any]) -> str:
    """Return the number of seeds, and how many of them have no number: `10 (1 diverged)`."""
    lost = [f"{row[f'n_{status}']} {status}" for status in LOST if row[f"n_{status}"]]
    return f"{int(row['n'])} ({', '.join(lost)})" if lost else str(int(row["n"]))


def bounded(row: Mapping[str, Any], name: str, form: Form) -> str:
    """Return a mean over seeds with its interval, or why it has none; a dash where there is no seed.

    Where it might hold for new images but holds for these alone, the cell says so.
    """
    if not row["n"]:
        return NONE
    mean, kind = number(row[name], int(row["n"]), form), row[f"{name}_interval"]
    if kind not in (NEW, THESE):
        return mean if kind == "no number" else f"{mean} ({kind})"
    shown = f"{mean} [{form.number(row[f'{name}_low'])}, {form.number(row[f'{name}_high'])}]"
    return f"{shown} ({kind})" if kind == THESE and f"{name}_low_these" in row else shown


def these(row: Mapping[str, Any], names: tuple[str, str], form: Form) -> str:
    """Return the interval over seeds on these images, of which `names` are the columns; a dash where there is none."""
    low, high = (row[name] for name in names)
    return NONE if math.isnan(low) else f"[{form.number(low)}, {form.number(high)}]"


def whole(value: Any) -> str:
    """Return a count, or a mean of counts, without decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.0f}"
