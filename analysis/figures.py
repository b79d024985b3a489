"""Drawing, and nothing else: every function takes a table, and what it shows can be read from that table. Here are
lines over a factor, learning curves and differences; the style they share is `style`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.results import is_share, records
from analysis.style import (
    COLOURS,
    DASHES,
    GREY,
    STYLE,
    Words,
    colour_of,
    errorbars,
    face,
    groups,
    handle,
    keys,
    marker_of,
)

__all__ = ["Words", "curves", "gaps", "learning", "lines"]


def lines(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Sequence[str] = (),
    panels: str = "",
    percent: bool = False,
    rising: bool = False,
    logarithmic: bool = False,
) -> Figure:
    """One line for each value of the `series` columns and each of `columns` (column → what the legend calls it).

    `table` has, beside a column, its bounds `_low` and `_high`. Later columns are dashed, with hollow marks. Shares
    are drawn in per cent if `percent`; `rising` marks points (↑) where training ended while most seeds still rose.
    With `panels`, a column, each of its values has axes of its own, on one scale. The y axis is `logarithmic` on
    demand, if there is no zero.
    """
    with matplotlib.rc_context(STYLE):
        parts = list(groups(table, [panels])) if panels else [("", table)]
        width = 6.2 if len(parts) == 1 else 2.2 + 3.0 * len(parts)
        figure = Figure(figsize=(width, 4.1), layout="constrained")
        grid = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
        names, scale = [name for name, _ in groups(table, series)], 100 if percent else 1
        at = sorted({float(value) for value in table[x]})
        count, wide = len(names) * len(columns), len(at) > 1 and at[0] > 0 and at[-1] / at[0] > 12
        for axes, (title, part) in zip(grid, parts, strict=True):
            for name, rows in groups(part, series):
                g = names.index(name)
                for c, column in enumerate(columns):
                    # Bars stand side by side, not on top of each other.
                    shift = (g * len(columns) + c - (count - 1) / 2) * (0.011 if len(parts) == 1 else 0.017)
                    xs = [_shifted(float(v), shift, at, wide) for v in rows[x]]
                    errorbars(axes, xs, rows, column, scale, g, c)
                    if rising and c == 0:
                        _mark_rising(axes, xs, rows, column, scale, g)
            axes.set_title(title)
            if wide:
                axes.set_xscale("log")
            elif len(at) == 1:
                axes.set_xlim(at[0] - 0.5, at[0] + 0.5)
            axes.xaxis.set_major_locator(FixedLocator(at))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.grid(axis="x", visible=False)
            axes.set_xlabel(words.x)
        bounds = table[[f"{column}{end}" for column in columns for end in ("", "_low", "_high")]] * scale
        zero = bool((table[list(columns)] <= 0).any(axis=None))
        if zero or not logarithmic or not _logarithmic(grid[0], bounds.where(bounds > 0), least=4):
            grid[0].update_datalim([(at[0], 0)], updatex=False)  # before: else the highest mark may be cut
            grid[0].set_ylim(bottom=0)
        grid[0].set_ylabel(words.y)
        entries = keys(names, list(columns.values()))
        if entries and panels:
            figure.legend(handles=entries, loc="outside right center")
        elif entries:
            grid[0].legend(handles=entries, loc="best")
        face(figure, words)
        return figure


def curves(
    table: pd.DataFrame,
    words: Words,
    *,
    columns: Mapping[str, str],
    across: str,
    series: Sequence[str] = (),
    marks: pd.DataFrame | None = None,
    percent: bool = False,
) -> Figure:
    """Learning curves as small multiples: a column for each value of `across`, a row for each of `series`.

    `table` has a row an epoch; bands are its `_low` and `_high`. `marks` has the same keys and, in `best_epoch`,
    where a dotted line stands. The y axis is logarithmic where every value allows it.
    """
    with matplotlib.rc_context(STYLE):
        named = list(groups(table, series))
        values = list(dict.fromkeys(table[across]))
        width, height = max(6.2, 1.0 + 1.75 * len(values)), 1.3 + 1.75 * len(named)
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(len(named), len(values), sharey=True, squeeze=False)
        scale = 100 if percent else 1
        for r, (name, rows) in enumerate(named):
            for c, value in enumerate(values):
                axes = grid[r][c]
                own = rows[rows[across] == value]
                for i, column in enumerate(columns):
                    _band(axes, own, column, scale, i, i)
                mark = _marked(marks, own.iloc[:1], [across, *series])
                if mark is not None:
                    axes.axvline(mark, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=3, integer=True)
                axes.set_title(f"{across.replace('_', ' ')} {value}" if r == 0 else "")
            grid[r][0].set_ylabel(f"{name}\n{words.y}" if name else words.y)
        _logarithmic(grid[0][0], table[list(columns)] * scale)
        for axes in grid[-1]:
            axes.set_xlabel(words.x)
        handles = [handle(COLOURS[i], "", DASHES[i], label) for i, label in enumerate(columns.values())]
        if marks is not None:
            handles.append(handle(GREY, "", (0, (1, 2)), "epochs to the best"))
        face(figure, words, handles)
        return figure


def learning(
    table: pd.DataFrame,
    words: Words,
    *,
    measures: Mapping[str, str],
    splits: Mapping[str, str],
    across: str,
    series: Sequence[str] = (),
) -> Figure:
    """Learning curves of several measures: a row of axes for each, a column for each value of `across`.

    A line, with its band, for each value of `series` (colours) and each of `splits` (dashes), from the column
    `SPLIT_MEASURE` of a row an epoch. Both map to what they are called (`{"error": "error, %"}`). Errors and accuracies
    are drawn in per cent. The y axes are logarithmic, near a zero linear.
    """
    with matplotlib.rc_context(STYLE):
        drawn = [f"{split}_{measure}{end}" for split in splits for measure in measures for end in ("", "_low", "_high")]
        table = table.reindex(columns=list(dict.fromkeys([*table, *drawn])))  # what nobody measured is not drawn
        parts, names = list(groups(table, [across])), [name for name, _ in groups(table, series)]
        figure = Figure(figsize=(2.2 + 2.8 * len(parts), 1.3 + 2.1 * len(measures)), layout="constrained")
        grid = figure.subplots(len(measures), len(parts), sharex=True, sharey="row", squeeze=False)
        for row, (measure, label) in zip(grid, measures.items(), strict=True):
            columns, scale = [f"{split}_{measure}" for split in splits], 100 if is_share(measure) else 1
            for axes, (_, part) in zip(row, parts, strict=True):
                for name, own in groups(part, series):
                    for i, column in enumerate(columns):
                        _band(axes, own, column, scale, names.index(name), i)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=5, integer=True)
            if not _logarithmic(row[0], table[columns] * scale, zero=True, least=4) and is_share(measure):
                row[0].set_ylim(bottom=0)
            row[0].set_ylabel(label)
        for axes, (title, _) in zip(grid[0], parts, strict=True):
            axes.set_title(title)
        for axes in grid[-1]:
            axes.set_xlabel(words.x)
        entries = [handle(colour_of(g), "", "-", name) for g, name in enumerate(names) if len(names) > 1]
        entries += [handle(GREY, "", DASHES[i], label) for i, label in enumerate(splits.values()) if len(splits) > 1]
        if entries:
            figure.legend(handles=entries, loc="outside right center")
        face(figure, words)
        return figure


def gaps(
    table: pd.DataFrame, words: Words, *, x: str, series: Sequence[str] = (), panels: str = "", percent: bool = False
) -> Figure:
    """Differences with their intervals, about a line at zero; a mark is hollow unless its interval excludes zero.

    `table` is as `Findings.compare` gives it. The values of `x` stand side by side, numbers by size and names in the
    table's order, those of `series` (colours) within them; each value of `panels` has axes of its own.
    """
    with matplotlib.rc_context(STYLE):
        parts = list(groups(table, [panels])) if panels else [("", table)]
        names, values = [name for name, _ in groups(table, series)], list(dict.fromkeys(table[x]))
        values = sorted(values) if all(isinstance(value, int | float) for value in values) else values
        width = max(6.2, 1.0 + len(parts) * (0.8 + 0.3 * len(values) * max(len(names), 2)))
        figure = Figure(figsize=(width, 3.6), layout="constrained")
        grid = figure.subplots(1, len(parts), sharey=True, squeeze=False)[0]
        for axes, (title, part) in zip(grid, parts, strict=True):
            axes.axhline(0, color=GREY, linewidth=1)
            for name, rows in groups(part, series):
                g = names.index(name)
                for row in records(rows):
                    at = values.index(row[x]) + 0.5 * ((g + 0.5) / len(names) - 0.5)
                    _gap(axes, at, row, 100 if percent else 1, g)
            axes.set_title(title)
            axes.set_xticks(range(len(values)), [f"{v:,}" if isinstance(v, int) else str(v) for v in values])
            axes.set_xlim(-0.5, len(values) - 0.5)
            axes.grid(axis="x", visible=False)
            axes.set_xlabel(words.x)
        grid[0].set_ylabel(words.y)
        entries = [handle(colour_of(g), marker_of(g), "", name) for g, name in enumerate(names) if name]
        face(figure, replace(words, note=f"{words.note} {_marks(table)}"), entries)
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


def _gap(axes: Axes, x: float, row: Mapping[str, Any], scale: float, group: int) -> None:
    colour, apart = colour_of(group), row["low"] > 0 or row["high"] < 0
    mean = row["difference"] * scale
    bars = [[mean - row["low"] * scale], [row["high"] * scale - mean]] if not math.isnan(row["low"]) else None
    axes.errorbar(
        [x], [mean], yerr=bars, color=colour, marker=marker_of(group), markersize=6,
        markerfacecolor=colour if apart else "white", elinewidth=1.3, capsize=3, capthick=1.3,
    )  # fmt: skip


def _marks(table: pd.DataFrame) -> str:
    """What hollow marks and lacking bars mean, if `gaps` draws any."""
    drawn = table[table["difference"].notna()]
    hollow, bare = not ((drawn["low"] > 0) | (drawn["high"] < 0)).all(), bool(drawn["low"].isna().any())
    return "Hollow: not shown to differ from 0." * hollow + " No bar: no interval." * bare


def _band(axes: Axes, rows: pd.DataFrame, column: str, scale: float, group: int, style: int) -> None:
    colour = colour_of(group)
    axes.plot(rows["epoch"], rows[column] * scale, color=colour, linestyle=DASHES[style], linewidth=1.3)
    low, high = rows[f"{column}_low"] * scale, rows[f"{column}_high"] * scale
    axes.fill_between(rows["epoch"], low, high, color=colour, alpha=0.18, linewidth=0)


def _marked(marks: pd.DataFrame | None, row: pd.DataFrame, keys: Sequence[str]) -> float | None:
    if marks is None or row.empty:
        return None
    for mark in records(marks):
        if all(mark[key] == row[key].iloc[0] for key in keys) and not math.isnan(mark["best_epoch"]):
            return float(mark["best_epoch"])
    return None


def _logarithmic(axes: Axes, values: pd.DataFrame, *, zero: bool = False, least: float = 1) -> bool:
    """A logarithmic y axis with plain numbers at 1, 2 and 5, if no value is 0, or if `zero`, with a linear part at 0.

    Numbers stand closer where there would be two at most. Returns whether it is: not where the largest value is less
    than `least` times the smallest, which would bear hardly a number.
    """
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    if not known.size or known.max() <= 0 or (known.min() <= 0 and not zero):
        return False
    low, high = known[known > 0].min(), known.max()
    if high < least * low:
        return False
    bottom, top = low / 1.3, high * 1.3
    wide, narrow = ([m * 10.0**e for e in range(-4, 5) for m in at] for at in ((1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8)))
    ticks = wide if sum(bottom <= tick <= top for tick in wide) > 2 else narrow
    if known.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(bottom, top)
    else:
        axes.set_yscale("symlog", linthresh=low, linscale=0.3)
        axes.set_ylim(-0.3 * low, top)
        ticks = [0, *(tick for tick in ticks if tick >= low)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    return True
