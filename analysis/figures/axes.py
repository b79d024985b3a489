"""Axes that several kinds of figure share."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator


def logarithmic_axis(axes: Axes, values: pd.DataFrame, *, zero: bool = False, least: float = 1) -> bool:
    """Make the y axis logarithmic, with plain numbers at 1, 2 and 5; with a linear part at 0 if `zero`.

    Numbers stand closer where there would be two at most. Returns whether the axis was made logarithmic: not where a
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
    bottom, top = low / 1.3, high * 1.3
    wide, narrow = ([m * 10.0**e for e in range(-4, 5) for m in at] for at in ((1, 2, 5), (1, 1.5, 2, 3, 4, 6, 8)))
    ticks = wide if sum(bottom <= tick <= top for tick in wide) > 2 else narrow
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
