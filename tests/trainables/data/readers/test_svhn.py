"""SVHN: two small files stand in for the official ones, their checksums for the official checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from torchvision import datasets

from common.problems import Refused
from tests.support.data import md5
from trainables.data.readers import official
from trainables.data.sources import Sources


@pytest.fixture
def mats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make both of SVHN's files with 12 and 8 images, whose checksums torchvision takes for the official ones.

    There is no network to download others.
    """

    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no network in this test")

    rng = np.random.default_rng(0)
    files = {}
    for split, n in (("train", 12), ("test", 8)):
        path = tmp_path / f"{split}_32x32.mat"
        labels = (1 + np.arange(n) % 10).astype(np.uint8)  # 1 … 10, where 10 is the digit 0
        savemat(path, {"X": rng.integers(0, 256, (32, 32, 3, n), np.uint8), "y": labels[:, None]})
        files[split] = ["", path.name, md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", files)
    monkeypatch.setattr(datasets.SVHN, "download", refuse)
    monkeypatch.setattr(official, "_attempts", {})
    return tmp_path


def test_svhn_is_read_with_its_tens_as_zeros(mats: Path) -> None:
    sources = Sources(data_dir=mats)
    train, summary = sources.train("svhn"), sources.summary("svhn")
    assert train.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert (train.images.dtype, train.labels.dtype) == (np.uint8, np.int64)
    assert np.array_equal(train.images, loadmat(mats / "train_32x32.mat")["X"].transpose(3, 0, 1, 2))
    assert train.images.flags.c_contiguous
    assert summary.test_counts == (0, 1, 1, 1, 1, 1, 1, 1, 1, 0)
    blocks = sources.dataset("svhn").blocks()
    assert blocks is not None, "neighbours share a photograph"
    assert blocks.tolist() == list(range(12)), "no one knows where it ends"
    assert sources.fingerprint("svhn", "train") != sources.fingerprint("svhn", "test")


def test_damaged_or_missing_svhn_is_refused(mats: Path, tmp_path: Path) -> None:
    good = (mats / "test_32x32.mat").read_bytes()
    (mats / "test_32x32.mat").write_bytes(good[:-1])
    sources = Sources(data_dir=mats)
    for read in (sources.test, sources.summary):
        with pytest.raises(Refused, match=r"MD5 of .*test_32x32\.mat must be"):
            read("svhn")
    (mats / "test_32x32.mat").unlink()
    with pytest.raises(Refused, match=r"needs test_32x32\.mat in .*no network in this test"):
        Sources(data_dir=mats, cache=tmp_path / "cache").summary("svhn")


def test_files_that_lie_in_several_folders_are_missing_in_the_fuller_one(mats: Path, tmp_path: Path) -> None:
    (mats / "SVHN").mkdir()
    (mats / "test_32x32.mat").rename(mats / "SVHN" / "test_32x32.mat")
    with pytest.raises(Refused, match=r"needs test_32x32\.mat in"):
        Sources(data_dir=mats, cache=tmp_path / "cache").summary("svhn")
