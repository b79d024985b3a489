"""Cells of the rounded tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.numbers.measures import Form
from analysis.numbers.results import Results
from analysis.words import NONE, heading, setting_text

INTERVAL = "[95 %]"
"""What a heading says where a column's cells have an interval."""


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


def bounded(row: Mapping[str, Any], name: str, form: Form) -> str:
    """Return a mean over seeds with its interval; a dash where there is no seed."""
    if not row["n"]:
        return NONE
    low, high = (number(row[f"{name}_{end}"], 0, form) for end in ("low", "high"))
    return f"{number(row[name], int(row['n']), form)} [{low}, {high}]"


def whole(value: Any) -> str:
    """Return a count, or a mean of counts, without decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.0f}"
