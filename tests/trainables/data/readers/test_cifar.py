"""CIFAR-10 and CIFAR-100: small batches stand in for the official ones, their checksums for the official checksums."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from common.problems import Refused
from tests.support.data import REAL, Harmful, md5
from trainables.data.readers import official
from trainables.data.sources import Sources

NAMES = ["cat", "dog", "frog"]
PLANES = np.random.default_rng(0).integers(0, 256, (6, 3072), np.uint8)
"""Six images, each the planes of its three colours."""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no network in this test")

    monkeypatch.setattr(datasets.CIFAR10, "download", refuse)
    monkeypatch.setattr(official, "_attempts", {})


@pytest.fixture(params=["cifar10", "cifar100"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> Path:
    """Make the folder of batches, six images each, whose checksums torchvision takes for the official ones."""
    reader = getattr(datasets, name.upper())
    folder = tmp_path / "data" / reader.base_folder
    folder.mkdir(parents=True)
    labels = "labels" if name == "cifar10" else "fine_labels"
    for batch, _ in (*reader.train_list, *reader.test_list):
        (folder / batch).write_bytes(pickle.dumps({"batch_label": batch, "data": PLANES, labels: [0, 1, 2, 0, 1, 2]}))
    meta = folder / reader.meta["filename"]
    meta.write_bytes(pickle.dumps({reader.meta["key"]: NAMES}))
    monkeypatch.setitem(reader.meta, "md5", md5(meta))
    for kind in ("train_list", "test_list"):
        own = [[batch, md5(folder / batch)] for batch, _ in getattr(reader, kind)]
        monkeypatch.setattr(reader, kind, own)
    return folder


def test_cifar_is_read_from_its_batches(batches: Path, name: str) -> None:
    sources = Sources(data_dir=batches.parent)
    before = sorted(batches.parent.rglob("*"))
    train, test = sources.train(name), sources.test(name)
    assert sources.summary(name).classes == tuple(NAMES)
    assert test.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert len(train.labels) == 6 * len(list(batches.iterdir())[:-2])
    assert (test.images.dtype, test.labels.dtype) == (np.uint8, np.int64)
    assert np.array_equal(test.images, PLANES.reshape(6, 3, 32, 32).transpose(0, 2, 3, 1))
    assert test.images.flags.c_contiguous
    assert sources.fingerprint(name, "train") != sources.fingerprint(name, "test")
    assert sorted(batches.parent.rglob("*")) == before, "nothing is written there"


def test_a_batch_that_is_not_the_official_one_is_refused_and_never_unpickled(
    batches: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    damaged = next(path for path in batches.iterdir() if "test" in path.name)
    expected = md5(damaged)
    damaged.write_bytes(pickle.dumps(Harmful()))
    sources = Sources(data_dir=batches.parent)
    for read in (sources.train, sources.test, sources.summary):
        with pytest.raises(Refused, match=f"the MD5 of {damaged} must be {expected}"):
            read(name)
    assert not (tmp_path / "harmed").exists()


def test_names_of_classes_that_are_not_the_official_ones_are_never_unpickled(
    batches: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    meta = batches / ("batches.meta" if name == "cifar10" else "meta")
    meta.write_bytes(pickle.dumps(Harmful()))
    with pytest.raises(Refused, match=f"the MD5 of {meta} must be"):
        Sources(data_dir=batches.parent).dataset(name)
    assert not (tmp_path / "harmed").exists()


def test_missing_batches_are_named_with_the_folders(batches: Path, name: str, tmp_path: Path) -> None:
    missing = next(path for path in batches.iterdir() if "test" in path.name)
    missing.unlink()
    sources = Sources(data_dir=batches.parent, cache=tmp_path / "cache")
    with pytest.raises(Refused, match=f"needs {missing.name} in {batches} or .*no network in this test"):
        sources.summary(name)


if REAL:

    def test_real_cifar10() -> None:
        sources = Sources(data_dir=Path(str(REAL)))
        assert sources.summary("cifar10").train_counts == (5_000,) * 10
        assert sources.summary("cifar10").classes[3] == "cat"
        content = {
            "train": "47af8b02cfcfb6cdf3dbbd1969ad7f1b70f4413f6f80f437b020ee4e5bc8304a",
            "test": "f9b1e2130bab680db56eb06d886f7f1ad0f1183907ceff4659d1735c890f5b04",
        }
        for split, found in (("train", sources.train("cifar10")), ("test", sources.test("cifar10"))):
            assert hashlib.sha256(found.images).hexdigest() == content[split]
