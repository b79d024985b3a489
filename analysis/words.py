"""Tables for people: rounded, with headings, and words for numbers in running text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.numbers.results import Results, is_share, records, short
from analysis.numbers.seeds import images_of

NONE = "–"
INTERVAL = "[95 %]"


def percent(mean: float, low: float = math.nan, high: float = math.nan, digits: int = 1) -> str:
    """A share in per cent with its interval, for running text: `5.1 % [4.9, 5.3]`."""
    if math.isnan(mean):
        return "no number (a seed diverged)"
    bounds = "" if math.isnan(low) else f" [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
    return f"{100 * mean:.{digits}f} %{bounds}"


def points(mean: float, low: float = math.nan, high: float = math.nan) -> str:
    """A difference of two shares with its interval, for running text: `+1.2 points [0.4, 2.0]`."""
    if math.isnan(mean):
        return "unknown"
    digits = 2 if high - low < 0.01 else 1
    bounds = "" if math.isnan(low) else f" [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
    return f"{100 * mean:+.{digits}f} points{bounds}".replace("-", "−")


def outcomes(differences: pd.DataFrame, key: str, below: str, above: str, neither: str) -> str:
    """Which way each interval points, by the values of `key`: `helps with 100 and 500, hurts with 2,000`.

    The words are for an interval below 0, above 0, and around it. Empty without a row.
    """
    said: dict[str, list[str]] = {}
    for row in records(differences):
        word = below if row["high"] < 0 else above if row["low"] > 0 else neither
        word = "has no number (a seed diverged)" if math.isnan(row["difference"]) else word
        said.setdefault(word, []).append(f"{row[key]:,}" if isinstance(row[key], int) else as_text(row[key]))
    return ", ".join(f"{word} with {listed(values)}" for word, values in said.items())


def ranged(counts: Iterable[float]) -> str:
    """`5`, or `3–5` where counts differ."""
    known = sorted({int(count) for count in counts})
    return "–".join(map(str, dict.fromkeys([known[0], known[-1]])))


def listed(items: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(items) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def key_cells(results: Results, row: Mapping[str, Any]) -> dict[str, str]:
    """The first cells of a row: what tells its condition (and recipe) from others."""
    cells = {heading(name): key_text(results, name, row[name]) for name in results.keys}
    if results.has_prescribed:
        cells["recipe"] = str(row["recipe"])
    return cells


def key_text(results: Results, name: str, value: Any) -> str:
    """A factor's or setting's value; where it is the role of a data set (`first`), the data set's name."""
    return results.roles[value] if isinstance(value, str) and value in results.roles else setting_text(name, value)


def setting_text(name: str, value: Any) -> str:
    """What tells conditions apart: a word for None, which leaves a setting at the question's default.

    A hyperparameter that is fixed in some conditions only (`fixed_…`) is searched where it is None.
    """
    return ("searched" if name.startswith("fixed_") else "default") if missing(value) else as_text(value)


def missing(value: Any) -> bool:
    """Whether there is no value: None in one table is NaN in another."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def heading(name: str) -> str:
    """A field's name as a heading."""
    return name.replace("_", " ")


def as_text(value: Any) -> str:
    """A factor, setting or hyperparameter, whole numbers in full; of a path, its last part."""
    if missing(value):
        return NONE
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() else f"{value:.3g}"
    return short(str(value))


def unit_of(metric: str) -> str:
    """What a heading says after a metric's name."""
    return ", %" if is_share(metric) else ""


def digits_of(row: Mapping[str, Any], column: str) -> int | None:
    """Decimals of a share in per cent: two where an image is less than a twentieth of a point; None: it is no share."""
    if not is_share(column):
        return None
    return 2 if images_of(row, column) >= 2000 else 1


def number(value: float, n: int, digits: int | None) -> str:
    """A value, in per cent if it has `digits`. NaN is `NaN` where n seeds made it so, a dash where there is none."""
    if math.isnan(value):
        return "NaN" if n else NONE
    return f"{value:.4g}" if digits is None else f"{100 * value:.{digits}f}"


def bounded(row: Mapping[str, Any], name: str, digits: int | None) -> str:
    """A mean over seeds with its interval; a dash where there is no seed."""
    if not row["n"]:
        return NONE
    low, high = (number(row[f"{name}_{end}"], 0, digits) for end in ("low", "high"))
    return f"{number(row[name], int(row['n']), digits)} [{low}, {high}]"


def whole(value: Any) -> str:
    """A count, or a mean of counts, without decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.0f}"
