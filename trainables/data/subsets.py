"""Choice of the images to train on and to validate on: class-balanced, nested, fixed by seeds that derive from names.

Functions take labels [N] int64 and return positions in them, [n] int64, unless said otherwise.
"""

from __future__ import annotations

import numpy as np

from common.problems import Problem, at_most
from common.seeds import seed_of
from trainables.data.dataset import Summary, refuse


def split_train(labels: np.ndarray, pool: int, validation: int, blocked: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the pool that subsets are drawn from, and the validation images: disjoint, ascending, alike in all trials.

    Both are class-balanced within one image where there are enough images, else proportional. Where neighbours share a
    source (`blocked`), validation is the contiguous block at the end and the pool comes from what precedes it. Raises
    Refused where there are too few images.
    """
    if pool < 1 or validation < 1 or pool + validation > len(labels):
        raise refuse(
            f"pool and validation must be positive and have {len(labels):,} training images between them",
            (pool, validation),
            f"Ask for a pool of {max(1, len(labels) - validation):,} or fewer.",
            key="pool",
        )
    if blocked:
        before = len(labels) - validation
        chosen = balanced_order(labels[:before], seed_of("labsweep", "pool"))[:pool]
        return np.sort(chosen), np.arange(before, len(labels))
    both = balanced_order(labels, seed_of("labsweep", "pool"))[: pool + validation]
    order = both[proportional_order(labels[both], seed_of("labsweep", "validation"))]
    return np.sort(order[validation:]), np.sort(order[:validation])


def nested_subset(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Return a subset of `size` images; for one seed, each subset contains every smaller one.

    It is class-balanced within one image as long as no class runs out; beyond that it is as near to the classes'
    proportions as nesting allows. Raises Refused where `size` is not in 1 … N.
    """
    if not 1 <= size <= len(labels):
        rule = f"must lie in 1 … {len(labels):,}, the size of the pool"
        raise refuse(rule, size, "Ask for fewer training images or a larger pool.", key="train_size")
    return balanced_order(labels, seed_of(seed, "subset"))[:size]


def class_problems(key: str, size: int, data: Summary) -> list[Problem]:
    """Return a problem with the field `key` where `size` images are too few to show each class of the data set."""
    classes = len(data.classes)
    if size >= classes:
        return []
    rule = f"at least an image of each of the {classes} classes of {data.name}"
    return [Problem(key, rule, size, f"Ask for {classes} or more.")]


def subset_problems(data: Summary, size: int, pool: int, validation: int) -> list[Problem]:
    """Return what keeps a class-balanced subset of `size` images from being drawn from a pool of so many images."""
    images = sum(data.train_counts)
    if pool + validation > images:
        rule = f"pool and validation together at most the {images:,} training images of {data.name}"
        remedy = f"With {validation:,} for validation the pool can have {max(1, images - validation):,}."
        return [Problem("pool", rule, f"{pool:,} + {validation:,}", remedy)]
    larger_pool = f", or for a larger pool with --set pool=N (up to {images - validation:,})"
    too_many = at_most("train_size", size, pool, f"the pool's {pool:,} images", instead=larger_pool)
    return class_problems("train_size", size, data) + too_many


def balanced_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return all positions in a random order whose every beginning is balanced until a class runs out, and takes the
    rest in the classes' proportions."""
    place, count, tie = _places(labels, seed)
    smallest = count.min()
    turn = np.where(place < smallest, place, smallest + (place + 0.5) / count)
    return np.lexsort((tie, turn))


def proportional_order(labels: np.ndarray, seed: int) -> np.ndarray:
    """Return all positions in a random order whose every beginning has the classes' proportions within one image."""
    place, count, tie = _places(labels, seed)
    return np.lexsort((tie, (place + 0.5) / count))


def stratified_split(labels: np.ndarray, train_size: int, seed: int = 42) -> tuple[np.ndarray, np.ndarray]:
    """Return what scikit-learn's train_test_split(random_state=seed, stratify=labels) takes and what it leaves."""
    from sklearn.model_selection import train_test_split  # late: scikit-learn takes a while to import

    taken, left = train_test_split(np.arange(len(labels)), train_size=train_size, random_state=seed, stratify=labels)
    return taken, left


def _places(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return for each image its random place within its class, from 0, its class's count, and a random tie-breaker.

    Ties between classes are broken anew in each round, so that remainders favour no class.
    """
    rng = np.random.default_rng(seed)
    counts = np.bincount(labels)
    place = np.empty(len(labels), np.int64)
    for label in np.flatnonzero(counts):
        members = np.flatnonzero(labels == label)
        place[members] = rng.permutation(len(members))
    return place, counts[labels], rng.random(len(labels))
