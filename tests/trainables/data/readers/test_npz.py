""".npz files: what is accepted, what is refused and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.data import arrays, refused, sources


def test_npz_is_read_by_path_or_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays(classes=np.array(["a", "b", "c"])))
    by_path = sources(tmp_path).summary("mine.npz")
    by_name = sources(tmp_path, here=tmp_path / "elsewhere", data_dir=tmp_path).summary("mine")
    assert by_path.classes == by_name.classes == ("a", "b", "c")
    assert by_path.shape == (8, 8, 3)


def test_names_of_classes_may_be_bytes_or_numbers(tmp_path: Path) -> None:
    np.savez(tmp_path / "bytes.npz", **arrays(classes=np.array([b"cat", b"dog", "Öl".encode()])))
    np.savez(tmp_path / "numbers.npz", **arrays(classes=np.array([7, 8, 9])))
    assert sources(tmp_path).summary("bytes.npz").classes == ("cat", "dog", "Öl")
    assert sources(tmp_path).summary("numbers.npz").classes == ("7", "8", "9")


def test_npz_of_one_channel_is_grayscale(tmp_path: Path) -> None:
    one = {f"x_{split}": arrays()[f"x_{split}"][..., :1] for split in ("train", "test")}
    np.savez(tmp_path / "gray.npz", **arrays(**one))
    assert sources(tmp_path).train("gray.npz").images.shape == (30, 8, 8)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"y_test": None}, "Add y_test"),
        ({"x_train": np.zeros((30, 8, 8, 3))}, "uint8"),
        ({"x_train": np.zeros((30, 8, 8, 4), np.uint8)}, "channels last"),
        ({"x_test": np.zeros((9, 9, 9, 3), np.uint8)}, "like x_train"),
        ({"y_train": np.arange(29) % 3}, "one length"),
        ({"y_train": np.arange(30) / 3}, "integers"),
        ({"y_train": np.int64(3)}, "integers"),
        ({"y_test": np.arange(9)}, "0 … 2"),
        ({"y_train": np.arange(30) % 3 - 1}, "0 … 1"),
        ({"y_train": np.arange(30) * 10**12}, "0 … 29"),
        ({"y_train": np.array([{}] * 30)}, "plain arrays"),
        ({"y_test": np.arange(9) % 2}, "each class must have a test image; found 'none of 2'"),
        ({"y_train": np.arange(30) % 2 * 2}, "each class must have a training image; found 'none of 1'"),
        ({"classes": np.array(["a", "b", "c", "d"])}, "each class must have a training image; found 'none of d'"),
        ({"y_train": np.zeros(30, int), "y_test": np.zeros(9, int)}, "two classes or more; found '0'"),
        ({"classes": np.array(["a", "b", "a"])}, "each class must have a name of its own; found 'a'"),
    ],
)
def test_malformed_npz_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "bad.npz", **arrays(**changes))
    assert said in refused(sources(tmp_path), "bad.npz")


def test_all_that_is_wrong_with_an_npz_is_said_at_once(tmp_path: Path) -> None:
    np.savez(tmp_path / "bad.npz", **arrays(x_train=np.zeros((30, 8, 8, 3)), y_test=np.zeros(9)))
    said = refused(sources(tmp_path), "bad.npz")
    assert "x_train must be uint8" in said
    assert "y_test must be integers" in said


@pytest.mark.parametrize("keep", [0, 40, -2000])
def test_truncated_npz_is_refused(tmp_path: Path, keep: int) -> None:
    np.savez(tmp_path / "whole.npz", **arrays())
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:keep])
    assert "truncated" in refused(sources(tmp_path), "cut.npz")
