"""What images show of how a digit was written: its slant, its place and its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainables.spatial.points import pixel_centres

BRIGHT = 0.25
"""Pixels at least so bright, of 1, belong to the bounding box."""


@dataclass(frozen=True)
class Moments:
    """Of N images; NaN where an image has no ink, or none that is bright enough."""

    slant: np.ndarray
    """How far ink moves along x for each unit along y: the covariance of x and y over the variance of y, [N]."""
    centre: np.ndarray
    """The centre of mass (x, y), from −1 to 1, [N, 2]."""
    size: np.ndarray
    """The square root of the bounding box's area, of 2 for a whole image, [N]."""


def moments(images: np.ndarray) -> Moments:
    """Return the moments of images [N, S, S] float in 0 … 1."""
    count, side = images.shape[:2]
    ink = images.reshape(count, -1).astype(np.float64)
    points = pixel_centres(side)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = ink / ink.sum(1, keepdims=True)
        centre = weights @ points
        from_centre = points - centre[:, None]  # [N, S · S, 2]
        across = (weights * from_centre[..., 0] * from_centre[..., 1]).sum(1)
        slant = across / (weights * from_centre[..., 1] ** 2).sum(1)
    bright = images >= BRIGHT
    area = _extent(np.any(bright, axis=1)) * _extent(np.any(bright, axis=2))
    return Moments(slant, centre, np.where(area > 0, np.sqrt(area) * 2 / side, np.nan))


def sharpness(images: np.ndarray, labels: np.ndarray) -> float:
    """Return how alike images [N, S, S] of a class, labels [N], are: the mean over classes, from near 0 to 1.

    For a class it is the sum of squares of its mean image over the mean sum of squares of its images: 1 where all are
    the same image, whatever its contrast. A class without ink has 0.
    """
    found = []
    for label in np.unique(labels):
        own = images[labels == label].reshape(-1, images[0].size).astype(np.float64)
        each = (own**2).sum(1).mean()
        found.append((own.mean(0) ** 2).sum() / each if each > 0 else 0.0)
    return float(np.mean(found))


def _extent(shown: np.ndarray) -> np.ndarray:
    """Return how many positions lie from the first to the last that is True, of each row of [N, S], [N]."""
    last = shown.shape[1] - shown[:, ::-1].argmax(1)
    return np.asarray(np.where(shown.any(1), last - shown.argmax(1), 0))
