"""What a spatial transformer has learned to undo, in numbers.

The transformer samples an image at T(q) for each pixel q of its output. A deformed copy of an image shows at p what the
image shows at D(p). So a deformation is undone where D(T(q)) of the copy is what T(q) is of the image itself, its
*twin*: any canonical pose is allowed. Maps are compared by composing them, never part by part.

- Nothing is applied: the share of the variance of the maps' shear, shift and size over images (R²) that the slant, the
  centre of mass and the bounding box of the image explain.
- Zoom: the share of the zoom, in the logarithm, that the transformer takes back.
- Another deformation: the displacement that is left, as a share of what there is where a copy gets its twin's
  transform; at 1 nothing is undone, at 0 all is.

Each has a control in which images are shuffled, so that nothing can have been learned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from common.seeds import seed_of
from trainables.spatial.affine import decomposed, determinants, nearest_maps
from trainables.spatial.deformations import Kind, positions
from trainables.spatial.moments import moments
from trainables.spatial.networks import SIDE
from trainables.spatial.points import pixel_centres

FARTHEST = 8.0
"""Square of an image's diagonal, in coordinates from −1 to 1: a point farther from its place counts as that far."""
FEWEST = 3
"""Images for which numbers can be given at all."""


@dataclass(frozen=True)
class Left:
    """The displacement of images that is left, by image: means of squares over pixels, weighted by ink, each [N].

    NaN for an image without ink.
    """

    before: np.ndarray
    """Where a copy gets its twin's transform."""
    after: np.ndarray
    """Under the copy's own transform."""
    shuffled: np.ndarray
    """Under the transform of another copy."""
    by_affine: np.ndarray
    """Under the affine map that undoes most of the deformation, whatever its transform."""
    applied: np.ndarray
    """What that map starts from: the displacement of the copy itself."""


def r_squared(found: np.ndarray, given: np.ndarray) -> float:
    """Return the share of the variance of `found` [N, k] that `given` [N, k] explains, column by column, linearly.

    Images of which some number is not finite are left out. What does not vary has 0.
    """
    known = np.isfinite(found).all(1) & np.isfinite(given).all(1)
    y, x = (values[known] - values[known].mean(0) for values in (found, given)) if known.any() else (found, given)
    whole, spread = (y**2).sum(), (x**2).sum(0)
    if known.sum() < FEWEST or whole <= 1e-12 * known.sum():
        return 0.0
    explained = (x * y).sum(0) ** 2 / np.where(spread > 0, spread, np.inf)
    return float(min(explained.sum() / whole, 1.0))


def explained_by_images(maps: np.ndarray, images: np.ndarray) -> dict[str, float]:
    """Return how far images [N, 28, 28] in 0 … 1 explain the affine maps [N, 2, 3] that they were given.

    `slant_r2` is of the shear by the slant, `shift_r2` of where the output's centre looks by the centre of mass, and
    `size_r2` of the logarithm of the scale by that of the bounding box; `slant_control` and so on by other images'.
    """
    parts, seen = decomposed(maps), moments(images)
    with np.errstate(divide="ignore", invalid="ignore"):
        pairs = {
            "slant": (parts.shear[:, None], seen.slant[:, None]),
            "shift": (maps[:, :, 2], seen.centre),
            "size": (np.log(np.abs(determinants(maps)))[:, None] / 2, np.log(seen.size)[:, None]),
        }
    others = shuffled(len(maps))
    found = {}
    for name, (given, statistic) in pairs.items():
        found[f"{name}_r2"] = r_squared(given, statistic)
        found[f"{name}_control"] = r_squared(given, statistic[others])
    return found


def variation(grids: np.ndarray) -> float:
    """Return how far the grids [N, 784, 2] of images lie from their mean: the root mean square, in pixels.

    0 means that every image gets the same map, whatever it shows.
    """
    steps = grids - grids.mean(0, dtype=np.float64)
    return float(np.sqrt((steps**2).sum(2).mean()) * SIDE / 2)


def zoom_shares(originals: np.ndarray, zoomed: np.ndarray, factor: float) -> np.ndarray:
    """Return the share of a zoom by `factor` that maps take back, by pair [N]: 1 for all, 0 for none.

    `originals` and `zoomed` are the affine maps [N, 2, 3] of images and of their copies, `factor` times smaller.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.abs(determinants(originals) / determinants(zoomed))
        return np.asarray(np.log(ratio) / (2 * math.log(factor)))


def zoom_numbers(originals: np.ndarray, zoomed: np.ndarray, factor: float) -> dict[str, float]:
    """Return `zoom_undone`, the median share of the zoom that is taken back, and `zoom_control`: originals by others.

    Left out where no pair has a number, or where nothing was zoomed.
    """
    if factor == 1:
        return {}
    others = originals[shuffled(len(originals))]
    shares = {
        "zoom_undone": zoom_shares(originals, zoomed, factor),
        "zoom_control": zoom_shares(originals, others, factor),
    }
    return {name: float(np.median(own[np.isfinite(own)])) for name, own in shares.items() if np.isfinite(own).any()}


def displacement_left(
    kind: Kind, parameters: np.ndarray, grids: np.ndarray, twins: np.ndarray, ink: np.ndarray, copies: np.ndarray
) -> Left:
    """Return what is left of the deformations of N copies.

    `parameters` are the deformations', `grids` and `twins` [N, 784, 2] where copies and their twins were sampled, `ink`
    [N, 784] what the twins' outputs show there, `copies` [N, 784] the copies' own ink.
    """
    others = grids[shuffled(len(grids))]
    centres, found = pixel_centres(SIDE), []
    for given, own, twin, other, shown, copy in zip(parameters, grids, twins, others, ink, copies, strict=True):
        at = np.concatenate([twin, own, other, centres]).astype(np.float64)
        before, after, by_other, applied = np.split(positions(kind, given, at, SIDE), 4)
        nearest = nearest_maps(centres, applied[None], copy[None])[0]
        fitted = centres @ nearest[:, :2].T + nearest[:, 2]
        found.append(
            [
                *(_mean_square(end - twin, shown) for end in (before, after, by_other)),
                *(_mean_square(applied - start, copy) for start in (fitted, centres)),
            ]
        )
    return Left(*np.array(found).reshape(-1, 5).T)


def displacement_numbers(left: Left) -> dict[str, float]:
    """Return the root mean square that is left, over images, as a share: 1 for all, 0 for none.

    `left` is under the copy's own transform, `left_control` under another copy's, `left_affine` under the best affine
    maps there are. None of them where nothing was displaced.
    """
    pairs = {
        "left": (left.after, left.before),
        "left_control": (left.shuffled, left.before),
        "left_affine": (left.by_affine, left.applied),
    }
    found = {}
    for name, (after, before) in pairs.items():
        known = np.isfinite(after) & np.isfinite(before)
        if known.any() and before[known].sum() > 0:
            found[name] = math.sqrt(after[known].sum() / before[known].sum())
    return found


def shuffled(count: int) -> np.ndarray:
    """Return the positions of `count` images in a random order, always the same, in which none stays in its place."""
    order = np.random.default_rng(seed_of("labsweep", "shuffled images")).permutation(count)
    other = np.empty(count, dtype=np.int64)
    other[order] = np.roll(order, 1)  # one cycle through all
    return other


def _mean_square(steps: np.ndarray, weights: np.ndarray) -> float:
    """Return the mean square of steps [n, 2], weighted by ink [n]; NaN without ink."""
    whole = weights.sum(dtype=np.float64)
    if not whole > 0:
        return math.nan
    return float((np.minimum((steps**2).sum(1), FARTHEST) * weights).sum() / whole)
