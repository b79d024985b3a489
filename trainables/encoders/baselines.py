"""What reconstructs images without a network: the best constant, and principal components."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.data.choice import Choice
from trainables.data.sources import Sources
from trainables.encoders.digits import digit_images

COMPONENTS = 64
"""Principal components that are kept, if there are as many images."""
VERSION = 1  # raised by hand when the meaning of the arrays changes


def linear_baselines(choice: Choice, sources: Sources) -> Artifact:
    """Return the artifact of the baselines that are fitted on the chosen training images. Raises Refused.

    It has `median` [1, 28, 28], `mean` [784] and `components` [K, 784], float32, those of most variance first.
    """
    images = digit_images(choice.data, sources, "train")
    return Artifact(
        "linear_baselines",
        choice.spec() | {"version": VERSION},
        partial(_fitted, choice),
        {"images": images},
        light=True,
    )


def baseline_errors(images: torch.Tensor, fitted: Tensors, latent: int) -> dict[str, float]:
    """Return the mean L1 between images [N, 1, 28, 28] in 0 … 1 and what is made of them without a network.

    `median_l1`: the median image, pixel by pixel, which of all constants has the least L1. `pca_l1`: the projection on
    the first `latent` principal components, clipped to 0 … 1.
    """
    median = (images - fitted["median"]).abs().mean(dtype=torch.float64)
    flat, components = images.flatten(1), fitted["components"][:latent]
    projected = ((flat - fitted["mean"]) @ components.T) @ components + fitted["mean"]
    pca = (flat - projected.clamp(0, 1)).abs().mean(dtype=torch.float64)
    return {"median_l1": float(median), "pca_l1": float(pca)}


def _fitted(choice: Choice, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    from sklearn.decomposition import PCA  # a second to import, which other trials need not wait for

    rows, _ = choice.rows(sources)
    images = needs["images"]["x"][rows].astype(np.float32) / 255  # [n, 1, 28, 28]
    fitted = PCA(min(COMPONENTS, len(images)), svd_solver="covariance_eigh").fit(images.reshape(len(images), -1))
    return {
        "median": np.median(images, axis=0),
        "mean": fitted.mean_.astype(np.float32),
        "components": fitted.components_.astype(np.float32),
    }
