"""Points in planes, each written as its class: they are told apart without colour too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from analysis.figures.axes import panels_abreast
from analysis.figures.maps import CLASSES
from analysis.figures.paper import figure_width
from analysis.figures.style import STYLE, Words, add_title_note_legend

DARKEST = 0.35
"""The luminance, 0 … 1, that a letter's colour has at most, so that it can be read on white."""
SQUARE = 2.6
"""Inches of the narrowest plane whose letters can be read."""
_LETTER = 6.5


@dataclass(frozen=True)
class Plane:
    """Points in a plane."""

    title: str
    places: np.ndarray
    """[n, 2]"""
    labels: np.ndarray
    """[n] int64: their classes."""
    x: str
    y: str


def draw_planes(planes: Sequence[Plane], words: Words) -> Figure:
    """Draw planes side by side, each on scales of its own, on which only nearness means something."""
    with matplotlib.rc_context(STYLE):
        abreast = panels_abreast(len(planes), SQUARE)
        lines = -(-len(planes) // abreast)
        side = figure_width() / abreast
        figure = Figure(figsize=(figure_width(), 0.9 + lines * side), layout="constrained")
        grid = figure.subplots(lines, abreast, squeeze=False).flat
        for axes, plane in zip(grid, planes, strict=False):
            for (x, y), label in zip(plane.places, plane.labels, strict=True):
                axes.text(
                    x, y, str(label), ha="center", va="center", size=_LETTER, color=_ink(CLASSES[label % len(CLASSES)]),
                    clip_on=True,
                )  # fmt: skip
            axes.update_datalim(plane.places)  # letters do not count for the limits
            axes.autoscale_view()
            axes.set_title(plane.title)
            axes.set_xlabel(plane.x)
            axes.set_ylabel(plane.y)
            axes.grid(visible=False)
            axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        for axes in list(figure.axes)[len(planes) :]:
            axes.remove()
        add_title_note_legend(figure, words)
        return figure


def _ink(colour: str) -> tuple[float, ...]:
    """Return a colour, made darker if it is lighter than `DARKEST`."""
    red, green, blue = to_rgb(colour)
    luminance = 0.30 * red + 0.59 * green + 0.11 * blue
    return tuple(min(1.0, DARKEST / luminance) * part for part in (red, green, blue))
