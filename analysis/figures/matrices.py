"""Matrices side by side, each in its own size: what their structure is, not what each number is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.paper import figure_width
from analysis.figures.style import GREY, STYLE, Words, add_title_note_legend

HIGH = 1.55
"""Inches of the tallest matrix."""


@dataclass(frozen=True)
class Matrix:
    """A matrix with its title; white is 0."""

    values: np.ndarray
    """[rows, columns] float"""
    title: str
    rows: str = ""
    columns: str = ""
    """What its rows and columns are, at its edges."""
    ticks: tuple[Sequence[int], Sequence[int]] = ((), ())
    """The numbers of its rows and of its columns, if they have a meaning."""


def draw_matrices(matrices: Sequence[Matrix], words: Words, *, abreast: int = 4) -> Figure:
    """Draw matrices as heat maps, `abreast` in a line, on a page's width.

    Each has a scale of its own, symmetric about 0 if some values are negative: darker is farther from 0.
    """
    lines = math.ceil(len(matrices) / abreast)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(figure_width(), 1.0 + lines * (HIGH + 0.55)), layout="constrained")
        panels = figure.subplots(lines, abreast, squeeze=False).ravel()
        for axes, matrix in zip(panels, matrices, strict=False):
            _draw(axes, matrix)
        for axes in panels[len(matrices) :]:
            axes.set_axis_off()
        add_title_note_legend(figure, words)
        return figure


def _draw(axes: Axes, matrix: Matrix) -> None:
    """Draw a matrix at the left of its panel, in true proportions; its title has the panel's width."""
    values = matrix.values
    rows, columns = values.shape
    largest = float(np.abs(values).max()) or 1.0
    if values.min() < 0:
        axes.imshow(values, cmap="PuOr", norm=TwoSlopeNorm(0, -largest, largest), interpolation="nearest")
    else:
        axes.imshow(values, cmap="Greys", vmin=0, vmax=largest, interpolation="nearest")
    axes.set_aspect("equal", adjustable="datalim", anchor="NW")
    frame = Rectangle((-0.5, -0.5), columns, rows, fill=False, edgecolor=GREY, linewidth=0.8)
    axes.add_patch(frame)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_title(matrix.title)
    axes.set_xlabel(matrix.columns, fontsize=7.5)
    axes.set_ylabel(matrix.rows, fontsize=7.5)
    down, across = matrix.ticks
    axes.set_yticks([*_some(down)], [_number(down[i]) for i in _some(down)], fontsize=7)
    axes.set_xticks([*_some(across)], [_number(across[i]) for i in _some(across)], fontsize=7)
    axes.tick_params(length=0)


def _number(value: int) -> str:
    return str(value).replace("-", "−")


def _some(numbers: Sequence[int]) -> range:
    """Return the positions of at most seven numbers, evenly spaced."""
    return range(0, len(numbers), max(1, math.ceil(len(numbers) / 7)))
