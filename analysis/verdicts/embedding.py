"""What the stored embeddings of a condition show: a map of test images, retrieved images, distances of classes.

The arrays are those of its trials, one for each seed, as `trainables.retrieval.picture` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.maps import draw_matrix, draw_scatter
from analysis.figures.style import Words
from analysis.findings import Drawing, Findings
from common.files import Arrays

LEAST = 10
"""Points below which a map would show nothing."""


def drawings(
    part: Findings, trials: Mapping[int, Arrays], domains: tuple[str, str], condition: str
) -> dict[str, Drawing]:
    """Return what a condition's arrays show: `tsne` and `retrieval` of the first seed, `class_distance` of all seeds.

    `trials` has the arrays by seed, `domains` are the names of the two data sets, `condition` says what was trained.
    What is not stored is not drawn.
    """
    title = f"{domains[0]} and {domains[1]} in one space{part.where}"
    drawn = {}
    seed, arrays = next(((s, own) for s, own in trials.items() if "embedding" in own), (0, {}))
    if can_be_mapped(arrays):
        note = f"Shown: {condition}, seed {seed}; {len(arrays['embedding'])} test images. Axes and areas mean nothing."
        words = Words(f"{title}: t-SNE of test images", "", "", part.note(note, means=False))
        figure = partial(_draw_map, arrays, domains, words)
        drawn["tsne"] = Drawing(figure, f"t-SNE of the test embedding: {condition}, seed {seed}.")
    if "sheet_neighbour" in arrays:
        note = f"Shown: {condition}, seed {seed}. Queries: the first test image of each class; nearest first."
        titles = [f"{a} queries, nearest in {b}" for a, b in (domains, domains[::-1])]
        words = Words(f"{title}: retrieval", "", "", part.note(note, means=False))
        figure = partial(
            draw_images,
            retrieved(arrays, titles),
            words,
            right="same class as the query",
            wrong="another class, written in it",
        )
        drawn["retrieval"] = Drawing(figure, f"Nearest neighbours in the other domain: {condition}, seed {seed}.")
    if known := {s: own["class_distance"] for s, own in trials.items() if "class_distance" in own}:
        which = f"{condition}, {f'mean over {len(known)} seeds' if len(known) > 1 else f'seed {min(known)}'}"
        note = f"Shown: {which}. 0 is the same point of the unit sphere, 2 the opposite one; same classes are framed."
        second, first = (f"class in {domain}" for domain in domains[::-1])
        words = Words(f"{title}: distance of classes", second, first, part.note(note, means=False))
        distances = np.stack([*known.values()]).mean(axis=0, dtype=np.float64)
        classes = range(len(distances))
        figure = partial(draw_matrix, distances, words, rows=classes, columns=classes, unit="mean Euclidean distance")
        drawn["class_distance"] = Drawing(figure, f"Mean distance of test images, class by class: {which}.")
    return drawn


def chance(trials: Mapping[int, Arrays]) -> list[float]:
    """Return how often a neighbour drawn at random has the query's class: across domains there and back, then in each.

    It follows from `class_share` [2, classes], the share of each class in each domain; NaN where no trial stored it.
    """
    shares = next((own["class_share"] for own in trials.values() if "class_share" in own), np.full((2, 1), np.nan))
    return [float(shares[query] @ shares[gallery]) for query, gallery in ((0, 1), (1, 0), (0, 0), (1, 1))]


def can_be_mapped(arrays: Arrays) -> bool:
    """Return whether `embedding` [n, D] shows anything on a map.

    It does not with too few images, one dimension, values that are not finite, or all images at one point.
    """
    space = arrays.get("embedding", np.empty((0, 0)))
    if space.shape[1] < 2 or len(space) < LEAST or not np.isfinite(space).all():
        return False
    return bool(np.ptp(space.astype(np.float64), 0).max() >= 1e-6)


def plane(arrays: Arrays, domains: Sequence[str]) -> pd.DataFrame:
    """Return a row for each embedded test image: `x`, `y` by t-SNE (van der Maaten and Hinton 2008), `class`, `domain`.

    `arrays` has `embedding` [n, D] float, `embedding_label` [n] and `embedding_domain` [n], which counts `domains`.
    One thread and a fixed start: the same embedding gives the same map, bit for bit.
    """
    space = arrays["embedding"].astype(np.float64)
    with threadpool_limits(1):
        perplexity = min(30.0, (len(space) - 1) / 3)
        found = TSNE(init="pca", perplexity=perplexity, max_iter=500, random_state=0, n_jobs=1).fit_transform(space)
    named = [domains[i] for i in arrays["embedding_domain"]]
    return pd.DataFrame({"x": found[:, 0], "y": found[:, 1], "class": arrays["embedding_label"], "domain": named})


def retrieved(arrays: Arrays, titles: Sequence[str]) -> list[ImageGrid]:
    """Return a grid for each title: a row for each query, named by its class, and its neighbours, nearest first.

    `arrays` has `sheet_query` [grids, rows, H, W, C] uint8 (C is 1 or 3) and `sheet_query_label` [grids, rows],
    `sheet_neighbour` [grids, rows, k, H, W, C] uint8 and `sheet_neighbour_label` [grids, rows, k].
    """
    grids = []
    for g, title in enumerate(titles):
        labels, others = arrays["sheet_query_label"][g], arrays["sheet_neighbour_label"][g]
        queries, found = arrays["sheet_query"][g], arrays["sheet_neighbour"][g]
        same = others == labels[:, None]
        grid = ImageGrid(
            np.concatenate([queries[:, None], found], axis=1),
            rows=[str(label) for label in labels],
            columns=["query", *(str(place) for place in range(1, found.shape[1] + 1))],
            title=title,
            right=np.insert(same.astype(float), 0, np.nan, axis=1),
            written=np.insert(np.where(same, "", others.astype(str)), 0, "", axis=1),
            apart=1,
        )
        grids.append(grid)
    return grids


def _draw_map(arrays: Arrays, domains: Sequence[str], words: Words) -> Figure:
    return draw_scatter(plane(arrays, domains), words, colour="class", mark="domain")
