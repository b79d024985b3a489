"""Digits over photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from common.problems import Refused
from tests.support.data import REAL
from trainables.data.dataset import Arrays, Split
from trainables.data.derived.photos import DigitsOverPhotos, blend
from trainables.data.sources import Sources


def photographs(side: int = 40) -> Arrays:
    x = np.random.default_rng(1).integers(0, 256, (5, side, side, 3), np.uint8)
    splits = {"train": Split(x, np.arange(5)), "test": Split(255 - x, np.arange(5))}
    return Arrays("abcde", "photographs", splits)  # type: ignore[arg-type]


def digits(n: int = 6) -> Arrays:
    x = np.zeros((n, 28, 28), np.uint8)
    x[:, 10:18, 12:16] = 200
    splits = {"train": Split(x, np.arange(n) % 2), "test": Split(x, np.arange(n) % 2)}
    return Arrays("01", "digits", splits)  # type: ignore[arg-type]


def test_a_digit_over_a_photograph_is_the_absolute_difference_of_the_two() -> None:
    flat = np.full((1, 32, 32, 3), (10, 120, 250), np.uint8)
    made = blend(digits().images("train"), flat, seed=0)
    assert made.shape == (6, 32, 32, 3)
    assert made[0, 0, 0].tolist() == [10, 120, 250], "beside the strokes, the photograph"
    assert made[0, 12, 14].tolist() == [190, 80, 50], "in them, |10 − 200|, |120 − 200|, |250 − 200|"
    plain = photographs().images("train")
    empty = blend(np.zeros((64, 28, 28), np.uint8), plain, seed=3)
    windows = np.lib.stride_tricks.sliding_window_view(plain, (32, 32), (1, 2)).transpose(0, 1, 2, 4, 5, 3)
    patches = {patch.tobytes() for own in windows for row in own for patch in row}
    mirrored = [patch.tobytes() not in patches for patch in empty]
    assert all(patch[:, ::-1].tobytes() in patches for patch, other in zip(empty, mirrored, strict=True) if other)
    assert 15 < sum(mirrored) < 49
    assert not np.array_equal(empty, blend(np.zeros((64, 28, 28), np.uint8), plain, seed=4))


def test_digits_over_photographs_keep_labels_and_order_and_say_what_they_are_made_from() -> None:
    made = DigitsOverPhotos(("mnist", digits()), ("holidays", photographs()))
    assert made.made_from == ("mnist", "holidays")
    assert made.labels("test").tolist() == digits().labels("test").tolist()
    assert np.array_equal(made.images("train"), made.images("train"))
    assert (made.blocks(), digits().blocks()) == (None, None)
    other = DigitsOverPhotos(("mnist", digits()), ("holidays", photographs(33)))
    assert len({made.fingerprint("train"), made.fingerprint("test"), other.fingerprint("train")}) == 3
    for photos in (digits(), photographs(31)):
        with pytest.raises(Refused, match="in colour of at least 32×32"):
            DigitsOverPhotos(("mnist", digits()), ("mine", photos))


if REAL:

    def test_real_digits_over_real_photographs() -> None:
        sources = Sources(data_dir=Path(str(REAL)))
        assert sources.test("mnist_photos").images.shape == (10_000, 32, 32, 3)
        assert sources.summary("mnist_photos@svhn_small").train_counts == sources.summary("mnist").train_counts
