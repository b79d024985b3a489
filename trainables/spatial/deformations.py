"""Deformations of small gray images: where each pixel of a deformed image lies in the image that it was made from.

A deformation of an image is described by its parameters, an array, which are drawn with a seed of the image's own.
`deformed` makes the image, `positions` says where in the original any point of it lies.

Sources: `elastic` and the zoom by points are those of the package elasticdeform (G. van Tulder), whose displacements
are drawn here, as it would draw them from NumPy's global generator. R, RTS, P and E are after the distortions
of MNIST in M. Jaderberg et al., "Spatial Transformer Networks", NIPS 2015. Their ranges are as stated here, on images
of 28×28, in which a digit is moved by 4 pixels at most so that most of it stays inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal, get_args

import numpy as np
from scipy.ndimage import map_coordinates

from common.problems import Problem
from trainables.spatial.points import control_points, in_pixels, pixel_centres, thin_plate

Distortion = Literal["R", "RTS", "P", "E"]
"""Rotation; rotation, translation and scaling; projection; an elastic deformation by a thin-plate spline."""
Kind = Literal["elastic", "zoom", "R", "RTS", "P", "E"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ZoomMethod = Literal["area", "package"]

ORDER = 3
"""Of the splines that interpolate pixels: the package's own."""
MOVED = 4.0
"""Pixels by which RTS moves a digit at most, along each axis."""
CORNERS = 5.0
"""Standard deviation of the steps by which P stretches the corners of an image, in pixels."""
STEPS = 1.5
"""Standard deviation of the steps of the control points of E, in pixels."""


@dataclass(frozen=True)
class Settings:
    """How far images are deformed."""

    sigma: float = 3.5
    """Standard deviation of the displacements of `elastic`'s control points, in pixels."""
    points: int = 3
    """Control points of `elastic` along each axis."""
    zoom: float = 4.0
    """How many times smaller a zoomed image is."""
    zoom_method: ZoomMethod = "area"
    """`area`: each pixel is the mean over the area that it covers; `package`: elasticdeform samples points."""

    def of(self, kind: Kind) -> dict[str, Any]:
        """Return the settings that matter to a kind of deformation, as JSON values."""
        used: Mapping[str, tuple[str, ...]] = {"elastic": ("sigma", "points"), "zoom": ("zoom", "zoom_method")}
        return {name: getattr(self, name) for name in used.get(kind, ())}

    def by_package(self, kind: str) -> bool:
        """Return whether elasticdeform makes copies of this kind."""
        return kind == "elastic" or (kind == "zoom" and self.zoom_method == "package")


def drawn(kind: Kind, settings: Settings, side: int, rng: np.random.Generator) -> np.ndarray:
    """Return the parameters of a deformation of an image of side × side, float64.

    `elastic`: displacements (row, column) of control points in pixels, [2, points, points]. `E`: steps (x, y) of 16
    control points, [16, 2]. Else the matrix of a projective map, [3, 3].
    """
    if kind == "elastic":
        return np.asarray(rng.normal(0, settings.sigma, (2, settings.points, settings.points)))
    if kind == "zoom":
        return np.diag([settings.zoom, settings.zoom, 1.0])
    return _DRAWN[kind](side, rng)


def positions(kind: Kind, parameters: np.ndarray, points: np.ndarray, side: int) -> np.ndarray:
    """Return where in the original image points [n, 2] of a deformed one lie, [n, 2], both as `points` has them."""
    if kind == "elastic":
        return np.asarray(points + displacements(parameters, points, side))
    if kind == "E":
        return np.asarray(points + thin_plate(points) @ parameters)
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1) @ parameters.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])


def displacements(control: np.ndarray, points: np.ndarray, side: int) -> np.ndarray:
    """Return the displacements at points [n, 2] that control points [2, k, k] have, as elasticdeform interpolates them.

    Outside of the image they are those of its border.
    """
    inside = np.clip(in_pixels(points, side), 0, side - 1)
    at = inside * ((control.shape[1] - 1) / (side - 1))  # control points stand on the centres of the outer pixels
    rows, columns = (map_coordinates(one, at, order=3, mode="mirror") for one in control)
    return np.stack([columns, rows], axis=1) * (2 / side)


def deformed(kind: Kind, settings: Settings, image: np.ndarray, parameters: np.ndarray) -> np.ndarray:
    """Return an image [S, S] uint8 after the deformation of these parameters, uint8; what enters is black.

    It is computed in floats: on uint8 the package's splines would wrap around.
    """
    whole = image.astype(np.float64)
    if kind == "elastic":
        made = elasticdeform().deform_grid(whole, parameters, order=ORDER)
    elif settings.by_package(kind):
        made = elasticdeform().deform_grid(whole, np.zeros((2, 3, 3)), order=ORDER, zoom=1 / settings.zoom)
    elif kind == "zoom":
        made = zoom_by(whole, settings.zoom)
    else:
        side = len(image)
        at = in_pixels(positions(kind, parameters, pixel_centres(side), side), side)
        made = map_coordinates(whole, at, order=ORDER, mode="constant").reshape(image.shape)
    clipped: np.ndarray = np.rint(np.clip(made, 0, 255)).astype(np.uint8)
    return clipped


def zoom_by(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image [S, S] float, `factor` times smaller about its centre: each pixel is the mean over its area.

    The sum of all pixels becomes 1/factor² of what it was, to the last digit, where the factor is 1 or more.
    """
    side = len(image)
    edges = (np.arange(side + 1) - side / 2) * factor + side / 2  # of the pixels made, in the original
    overlap = np.minimum(edges[1:, None], np.arange(1, side + 1)) - np.maximum(edges[:-1, None], np.arange(side))
    weights = np.clip(overlap, 0, None) / factor  # [made, original]
    return np.asarray(weights @ image @ weights.T)


def elasticdeform() -> ModuleType:
    """Return the package elasticdeform. Raises ImportError with the remedy where it cannot be imported."""
    try:
        import elasticdeform as package
    except ImportError as error:
        raise ImportError(f"elasticdeform cannot be imported ({error}). {REMEDY}") from error
    return package  # type: ignore[no-any-return]


REMEDY = (
    "Install it from source, with a C compiler: pip install --no-binary elasticdeform elasticdeform; its wheel is for"
    " NumPy 1."
)


def package_problems(key: str, kinds: Iterable[str], settings: Settings) -> list[Problem]:
    """Return a problem with the field `key` if one of these kinds needs elasticdeform and it cannot be imported."""
    needing = [kind for kind in kinds if settings.by_package(kind)]
    if not needing:
        return []
    try:
        elasticdeform()
    except ImportError as error:
        rule = f"the package elasticdeform, which makes the copies {' and '.join(needing)}"
        return [Problem(key, rule, str(error.__cause__), REMEDY, given=False)]
    return []


def _rotation(side: int, rng: np.random.Generator) -> np.ndarray:
    return _similarity(rng.uniform(-np.pi / 2, np.pi / 2), 1.0, np.zeros(2))


def _rotation_translation_scale(side: int, rng: np.random.Generator) -> np.ndarray:
    angle, size = rng.uniform(-np.pi / 4, np.pi / 4), rng.uniform(0.7, 1.2)
    return _similarity(angle, size, rng.uniform(-MOVED, MOVED, 2) * (2 / side))


def _similarity(angle: float, size: float, moved: np.ndarray) -> np.ndarray:
    """Return the map from an image that was turned, made so many times as large and moved, to the original."""
    cos, sin = np.cos(angle) / size, np.sin(angle) / size
    matrix = np.array([[cos, -sin], [sin, cos]])
    return np.block([[matrix, -(matrix @ moved)[:, None]], [np.zeros((1, 2)), np.ones((1, 1))]])


def _projection(side: int, rng: np.random.Generator) -> np.ndarray:
    """Return a projective map that takes the corners of an image to others, which make a convex quadrilateral."""
    corners = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    size = rng.uniform(0.75, 1.0)
    stretched = corners + rng.normal(0, CORNERS * 2 / side, (4, 2))
    while not _is_convex(stretched):  # else the image would be folded
        stretched = corners + rng.normal(0, CORNERS * 2 / side, (4, 2))
    return _homography(size * stretched, corners)


def _is_convex(corners: np.ndarray) -> bool:
    edges = np.roll(corners, -1, axis=0) - corners
    after = np.roll(edges, -1, axis=0)
    return bool(np.all(edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0] > 0))


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the projective map [3, 3] that takes four points [4, 2] to four others."""
    rows, sides = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        sides += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(sides)), 1.0).reshape(3, 3)


def _spline(side: int, rng: np.random.Generator) -> np.ndarray:
    control, size = control_points(), rng.uniform(0.75, 1.0)
    return np.asarray((control + rng.normal(0, STEPS * 2 / side, control.shape)) / size - control)


_DRAWN: Mapping[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "R": _rotation,
    "RTS": _rotation_translation_scale,
    "P": _projection,
    "E": _spline,
}
