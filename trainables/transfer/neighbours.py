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
    own: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return each class's share among a query's k neighbours, [Q, classes] float64; x [N, D], y [N], queries [Q, D].

    The weighting "distance" weighs a neighbour by the inverse of its distance; neighbours at distance 0 outweigh all
    others. As in scikit-learn's KNeighborsClassifier, `argmax` predicts the first of several classes with the highest
    share; which of several equally distant images is the k-th neighbour is undefined. All is computed in float64, since
    distances of near images are small differences of large numbers.

    With `own` [Q] int64, the queries' positions in x, no image votes for itself: the predictions are leave-one-out. One
    of N images then has N − 1 neighbours at most, and k must not be larger.
    """
    x, queries = x.double(), queries.double()
    if metric == "cosine":
        x, queries = F.normalize(x), F.normalize(queries)
    targets = F.one_hot(y, classes).double()
    left_out = [None] * -(-len(queries) // CHUNK) if own is None else own.split(CHUNK)
    parts = []
    for part, rows_of_part in zip(queries.split(CHUNK), left_out, strict=True):
        near, rows = nearest(x, part, k, metric, rows_of_part)
        weights = _inverse(near) if weighting == "distance" else torch.ones_like(near)
        parts.append((weights[:, :, None] * targets[rows]).sum(1) / weights.sum(1, keepdim=True))
    return torch.cat(parts)


def nearest(
    x: torch.Tensor, queries: torch.Tensor, k: int, metric: Metric, own: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the distances [Q, k] of a query's k nearest images, rising, and their positions [Q, k] in x.

    x [N, D] and queries [Q, D] are float64, of length 1 for the metric "cosine"; `own` [Q] is as for `votes`.
    """
    distances = _distances(x, queries, metric)
    if own is not None:
        distances[torch.arange(len(own), device=own.device), own] = torch.inf
    near, rows = distances.topk(k, dim=1, largest=False)
    return near, rows


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
