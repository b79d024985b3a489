"""Points with intervals, by name or over a hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import matplotlib
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from analysis.figures.style import GREY, STYLE, Words, add_title_note_legend, colour_of, errorbars, handle, marker_of
from analysis.figures.style import groups as grouped


def draw_dots(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Sequence[str] = (),
    wrap: int = 2,
    chance: Mapping[str, float] | None = None,
    percent: bool = False,
) -> Figure:
    """Draw means with their intervals (`_low`, `_high`) over a factor without order, one panel for each of `columns`.

    `columns` maps a column to its panel's title; `wrap` panels stand side by side. Shares are drawn in per
    cent if `percent`; a dotted line stands at a column's `chance`, if that is known.
    """
    scale = 100 if percent else 1
    with matplotlib.rc_context(STYLE):
        rows = math.ceil(len(columns) / wrap)
        figure = Figure(figsize=(6.2, 1.4 + 2.1 * rows), layout="constrained")
        grid = figure.subplots(rows, min(wrap, len(columns)), sharex=True, sharey=True, squeeze=False)
        groups = list(grouped(table, series))
        values = list(dict.fromkeys(table[x]))
        for axes, (column, title) in zip(grid.flat, columns.items(), strict=False):
            for g, (_, own) in enumerate(groups):
                shift = 0.16 * (g - (len(groups) - 1) / 2)
                at = [values.index(value) + shift for value in own[x]]
                errorbars(axes, at, own, column, scale, g, 0)
                axes.containers[-1][0].set_linestyle("")  # between values without order there is nothing to join
            if (level := (chance or {}).get(column, math.nan)) > 0:
                axes.axhline(scale * level, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
            axes.set_title(title)
            axes.grid(axis="x", visible=False)
            axes.set_xticks(range(len(values)), [str(value) for value in values])
            axes.set_xlim(-0.5, len(values) - 0.5)
        grid[0][0].update_datalim([(0, 0)], updatex=False)  # before: else the highest mark may be cut
        if not (table[list(columns)] < 0).any(axis=None):
            grid[0][0].set_ylim(bottom=0)
        for axes in grid[:, 0]:
            axes.set_ylabel(words.y)
        for axes in grid[-1]:
            axes.set_xlabel(words.x)
        entries = _keys([name for name, _ in groups])
        entries += [handle(GREY, "", (0, (1, 2)), "chance")] if max((chance or {}).values(), default=0) > 0 else []
        add_title_note_legend(figure, words, entries)
        return figure


def draw_trials(
    table: pd.DataFrame, words: Words, *, x: str, y: str, series: Sequence[str], across: str, percent: bool = False
) -> Figure:
    """Draw a point for each row: `y`, a share in per cent if `percent`, against the hyperparameter `x`.

    Each value of `across` has a panel, each value of `series` a colour and a mark.
    """
    scale = 100 if percent else 1
    with matplotlib.rc_context(STYLE):
        panels = list(dict.fromkeys(table[across]))
        figure = Figure(figsize=(max(4.2, 0.6 + 2.8 * len(panels)), 3.6), layout="constrained")
        grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        at = sorted({float(value) for value in table[x]})
        logarithmic = at[0] > 0 and at[-1] / at[0] > 12
        groups = list(grouped(table, series))
        for axes, panel in zip(grid, panels, strict=True):
            for g, (_, rows) in enumerate(groups):
                own = rows[rows[across] == panel]
                axes.plot(
                    own[x], scale * own[y], linestyle="", marker=marker_of(g),
                    color=colour_of(g), markersize=5, markerfacecolor="none", markeredgewidth=1.2,
                )  # fmt: skip
            axes.set_title(str(panel))
            axes.set_xlabel(words.x)
        if logarithmic:
            grid[0].set_xscale("log")
        else:
            grid[0].locator_params(axis="x", nbins=5)
        grid[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        grid[0].set_ylabel(words.y)
        add_title_note_legend(figure, words, _keys([name for name, _ in groups], hollow=True))
        return figure


def _keys(names: Sequence[str], *, hollow: bool = False) -> list[Line2D]:
    """Return legend entries of groups that have a name."""
    return [handle(colour_of(g), marker_of(g), "", name, hollow=hollow) for g, name in enumerate(names) if name]
