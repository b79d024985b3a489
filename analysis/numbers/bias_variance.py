"""Bias and variance of a classifier over the samples it may be given.

Source: P. Domingos, "A unified bias-variance decomposition and its applications", 2000, for 0/1 loss without noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Decomposition(NamedTuple):
    """Shares of test images; `error` = `bias` + `unbiased` − `biased`."""

    error: float
    """The error, as its mean over samples."""
    bias: float
    """Share of images whose main prediction, the one most samples lead to, is wrong."""
    unbiased: float
    """Variance where the main prediction is right: samples that lead elsewhere add error."""
    biased: float
    """Variance where the main prediction is wrong: samples that lead to the truth take error away."""

    @property
    def variance(self) -> float:
        """By how much the error would fall if every sample led to the main prediction."""
        return self.unbiased - self.biased


def decompose(predicted: np.ndarray, labels: np.ndarray) -> Decomposition:
    """Decompose the errors of `predicted` [samples, images] int against `labels` [images] int.

    Of several main predictions the lowest class is taken. From few samples the main prediction is uncertain.
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
