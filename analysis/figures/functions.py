"""Functions of a number as lines, and what was measured of them as marks on the lines."""

from __future__ import annotations

import math
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.axes import comfortable, panels_abreast, wrapped_panels
from analysis.figures.paper import figure_width
from analysis.figures.style import (
    DASHES,
    GREY,
    STYLE,
    Words,
    add_title_note_legend,
    colour_of,
    groups,
    handle,
    marker_of,
)


def draw_functions(
    lines: pd.DataFrame, marks: pd.DataFrame, words: Words, *, series: str, panels: str, level: tuple[float, str],
    top: float,
) -> Figure:  # fmt: skip
    """Draw `y` over `x` as a line for each value of `series`, and what was measured as marks of the same colour.

    Both tables have the columns `x`, `y`, `series` and `panels`; each value of the last has axes of its own, with a
    legend, all on one scale. A dotted line stands at the `level`, with its name. The y axis goes from 0 to `top`; how
    many marks lie above is told below.
    """
    with matplotlib.rc_context(STYLE):
        parts = list(groups(lines, {panels: ""}))
        abreast = panels_abreast(len(parts), comfortable(2.6))
        rows = math.ceil(len(parts) / abreast)
        figure = Figure(figsize=(figure_width(), 1.1 + 2.2 * rows), layout="constrained")
        (grid,) = wrapped_panels(figure, len(parts), abreast, [words.y])
        for axes, (title, part) in zip(grid, parts, strict=True):
            own = marks[marks[panels].isin(part[panels])]
            axes.axhline(level[0], color=GREY, linewidth=1.0, linestyle=(0, (1, 1.5)), zorder=1)
            entries = []
            for i, (name, line) in enumerate(groups(part, {series: ""})):
                dash = DASHES[i % len(DASHES)]
                axes.plot(line["x"], line["y"], color=colour_of(i), linestyle=dash, zorder=3 - i / 10)
                points = own[own[series].isin(line[series])]
                axes.plot(
                    points["x"], points["y"], color=colour_of(i), linestyle="", marker=marker_of(i), markersize=4.5,
                    markerfacecolor="none", clip_on=True, zorder=4,
                )  # fmt: skip
                entries.append(handle(colour_of(i), marker_of(i), dash, name, hollow=True))
            axes.set_title(title)
            axes.set_ylim(-0.04 * top, top)  # a mark at 0 is whole
            axes.set_xlim(left=0)
            axes.legend(handles=entries, loc="best", fontsize=7, handlelength=3)
        for axes in grid[-abreast:]:
            axes.set_xlabel(words.x)
        above = int((marks["y"] > top).sum())
        cut = f" {above} mark{'s lie' if above > 1 else ' lies'} above {top:g}." if above else ""
        noted = replace(words, note=f"{words.note}{cut}")
        add_title_note_legend(figure, noted, [handle(GREY, "", (0, (1, 1.5)), level[1])])
        return figure
