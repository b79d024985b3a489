"""Points with intervals, by name or over a hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.figures.axes import LABELS, comfortable, from_zero, panels_abreast, wrapped_panels
from analysis.figures.paper import figure_width
from analysis.figures.style import (
    GREY,
    STYLE,
    Series,
    Words,
    add_title_note_legend,
    colour_of,
    errorbars,
    fitted,
    handle,
    inches_of,
    legend_title,
    marker_of,
    told_intervals,
)
from analysis.figures.style import groups as grouped
from analysis.words import counted


def draw_dots(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Series = (),
    wrap: int = 2,
    chance: Mapping[str, float] | None = None,
    percent: bool = False,
    zero: bool = True,
) -> Figure:
    """Draw means with their intervals (`_low`, `_high`) over a factor without order, one panel for each of `columns`.

    `columns` maps a column to its panel's title; at most `wrap` panels stand side by side. Shares are drawn in per cent
    if `percent`; a dotted line stands at a column's `chance`, if that is known. The y axis starts at 0 if `zero`.
    """
    scale = 100 if percent else 1
    with matplotlib.rc_context(STYLE):
        values = list(dict.fromkeys(table[x]))
        word = max(inches_of(word, 8) for value in values for word in counted(value).split())
        abreast = min(wrap, panels_abreast(len(columns), 1.15 * word * len(values)))
        lines = math.ceil(len(columns) / abreast)
        figure = Figure(figsize=(figure_width(), 1.4 + 2.1 * lines), layout="constrained")
        (grid,) = wrapped_panels(figure, len(columns), abreast, [words.y])
        chances = {column: level for column, level in (chance or {}).items() if level > 0}
        bare = len(series) == 1 and not chances
        groups = list(grouped(table, series, bare=bare))
        room = (figure_width() - LABELS) / abreast / len(values)
        ticks = [fitted(counted(value), 0.9 * room, size=8) for value in values]
        for axes, (column, title) in zip(grid, columns.items(), strict=True):
            for g, (_, own) in enumerate(groups):
                shift = 0.16 * (g - (len(groups) - 1) / 2)
                at = [values.index(value) + shift for value in own[x]]
                errorbars(axes, at, own, column, scale, g, 0)
                axes.containers[-1][0].set_linestyle("")  # between values without order there is nothing to join
            if column in chances:
                axes.axhline(scale * chances[column], color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
            axes.set_title(title)
            axes.grid(axis="x", visible=False)
            axes.set_xticks(range(len(values)), ticks)
            axes.set_xlim(-0.5, len(values) - 0.5)
        if zero:
            from_zero(grid[0], table[[f"{column}{end}" for column in columns for end in ("", "_low", "_high")]])
        for axes in grid[-abreast:]:
            axes.set_xlabel(words.x)
        entries = _keys([name for name, _ in groups])
        entries += [handle(GREY, "", (0, (1, 2)), "chance")] if chances else []
        noted = replace(words, note=f"{words.note} {told_intervals(table, columns)}".strip())
        add_title_note_legend(figure, noted, entries, legend_title(series) if bare else "")
        return figure


def draw_trials(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    y: str,
    series: Series,
    across: str,
    percent: bool = False,
    zero: bool = False,
) -> Figure:
    """Draw a point for each row: `y`, a share in per cent if `percent`, against the hyperparameter `x`.

    Each value of `across` has a panel, each value of `series` a colour and a mark. The y axis starts at 0 if `zero`.
    """
    scale = 100 if percent else 1
    with matplotlib.rc_context(STYLE):
        panels = list(grouped(table, [across]))
        abreast = panels_abreast(len(panels), comfortable(1.8))
        lines = math.ceil(len(panels) / abreast)
        figure = Figure(figsize=(figure_width(), 1.2 + 2.4 * lines), layout="constrained")
        (grid,) = wrapped_panels(figure, len(panels), abreast, [words.y])
        at = sorted({float(value) for value in table[x]})
        logarithmic = at[0] > 0 and at[-1] / at[0] > 12
        bare = len(series) == 1
        names = [name for name, _ in grouped(table, series, bare=bare)]
        for axes, (title, panel) in zip(grid, panels, strict=True):
            if axes is not grid[0]:
                axes.sharex(grid[0])
            for name, own in grouped(panel, series, bare=bare):
                g = names.index(name)
                axes.plot(
                    own[x], scale * own[y], linestyle="", marker=marker_of(g),
                    color=colour_of(g), markersize=5, markerfacecolor="none", markeredgewidth=1.2,
                )  # fmt: skip
            axes.set_title(title)
        for axes in grid[-abreast:]:
            axes.set_xlabel(words.x)
        if logarithmic:
            grid[0].set_xscale("log")
        else:
            grid[0].locator_params(axis="x", nbins=5)
        grid[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        if zero:
            from_zero(grid[0], table[[y]])
        add_title_note_legend(figure, words, _keys(names, hollow=True), legend_title(series) if bare else "")
        return figure


def _keys(names: Sequence[str], *, hollow: bool = False) -> list[Line2D]:
    """Return legend entries of groups that have a name."""
    return [handle(colour_of(g), marker_of(g), "", name, hollow=hollow) for g, name in enumerate(names) if name]
