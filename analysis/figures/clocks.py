"""Training against several clocks, such as epochs and steps: what is few by the one may be many by the other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.axes import WIDE, from_zero, logarithmic_axis, wrapped_panels
from analysis.figures.curves import band, noted
from analysis.figures.paper import figure_width
from analysis.figures.style import (
    DASHES,
    GREY,
    STYLE,
    Series,
    Words,
    add_title_note_legend,
    colour_of,
    groups,
    handle,
    marker_of,
)


def draw_clocks(
    table: pd.DataFrame,
    words: Words,
    *,
    measures: Mapping[str, str],
    splits: Mapping[str, str],
    clocks: Mapping[str, str],
    series: Series = (),
    percent: Collection[str] = (),
    zero: Collection[str] = (),
) -> Figure:
    """Draw curves with a row of axes for each of `measures` and a column for each of `clocks`, columns of `table`.

    A line, with its band, for each value of `series` (colours and marks) and each of `splits` (dashes), as in
    `curves.draw_learning`. The mappings are to what people call them (`{"error": "error, %"}`). Measures in `percent`
    are drawn in per cent, and those in `zero` from 0; those in neither have a logarithmic axis where their values span
    enough, as clocks have.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(figure_width(), 1.2 + 1.9 * len(measures)), layout="constrained")
        grid = wrapped_panels(figure, len(clocks), len(clocks), list(measures.values()))
        lines = list(groups(table, series))
        for row, measure in zip(grid, measures, strict=True):
            columns = [f"{split}_{measure}" for split in splits]
            scale = 100 if measure in percent else 1
            for axes, clock in zip(row, clocks, strict=True):
                for g, (_, own) in enumerate(lines):
                    for i, column in enumerate(columns):
                        band(axes, own, column, scale, g, i, marked=len(lines) > 1, x=clock)
                _set_clock(axes, table[clock])
            if measure in zero:
                from_zero(row[0], table[columns])
            elif measure not in percent:
                logarithmic_axis(row[0], table[columns], zero=True, least=4)
        for axes, label in zip(grid[-1], clocks.values(), strict=True):
            axes.set_xlabel(label)
        entries = [handle(colour_of(g), marker_of(g), "-", name) for g, (name, _) in enumerate(lines) if len(lines) > 1]
        entries += [handle(GREY, "", DASHES[i], label) for i, label in enumerate(splits.values()) if len(splits) > 1]
        columns = [f"{split}_{measure}" for split in splits for measure in measures]
        add_title_note_legend(figure, replace(words, note=noted(words.note, table, columns)), entries)
        return figure


def _set_clock(axes: Axes, values: pd.Series[float]) -> None:
    """Make the x axis logarithmic where a clock's values span enough, so that its beginning has room; else from 0."""
    if values.min() > 0 and values.max() > WIDE * values.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=5)
