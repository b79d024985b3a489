"""Gray levels of two splits: what cannot be of one kind is refused with both figures, what can is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.data import arrays, refused, sources
from trainables.data.levels import level_problems, levels_of, together

RNG = np.random.default_rng(3)
NOISE = RNG.integers(0, 256, (39, 8, 8), np.uint8)
STROKES = np.where(RNG.random((39, 28, 28)) < 0.15, RNG.integers(100, 256, (39, 28, 28)), 0).astype(np.uint8)
Change = Callable[[np.ndarray], np.ndarray]


def changed(test: Change, train: Change = lambda x: x, of: np.ndarray = NOISE) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` whose splits were changed."""
    return arrays(x_train=train(of[:30]), x_test=test(of[30:]))


REFUSED: dict[str, tuple[dict[str, np.ndarray], list[str]]] = {
    "0/1 beside 0 to 255": (
        changed(lambda x: (x > 128).astype(np.uint8)),
        ["the test images must have levels of 0 … 255", "at most 255 in the training split and 1 in the test split"],
    ),
    "0/1 in both": (
        changed(lambda x: x // 128, lambda x: x // 128),
        ["the training images must have", "at most 1 in the training split and 1 in the test split", "times 255"],
    ),
    "nothing but black": (changed(lambda x: 0 * x), ["255 in the training split and 0 in the test split"]),
    "0 to 16 beside 0 to 255": (
        changed(lambda x: x, lambda x: x // 15),
        ["a brightest pixel of 16 in the training split and 253 in the test split", "Scale both splits alike"],
    ),
    "inverted": (
        changed(lambda x: 255 - x, of=STROKES),
        ["of one kind", "a mean level of 27 in the training split and 228 in the test split", "invert one"],
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_splits_of_two_kinds_are_refused_with_both_figures(tmp_path: Path, what: str) -> None:
    given, parts = REFUSED[what]
    np.savez(tmp_path / "mine.npz", **given)
    said = refused(sources(tmp_path), "mine.npz")
    assert all(part in said for part in ["data: ", str(tmp_path / "mine.npz"), *parts]), said
    assert said.count("data: ") == 1


ACCEPTED: dict[str, dict[str, np.ndarray]] = {
    "as drawn": changed(lambda x: x),
    "by night": changed(lambda x: x // 2),
    "in less contrast": changed(lambda x: 100 + x // 5),
    "0/255": changed(lambda x: x // 128 * 255, lambda x: x // 128 * 255),
    "light on dark and dark on light alike": changed(
        lambda x: np.where(np.arange(len(x))[:, None, None] % 2, x, 255 - x),
        lambda x: np.where(np.arange(len(x))[:, None, None] % 2, x, 255 - x),
        STROKES,
    ),
}


@pytest.mark.parametrize("what", ACCEPTED)
def test_splits_that_can_be_of_one_kind_are_read(tmp_path: Path, what: str) -> None:
    np.savez(tmp_path / "mine.npz", **ACCEPTED[what])
    assert sources(tmp_path).summary("mine.npz").test_counts == (3, 3, 3)


def test_class_folders_are_looked_at_too(tmp_path: Path) -> None:
    """Masks, which drawing programs save as 0 and 1, look black."""
    for split, n, high in (("train", 12, 255), ("test", 6, 1)):
        for i in range(n):
            path = tmp_path / "masks" / split / "ab"[i % 2] / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(NOISE[i] // 128 * high).save(path)
    said = refused(sources(tmp_path), "masks")
    assert "at most 255 in the training split and 1 in the test split" in said


def test_levels_of_parts_are_those_of_the_whole_and_of_large_images_of_a_grid() -> None:
    whole, parts = levels_of(NOISE), together([levels_of(NOISE[:20]), levels_of(NOISE[20:])])
    assert whole.highest == parts.highest == NOISE.max()
    assert np.array_equal(whole.brightest, parts.brightest)
    assert np.array_equal(whole.means, NOISE.mean((1, 2)))
    assert np.array_equal(whole.means, parts.means)
    large = np.zeros((2, 100, 100, 3), np.uint8)
    large[1, 1, 1] = 200  # between the lines of the grid
    seen = levels_of(large)
    assert (seen.highest, seen.brightest.tolist()) == (200, [0, 0])


def test_few_images_tell_no_kind_but_a_range() -> None:
    dark, light = levels_of(np.full((4, 8, 8), 9, np.uint8)), levels_of(NOISE)
    assert not level_problems("mine.npz", {"train": light, "test": dark})
    (problem,) = level_problems("mine.npz", {"train": light, "test": levels_of(np.ones((1, 8, 8), np.uint8))})
    assert problem.key == "data"
