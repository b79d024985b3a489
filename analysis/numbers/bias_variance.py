"""Bias and variance of a classifier over the samples it may be given.

Source: P. Domingos, "A unified bias-variance decomposition and its applications", 2000, for 0/1 loss without noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Decomposition(NamedTuple):
    """Shares of test images; `error` = `bias` + `unbiased` − `biased`."""

    error: float
    """Mean over samples."""
    bias: float
    """The main prediction, the one most samples lead to, is wrong."""
    unbiased: float
    """Where it is right, samples that lead elsewhere do harm: this much."""
    biased: float
    """Where it is wrong, samples that lead to the truth do good: this much."""

    @property
    def variance(self) -> float:
        """What the error would fall by if every sample led to the main prediction."""
        return self.unbiased - self.biased


def decompose(predicted: np.ndarray, labels: np.ndarray) -> Decomposition:
    """predicted [samples, images] and labels [images], int. Of several main predictions the lowest is taken.

    The main prediction is that of the samples at hand: few of them tell it poorly.
    """
    classes = int(max(predicted.max(), labels.max())) + 1
    counts = np.zeros((predicted.shape[1], classes), np.int64)
    for one in predicted:
        counts[np.arange(len(one)), one] += 1
    right = counts.argmax(axis=1) == labels
    correct = (predicted == labels).mean(axis=0)
    return Decomposition(
        error=float(1 - correct.mean()),
        bias=float((~right).mean()),
        unbiased=float(((1 - correct) * right).mean()),
        biased=float((correct * ~right).mean()),
    )
