"""Measures of whether nearest neighbours in an embedding have the query's class, by pytorch-metric-learning.

Distances are Euclidean between embeddings, which are expected to be normalised. Precision at 1 is 1-NN accuracy. Recall
at k asks whether any of the k nearest has the class. Mean average precision at R is that of K. Musgrave, S. Belongie,
S.-N. Lim, "A metric learning reality check", 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
from pytorch_metric_learning.utils.inference import CustomKNN

from common.files import Arrays
from common.seeds import seed_of
from trainables.data.subsets import balanced_order

DEPTHS = (5, 10)
SHOWN = 200
"""Test images of each domain on the map that `picture` makes."""
NEIGHBOURS = 6
"""Neighbours of a query on the sheet that `picture` makes."""
BATCH = 1_000  # queries at a time, which bounds the memory for distances and neighbours
_KNN = CustomKNN(LpDistance(normalize_embeddings=False), batch_size=BATCH)


class Retrieval(NamedTuple):
    """How well the queries' classes were found in a gallery."""

    correct: torch.Tensor
    """Whether the nearest neighbour has the query's class, [queries] bool."""
    recall: dict[int, float]
    """Share of queries whose class is among the k nearest neighbours, by k."""
    map_at_r: float


class _Measures(AccuracyCalculator):  # type: ignore[misc]  # the library has no types
    """The library's mean average precision at R, and hits at each depth, from the same neighbours."""

    def calculate_hits(self, knn_labels: torch.Tensor, query_labels: torch.Tensor, **_: Any) -> torch.Tensor:
        """Return which of the nearest neighbours have the query's class, [queries, depth] bool."""
        return knn_labels[:, : max(DEPTHS)] == query_labels[:, None]

    def requires_knn(self) -> list[str]:
        return [*super().requires_knn(), "hits"]

    def determine_k(self, bin_counts: torch.Tensor, num_reference_embeddings: int, ref_includes_query: bool) -> int:
        k = int(super().determine_k(bin_counts, num_reference_embeddings, ref_includes_query))
        return min(max(k, *DEPTHS), num_reference_embeddings - int(ref_includes_query))


def retrieve(
    queries: torch.Tensor, query_labels: torch.Tensor, gallery: torch.Tensor, gallery_labels: torch.Tensor
) -> Retrieval:
    """Look up queries [Q, D] with labels [Q] in another set's gallery [G, D] with labels [G], which has all classes."""
    include = ("hits", "mean_average_precision_at_r")
    measures = _Measures(include=include, k="max_bin_count", knn_func=_KNN, device=queries.device)
    found = [
        measures.get_accuracy(part, labels, gallery, gallery_labels)
        for part, labels in zip(queries.split(BATCH), query_labels.split(BATCH), strict=True)
    ]
    hits = torch.cat([own["hits"] for own in found])  # [Q, depth]
    recall = {k: hits[:, :k].any(1).double().mean().item() for k in DEPTHS}
    weighted = [own["mean_average_precision_at_r"] * len(own["hits"]) for own in found]
    return Retrieval(hits[:, 0], recall, math.fsum(weighted) / len(hits))


def nearest_correct(queries: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return whether the nearest of the other queries has the query's class, [Q] bool; queries [Q, D], labels [Q]."""
    measures = _Measures(include=("hits",), k=1, knn_func=_KNN, device=queries.device)
    correct: torch.Tensor = measures.get_accuracy(queries, labels)["hits"][:, 0]
    return correct


def rests_on(
    queries: torch.Tensor, labels: torch.Tensor, gallery: torch.Tensor | None = None, found: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the nearest image's position in the gallery [Q], and whether the next one has the query's class [Q] bool.

    Without a gallery [G, D] with labels `found` [G], the other queries [Q, D] with `labels` [Q] are the gallery.
    """
    if gallery is None or found is None:
        near = neighbours(queries, queries, 3)
        own = torch.arange(len(queries), device=queries.device)[:, None]
        itself = near == own
        itself[~itself.any(1), -1] = True  # copies of a query may all be nearer than itself
        near, found = near[~itself].view(len(queries), 2), labels
    else:
        near = neighbours(queries, gallery, 2)
    return near[:, 0], found[near[:, 1]] == labels


def neighbours(queries: torch.Tensor, gallery: torch.Tensor, k: int) -> torch.Tensor:
    """Return the gallery positions of each query's k nearest (at most all), nearest first, [Q, k]."""
    positions: torch.Tensor = _KNN(queries, min(k, len(gallery)), gallery)[1]
    return positions


def picture(images: Sequence[torch.Tensor], labels: Sequence[torch.Tensor], spaces: Sequence[torch.Tensor]) -> Arrays:
    """Return what figures show of two domains; images [N, C, H, W] uint8, labels [N] and embeddings [N, D] of each.

    `embedding` [n, D], with `embedding_label` and `embedding_domain` [n], holds `SHOWN` images of each domain.
    `sheet_query` [2, classes, H, W, C] holds the first image of each class, from the first domain and from the second;
    `sheet_neighbour` [2, classes, k, H, W, C] its nearest images in the other domain. Both come with their labels.
    `class_distance` [i, j] is the mean distance between class i of the first domain and class j of the second.
    """
    classes = int(max(y.max() for y in labels)) + 1
    shown = [torch.from_numpy(balanced_order(y.numpy(), seed_of("labsweep", "shown"))[:SHOWN].copy()) for y in labels]
    arrays = {
        "embedding": torch.cat([space[rows] for space, rows in zip(spaces, shown, strict=True)]).numpy(),
        "embedding_label": np.concatenate([y[rows].numpy() for y, rows in zip(labels, shown, strict=True)]),
        "embedding_domain": np.repeat([0, 1], [len(rows) for rows in shown]),
        "class_distance": _class_distance(labels, spaces, classes),
    }
    sheets: dict[str, list[np.ndarray]] = {}
    for own, other in ((0, 1), (1, 0)):
        first = torch.stack([(labels[own] == label).nonzero()[0, 0] for label in range(classes)])
        near = neighbours(spaces[own][first], spaces[other], NEIGHBOURS)
        sheets.setdefault("sheet_query", []).append(_channels_last(images[own][first]))
        sheets.setdefault("sheet_query_label", []).append(labels[own][first].numpy())
        sheets.setdefault("sheet_neighbour", []).append(_channels_last(images[other][near]))
        sheets.setdefault("sheet_neighbour_label", []).append(labels[other][near].numpy())
    few = min(part.shape[1] for part in sheets["sheet_neighbour_label"])
    stacked = {name: [part[:, :few] if "neighbour" in name else part for part in own] for name, own in sheets.items()}
    return arrays | {name: np.stack(own) for name, own in stacked.items()}


def _class_distance(labels: Sequence[torch.Tensor], spaces: Sequence[torch.Tensor], classes: int) -> np.ndarray:
    total = np.zeros((classes, classes))
    for i in range(classes):
        own = spaces[0][labels[0] == i]
        for j in range(classes):
            total[i, j] = torch.cdist(own, spaces[1][labels[1] == j]).mean().item()
    return total.astype(np.float32)


def _channels_last(images: torch.Tensor) -> np.ndarray:
    return np.asarray(images.movedim(-3, -1).numpy())
