"""Lines over a factor. As everywhere in `figures`, a function takes a table, and shows nothing that is not in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from analysis.figures.axes import WIDE, from_zero, logarithmic_axis, panels_abreast, places, wrapped_panels
from analysis.figures.paper import figure_width
from analysis.figures.style import (
    STYLE,
    Series,
    Words,
    add_title_note_legend,
    colour_of,
    errorbars,
    groups,
    keys,
    legend_title,
    told_intervals,
)
from analysis.numbers.results import records

LEAST = 2.4
"""Inches of the narrowest panel: the values of a factor stand below it."""


def draw_lines(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Series = (),
    panels: str = "",
    percent: bool = False,
    rising: str = "",
    logarithmic: bool = False,
    zero: bool = True,
) -> Figure:
    """Draw one line for each value of the `series` columns and each of `columns` (column → what the legend calls it).

    `table` has, beside a column, its bounds `_low` and `_high` and, in `_interval`, what they hold for. Later columns
    are dashed, with hollow marks. Shares are drawn in per cent if `percent`; points of the column `rising` are marked
    (↑) where training ended while most seeds still improved.
    With `panels`, a column, each of its values has axes of its own, on one scale. The y axis starts at 0 if `zero`, or
    is `logarithmic` on demand, if no value is 0 or less.
    """
    with matplotlib.rc_context(STYLE):
        parts = list(groups(table, [panels])) if panels else [("", table)]
        abreast = panels_abreast(len(parts), LEAST)
        lines = math.ceil(len(parts) / abreast)
        figure = Figure(figsize=(figure_width(), 1.2 + (2.9 if lines == 1 else 2.4) * lines), layout="constrained")
        (grid,) = wrapped_panels(figure, len(parts), abreast, [words.y])
        alone = len(columns) == 1
        names = [name for name, _ in groups(table, series, bare=alone and len(series) == 1)]
        scale = 100 if percent else 1
        place = places(table[x])
        at = list(place.values())
        count = len(names) * len(columns)
        wide = len(at) > 1 and at[0] > 0 and at[-1] / at[0] > WIDE
        for axes, (title, part) in zip(grid, parts, strict=True):
            for name, rows in groups(part, series, bare=alone and len(series) == 1):
                g = names.index(name)
                for c, column in enumerate(columns):
                    # Bars stand side by side, not on top of each other.
                    shift = (g * len(columns) + c - (count - 1) / 2) * (0.011 if abreast == 1 else 0.025)
                    xs = [_shifted(place[v], shift, at, wide) for v in rows[x]]
                    errorbars(axes, xs, rows, column, scale, g, c)
                    if column == rising:
                        _mark_rising(axes, xs, rows, column, scale, g)
            axes.set_title(title)
            if wide:
                axes.set_xscale("log")
            elif len(at) == 1:
                axes.set_xlim(at[0] - 0.5, at[0] + 0.5)
            axes.xaxis.set_major_locator(FixedLocator(at))
            axes.xaxis.set_major_formatter(FixedFormatter([v if isinstance(v, str) else f"{v:,g}" for v in place]))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.grid(axis="x", visible=False)
        for axes in grid[-abreast:]:
            axes.set_xlabel(words.x)
        bounds = table[[f"{column}{end}" for column in columns for end in ("", "_low", "_high")]] * scale
        positive = not bool((table[list(columns)] <= 0).any(axis=None))
        if not (positive and logarithmic and logarithmic_axis(grid[0], bounds.where(bounds > 0), least=4)) and zero:
            from_zero(grid[0], bounds)
        entries = keys(names, list(columns.values()))
        noted = replace(words, note=f"{words.note} {told_intervals(table, columns)}".strip())
        add_title_note_legend(figure, noted, entries, legend_title(series) if alone else "")
        return figure


def _shifted(value: float, shift: float, at: Sequence[float], logarithmic: bool) -> float:
    span = at[-1] / at[0] if logarithmic else at[-1] - at[0] or 1.0
    return float(value * span**shift) if logarithmic else value + shift * span


def _mark_rising(axes: Axes, xs: Sequence[float], rows: pd.DataFrame, column: str, scale: float, group: int) -> None:
    for x, row in zip(xs, records(rows), strict=True):
        if row["n"] and row["rising"] > row["n"] / 2 and not math.isnan(row[column]):
            top = row[f"{column}_high"] if not math.isnan(row[f"{column}_high"]) else row[column]
            axes.annotate(
                "↑", (x, top * scale), (0, 3), textcoords="offset points", ha="center", color=colour_of(group)
            )
