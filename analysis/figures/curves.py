"""Learning curves: metrics by epoch, with their bands."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import comfortable, from_zero, logarithmic_axis, panels_abreast, wrapped_panels
from analysis.figures.paper import figure_width
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
    marker_of,
)
from analysis.numbers.intervals import NEW
from analysis.numbers.results import records
from analysis.numbers.tables import FEW

MARKS = 6
"""Marks along a curve that tell it from others in grey."""


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of means over seeds, without those of single seeds."""
    return table[table["seed"].isna()] if "seed" in table else table


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

    `table` is as `Findings.drawn_curves`: a row an epoch; bands are intervals over its seeds, bars those that hold for
    new images, and where there are few seeds, each is drawn instead of a band. `marks` has the same keys and, in
    `best_epoch`, where a dotted line stands. The y axis is logarithmic, near a zero linear, but all
    linear and from 0 if `zero`.
    Where a row has more panels than stand side by side on a page, it has several lines.
    """
    with matplotlib.rc_context(STYLE):
        named = list(groups(table, series))
        titles = [title for title, _ in groups(table, [across])]
        abreast = panels_abreast(len(titles))
        lines = len(named) * math.ceil(len(titles) / abreast)
        figure = Figure(figsize=(figure_width(), 1.3 + 1.75 * lines), layout="constrained")
        labels = [f"{fitted(name, 1.5, size=9)}\n{words.y}" if name else words.y for name, _ in named]
        grid = wrapped_panels(figure, len(titles), abreast, labels, one_scale=True)
        scale = 100 if percent else 1
        for r, (_, rows) in enumerate(named):
            parts = dict(groups(rows, [across]))
            for axes, title in zip(grid[r], titles, strict=True):
                own = parts.get(title, rows.iloc[:0])
                if own.empty and axes is not grid[r][0]:  # not all combinations need be there; the first has the label
                    axes.set_axis_off()
                for i, column in enumerate(columns):
                    band(axes, own, column, scale, i, i)
                mark = _marked(marks, own.iloc[:1], [across, *series])
                if mark is not None:
                    axes.axvline(mark, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=3, integer=True)
                axes.set_title(title if r == 0 or abreast < len(titles) else "")
        if zero:
            from_zero(grid[0][0], table[list(columns)])
        else:
            logarithmic_axis(grid[0][0], table[list(columns)] * scale, zero=True, most=100 if percent else math.inf)
        for axes in grid[-1][-abreast:]:
            axes.set_xlabel(words.x)
        handles = [
            handle(COLOURS[i], _lone_mark(table, column, [across, *series]), DASHES[i], label)
            for i, (column, label) in enumerate(columns.items())
        ]
        if marks is not None:
            handles.append(handle(GREY, "", (0, (1, 2)), "epochs to the best"))
        add_title_note_legend(figure, replace(words, note=noted(words.note, table, columns)), handles)
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

    A line, with its band, for each value of `series` (colours and marks) and each of `splits` (dashes), from the column
    `SPLIT_MEASURE` of a row an epoch, as in `draw_curves`. Both map to what they are called (`{"error": "error, %"}`).
    Those in `percent` are drawn in per cent. The y axes are logarithmic, near a zero linear, but all linear and from 0
    if `zero`.
    """
    with matplotlib.rc_context(STYLE):
        drawn = [f"{split}_{measure}{end}" for split in splits for measure in measures for end in ("", "_low", "_high")]
        table = table.reindex(columns=list(dict.fromkeys([*table, *drawn])))  # what nobody measured is not drawn
        parts = list(groups(table, [across]))
        bare = len(series) == 1 and len(splits) == 1
        names = [name for name, _ in groups(table, series, bare=bare)]
        abreast = panels_abreast(len(parts), comfortable(1.8))
        lines = len(measures) * math.ceil(len(parts) / abreast)
        figure = Figure(figsize=(figure_width(), 1.3 + 2.0 * lines), layout="constrained")
        grid = wrapped_panels(figure, len(parts), abreast, list(measures.values()))
        for row, measure in zip(grid, measures, strict=True):
            columns = [f"{split}_{measure}" for split in splits]
            scale = 100 if measure in percent else 1
            for axes, (title, part) in zip(row, parts, strict=True):
                for name, own in groups(part, series, bare=bare):
                    for i, column in enumerate(columns):
                        band(axes, own, column, scale, names.index(name), i, marked=len(names) > 1)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=5, integer=True)
                axes.set_title(title if row is grid[0] or abreast < len(parts) else "")
            if zero or (
                not logarithmic_axis(row[0], table[columns] * scale, zero=True, least=4) and measure in percent
            ):
                from_zero(row[0], table[columns])
        for axes in grid[-1][-abreast:]:
            axes.set_xlabel(words.x)
        entries = [handle(colour_of(g), marker_of(g), "-", name) for g, name in enumerate(names) if len(names) > 1]
        entries += [handle(GREY, "", DASHES[i], label) for i, label in enumerate(splits.values()) if len(splits) > 1]
        columns = [f"{split}_{measure}" for split in splits for measure in measures]
        told = replace(words, note=noted(words.note, table, columns))
        add_title_note_legend(figure, told, entries, legend_title(series) if bare else "")
        return figure


def band(
    axes: Axes, rows: pd.DataFrame, column: str, scale: float, group: int, style: int, *, marked: bool = False,
    x: str = "epoch",
) -> None:  # fmt: skip
    """Draw a curve with its band, or the curves of few seeds beside it; `marked` groups have marks along the line."""
    colour, whole = colour_of(group), means(rows)
    mark = marker_of(group) if marked else _lone_mark(whole, column)
    apart = max(1, math.ceil(len(whole) / MARKS))
    axes.plot(
        whole[x], whole[column] * scale, color=colour, linestyle=DASHES[style], linewidth=1.3,
        marker=mark, markersize=4, markevery=(group % apart, apart), clip_on=not _lone_mark(whole, column),
    )  # fmt: skip
    for _, one in rows[rows["seed"].notna()].groupby("seed") if "seed" in rows else ():
        axes.plot(
            one[x], one[column] * scale, color=colour, linestyle=DASHES[style], linewidth=0.7, alpha=0.5,
            marker=_lone_mark(one, column), markersize=3,
        )  # fmt: skip
    banded = whole[whole["n"] > FEW] if "n" in whole else whole
    ends = [f"{column}{end}" for end in ("_low", "_high")]
    low, high = (banded[f"{end}_these" if f"{end}_these" in banded else end] * scale for end in ends)
    axes.fill_between(banded[x], low, high, color=colour, alpha=0.18, linewidth=0)
    if f"{column}_interval" in banded:
        last = banded[banded[f"{column}_interval"] == NEW]
        axes.vlines(last[x], *(last[end] * scale for end in ends), color=colour, linewidth=1.1)


def noted(note: str, table: pd.DataFrame, columns: Collection[str]) -> str:
    """Return a note with what bands, thin lines and bars are."""
    banded = table[table["n"] > FEW] if "n" in table else table
    kinds = [f"{column}_interval" for column in columns if f"{column}_interval" in table]
    texts = [note, "95 % bands: new seeds, on these images."] if len(banded) else [note]
    if "seed" in table and table["seed"].notna().any():
        texts.append("Thin lines: each seed.")
    if bool((banded[kinds] == NEW).any(axis=None)):
        texts.append("95 % bars at the end: new images too.")
    return " ".join(texts)


def _lone_mark(rows: pd.DataFrame, column: str, keys: Sequence[str] = ()) -> str:
    """Return the marker of a column that was measured once in each of its curves, so that no line shows it; else none.

    `keys` tell the curves apart, if there are several.
    """
    rows = means(rows)
    counts = rows.groupby(list(keys), sort=False)[column].count() if keys else pd.Series([rows[column].count()])
    return "o" if counts.max() == 1 else ""


def _marked(marks: pd.DataFrame | None, row: pd.DataFrame, keys: Sequence[str]) -> float | None:
    if marks is None or row.empty:
        return None
    for mark in records(marks):
        if all(mark[key] == row[key].iloc[0] for key in keys) and not math.isnan(mark["best_epoch"]):
            return float(mark["best_epoch"])
    return None
