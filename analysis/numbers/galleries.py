"""How a measure of retrieval varies with the images that are searched, which are a sample as the queries are.

Whether the nearest image of a gallery has a query's class depends on two test images. A measure is the sum over images
of w·h, h an image's value and w its weight; with its own effect as a query, a = w(h − h̄), and that of its being in the
gallery, b = −Σ w·(change of other images' values without it), its variance over images is Σ(a + b)². That holds a², the
variance over queries, already counted; what is added here is 2ab + b², where one image may be both query and gallery.

Products are of distinct networks: what a network adds by itself is in the spread over seeds. In b² they are of distinct
queries too: what a query adds to it is in a². Leaving one image out errs to the larger side: intervals cover a bit more
than they claim, where those over queries alone cover less (`python -m bench.coverage`).

Sources: B. Efron and C. Stein, "The jackknife estimate of variance", 1981, for leaving out one and its direction;
W. Hoeffding, "A class of statistics with asymptotically normal distribution", 1948, for the decomposition.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Links(NamedTuple):
    """On which other test images the values of one network, or a difference of two, rest."""

    on: np.ndarray
    """Number of the test image that an image's value rests on, [images, k] int: below `images` where it is one of those
    that have values themselves, and above for others. k is 1 for a network and 2 for a difference."""
    change: np.ndarray
    """By how much the value would change without it, [images, k] float."""


def gallery_variance(scores: np.ndarray, strata: np.ndarray | None, links: Sequence[Links]) -> float:
    """Return what galleries add to the variance of a measure's mean over networks, 0 or more.

    `scores` [seeds, images] and `strata` [images] are those of `intervals.image_standard_error`; `links` has one for
    each seed.
    """
    seeds, images = scores.shape
    weights, centred = _weighted(scores, np.zeros(images, dtype=int) if strata is None else strata)
    known = max(images, 1 + max(int(own.on.max()) for own in links))
    queries = np.arange(images)[:, None]
    pairs, places = np.unique(np.stack([own.on * images + queries for own in links]), return_inverse=True)
    places = places.reshape(seeds, -1)
    lost = [(-weights[:, None] * own.change).ravel() for own in links]
    as_query = np.pad(weights * centred, ((0, 0), (0, known - images)))
    in_gallery = [np.bincount(own.on.ravel(), lack, known) for own, lack in zip(links, lost, strict=True)]
    of_pairs = [np.bincount(place, lack, len(pairs)) for place, lack in zip(places, lost, strict=True)]
    both = _distinct(as_query + np.stack(in_gallery)) - _distinct(as_query) - _distinct(of_pairs)
    return max(0.0, both)


def _weighted(scores: np.ndarray, strata: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of images [images] in a mean of the strata's means, and scores less that of their stratum."""
    numbers, weights, centred = np.unique(strata), np.empty(len(strata)), np.empty(scores.shape)
    for number in numbers:
        own = strata == number
        weights[own] = 1 / (len(numbers) * own.sum())
        centred[:, own] = scores[:, own] - scores[:, own].mean(axis=1, keepdims=True)
    return weights, centred


def _distinct(effects: Sequence[np.ndarray] | np.ndarray) -> float:
    """Return the mean product of the effects of two distinct networks, summed up; of a single one, its square."""
    total, squares, count = np.zeros(len(effects[0])), 0.0, len(effects)
    for own in effects:
        total += own
        squares += float(own @ own)
    return squares if count == 1 else (float(total @ total) - squares) / (count * (count - 1))
