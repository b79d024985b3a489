"""Phase portraits: paths in a plane, a panel each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import panels_abreast
from analysis.figures.paper import figure_width
from analysis.figures.style import GREY, STYLE, Words, add_title_note_legend, colour_of, handle

LEAST = 1.15
"""Inches of the narrowest panel."""


@dataclass(frozen=True)
class Portrait:
    """Paths in a plane, with a title."""

    paths: np.ndarray
    """[steps, 2, paths] float; NaN where a path is not known."""
    title: str
    outcome: str = ""
    """What became of the paths, in a word or two, written into the panel."""


def draw_portraits(portraits: Sequence[Portrait], words: Words, *, half: float = 1.5) -> Figure:
    """Draw paths as they go through the plane, in panels of one scale, up to `half` of the middle in each direction.

    A dot stands at each step, a hollow mark at the start; what lies beyond the panel is cut off.
    """
    abreast = panels_abreast(len(portraits), LEAST)
    lines = math.ceil(len(portraits) / abreast)
    with matplotlib.rc_context(STYLE):
        side = (figure_width() - 0.4) / max(abreast, 2)
        figure = Figure(figsize=(figure_width(), 1.1 + lines * (side + 0.25)), layout="constrained")
        panels = figure.subplots(lines, abreast, squeeze=False, sharex=True, sharey=True).ravel()
        for axes, portrait in zip(panels, portraits, strict=False):
            _draw(axes, portrait, half)
            axes.set_title(portrait.title)
        for axes in panels[len(portraits) :]:
            axes.set_axis_off()
        for axes in panels[: len(portraits) : abreast]:
            axes.set_ylabel(words.y)
        for axes in panels[max(0, len(portraits) - abreast) : len(portraits)]:
            axes.set_xlabel(words.x)
            axes.tick_params(labelbottom=True)
        entries = [handle(GREY, "o", "", "start", hollow=True), handle(GREY, "+", "", "stationary point")]
        add_title_note_legend(figure, words, entries)
        return figure


def _draw(axes: Axes, portrait: Portrait, half: float) -> None:
    for i in range(portrait.paths.shape[2]):
        d, g = portrait.paths[:, 0, i], portrait.paths[:, 1, i]
        colour = colour_of(i)
        axes.plot(d, g, color=colour, linewidth=0.6, alpha=0.7, marker=".", markersize=2.2, markeredgewidth=0)
        axes.plot(d[0], g[0], color=colour, marker="o", markersize=5, markerfacecolor="white", linestyle="")
    axes.plot(0, 0, color=GREY, marker="+", markersize=7, linestyle="", zorder=4)
    axes.text(
        0.03, 0.03, portrait.outcome, transform=axes.transAxes, fontsize=7.5, zorder=5,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )  # fmt: skip
    axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    axes.locator_params(nbins=3)
