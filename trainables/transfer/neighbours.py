"""k nearest neighbours: one matrix product and a top-k, where others loop."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F

Metric = Literal["euclidean", "cosine"]
Weighting = Literal["uniform", "distance"]
CHUNK = 2_000
"""Queries at a time: bounds the memory that distances to all images take."""
ROUNDING = 1e-12
"""Squared distances, of vectors of length 1, that cannot be told from 0."""


def votes(
    x: torch.Tensor,
    y: torch.Tensor,
    queries: torch.Tensor,
    *,
    k: int,
    metric: Metric,
    weighting: Weighting,
    classes: int,
) -> torch.Tensor:
    """x [N, D], y [N] int64, queries [Q, D] -> each class's share of a query's k neighbours, [Q, classes] float64.

    `distance` weighs a neighbour by the inverse of its distance; one at no distance outweighs all others. As in
    scikit-learn's KNeighborsClassifier the first of several classes with the highest share is the predicted one;
    which of several equally distant images is the k-th neighbour is left open. Computed in float64, since distances
    of near images are small differences of large numbers.
    """
    x, queries = x.double(), queries.double()
    if metric == "cosine":
        x, queries = F.normalize(x), F.normalize(queries)
    targets = F.one_hot(y, classes).double()
    parts = []
    for part in queries.split(CHUNK):
        near, rows = _distances(x, part, metric).topk(k, dim=1, largest=False)
        weights = _inverse(near) if weighting == "distance" else torch.ones_like(near)
        parts.append((weights[:, :, None] * targets[rows]).sum(1) / weights.sum(1, keepdim=True))
    return torch.cat(parts)


def _distances(x: torch.Tensor, queries: torch.Tensor, metric: Metric) -> torch.Tensor:
    """[Q, N]: 1 − cosine, of normalised vectors, or Euclidean; exactly 0 between images that are the same."""
    products = queries @ x.T
    if metric == "cosine":
        apart = 1 - products
        return apart.masked_fill(apart < ROUNDING, 0)
    sizes = queries.square().sum(1)[:, None] + x.square().sum(1)
    squared = sizes - 2 * products
    return squared.masked_fill(squared < ROUNDING * sizes, 0).sqrt()


def _inverse(distances: torch.Tensor) -> torch.Tensor:
    """Weights [Q, k]: the distances' inverses; where a distance is 0, 1 for such ones and 0 for the rest."""
    none = distances == 0
    return torch.where(none.any(1, keepdim=True), none.double(), 1 / distances.masked_fill(none, 1))
