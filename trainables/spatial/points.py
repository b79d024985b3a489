"""Points of an image: their coordinates, and the thin-plate spline through some of them.

Coordinates are (x, y), x to the right and y down, from −1 to 1 between the outer edges of an image, as PyTorch's
`grid_sample(…, align_corners=False)` takes them; SciPy and elasticdeform count pixels as (row, column).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

CONTROL = 4
"""Control points of a thin-plate spline along each axis: 16, as in the paper."""


@lru_cache(maxsize=8)
def pixel_centres(side: int) -> np.ndarray:
    """Return the centres of the pixels of an image of side × side, row by row, [side · side, 2] float64, read-only."""
    along = (2 * np.arange(side) + 1) / side - 1
    y, x = np.meshgrid(along, along, indexing="ij")
    centres = np.stack([x.ravel(), y.ravel()], axis=1)
    centres.setflags(write=False)
    return centres


def in_pixels(points: np.ndarray, side: int) -> np.ndarray:
    """Return points [n, 2] as (row, column) from 0 to side − 1, [2, n]."""
    return np.asarray(((points[:, ::-1] + 1) * side - 1).T / 2)


@lru_cache(maxsize=8)
def control_points(count: int = CONTROL) -> np.ndarray:
    """Return a regular grid of control points that reaches the edges, [count · count, 2] float64, read-only."""
    along = np.linspace(-1, 1, count)
    y, x = np.meshgrid(along, along, indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    points.setflags(write=False)
    return points


def thin_plate(points: np.ndarray, count: int = CONTROL) -> np.ndarray:
    """Return how far each point [n, 2] moves for a unit step of each control point, [n, count · count].

    Multiplied by the steps of the control points [count · count, 2] it gives the steps of the thin-plate spline through
    them. Source: F. L. Bookstein, "Principal warps", IEEE PAMI 1989.
    """
    return np.asarray(_spline(count)(points))


@lru_cache(maxsize=8)
def _spline(count: int) -> Any:
    from scipy.interpolate import RBFInterpolator  # late: trials without a spline need not load it

    return RBFInterpolator(control_points(count), np.eye(count * count), kernel="thin_plate_spline", degree=1)
