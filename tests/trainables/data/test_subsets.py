"""Subsets: balance, nesting, disjointness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.problems import Refused
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train, stratified_split, subset_problems

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
    pool, validation = split_train(LABELS, 800, 205, blocked=False)
    assert (len(pool), len(validation)) == (800, 205)
    assert not set(pool.tolist()) & set(validation.tolist())
    assert spread(LABELS[pool]) <= 1
    assert spread(LABELS[validation]) <= 1
    again = split_train(LABELS, 800, 205, blocked=False)
    assert np.array_equal(pool, again[0])
    assert np.array_equal(validation, again[1])


def test_a_rare_class_is_shared_between_pool_and_validation() -> None:
    labels = np.repeat([0, 1], [20, 980])
    pool, validation = split_train(labels, 800, 200, blocked=False)
    assert np.bincount(labels[pool]).tolist() == [16, 784]
    assert np.bincount(labels[validation]).tolist() == [4, 196]


def test_blocked_validation_is_one_block_that_the_pool_keeps_clear_of() -> None:
    pool, validation = split_train(LABELS, 500, 300, blocked=True)
    assert validation.tolist() == list(range(900, 1200))
    assert pool.max() < 900
    assert spread(LABELS[pool]) <= 1


@pytest.mark.parametrize(("pool", "validation"), [(1100, 200), (0, 10), (10, 0)])
def test_impossible_pools_are_refused(pool: int, validation: int) -> None:
    with pytest.raises(Refused, match="pool"):
        split_train(LABELS, pool, validation, blocked=False)


def test_stratified_split_is_scikit_learns() -> None:
    from sklearn.model_selection import train_test_split

    taken, left = stratified_split(LABELS, 300)
    expected, rest = train_test_split(np.arange(1200), train_size=300, random_state=42, stratify=LABELS)
    assert taken.tolist() == expected.tolist()
    assert left.tolist() == rest.tolist()


@pytest.mark.parametrize(
    ("size", "pool", "validation", "key"),
    [(9, 1000, 300, "train_size"), (1001, 1000, 300, "train_size"), (10, 1200, 101, "pool")],
)
def test_sizes_that_a_data_set_cannot_give_are_problems(size: int, pool: int, validation: int, key: str) -> None:
    digits = Sources().summary("digits")
    assert [problem.key for problem in subset_problems(digits, size, pool, validation)] == [key]
    assert subset_problems(digits, 100, 1000, 300) == []
