"""What a trained transformer makes of held-out images and of their deformed copies: numbers, and what figures show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F

from common.files import Arrays
from trainables.spatial.affine import degenerate, nearest_maps
from trainables.spatial.deformations import KINDS, Kind, Settings
from trainables.spatial.images import Origin
from trainables.spatial.learned import (
    Left,
    displacement_left,
    displacement_numbers,
    explained_by_images,
    variation,
    zoom_numbers,
    zoom_shares,
)
from trainables.spatial.moments import sharpness
from trainables.spatial.networks import SIDE, SpatialNetwork
from trainables.spatial.points import pixel_centres

EVALUATED = 500
"""Images evaluated at a time: they fit a processor's cache."""
SHOWN = 4
"""Images of an origin that are kept for figures, of the best, those in the middle and the worst each."""
NODES = np.linspace(0, SIDE - 1, 8).round().astype(int)
"""Rows and columns of the output at which the sampling grid is kept for figures."""


@dataclass(frozen=True)
class View:
    """What a transformer makes of N images."""

    given: np.ndarray
    """The images, [N, 28, 28] float32 in 0 … 1."""
    grids: np.ndarray
    """Where they were sampled, [N, 784, 2] float32."""
    seen: np.ndarray
    """What the classifier sees, [N, 28, 28] float32 in 0 … 1."""
    ink: np.ndarray
    """Their pixels at the grid, black beyond the border, [N, 28, 28] float32."""

    @cached_property
    def maps(self) -> np.ndarray:
        """The affine maps nearest to the grids, [N, 2, 3] float64; of an affine transformer, its own."""
        return nearest_maps(pixel_centres(SIDE), self.grids.astype(np.float64))


@torch.inference_mode()
def viewed(network: SpatialNetwork, images: torch.Tensor) -> View:
    """Return what a network's transformer makes of images [N, 1, 28, 28] uint8; the network is in evaluation mode."""
    found: list[list[torch.Tensor]] = []
    for part in images.split(EVALUATED):
        given = part.float() / 255
        seen, grid = network.transformed(given)
        found.append([given, grid, seen, F.grid_sample(given, grid, align_corners=False)])
    inputs, grids, outputs, ink = (torch.cat(own).cpu().numpy() for own in zip(*found, strict=True))
    return View(inputs[:, 0], grids.reshape(len(grids), -1, 2), outputs[:, 0], ink[:, 0])


@dataclass(frozen=True)
class Examination:
    """The views of the images of a split and of their copies, which are in the same order."""

    views: Mapping[Origin, View]
    """Those of the originals among them, which are the copies' twins."""
    origins: tuple[Origin, ...]
    """What is tested on."""
    parameters: Mapping[Kind, np.ndarray]
    """Of the deformations, by kind, [N, …]."""
    labels: np.ndarray
    """[N] int64"""
    settings: Settings

    def numbers(self) -> dict[str, float]:
        """Return what was learned as measures (`learned`), and how sharp class means are before and after."""
        found: dict[str, float] = {}
        twins = self.views["original"]
        if "original" in self.origins:
            found |= explained_by_images(twins.maps, twins.given)
        if "zoom" in self.origins:
            found |= zoom_numbers(twins.maps, self.views["zoom"].maps, self.settings.zoom)
        if self.left is not None:
            found |= displacement_numbers(self.left)
        found["variation"] = variation(self.views[self.origins[0]].grids)
        labels = np.tile(self.labels, len(self.origins))
        for name, kind in (("sharpness_before", "given"), ("sharpness", "ink")):
            found[name] = sharpness(np.concatenate([getattr(self.views[o], kind) for o in self.origins]), labels)
        return found

    @property
    def degenerate_share(self) -> float:
        """The share of images whose map reflects, or scales to next to nothing."""
        return float(np.concatenate([degenerate(self.views[origin].maps) for origin in self.origins]).mean())

    @cached_property
    def left(self) -> Left | None:
        """The displacement that is left in the copies that are neither originals nor zoomed; None without any."""
        displaced: list[Kind] = [kind for kind in KINDS if kind in self.origins and kind != "zoom"]
        if not displaced:
            return None
        (kind,) = displaced
        twins, copies, count = self.views["original"], self.views[kind], len(self.labels)
        return displacement_left(
            kind,
            self.parameters[kind],
            copies.grids,
            twins.grids,
            twins.ink.reshape(count, -1),
            copies.given.reshape(count, -1),
        )

    def pictures(self, losses: Mapping[Origin, np.ndarray], right: Mapping[Origin, np.ndarray]) -> Arrays:
        """Return what figures show, by origin: examples [origins, 3, n, …] and class means [origins, 2, classes, …].

        Examples are the best, those in the middle and the worst: of originals by the classifier's loss [N], of copies
        by how far their deformation is undone. Of each there are the input, the output, some nodes of the sampling
        grid, whether it is read right [N], and that number.
        """
        undone = {origin: self._undone(origin, losses) for origin in self.origins}
        ranks = {origin: np.abs(1 - own) if origin == "zoom" else own for origin, own in undone.items()}
        rows = {origin: _examples(rank) for origin, rank in ranks.items()}
        parts: dict[str, list[np.ndarray]] = {f"examples_{name}": [] for name in ("input", "output", "grid", "right")}
        parts |= {"examples_value": [], "class_means": [], "class_sharpness": []}
        for origin, own in rows.items():
            view = self.views[origin]
            grids = view.grids[own].reshape(*own.shape, SIDE, SIDE, 2)
            parts["examples_input"].append(_bytes(view.given[own]))
            parts["examples_output"].append(_bytes(view.seen[own]))
            parts["examples_grid"].append(grids[:, :, NODES][:, :, :, NODES])
            parts["examples_right"].append(right[origin][own])
            parts["examples_value"].append(undone[origin][own])
            both = (view.given, view.ink)
            parts["class_means"].append(_bytes(np.stack([_means(images, self.labels) for images in both])))
            parts["class_sharpness"].append(np.array([sharpness(images, self.labels) for images in both]))
        return {name: np.stack(own) for name, own in parts.items()}

    def _undone(self, origin: Origin, losses: Mapping[Origin, np.ndarray]) -> np.ndarray:
        """Return the number by which examples are chosen, [N].

        It is the share of a zoom that is undone, best at 1, the share of another deformation that is left, or the loss
        of an original, both best where they are least.
        """
        if origin == "original":
            return losses[origin]
        if origin == "zoom":
            return zoom_shares(self.views["original"].maps, self.views[origin].maps, self.settings.zoom)
        assert self.left is not None
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.sqrt(self.left.after / self.left.before))


def _examples(rank: np.ndarray) -> np.ndarray:
    """Return the positions of the least, the middle and the greatest of `rank` [N], [3, n]."""
    order, shown = np.argsort(rank, kind="stable"), min(SHOWN, len(rank) // 3)
    middle = (len(order) - shown) // 2
    return np.stack([order[:shown], order[middle : middle + shown], order[-shown:]])


def _means(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the mean of images [N, S, S] of each class, [classes, S, S]."""
    return np.stack([images[labels == label].mean(0) for label in np.unique(labels)])


def _bytes(images: np.ndarray) -> np.ndarray:
    """Return images in 0 … 1 as uint8."""
    return np.asarray(np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8))
