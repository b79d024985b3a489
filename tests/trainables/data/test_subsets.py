"""Subsets: balance, nesting, disjointness."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import Refused
from trainables.data.sources import Sources
from trainables.data.subsets import (
    nested_subset,
    pool_left,
    split_train,
    stratified_sample,
    stratified_split,
    subset_problems,
)

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 120))  # [1200]
counts_of_classes = st.lists(st.integers(1, 40), min_size=2, max_size=8)


def spread(labels: np.ndarray, classes: int = 10) -> int:
    counts = np.bincount(labels, minlength=classes)
    return int(counts.max() - counts.min())


@pytest.mark.parametrize("size", [10, 37, 100, 999])
def test_subsets_are_balanced_within_one_image(size: int) -> None:
    chosen = nested_subset(LABELS, size, seed=3)
    assert len(set(chosen.tolist())) == size
    assert spread(LABELS[chosen]) == (size % 10 > 0)


def test_subsets_are_nested_for_a_seed_and_differ_between_seeds() -> None:
    sizes = [set(nested_subset(LABELS, size, seed=1).tolist()) for size in (100, 300, 500)]
    assert sizes[0] < sizes[1] < sizes[2]
    assert sizes[0] != set(nested_subset(LABELS, 100, seed=2).tolist())


@given(counts_of_classes, st.integers(0, 5), st.data())
def test_whatever_the_classes_subsets_are_nested_and_as_even_as_they_can_be(
    counts: list[int], seed: int, data: st.DataObject
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    size = data.draw(st.integers(1, len(labels)))
    smaller = data.draw(st.integers(1, size))
    chosen = nested_subset(labels, size, seed)
    assert set(nested_subset(labels, smaller, seed).tolist()) <= set(chosen.tolist())
    taken = np.bincount(labels[chosen], minlength=len(counts))
    if size <= min(counts) * len(counts):
        assert taken.max() - taken.min() <= 1
    else:  # the rarest class is in whole; the others keep their proportions
        assert (taken >= min(counts)).all()
        shares = [t / c for t, c in zip(taken, counts, strict=True) if t > min(counts)]
        slack = 1 / np.min(counts)
        assert not shares or max(shares) - min(shares) <= slack


@pytest.mark.parametrize("size", [0, -1, 1201])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(Refused, match="train_size"):
        nested_subset(LABELS, size, seed=0)


def test_pool_and_validation_are_disjoint_balanced_and_always_the_same() -> None:
    pool, validation = split_train(LABELS, 800, 205, blocks=None)
    assert (len(pool), len(validation)) == (800, 205)
    assert not set(pool.tolist()) & set(validation.tolist())
    assert spread(LABELS[pool]) <= 1
    assert spread(LABELS[validation]) <= 1
    again = split_train(LABELS, 800, 205, blocks=None)
    assert np.array_equal(pool, again[0])
    assert np.array_equal(validation, again[1])


def test_a_rare_class_is_shared_between_pool_and_validation() -> None:
    labels = np.repeat([0, 1], [20, 980])
    pool, validation = split_train(labels, None, 200, blocks=None)
    assert np.bincount(labels[pool]).tolist() == [16, 784]
    assert np.bincount(labels[validation]).tolist() == [4, 196]


@pytest.mark.parametrize("size", [1, 9, 205, 300])
def test_where_a_source_ends_nowhere_in_particular_validation_is_balanced_within_the_shortest_end(size: int) -> None:
    """The order is all that is known: the end has just enough images of each class, and the pool precedes it."""
    pool, validation = split_train(LABELS, 500, size, blocks=np.arange(1200))
    assert (len(pool), len(validation)) == (500, size)
    assert spread(LABELS[pool]) <= 1
    assert spread(LABELS[validation]) == (size % 10 > 0)
    left = pool_left(LABELS, size, np.arange(1200))
    assert pool.max() < left <= validation.min()
    counts = np.bincount(LABELS[left:], minlength=10)
    assert counts.min() == -(-size // 10) == counts[LABELS[left]], "one image less, and it would not do"


@given(st.lists(st.integers(3, 30), min_size=4, max_size=12), st.integers(2, 25), st.integers(0, 9))
def test_no_writer_is_in_pool_and_validation(lengths: list[int], size: int, seed: int) -> None:
    writers = np.repeat(np.arange(len(lengths)), lengths)
    labels = np.random.default_rng(seed).integers(0, 3, len(writers))
    left = pool_left(labels, size, writers)
    if left < 1:
        with pytest.raises(Refused, match="pool"):
            split_train(labels, None, size, writers)
        return
    pool, validation = split_train(labels, None, size, writers)
    assert pool.tolist() == list(range(left)), "no image is left unused before validation"
    assert len(validation) == size
    assert not {*writers[pool].tolist()} & {*writers[validation].tolist()}


def test_validation_is_the_end_where_no_end_is_balanced() -> None:
    labels = np.repeat([0, 1], [950, 50])
    pool, validation = split_train(labels, None, 200, np.arange(1000))
    assert (pool.tolist(), validation.tolist()) == (list(range(800)), list(range(800, 1000)))


@pytest.mark.parametrize(("pool", "validation"), [(1100, 200), (0, 10), (10, 0), (1, 1200), (1, 1300)])
@pytest.mark.parametrize("blocks", [None, np.arange(1200)])
def test_impossible_pools_are_refused(pool: int, validation: int, blocks: np.ndarray | None) -> None:
    with pytest.raises(Refused, match="pool"):
        split_train(LABELS, pool, validation, blocks)


def test_a_stratified_sample_is_scikit_learns_and_keeps_clear_of_the_writers_that_validate() -> None:
    taken, left = stratified_split(LABELS, 300, seed=7)
    sample, validation = stratified_sample(LABELS, 300, 50, None, seed=7)
    assert (sample.tolist(), validation.tolist()) == (taken.tolist(), left[:50].tolist())
    writers = np.arange(1200) // 100
    sample, validation = stratified_sample(LABELS, 300, 50, writers, seed=7)
    assert (len(sample), len(validation)) == (300, 50)
    assert np.bincount(LABELS[sample]).max() - np.bincount(LABELS[sample]).min() <= 2
    assert spread(LABELS[validation]) == 0
    assert not {*writers[sample].tolist()} & {*writers[validation].tolist()}


def test_stratified_split_is_scikit_learns() -> None:
    from sklearn.model_selection import train_test_split

    taken, left = stratified_split(LABELS, 300)
    expected, rest = train_test_split(np.arange(1200), train_size=300, random_state=42, stratify=LABELS)
    assert taken.tolist() == expected.tolist()
    assert left.tolist() == rest.tolist()


@pytest.mark.parametrize(
    ("size", "validation", "pool", "key", "said"),
    [
        (9, 240, None, "train_size", "each of the 10 classes"),
        (1001, 240, 1000, "train_size", r"--set pool=N \(up to 1,029\)"),
        (1030, 240, None, "train_size", "Ask for 1,029 or fewer.$"),
        (10, 300, 907, "pool", "at most the 906 of digits's 1,287 training images that 300 for validation leave"),
        (10, 1287, None, "validation", "fewer than the 1,287"),
    ],
)
def test_sizes_that_a_data_set_cannot_give_are_problems(
    size: int, validation: int, pool: int | None, key: str, said: str
) -> None:
    sources = Sources()
    digits, left = sources.summary("digits"), sources.pool_left("digits", validation)
    problems = subset_problems(digits, size, left, validation, pool)
    assert [problem.key for problem in problems] == [key]
    assert re.search(said, str(problems[0]))
    assert subset_problems(digits, 100, 1029, 240, 1000) == []
