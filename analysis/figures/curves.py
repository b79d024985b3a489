"""Learning curves: metrics by epoch, with their bands."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import WIDEST, from_zero, logarithmic_axis, panels_abreast, wrapped_panels
from analysis.figures.style import (
    COLOURS,
    DASHES,
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
)
from analysis.numbers.intervals import NEW
from analysis.numbers.results import records


def draw_curves(
    table: pd.DataFrame,
    words: Words,
    *,
    columns: Mapping[str, str],
    across: str,
    series: Series = (),
    marks: pd.DataFrame | None = None,
    percent: bool = False,
    zero: bool = False,
) -> Figure:
    """Draw learning curves as small multiples: a column for each value of `across`, a row for each of `series`.

    `table` has a row an epoch; bands are intervals over its seeds, bars those that hold for new images. `marks` has the
    same keys and, in `best_epoch`, where a dotted line stands. The y axis is logarithmic, near a zero linear, but all
    linear and from 0 if `zero`.
    Where a row has more panels than stand side by side on a page, it has several lines.
    """
    with matplotlib.rc_context(STYLE):
        named = list(groups(table, series))
        titles = [title for title, _ in groups(table, [across])]
        abreast = panels_abreast(len(titles))
        lines = len(named) * math.ceil(len(titles) / abreast)
        figure = Figure(figsize=(WIDEST, 1.3 + 1.75 * lines), layout="constrained")
        labels = [f"{fitted(name, 1.5, size=9)}\n{words.y}" if name else words.y for name, _ in named]
        grid = wrapped_panels(figure, len(titles), abreast, labels, one_scale=True)
        scale = 100 if percent else 1
        for r, (_, rows) in enumerate(named):
            parts = dict(groups(rows, [across]))
            for axes, title in zip(grid[r], titles, strict=True):
                own = parts.get(title, rows.iloc[:0])
                for i, column in enumerate(columns):
                    _band(axes, own, column, scale, i, i)
                mark = _marked(marks, own.iloc[:1], [across, *series])
                if mark is not None:
                    axes.axvline(mark, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=3, integer=True)
                axes.set_title(title if r == 0 or abreast < len(titles) else "")
        if zero:
            from_zero(grid[0][0], table[list(columns)])
        else:
            logarithmic_axis(grid[0][0], table[list(columns)] * scale, zero=True)
        for axes in grid[-1][-abreast:]:
            axes.set_xlabel(words.x)
        handles = [
            handle(COLOURS[i], _lone_mark(table, column, [across, *series]), DASHES[i], label)
            for i, (column, label) in enumerate(columns.items())
        ]
        if marks is not None:
            handles.append(handle(GREY, "", (0, (1, 2)), "epochs to the best"))
        add_title_note_legend(figure, replace(words, note=_noted(words.note, table, columns)), handles)
        return figure


def draw_learning(
    table: pd.DataFrame,
    words: Words,
    *,
    measures: Mapping[str, str],
    splits: Mapping[str, str],
    across: str,
    series: Series = (),
    percent: Collection[str] = (),
    zero: bool = False,
) -> Figure:
    """Draw learning curves of several measures: a row of axes for each, a column for each value of `across`.

    A line, with its band, for each value of `series` (colours) and each of `splits` (dashes), from the column
    `SPLIT_MEASURE` of a row an epoch. Both map to what they are called (`{"error": "error, %"}`). Those in
    `percent` are drawn in per cent. The y axes are logarithmic, near a zero linear, but all linear and from 0 if
    `zero`.
    """
    with matplotlib.rc_context(STYLE):
        drawn = [f"{split}_{measure}{end}" for split in splits for measure in measures for end in ("", "_low", "_high")]
        table = table.reindex(columns=list(dict.fromkeys([*table, *drawn])))  # what nobody measured is not drawn
        parts = list(groups(table, [across]))
        bare = len(series) == 1 and len(splits) == 1
        names = [name for name, _ in groups(table, series, bare=bare)]
        abreast = panels_abreast(len(parts), 1.8)
        lines = len(measures) * math.ceil(len(parts) / abreast)
        figure = Figure(figsize=(WIDEST, 1.3 + 2.0 * lines), layout="constrained")
        grid = wrapped_panels(figure, len(parts), abreast, list(measures.values()))
        for row, measure in zip(grid, measures, strict=True):
            columns = [f"{split}_{measure}" for split in splits]
            scale = 100 if measure in percent else 1
            for axes, (title, part) in zip(row, parts, strict=True):
                for name, own in groups(part, series, bare=bare):
                    for i, column in enumerate(columns):
                        _band(axes, own, column, scale, names.index(name), i)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=5, integer=True)
                axes.set_title(title if row is grid[0] or abreast < len(parts) else "")
            if zero or (
                not logarithmic_axis(row[0], table[columns] * scale, zero=True, least=4) and measure in percent
            ):
                from_zero(row[0], table[columns])
        for axes in grid[-1][-abreast:]:
            axes.set_xlabel(words.x)
        entries = [handle(colour_of(g), "", "-", name) for g, name in enumerate(names) if len(names) > 1]
        entries += [handle(GREY, "", DASHES[i], label) for i, label in enumerate(splits.values()) if len(splits) > 1]
        columns = [f"{split}_{measure}" for split in splits for measure in measures]
        noted = replace(words, note=_noted(words.note, table, columns))
        add_title_note_legend(figure, noted, entries, legend_title(series) if bare else "")
        return figure


def _band(axes: Axes, rows: pd.DataFrame, column: str, scale: float, group: int, style: int) -> None:
    colour = colour_of(group)
    mark = _lone_mark(rows, column)
    axes.plot(
        rows["epoch"], rows[column] * scale, color=colour, linestyle=DASHES[style], linewidth=1.3,
        marker=mark, markersize=4, clip_on=not mark,
    )  # fmt: skip
    ends = [f"{column}{end}" for end in ("_low", "_high")]
    low, high = (rows[f"{end}_these" if f"{end}_these" in rows else end] * scale for end in ends)
    axes.fill_between(rows["epoch"], low, high, color=colour, alpha=0.18, linewidth=0)
    if f"{column}_interval" in rows:
        last = rows[rows[f"{column}_interval"] == NEW]
        axes.vlines(last["epoch"], *(last[end] * scale for end in ends), color=colour, linewidth=1.1)


def _noted(note: str, table: pd.DataFrame, columns: Collection[str]) -> str:
    """Return a note with what bands and bars hold for."""
    kinds = [f"{column}_interval" for column in columns if f"{column}_interval" in table]
    bars = bool((table[kinds] == NEW).any(axis=None))
    return f"{note} Bands: new seeds, on these images.{' Bars at the end: new images too.' if bars else ''}"


def _lone_mark(rows: pd.DataFrame, column: str, keys: Sequence[str] = ()) -> str:
    """Return the marker of a column that was measured once in each of its curves, so that no line shows it; else none.

    `keys` tell the curves apart, if there are several.
    """
    counts = rows.groupby(list(keys), sort=False)[column].count() if keys else pd.Series([rows[column].count()])
    return "o" if counts.max() == 1 else ""


def _marked(marks: pd.DataFrame | None, row: pd.DataFrame, keys: Sequence[str]) -> float | None:
    if marks is None or row.empty:
        return None
    for mark in records(marks):
        if all(mark[key] == row[key].iloc[0] for key in keys) and not math.isnan(mark["best_epoch"]):
            return float(mark["best_epoch"])
    return None
