"""Whether networks learn their training images by heart: training against test, by accuracy and by loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.numbers.intervals import t_interval
from analysis.numbers.results import Results, as_given
from analysis.numbers.seeds import image_error_of
from analysis.numbers.tables import bounded

GAP, RISE = "gap", "rise"
LAST = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
"""What is told of the last epoch."""
LEAST_GAP = 0.10
"""Training accuracy − test accuracy at the interval's lower bound, from which on over-fitting is observed, if the loss
says so too; stated beforehand."""
LEAST_RISE = 1.1
"""The last test loss by its minimum over the epochs, as a mean over seeds, from which on the loss says so; likewise."""


def overfitting(results: Results, seeds: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each condition and config of `seeds` (`by_seed`): how far training is ahead of test, and more.

    `gap` is the training accuracy − the test accuracy at the end, with its interval over seeds and, where it is known
    which test images each network has right, new images. `rise` is the last test loss by its minimum over the epochs,
    as a mean; `LAST` are means at the last epoch. `observed` tells whether gap and rise reach what was stated: None
    where the gap has no interval.
    """
    rows: list[dict[str, Any]] = []
    tested = results.measures.of("test_accuracy")
    for (_, recipe), own in seeds.groupby(["condition", "recipe"], sort=False):
        trials = list(own["trial"])
        epochs = results.epochs(trials)
        pairs = [_of_trial(epochs[epochs["trial"] == trial]) for trial in trials]
        gap = t_interval([gap for gap, _ in pairs], image_se=image_error_of(results, trials, tested))
        rise = float(np.mean([rise for _, rise in pairs]))
        values = {key: own[key].iloc[0] for key in results.keys}
        last = epochs[epochs["epoch"] == epochs.groupby("trial")["epoch"].transform("max")]
        row = {**values, "recipe": recipe, "n": len(own), **{name: last[name].mean(skipna=False) for name in LAST}}
        row |= {**bounded(GAP, gap), RISE: rise}
        known = not math.isnan(gap.low) and not math.isnan(rise)
        rows.append({**row, "observed": gap.low >= LEAST_GAP and rise >= LEAST_RISE if known else None})
    return as_given(pd.DataFrame(rows), rows, [*results.keys, "observed"]) if rows else pd.DataFrame()


def _of_trial(epochs: pd.DataFrame) -> tuple[float, float]:
    """Return the gap and the rise of a trial; NaN where it has no number at its end."""
    last, losses = epochs.iloc[-1], epochs["test_loss"]
    least = float(losses.min())
    rise = float(last["test_loss"]) / least if least > 0 else math.nan
    return float(last["train_accuracy"] - last["test_accuracy"]), rise
