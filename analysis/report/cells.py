"""Cells of the rounded tables."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from analysis.numbers.results import Results, is_share
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


def unit_of(metric: str) -> str:
    """Return what a heading says after a metric's name."""
    return ", %" if is_share(metric) else ""


def number(value: float, n: int, digits: int | None) -> str:
    """Return a value, in per cent if it has `digits`: `NaN` where one of n seeds diverged, a dash where n is 0."""
    if math.isnan(value):
        return "NaN" if n else NONE
    return f"{value:.4g}" if digits is None else f"{100 * value:.{digits}f}"


def bounded(row: Mapping[str, Any], name: str, digits: int | None) -> str:
    """Return a mean over seeds with its interval; a dash where there is no seed."""
    if not row["n"]:
        return NONE
    low, high = (number(row[f"{name}_{end}"], 0, digits) for end in ("low", "high"))
    return f"{number(row[name], int(row['n']), digits)} [{low}, {high}]"


def whole(value: Any) -> str:
    """Return a count, or a mean of counts, without decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.0f}"
