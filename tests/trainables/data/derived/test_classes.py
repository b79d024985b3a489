"""Some classes of a set as a set of their own: what they hold, which names mean the same, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.problems import Refused
from trainables.data.builtin.textures import SETS
from trainables.data.dataset import Arrays, DataSet, Split
from trainables.data.derived.classes import Classes, listed
from trainables.data.derived.photos import DigitsOverPhotos
from trainables.data.sources import Sources
from trainables.domains.images import domain_images

NAMES = ("ant", "bee", "cat", "dog", "eel")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    """Make `mine.npz`, which has five classes in random order; all pixels of image i are i."""
    arrays: dict[str, Any] = {"classes": np.array(NAMES)}
    for split, n in (("train", 100), ("test", 30)):
        arrays[f"x_{split}"] = np.repeat(np.arange(n, dtype=np.uint8), 64).reshape(n, 8, 8)
        arrays[f"y_{split}"] = np.random.default_rng(n).permutation(n) % 5
    np.savez(tmp_path / "mine.npz", **arrays)
    return Sources(here=tmp_path, data_dir=tmp_path)


def refused(sources: Sources, name: str) -> str:
    with pytest.raises(Refused) as caught:
        sources.summary(name)
    return str(caught.value)


def test_classes_keep_their_images_order_and_names_and_are_numbered_from_0(sources: Sources) -> None:
    whole = sources.train("mine.npz")
    some = sources.train("mine[1+3-4]")
    summary = sources.summary("mine[1+3-4]")
    rows = np.flatnonzero(np.isin(whole.labels, [1, 3, 4]))
    assert some.images[:, 0, 0].tolist() == rows.tolist()
    assert [NAMES[number] for number in whole.labels[rows]] == [summary.classes[number] for number in some.labels]
    assert some.labels.dtype == np.int64
    assert summary.classes == ("bee", "dog", "eel")
    assert (summary.train_counts, summary.test_counts) == ((20, 20, 20), (6, 6, 6))
    assert summary.origin.endswith("of its 5 classes only 1+3-4")
    assert summary.made_from == ("mine",)


def test_some_classes_of_textures_are_drawn_as_they_are_among_all() -> None:
    textures = SETS["textures10"]
    kept = np.array([2, 3, 8])
    assert (textures.images_of(kept, "test") == DataSet.images_of(textures, kept, "test")).all()


def test_what_holds_for_the_whole_set_holds_for_its_classes(sources: Sources) -> None:
    assert sources.summary("digits[0-4]").builtin
    assert not sources.summary("mine[0-1]").builtin
    writers, labels = sources.dataset("digits").blocks(), sources.train("digits").labels
    assert writers is not None
    assert np.array_equal(sources.dataset("digits[0-4]").blocks(), writers[labels < 5])
    assert sources.dataset("mine[0-1]").blocks() is None


def test_classes_that_are_the_same_have_one_fingerprint(sources: Sources) -> None:
    def prints(*names: str) -> set[str]:
        return {sources.fingerprint(name, "train") for name in names}

    assert len(prints("mine.npz[0-2]", "mine[0+1+2]", "mine[2,0-1]")) == 1
    assert len(prints("mine", "mine[0-4]", "mine[0-1]", "mine[0+2]", "mine[1-2]")) == 5
    assert sources.fingerprint("mine[0-1]", "train") != sources.fingerprint("mine[0-1]", "test")


def test_a_fingerprint_needs_no_image() -> None:
    class Unread(Arrays):
        def images(self, split: Any) -> np.ndarray:
            raise AssertionError("images are read")

        def fingerprint(self, split: Any) -> str:
            return "of its files"

    split = Split(np.zeros((5, 8, 8), np.uint8), np.arange(5))
    assert len(Classes("unread", Unread(NAMES, "", {"train": split}), [0, 1]).fingerprint("train")) == 64


def test_numbers_are_listed_with_ranges() -> None:
    assert listed([9, 0, 1, 2, 4, 6, 7]) == "0-2+4+6-7+9"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mine[0-5]", "mine has 5 classes, the last of them 4; you gave 5. Name classes from 0 to 4."),
        ("mine[0-99999999999]", "you gave 99999999999"),
        ("mine[0-2+2]", "each class of mine named once; you gave 2"),
        ("mine[3]", "two or more classes of mine; you gave '3'"),
        ("mine[2-1+0]", "from low to high; you gave '2-1'. Write 1-2."),
        ("mine[]", "as in cifar10[0-4]"),
        ("mine[0-1", "as in cifar10[0-4]"),
        ("mine]0-1[", "as in cifar10[0-4]"),
        ("mine[0:1]", "as in cifar10[0-4]"),
        ("mine[-1]", "as in cifar10[0-4]"),
        ("mine[0--1]", "as in cifar10[0-4]"),
        ("mine[٠-١]", "as in cifar10[0-4]"),
        ("mine[0-1].npz", "as in cifar10[0-4]"),
        ("[0-1]", "as in cifar10[0-4]"),
        ("textures1[0-1]", "Did you mean 'textures10'?"),
    ],
)
def test_what_names_no_classes_is_refused(sources: Sources, name: str, said: str) -> None:
    assert said in refused(sources, name)


def test_all_that_is_wrong_with_classes_is_said_at_once(sources: Sources) -> None:
    said = refused(sources, "mine[0+0+7+8]")
    assert [f"you gave {number}." in said for number in (0, 7, 8)] == [True] * 3


def test_a_path_with_brackets_is_opened_as_such(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "mine.npz").rename(tmp_path / "mine[0-1].npz")
    for name in ("mine[0-1].npz", "mine[0-1]"):
        assert sources.summary(name).classes == NAMES
    assert sources.summary("mine[0-1][0-1]").classes == NAMES[:2]


def test_classes_of_a_set_and_of_what_is_made_from_it_share_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """`made[2-4]` shows the digits of `base[2-4]`, so each digit goes to one of the two sets, in every part."""
    x = np.repeat(np.arange(100, dtype=np.uint8), 28 * 28).reshape(100, 28, 28)  # image i is all i
    y = np.random.default_rng(0).permutation(100) % 5
    black = np.zeros((2, 32, 32, 3), np.uint8)
    base = Arrays(NAMES, "base", {"train": Split(x, y), "test": Split(x[:30], y[:30])})
    photos = Arrays("ab", "black", {"train": Split(black, np.arange(2)), "test": Split(black, np.arange(2))})
    made = DigitsOverPhotos(("base", base), ("black", photos))
    opened = {"base[2-4]": Classes("base", base, [2, 3, 4]), "made[2-4]": Classes("made", made, [2, 3, 4])}
    monkeypatch.setattr(Sources, "dataset", lambda self, name: opened[name])
    where = Sources(data_dir=Path("made-up classes"))
    names: dict[Any, str] = {"first": "base[2-4]", "second": "made[2-4]"}
    artifacts = domain_images(names, where, "pool", "validation", "test", colour="gray", validation=8)
    seen = {name: set(a.compute(a, 0, where, {})["x"][:, 0, 16, 16].tolist()) for name, a in artifacts.items()}
    first, second = (seen[f"{domain}_pool"] | seen[f"{domain}_validation"] for domain in ("first", "second"))
    assert not first & second
    assert first | second == set(np.flatnonzero(y > 1).tolist())
    assert not seen["first_test"] & seen["second_test"]
