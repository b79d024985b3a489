"""How many times as large a measure is in one condition as in another, paired by seed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import Interval, t_interval
from analysis.numbers.results import PerImage, Results
from analysis.numbers.seeds import image_error


def paired_ratio(
    results: Results, seeds: pd.DataFrame, factor: str, above: Any, below: Any, metric: str
) -> Interval | None:
    """Return a measure where `factor` is `above` over that where it is `below`; None where no seed has both.

    `seeds` are reported trials (`seeds.by_seed`) of conditions that differ in `factor` alone, `metric` is a column of
    theirs. The ratio is the geometric mean over the seeds, and bounds are those of its logarithm. They hold for new
    images if arrays tell the measure of each image: then those of either network count in units of their mean (the
    delta method). The ratio is NaN where a value is not above 0.
    """
    sides = [seeds[seeds[factor] == value] for value in (above, below)]
    both = sides[0].merge(sides[1], on="seed", suffixes=("", "_second")) if metric in seeds else seeds.iloc[:0]
    if not len(both):
        return None
    values = both[[metric, f"{metric}_second"]].to_numpy(dtype=float)
    values = np.where(values > 0, values, math.nan)
    found = t_interval(list(np.log(values[:, 0] / values[:, 1])), image_se=_image_error(results, both, metric))
    return found._replace(mean=math.exp(found.mean), low=math.exp(found.low), high=math.exp(found.high))


def _image_error(results: Results, both: pd.DataFrame, metric: str) -> float:
    """Return the standard error over test images of the mean log ratio; NaN where no arrays on the same images tell."""
    column = results.measures.column(metric)
    if column is None or column.split != "test" or column.measure.images is None:
        return math.nan
    gaps = []
    for first, second in zip(both["trial"], both["trial_second"], strict=True):
        x, y = (results.per_image(trial, column.measure) for trial in (first, second))
        if x is not None and y is not None and x.alike(y):
            gaps.append(PerImage(x.values / x.values.mean() - y.values / y.values.mean(), x.strata))
    return image_error(gaps) if len(gaps) == len(both) else math.nan
