"""Differences with their intervals, about a line at zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import LABELS, panels_abreast, wrapped_panels
from analysis.figures.paper import figure_width
from analysis.figures.style import (
    GREY,
    STYLE,
    Series,
    Words,
    add_title_note_legend,
    colour_of,
    fitted,
    groups,
    handle,
    legend_title,
    marker_of,
    told_intervals,
)
from analysis.numbers.results import records
from analysis.words import counted


def draw_gaps(
    table: pd.DataFrame, words: Words, *, x: str, series: Series = (), panels: str = "", percent: bool = False
) -> Figure:
    """Draw differences with their intervals, about a line at zero; a mark is hollow unless it is shown to differ.

    `table` is as `Findings.compare` gives it. The values of `x` stand side by side, numbers by size and names in the
    table's order, those of `series` (colours) within them; each value of `panels` has axes of its own.
    """
    with matplotlib.rc_context(STYLE):
        parts = list(groups(table, [panels])) if panels else [("", table)]
        bare = len(series) == 1
        names = [name for name, _ in groups(table, series, bare=bare)]
        values = list(dict.fromkeys(table[x]))
        values = sorted(values) if all(isinstance(value, int | float) for value in values) else values
        abreast = panels_abreast(len(parts), 0.3 + 0.15 * len(values) * max(len(names), 2))
        lines = math.ceil(len(parts) / abreast)
        figure = Figure(figsize=(figure_width(), 1.2 + 2.4 * lines), layout="constrained")
        (grid,) = wrapped_panels(figure, len(parts), abreast, [words.y])
        room = (figure_width() - LABELS) / abreast / len(values)
        ticks = [fitted(counted(value), 0.9 * room, size=8) for value in values]
        for axes, (title, part) in zip(grid, parts, strict=True):
            axes.axhline(0, color=GREY, linewidth=1)
            for name, rows in groups(part, series, bare=bare):
                g = names.index(name)
                for row in records(rows):
                    at = values.index(row[x]) + 0.5 * ((g + 0.5) / len(names) - 0.5)
                    _gap(axes, at, row, 100 if percent else 1, g)
            axes.set_title(title)
            axes.set_xticks(range(len(values)), ticks)
            axes.set_xlim(-0.5, len(values) - 0.5)
            axes.grid(axis="x", visible=False)
        for axes in grid[-abreast:]:
            axes.set_xlabel(words.x)
        entries = [handle(colour_of(g), marker_of(g), "", name) for g, name in enumerate(names) if name]
        add_title_note_legend(
            figure, replace(words, note=f"{words.note} {_marks(table)}"), entries, legend_title(series)
        )
        return figure


def bars_overlap(table: pd.DataFrame, column: str, at: Sequence[str]) -> bool:
    """Return whether bars that are drawn beside each other, where the columns `at` are equal, share some height.

    Whether two conditions differ cannot then be seen from their bars: a figure of paired differences can show it.
    """
    for _, rows in table.groupby(list(at), sort=False):
        bars = rows[[f"{column}_low", f"{column}_high"]].dropna().to_numpy()
        if any(a[0] <= b[1] and b[0] <= a[1] for a, b in combinations(bars, 2)):
            return True
    return False


def _gap(axes: Axes, x: float, row: Mapping[str, Any], scale: float, group: int) -> None:
    colour = colour_of(group)
    differs = _shown(row)
    mean = row["difference"] * scale
    bars = [[mean - row["low"] * scale], [row["high"] * scale - mean]] if not math.isnan(row["low"]) else None
    axes.errorbar(
        [x], [mean], yerr=bars, color=colour, marker=marker_of(group), markersize=6,
        markerfacecolor=colour if differs else "white", elinewidth=1.3, capsize=3, capthick=1.3,
    )  # fmt: skip


def _shown(row: Mapping[str, Any]) -> bool:
    """Return whether a difference is shown, by what was found in its family."""
    return row["found"] in ("lower", "higher")


def _marks(table: pd.DataFrame) -> str:
    """Return what hollow marks and missing bars mean, if any are drawn."""
    drawn = table[table["difference"].notna()]
    hollow = not all(_shown(row) for row in records(drawn))
    bare = bool(drawn["low"].isna().any())
    told = told_intervals(drawn.rename(columns={"interval": "difference_interval"}), {"difference": ""})
    marks = " Hollow: not shown to differ from 0, by Holm's method." if hollow else ""
    return told + marks + (" No bar: no interval." if bare and "No bar" not in told else "")
