"""Axes that several kinds of figure share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.figures.paper import figure_width

NARROWEST = 1.15
"""Inches of the narrowest panel whose numbers can be read, the gap beside it included."""
WIDE = 12
"""The ratio of a factor's largest to its smallest number above which its axis is logarithmic."""
MOST_TICKS = 12
"""Numbers at a logarithmic axis at most; where there would be more, powers of ten alone have one."""
LABELS = 0.7
"""Inches that the label and the numbers of the y axis take, left of all panels."""


def panels_abreast(count: int, least: float = NARROWEST) -> int:
    """Return how many of `count` panels of `least` inches stand side by side on the paper, in lines about equally full.

    Five of which four would fit stand as three and two.
    """
    fitting = max(1, int((figure_width() - LABELS) / max(least, NARROWEST)))
    return math.ceil(count / math.ceil(count / fitting))


def comfortable(inches: float) -> float:
    """Return how wide a panel is at least, of which two are to stand side by side even where that is less."""
    return min(inches, (figure_width() - LABELS) / 2)


def wrapped_panels(
    figure: Figure, count: int, abreast: int, rows: Sequence[str], *, one_scale: bool = False
) -> list[list[Axes]]:
    """Add `count` panels for each of `rows`, `abreast` side by side, those of a row on one y scale.

    `rows` are their labels of the y axis, which stand at the first panel of a line with the numbers. If `one_scale`,
    all rows are on the first one's scale. Return each row's panels in their order.
    """
    lines = math.ceil(count / abreast)
    grid = figure.add_gridspec(len(rows) * lines, abreast)
    drawn: list[list[Axes]] = []
    for r, label in enumerate(rows):
        row: list[Axes] = []
        for i in range(count):
            line, column = divmod(i, abreast)
            first = drawn[0] if one_scale and drawn else row
            axes = figure.add_subplot(grid[r * lines + line, column], sharey=first[0] if first else None)
            if column:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(label)
            row.append(axes)
        drawn.append(row)
    return drawn


def places(values: Iterable[Any]) -> dict[Any, float]:
    """Return where values of a factor stand on its axis: numbers at themselves, words such as `all` beyond them."""
    every = dict.fromkeys(values)
    numbers = sorted(float(value) for value in every if not isinstance(value, str)) or [0.0]
    last, step = numbers[-1], (numbers[-1] - numbers[0]) / max(1, len(numbers) - 1) or 1.0
    wide = numbers[0] > 0 and last > WIDE * numbers[0]
    at = {value: float(value) for value in sorted(value for value in every if not isinstance(value, str))}
    words = (value for value in every if isinstance(value, str))
    return at | {word: last * 3**i if wide else last + i * step for i, word in enumerate(words, 1)}


def from_zero(axes: Axes, values: pd.DataFrame) -> None:
    """Let the y axis start at 0, or end there if all values are below; if some are on either side, 0 is on it."""
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    axes.update_datalim([(0, 0)], updatex=False)  # before the limits: else the highest mark may be cut
    axes.autoscale_view(scalex=False)
    if not known.size or known.min() >= 0:
        axes.set_ylim(bottom=0)
    elif known.max() <= 0:
        axes.set_ylim(top=0)


def logarithmic_axis(
    axes: Axes, values: pd.DataFrame, *, zero: bool = False, least: float = 1, most: float = math.inf
) -> bool:
    """Make the y axis logarithmic, with plain numbers at 1, 2 and 5; with a linear part at 0 if `zero`.

    It ends at `most`, which no value exceeds. Numbers stand closer where there would be two at most, and at powers of
    ten alone where there would be more than `MOST_TICKS`. Returns whether the axis was made logarithmic: not where a
    value is 0 without `zero`, and not where the largest value is less than `least` times the smallest: hardly a number
    would stand on such an axis.
    """
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    if not known.size or known.max() <= 0 or (known.min() <= 0 and not zero):
        return False
    low, high = known[known > 0].min(), known.max()
    if high < least * low:
        return False
    bottom, top = low / 1.3, high * 1.3 if high > most else min(high * 1.3, 1.02 * most)
    marks = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8))
    sparse, wide, narrow = ([m * 10.0**e for e in range(-6, 5) for m in at] for at in marks)
    count = sum(bottom <= tick <= top for tick in wide)
    ticks = sparse if count > MOST_TICKS else wide if count > 2 else narrow
    if known.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(bottom, top)
    else:
        axes.set_yscale("symlog", linthresh=low, linscale=0.3)
        axes.set_ylim(-0.3 * low, top)
        ticks = [0, *(tick for tick in ticks if tick >= low)]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_minor_locator(NullLocator())
    return True
