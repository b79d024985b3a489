"""How an embedding fills its space: its intrinsic dimension, and how near images lie to each other."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from trainables.transfer.neighbours import nearest

LEAST = 3
"""Images with two neighbours at different distances, below which no dimension is estimated."""


class Geometry(NamedTuple):
    """What the nearest neighbours of images tell about the set that they lie on."""

    dimension: float
    """The intrinsic dimension; NaN where it cannot be estimated."""
    distance: float
    """The mean Euclidean distance to the nearest other image."""


def geometry(x: torch.Tensor, count: int) -> Geometry:
    """Return the geometry of a sample x [N, D], N ≥ 3, from the neighbours that its first `count` images have in it.

    Where images lie on a smooth set of dimension d, the ratio of the distances to the second nearest and the nearest is
    Pareto distributed with exponent d, whatever their density (TwoNN: E. Facco et al., "Estimating the intrinsic
    dimension of datasets by a minimal neighborhood information", 2017). This is the unbiased form of its maximum
    likelihood, (m − 1) / Σ log ratio over m images; those that have a copy of themselves in the sample are left out.
    It falls short where d is large and N small.
    """
    x = x.double()
    own = torch.arange(min(count, len(x)), device=x.device)
    near, _ = nearest(x, x[own], 2, "euclidean", own)
    first, second = near[near[:, 0] > 0].T
    total = float((second / first).log().sum())
    dimension = (len(first) - 1) / total if len(first) >= LEAST and total > 0 else math.nan
    return Geometry(dimension, float(near[:, 0].mean()))
