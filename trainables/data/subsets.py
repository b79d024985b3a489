"""Choice of the images to train on and to validate on: class-balanced, nested, fixed by seeds that derive from names.

Functions take labels [N] int64 and return positions in them, [n] int64, unless said otherwise.
"""

from __future__ import annotations

import numpy as np

from common.problems import Problem, at_most
from common.seeds import seed_of
from trainables.data.dataset import Summary, refuse


def split_train(
    labels: np.ndarray, pool: int | None, validation: int, blocks: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pool that subsets are drawn from, and the validation images: disjoint, ascending, alike in all trials.

    Both are class-balanced within one image where there are enough images, else proportional. `pool` is the number of
    its images; None: all that are left. Where neighbours share a source (`blocks`, see `DataSet.blocks`), validation is
    drawn from the end of the training split and the pool from what precedes it: no source of the one is in the other.
    Raises Refused where there are too few images.
    """
    left = pool_left(labels, validation, blocks)
    pool = left if pool is None else pool
    if validation < 1 or not 1 <= pool <= left:
        rule = f"pool and validation must be positive, and of {len(labels):,} training images be able to have so many"
        remedy = f"Ask for a pool of {max(1, left):,} or fewer, or for less validation."
        raise refuse(rule, (pool, validation), remedy, key="pool")
    if blocks is None:
        both = balanced_order(labels, seed_of("labsweep", "pool"))[: pool + validation]
        order = both[proportional_order(labels[both], seed_of("labsweep", "validation"))]
        return np.sort(order[validation:]), np.sort(order[:validation])
    chosen = balanced_order(labels[:left], seed_of("labsweep", "pool"))[:pool]
    return np.sort(chosen), drawn_for_validation(labels, np.arange(left, len(labels)), validation)


def stratified_sample(
    labels: np.ndarray, size: int, validation: int, blocks: np.ndarray | None, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what scikit-learn's train_test_split(train_size=size, random_state=seed, stratify=labels) takes, and the
    first `validation` images of what it leaves.

    Where neighbours share a source, it splits what `pool_left` leaves, and validation is drawn from the end.
    """
    if blocks is None:
        taken, left = stratified_split(labels, size, seed)
        return taken, left[:validation]
    before = pool_left(labels, validation, blocks)
    taken, _ = stratified_split(labels[:before], size, seed)
    return taken, drawn_for_validation(labels, np.arange(before, len(labels)), validation)


def pool_left(labels: np.ndarray, validation: int, blocks: np.ndarray | None) -> int:
    """Return how many images a pool can have beside `validation` images.

    Given blocks, it is also the position at which the pool ends and the block for validation begins: the last one from
    which whole blocks have enough images of each class for a balanced draw, or enough images if no end of them has.
    """
    without = max(0, len(labels) - validation)
    if blocks is None or not 0 < validation < len(labels):
        return without
    balanced = _balanced_end(labels, validation)
    return first_of_block(blocks, without if balanced is None else balanced)


def first_of_block(blocks: np.ndarray, position: int) -> int:
    """Return the position at which the block of the image at `position` begins."""
    return int(np.searchsorted(blocks, blocks[position], side="left"))


def drawn_for_validation(labels: np.ndarray, rows: np.ndarray, validation: int) -> np.ndarray:
    """Return `validation` of the positions `rows`, ascending, class-balanced as far as they go."""
    return np.sort(rows[balanced_order(labels[rows], seed_of("labsweep", "validation"))[:validation]])


def _balanced_end(labels: np.ndarray, size: int) -> int | None:
    """Return the last position from which on each class has its share of `size` images, rounded up; None if there is
    none."""
    from_the_end = [np.flatnonzero(labels == label)[::-1] for label in np.unique(labels)]
    share = -(-size // len(from_the_end))
    if min(map(len, from_the_end)) < share:
        return None
    return min(int(places[share - 1]) for places in from_the_end)


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


def subset_problems(data: Summary, size: int, left: int, validation: int, pool: int | None = None) -> list[Problem]:
    """Return what keeps a class-balanced subset of `size` images from being drawn from a pool of so many images.

    `left` is what `Sources.pool_left` says of the set beside `validation` images; a pool of None has all of them.
    """
    pool = left if pool is None else pool
    if left < 1:
        rule = f"fewer than the {sum(data.train_counts):,} training images of {data.name}, some of which are to be left"
        return [Problem("validation", rule, validation, "Ask for less validation.")]
    if pool > left:
        rule = f"at most the {left:,} of {data.name}'s {sum(data.train_counts):,} training images that"
        rule += f" {validation:,} for validation leave"
        return [Problem("pool", rule, pool, f"Ask for {left:,} or fewer, or for less validation.")]
    larger_pool = f", or for a larger pool with --set pool=N (up to {left:,})" if pool < left else ""
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
