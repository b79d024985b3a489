"""Laws over train size: the errors they are fitted to, the curve, and its band, also beyond the data."""

from __future__ import annotations

import math
from collections.abc import Mapping

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from analysis.figures.paper import figure_width
from analysis.figures.style import STYLE, Words, add_title_note_legend, colour_of, keys, marker_of
from analysis.numbers.laws import LearningCurve

BAND = 0.18
"""How opaque a band is."""


def draw_laws(curves: Mapping[str, LearningCurve], words: Words) -> Figure:
    """Draw the mean error at each size, in per cent, and the law with its band; both axes are logarithmic.

    Beyond the largest size the law is dashed.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(figure_width(), 4.0), layout="constrained")
        axes = figure.subplots()
        for group, curve in enumerate(curves.values()):
            colour, points = colour_of(group), curve.points
            low, high = curve.band
            axes.fill_between(points, 100 * low, 100 * high, color=colour, alpha=BAND, linewidth=0)
            known = points <= curve.sizes[-1]
            law = 100 * curve.law.at(points)
            axes.plot(points[known], law[known], color=colour)
            axes.plot(points[~known], law[~known], color=colour, linestyle=(0, (4, 2)))
            axes.plot(curve.sizes, 100 * curve.means, color=colour, linestyle="", marker=marker_of(group), markersize=5)
        axes.set_xscale("log")
        axes.set_yscale("log")
        sizes = sorted({size for curve in curves.values() for size in (*curve.sizes, round(curve.points[-1]))})
        axes.set_xticks(_apart(sizes))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axis.set_minor_formatter(NullFormatter())
        middle = np.concatenate([100 * curve.means for curve in curves.values()])
        bottom = min(100 * float(curve.law.at(curve.points[-1:])[0]) for curve in curves.values())
        axes.set_ylim(0.7 * bottom, 1.3 * float(middle.max()))
        axes.set_yticks(_round_values(*axes.get_ylim()))
        axes.set_xlabel(words.x)
        axes.set_ylabel(words.y)
        add_title_note_legend(figure, words, keys(list(curves), [""]))
        return figure


def _apart(sizes: list[int]) -> list[int]:
    """Return the sizes whose labels do not touch on a logarithmic axis, the smallest among them."""
    chosen = sizes[:1]
    for size in sizes[1:]:
        if size > chosen[-1] * 1.25:
            chosen.append(size)
    return chosen


def _round_values(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten between two values."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
    return [value for value in values if low <= value <= high]
