"""MNIST: four small idx files stand in for the official ones, their checksums for the official checksums."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from torchvision import datasets

from tests.support.data import REAL, refused, sources
from trainables.data.readers import mnist
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train


@pytest.fixture
def idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a data folder of gzipped idx files whose checksums the reader takes for the official ones."""
    rng = np.random.default_rng(0)
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    checksums = {}
    resources = []
    for prefix, n in (("train", 60), ("t10k", 20)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8).tobytes()
        labels = (np.arange(n) % 10).astype(np.uint8).tobytes()
        head = n.to_bytes(4, "big")
        side = (28).to_bytes(4, "big")
        for kind, content in (
            ("images-idx3", b"\0\0\x08\x03" + head + side + side + images),
            ("labels-idx1", b"\0\0\x08\x01" + head + labels),
        ):
            name = f"{prefix}-{kind}-ubyte"
            packed = gzip.compress(content, mtime=0)
            (raw / f"{name}.gz").write_bytes(packed)
            checksums[name] = (hashlib.md5(packed).hexdigest(), hashlib.md5(content).hexdigest())
            resources.append((f"{name}.gz", checksums[name][0]))
    monkeypatch.setattr(mnist, "MD5", checksums)
    monkeypatch.setattr(datasets.MNIST, "resources", resources)
    monkeypatch.setattr(datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # nobody answers
    return tmp_path / "data"


def test_mnist_is_read_from_gzipped_files_and_nothing_is_written(tmp_path: Path, idx: Path) -> None:
    before = sorted(idx.rglob("*"))
    where = sources(tmp_path, data_dir=idx)
    train = where.train("mnist")
    assert train.images.shape == (60, 28, 28)
    assert train.images.dtype == np.uint8
    assert train.labels.dtype == np.int64
    assert where.summary("mnist").train_counts == (6,) * 10
    assert not train.images.flags.writeable
    assert not train.labels.flags.writeable
    assert sorted(idx.rglob("*")) == before
    assert not where.cache.exists()


def test_mnist_packed_or_not_is_the_same_data(tmp_path: Path, idx: Path) -> None:
    plain = tmp_path / "plain" / "MNIST" / "raw"
    plain.mkdir(parents=True)
    for packed in (idx / "MNIST" / "raw").iterdir():
        (plain / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    one, other = sources(tmp_path, data_dir=idx), sources(tmp_path, data_dir=tmp_path / "plain")
    assert np.array_equal(one.test("mnist").images, other.test("mnist").images)
    assert one.fingerprint("mnist", "train") == other.fingerprint("mnist", "train")
    assert one.fingerprint("mnist", "train") != one.fingerprint("mnist", "test")


def test_truncated_mnist_shows_both_checksums(tmp_path: Path, idx: Path) -> None:
    file = idx / "MNIST" / "raw" / "train-images-idx3-ubyte.gz"
    expected = hashlib.md5(file.read_bytes()).hexdigest()
    damaged = file.read_bytes()[:-100]
    file.write_bytes(damaged)
    said = refused(sources(tmp_path, data_dir=idx), "mnist")
    assert str(file) in said
    assert expected in said
    assert hashlib.md5(damaged).hexdigest() in said


def test_missing_mnist_names_files_folders_and_the_way_out(tmp_path: Path, idx: Path) -> None:
    (idx / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz").unlink()
    said = refused(sources(tmp_path, data_dir=idx), "mnist")
    assert "needs t10k-labels-idx1-ubyte (or .gz) in" in said
    assert str(idx / "MNIST" / "raw") in said
    assert str(tmp_path / "cache" / "MNIST" / "raw") in said
    assert "--builtin" in said


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(idx: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run a server on this machine that torchvision takes for its mirror."""
    handler = functools.partial(Quiet, directory=str(idx / "MNIST" / "raw"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("mirror")
def test_absent_mnist_is_downloaded_into_the_cache_only(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    where = sources(tmp_path, data_dir=empty)
    assert where.summary("mnist").test_counts == (2,) * 10
    assert not list(empty.iterdir())
    assert (where.cache / "MNIST" / "raw").is_dir()


if REAL:

    @pytest.mark.parametrize(("name", "classes"), [("mnist", 10), ("mnist[0-4]", 5)])
    def test_validation_of_real_mnist_is_the_balanced_end(name: str, classes: int) -> None:
        where = Sources(data_dir=Path(str(REAL)))
        data, labels = where.dataset(name), where.train(name).labels
        pool, validation = split_train(labels, 10_000, 2_000, data.blocks())
        assert np.bincount(labels[pool]).tolist() == [10_000 // classes] * classes
        assert np.bincount(labels[validation]).tolist() == [2_000 // classes] * classes
        assert pool.max() < validation.min()
        assert where.pool_left(name, 2_000) <= validation.min()
        assert len(labels) - validation.min() < 2_300, "the shortest end that is balanced"
        subset = pool[nested_subset(labels[pool], 900, seed=1)]
        assert np.bincount(labels[subset]).tolist() == [900 // classes] * classes

    def test_real_mnist() -> None:
        where = Sources(data_dir=Path(str(REAL)))
        summary = where.summary("mnist")
        assert sum(summary.train_counts) == 60_000
        assert summary.test_counts == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
        assert where.train("mnist").labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert abs(where.train("mnist").images.mean() / 255 - 0.1307) < 1e-3
