"""Reading data sets: what is accepted, what is refused and how it is said."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import os
import pickle
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from common.problems import Refused
from trainables.data.readers import mnist
from trainables.data.sources import Sources

REAL = os.environ.get("LABSWEEP_REAL")


def sources(tmp_path: Path, **folders: Any) -> Sources:
    return Sources(**({"cache": tmp_path / "cache", "here": tmp_path} | folders))


def refused(where: Sources, name: str) -> str:
    with pytest.raises(Refused) as caught:
        where.summary(name)
    return str(caught.value)


# MNIST: four small idx files stand in for the official ones, their checksums for the official checksums.


@pytest.fixture
def idx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with gzipped idx files whose checksums the reader takes for the official ones."""
    rng = np.random.default_rng(0)
    raw = tmp_path / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    checksums, resources = {}, []
    for prefix, n in (("train", 60), ("t10k", 20)):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8).tobytes()
        labels = (np.arange(n) % 10).astype(np.uint8).tobytes()
        head = n.to_bytes(4, "big")
        side = (28).to_bytes(4, "big")
        for kind, content in (
            ("images-idx3", b"\0\0\x08\x03" + head + side + side + images),
            ("labels-idx1", b"\0\0\x08\x01" + head + labels),
        ):
            name, packed = f"{prefix}-{kind}-ubyte", gzip.compress(content, mtime=0)
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
    expected, damaged = hashlib.md5(file.read_bytes()).hexdigest(), file.read_bytes()[:-100]
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
    """A server on this machine that torchvision takes for its mirror."""
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

    def test_real_mnist() -> None:
        where = Sources(data_dir=Path(str(REAL)))
        summary = where.summary("mnist")
        assert sum(summary.train_counts) == 60_000
        assert summary.test_counts == (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
        assert (summary.pool, summary.validation) == (10_000, 2_000)
        assert where.train("mnist").labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
        assert abs(where.train("mnist").images.mean() / 255 - 0.1307) < 1e-3


# Built-in sets


def test_digits_are_split_by_position(tmp_path: Path) -> None:
    where = sources(tmp_path)
    summary = where.summary("digits")
    assert summary.builtin
    assert summary.blocked
    assert (sum(summary.train_counts), sum(summary.test_counts)) == (1300, 497)
    assert (summary.pool, summary.validation, summary.shape) == (1_000, 300, (28, 28))
    images = where.train("digits").images
    assert images[:, :4].max() == images[:, :, -4:].max() == 0
    assert images.max() == 255


def test_letters_are_drawn_the_same_each_time_and_differ_between_splits(tmp_path: Path) -> None:
    from trainables.data.builtin.letters import CLASSES, draw

    labels = np.arange(52)
    assert np.array_equal(draw(labels, 3), draw(labels, 3))
    assert not np.array_equal(draw(labels, 3), draw(labels, 4))
    assert draw(labels, 3).reshape(52, -1).max(1).min() > 150  # every letter is there, and bright
    where = sources(tmp_path)
    assert where.summary("letters").classes == CLASSES
    assert where.summary("letters").train_counts == (200,) * 52
    assert where.fingerprint("letters", "train") != where.fingerprint("letters", "test")


# Arrays


def arrays(**changes: Any) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    base = {
        "x_train": rng.integers(0, 256, (30, 8, 8, 3), np.uint8),
        "y_train": np.arange(30) % 3,
        "x_test": rng.integers(0, 256, (9, 8, 8, 3), np.uint8),
        "y_test": np.arange(9) % 3,
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def test_npz_is_read_by_path_or_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays(classes=np.array(["a", "b", "c"])))
    by_path = sources(tmp_path).summary("mine.npz")
    by_name = sources(tmp_path, here=tmp_path / "elsewhere", data_dir=tmp_path).summary("mine")
    assert by_path.classes == by_name.classes == ("a", "b", "c")
    assert by_path.shape == (8, 8, 3)
    assert (by_path.pool, by_path.validation) == (24, 6)


def test_npz_of_one_channel_is_grayscale(tmp_path: Path) -> None:
    one = {f"x_{split}": arrays()[f"x_{split}"][..., :1] for split in ("train", "test")}
    np.savez(tmp_path / "gray.npz", **arrays(**one))
    assert sources(tmp_path).train("gray.npz").images.shape == (30, 8, 8)


def test_the_training_fingerprint_does_not_see_test_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", **arrays())
    np.savez(tmp_path / "two.npz", **arrays(y_test=(np.arange(9) + 1) % 3))
    where = sources(tmp_path)
    assert where.fingerprint("one.npz", "train") == where.fingerprint("two.npz", "train")
    assert where.fingerprint("one.npz", "test") != where.fingerprint("two.npz", "test")


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


# Folders and zips


def class_folders(root: Path, *, splits: tuple[str, ...] = ("",), n: int = 10, sizes: tuple[int, ...] = (12,)) -> Path:
    rng = np.random.default_rng(2)
    for split in splits:
        for name in ("cat", "dog", "eel"):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(n):
                side = sizes[i % len(sizes)]
                Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8)).save(folder / f"{i}.png")
    return root


def zipped(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*.png")):
            archive.write(file, Path("outer") / file.relative_to(root))
    return path


def test_train_and_test_folders_and_their_zip_are_the_same_data(tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", splits=("train", "test"))
    zipped(tmp_path / "pets", tmp_path / "pets.zip")
    where = sources(tmp_path)
    summary = where.summary("pets")
    assert summary.classes == ("cat", "dog", "eel")
    assert summary.train_counts == summary.test_counts == (10, 10, 10)
    assert "split as given" in summary.origin
    assert np.array_equal(where.train("pets").images, where.train("pets.zip").images)
    assert where.fingerprint("pets", "train") == where.fingerprint("pets.zip", "train")


def test_images_of_more_than_8_bits_are_refused_not_cut_off(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "scans") / "cat"
    Image.fromarray(np.arange(144, dtype=np.uint16).reshape(12, 12) * 400).save(next(folder.glob("*.png")))
    with pytest.raises(Refused, match="8 bits a channel"):
        Sources(data_dir=tmp_path).summary("scans")


def test_one_set_of_class_folders_is_split_and_said_to_be(tmp_path: Path) -> None:
    class_folders(tmp_path / "pets")
    (tmp_path / "pets" / "README.txt").write_text("not an image")
    where = sources(tmp_path)
    summary = where.summary("pets")
    assert (summary.train_counts, summary.test_counts) == ((8, 8, 8), (2, 2, 2))
    assert "80/20" in summary.origin
    train, test = where.train("pets").images, where.test("pets").images
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}


def test_images_of_unequal_sizes_are_cropped_and_said_to_be(tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", n=4, sizes=(12, 20))
    summary = sources(tmp_path).summary("pets")
    assert summary.shape == (224, 224, 3)
    assert "224×224" in summary.origin


def test_grayscale_images_stay_so(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "gray" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (6, 9), 40 * i).save(tmp_path / "gray" / name / f"{i}.png")
    assert sources(tmp_path).train("gray").images.shape == (8, 9, 6)


@pytest.mark.parametrize(
    ("member", "mode", "said"),
    [
        ("../out.png", 0, "stay inside"),
        ("/etc/out.png", 0, "relative"),
        ("C:/out.png", 0, "relative"),
        ("a\\b.png", 0, "between folders"),
        ("cat/link.png", stat.S_IFLNK, "links"),
    ],
)
def test_a_zip_with_a_way_out_is_refused(tmp_path: Path, member: str, mode: int, said: str) -> None:
    path = zipped(class_folders(tmp_path / "pets"), tmp_path / "evil.zip")
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("x")
        info.filename, info.external_attr = member, mode << 16
        archive.writestr(info, b"content")
    assert said in refused(sources(tmp_path), "evil.zip")


def test_truncated_zips_and_images_are_refused(tmp_path: Path) -> None:
    whole = zipped(class_folders(tmp_path / "pets"), tmp_path / "pets.zip").read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[:-200])
    assert "whole zip" in refused(sources(tmp_path), "cut.zip")
    image = tmp_path / "pets" / "dog" / "3.png"
    image.write_bytes(image.read_bytes()[:-150])
    assert "dog/3.png" in refused(sources(tmp_path), "pets")


@pytest.mark.parametrize(
    ("splits", "said"), [(("train",), "both train/ and test/"), (("deep/er/still",), "classes of two or more")]
)
def test_folders_of_another_layout_are_refused(tmp_path: Path, splits: tuple[str, ...], said: str) -> None:
    class_folders(tmp_path / "odd", splits=splits)
    (tmp_path / "odd" / "0.png").write_bytes((next((tmp_path / "odd").rglob("0.png"))).read_bytes())
    text = refused(sources(tmp_path), "odd")
    assert said in text
    assert "train/<class>" in text


def test_a_class_only_tested_is_refused(tmp_path: Path) -> None:
    class_folders(tmp_path / "pets", splits=("train", "test"))
    (tmp_path / "pets" / "test" / "eel").rename(tmp_path / "pets" / "test" / "fox")
    assert "fox" in refused(sources(tmp_path), "pets")


# Names, travel, weights


def test_an_unknown_name_offers_the_nearest(tmp_path: Path) -> None:
    said = refused(sources(tmp_path), "mnits")
    assert "Did you mean 'mnist'?" in said
    assert str(tmp_path / "mnits") in said


def test_sources_travel_and_have_absolute_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    where = Sources(data_dir=Path("data"), weights_dir=Path("w"), cache=Path("c"))
    assert where.data_dir == tmp_path / "data"
    assert pickle.loads(pickle.dumps(where)) == where


def test_weights_are_found_by_name_and_not_by_a_longer_one(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "vgg19.pth")
    torch.save({"b": torch.ones(3)}, tmp_path / "vgg19_bn.pth")
    torch.save({"c": torch.ones(4)}, tmp_path / "resnet50_mine.pth")
    where = sources(tmp_path, weights_dir=tmp_path)
    assert [list(where.weights(name)) for name in ("vgg19", "vgg19_bn", "resnet50")] == [["a"], ["b"], ["c"]]
    assert where.weights_fingerprint("vgg19") == hashlib.sha256((tmp_path / "vgg19.pth").read_bytes()).hexdigest()


def test_ambiguous_weights_are_refused(tmp_path: Path) -> None:
    for name in ("resnet50.pth", "resnet50-v2.pth"):
        torch.save({}, tmp_path / name)
    with pytest.raises(Refused, match=r"resnet50-v2\.pth, resnet50\.pth"):
        sources(tmp_path, weights_dir=tmp_path).weights("resnet50")


def test_weights_whose_name_bears_another_checksum_are_refused(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "resnet50-11ad3fa6.pth")
    with pytest.raises(Refused, match="must begin with 11ad3fa6"):
        sources(tmp_path, weights_dir=tmp_path).weights("resnet50")


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harmed",)


def test_weights_never_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Harmful()}, tmp_path / "resnet18.pth")
    with pytest.raises(Refused, match="whole state dict"):
        sources(tmp_path, weights_dir=tmp_path).weights("resnet18")
    assert not (tmp_path / "harmed").exists()
