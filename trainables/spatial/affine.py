"""Affine maps of the plane: their parts, and the one nearest to another map.

A map [2, 3] takes a point p = (x, y) to A p + t, in coordinates in which an image reaches from −1 to 1 along each axis.
Source of the order of the parts: a matrix is a rotation times an upper triangular one (QR), here
A = R(angle) · [[1, shear], [0, 1]] · diag(scale_x, scale_y). An inverse has other parts than these with their signs
turned: maps are compared by composing them, never part by part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_SCALE = 0.05
"""A map that scales by less along an axis shows a few pixels of its input, or one: it is degenerate."""


@dataclass(frozen=True)
class Parts:
    """What matrices [N, 2, 2] are made of, each [N] float64."""

    angle: np.ndarray
    """Of the rotation, in radians, from −π to π."""
    shear: np.ndarray
    """How far a point moves along x for each unit along y."""
    scale_x: np.ndarray
    """Above 0."""
    scale_y: np.ndarray
    """Below 0 where there is a reflection."""


def decomposed(matrices: np.ndarray) -> Parts:
    """Return the parts of matrices [N, 2, 2] or maps [N, 2, 3]; of a singular matrix, no finite shear."""
    a = np.asarray(matrices, dtype=np.float64)[:, :, :2]
    scale_x = np.hypot(a[:, 0, 0], a[:, 1, 0])
    angle = np.arctan2(a[:, 1, 0], a[:, 0, 0])
    cos, sin = np.cos(angle), np.sin(angle)
    scale_y = cos * a[:, 1, 1] - sin * a[:, 0, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        shear = (cos * a[:, 0, 1] + sin * a[:, 1, 1]) / scale_y
    return Parts(angle, shear, scale_x, scale_y)


def recomposed(parts: Parts) -> np.ndarray:
    """Return the matrices [N, 2, 2] of these parts."""
    cos, sin = np.cos(parts.angle), np.sin(parts.angle)
    rotation = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    zero = np.zeros_like(parts.shear)
    triangular = np.stack(
        [np.stack([parts.scale_x, parts.shear * parts.scale_y], -1), np.stack([zero, parts.scale_y], -1)], -2
    )
    made: np.ndarray = rotation @ triangular
    return made


def determinants(maps: np.ndarray) -> np.ndarray:
    """Return the determinant of the matrix of each map [N, 2, 2 or 3]: how many times as large an area becomes, [N]."""
    a = np.asarray(maps, dtype=np.float64)
    return np.asarray(a[:, 0, 0] * a[:, 1, 1] - a[:, 0, 1] * a[:, 1, 0])


def degenerate(maps: np.ndarray) -> np.ndarray:
    """Return which of maps [N, 2, 2 or 3] reflect, or scale by less than `LEAST_SCALE` along an axis, [N] bool."""
    parts = decomposed(maps)
    return np.asarray(~(np.minimum(parts.scale_x, parts.scale_y) >= LEAST_SCALE))  # NaN is degenerate too


def moved(maps: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return where maps [N, 2, 3] take points [n, 2] or [N, n, 2]: [N, n, 2]."""
    return np.asarray(points @ np.swapaxes(maps[:, :, :2], 1, 2) + maps[:, None, :, 2])


def nearest_maps(points: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the affine maps [N, 2, 3] that take points [n, 2] nearest to targets [N, n, 2], by least squares.

    `weights` [N, n] say how much a point counts; without them all count alike.
    """
    known = np.concatenate([points, np.ones((len(points), 1))], axis=1)  # [n, 3]
    if weights is None:
        found, *_ = np.linalg.lstsq(known, np.moveaxis(targets, 0, 1).reshape(len(points), -1), rcond=None)
        return np.asarray(np.moveaxis(found.reshape(3, len(targets), 2), 0, 2))
    weighted = weights[:, :, None] * known  # [N, n, 3]
    normal = np.swapaxes(weighted, 1, 2) @ known
    solved = np.linalg.pinv(normal, hermitian=True) @ (np.swapaxes(weighted, 1, 2) @ targets)
    return np.asarray(np.swapaxes(solved, 1, 2))
