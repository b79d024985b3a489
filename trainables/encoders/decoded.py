"""What is measured of images that were decoded from latents, and of these latents, and what figures show of them."""

from __future__ import annotations

import numpy as np
import torch

from common.files import Arrays
from common.seeds import seed_of
from trainables.core.measures import plain, share
from trainables.data.subsets import balanced_order
from trainables.encoders.latents import effective_dimension, plane, separation, standardised
from trainables.encoders.reconstructions import kept, kept_by_class

DIGITS, POINTS = 6, 300
"""Images of a class whose reconstructions figures show, and images whose latents they show."""
MEASURES = (
    *(
        plain(name, better="max", label=label, low=low, high=high, decimals=3, images=True, splits=("test",))
        for name, label, low, high in (
            ("kept_within", "in-class variance kept", 0, None),
            ("explained_within", "in-class variance explained", None, 1),
            ("kept_between", "variance between class means kept", 0, None),
            ("within_total", "share of the latents' variance within classes", 0, 1),
            ("between_within", "latents' variance between / within classes", 0, None),
            ("silhouette", "silhouette of the classes", -1, 1),
        )
    ),
    share("pure", better="max", label="1-NN purity of the latents", images=True, splits=("test",)),
    plain("dimension", better="max", label="effective dimension", low=0, decimals=2, splits=("test",)),
)
"""Those of `scores` and `dimension`."""


def scores(images: torch.Tensor, made: torch.Tensor, latents: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return by measure what each image [N] contributes: the measure is the mean, of pseudo-values in part (`scatter`).

    Images [N, 1, H, W] were reconstructed as `made` from latents [N, D]; y [N] int64 are their classes.
    """
    left, apart = kept(images, made, y), separation(standardised(latents), y)
    return {
        "kept_within": left.within,
        "explained_within": left.explained,
        "kept_between": left.between,
        "within_total": apart.within_total,
        "between_within": apart.between_within,
        "silhouette": apart.silhouette,
        "pure": apart.pure,
    }


def dimension(latents: torch.Tensor) -> float:
    """Return the effective dimension of latents [N, D], whatever their scales."""
    return effective_dimension(standardised(latents))


def shown(images: torch.Tensor, made: torch.Tensor, latents: torch.Tensor, y: torch.Tensor) -> Arrays:
    """Return what figures show; which images these are depends on the classes y [N] alone.

    `digits_input` and `digits_made` [classes, n, H, W] uint8 are images and their reconstructions, `plane` [m, 2] are
    standardised latents on their principal components, `plane_label` [m] their classes and `plane_shares` [2] the
    shares of the variance there. `kept_within_by_class` and `kept_between_by_class` [classes] are over all images.
    """
    labels = y.cpu().numpy()
    order = balanced_order(labels, seed_of("labsweep", "shown"))
    present, counts = np.unique(labels, return_counts=True)
    rows = np.stack([order[labels[order] == label][: min(DIGITS, counts.min())] for label in present])
    points, picture, left = order[:POINTS].copy(), plane(standardised(latents)), kept_by_class(images, made, y)
    tensors = {
        "digits_input": (images[rows, 0] * 255).round().byte(),
        "digits_made": (made[rows, 0] * 255).round().byte(),
        "plane": picture.places[points].float(),
        "plane_label": y[points],
        "plane_shares": picture.shares,
        "kept_within_by_class": left.within,
        "kept_between_by_class": left.between,
    }
    return {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
