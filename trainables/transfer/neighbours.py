"""k nearest neighbours, by one matrix product and a top-k."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F

Metric = Literal["euclidean", "cosine"]
Weighting = Literal["uniform", "distance"]
CHUNK = 2_000
"""Queries at a time, which bounds the memory for distances to all images."""
ROUNDING = 1e-12
"""Squared distances between vectors of length 1 that are below this are rounding, and count as 0."""


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
    """Return each class's share among a query's k neighbours, [Q, classes] float64; x [N, D], y [N], queries [Q, D].

    The weighting "distance" weighs a neighbour by the inverse of its distance; neighbours at distance 0 outweigh all
    others. As in scikit-learn's KNeighborsClassifier, `argmax` predicts the first of several classes with the highest
    share; which of several equally distant images is the k-th neighbour is undefined. All is computed in float64, since
    distances of near images are small differences of large numbers.
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
    """Return distances [Q, N], 1 − cosine (of normalised vectors) or Euclidean; exactly 0 between equal images."""
    products = queries @ x.T
    if metric == "cosine":
        distances = 1 - products
        return distances.masked_fill(distances < ROUNDING, 0)
    sizes = queries.square().sum(1)[:, None] + x.square().sum(1)
    squared = sizes - 2 * products
    return squared.masked_fill(squared < ROUNDING * sizes, 0).sqrt()


def _inverse(distances: torch.Tensor) -> torch.Tensor:
    """Return weights [Q, k]: inverse distances or, in a row with distances of 0, 1 for these and 0 for the rest."""
    none = distances == 0
    return torch.where(none.any(1, keepdim=True), none.double(), 1 / distances.masked_fill(none, 1))
