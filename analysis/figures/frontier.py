"""The figure of accuracy against parameters; its tables are those of `verdicts.frontier`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from analysis.figures.paper import figure_width
from analysis.figures.style import GREY, STYLE, Words, add_title_note_legend, colour_of, errorbars, handle, marker_of
from analysis.numbers.results import CHOSEN, PRESCRIBED, records

ACCURACY = "test_accuracy"
PALE = "#a0a0a0"
"""The colour of search trials, behind what is compared."""


class Published(NamedTuple):
    """A network that others published."""

    parameters: int
    accuracy: float
    name: str
    """For the legend."""
    terms: str
    """The conditions of the number, for text."""


def accuracy_by_parameters(
    table: pd.DataFrame, trials: pd.DataFrame, words: Words, *, target: float, published: Sequence[Published] = ()
) -> Figure:
    """Draw test accuracy with its interval over the parameters (logarithmic), chosen and prescribed configs apart.

    Search trials are dots.

    `table` is as `frontier.networks` gives it, `trials` as `frontier.searched`. A single seed is marked `n = 1` where
    other rows have more. The axis leaves out search trials far below all that is compared; the note counts them.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(figure_width(), 4.2 + 0.15 * len(published)), layout="constrained")
        axes = figure.subplots()
        table = table[table["parameters"] > 0].sort_values("parameters")
        axes.axhline(100 * target, color=GREY, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        axes.plot(
            trials["parameters"], 100 * trials["val_accuracy"], "o", zorder=1.5, color=PALE, markersize=3.5,
            markeredgewidth=0,
        )  # fmt: skip
        entries, others = [], []
        for g, recipe in enumerate((CHOSEN, PRESCRIBED)):
            rows = table[table["recipe"] == recipe]
            if len(rows):
                errorbars(axes, list(rows["parameters"]), rows, ACCURACY, 100, g, 0)
                entries.append(handle(colour_of(g), marker_of(g), "-", f"{recipe} config"))
                _mark_single(axes, rows, g, some=bool((table["n"] > 1).any()))
        for other, mark in zip(published, "Dv^s<>", strict=False):
            at = (other.parameters, 100 * other.accuracy)
            axes.plot(*at, marker=mark, color="black", markersize=6, markerfacecolor="none", linestyle="", zorder=5)
            others.append(handle("black", mark, "", f"published: {other.name}", hollow=True))
        entries += [handle(PALE, "o", "", "search trial (validation)")] if len(trials) else []
        entries += [*others, handle(GREY, "", (0, (4, 2)), f"{100 * target:.0f} %")]
        bottom, top = _bounds(table, [target, *(other.accuracy for other in published)])
        axes.set_ylim(bottom, top)
        at_all = [*table["parameters"], *trials["parameters"], *(other.parameters for other in published)]
        _logarithmic(axes, min(at_all, default=1), max(at_all, default=1))
        axes.set_xlabel(words.x)
        axes.set_ylabel(words.y)
        hidden = int((100 * trials["val_accuracy"] < bottom).sum())
        more = f" Below the axis: {hidden} of {len(trials)} search trials." if hidden else ""
        add_title_note_legend(figure, replace(words, note=words.note + more), entries)
        return figure


def _mark_single(axes: Axes, rows: pd.DataFrame, group: int, *, some: bool) -> None:
    for row in records(rows[rows["n"] == 1]) if some else []:
        at = (row["parameters"], 100 * row[ACCURACY])
        axes.annotate("n = 1", at, (5, -9), textcoords="offset points", size=7, color=colour_of(group))


def _bounds(table: pd.DataFrame, others: Sequence[float]) -> tuple[float, float]:
    """Return the bounds of the y axis in per cent: what is compared, and some room for search trials below it."""
    shown = table[[ACCURACY, f"{ACCURACY}_low", f"{ACCURACY}_high"]].stack().dropna()
    low, high = (100 * end([*shown, *others]) for end in (min, max))
    return max(0.0, low - max(3.0, 0.5 * (high - low))), min(100.5, high + max(1.0, 0.1 * (high - low)))


def _logarithmic(axes: Axes, low: float, high: float) -> None:
    """Make the x axis logarithmic, with plain numbers at 1, 2 and 5: wide enough that one of these is on it."""
    axes.set_xscale("log")
    axes.set_xlim(low / 1.6, high * 1.6)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
