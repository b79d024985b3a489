"""What reconstructions keep of the differences between images, within classes and between them, in pixels."""

from __future__ import annotations

from typing import NamedTuple

import torch

from trainables.encoders.scatter import class_means, of_ratio, scatter


class Kept(NamedTuple):
    """Shares of the images' variance, as pseudo-values [N] float64 (`scatter`), whose means are the shares."""

    within: torch.Tensor
    """The reconstructions' variance within classes over the images'; above 1 where they vary more."""
    between: torch.Tensor
    """The variance between the reconstructions' class means over that between the images'."""
    explained: torch.Tensor
    """The share of the images' variance within classes that the reconstructions explain, 1 − (variance within classes
    of what they miss) / (that of the images). It is below 0 where they vary, but otherwise than the images do."""


class KeptByClass(NamedTuple):
    """Shares of the images' variance for each class, [classes] float64; NaN where the images have none."""

    within: torch.Tensor
    """The variance about the class's mean."""
    between: torch.Tensor
    """The squared distance of the class's mean from the mean of all."""


def kept(images: torch.Tensor, made: torch.Tensor, y: torch.Tensor) -> Kept:
    """Return what reconstructions `made` keep of images, both [N, …], with classes y [N] int64."""
    images, made = images.flatten(1).double(), made.flatten(1).double()
    given, left, missed = (scatter(x, y) for x in (images, made, images - made))
    within = given.within.sum(1)
    return Kept(
        of_ratio(left.within.sum(1), within),
        of_ratio(left.between.sum(1), given.between.sum(1)),
        1 - of_ratio(missed.within.sum(1), within),
    )


def kept_by_class(images: torch.Tensor, made: torch.Tensor, y: torch.Tensor) -> KeptByClass:
    """Return what reconstructions `made` keep of images, both [N, …], class by class."""
    spreads = []
    distances = []
    for x in (made.flatten(1).double(), images.flatten(1).double()):
        spreads.append(class_means(scatter(x, y).within.sum(1, keepdim=True), y)[:, 0])
        distances.append((class_means(x, y) - x.mean(0)).square().sum(1))
    return KeptByClass(spreads[0] / spreads[1], distances[0] / distances[1])
