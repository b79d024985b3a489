"""SVHN, CIFAR, digits over photographs, drawn house numbers."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from torchvision import datasets

from common.problems import Refused
from trainables.artifacts.remote import compute_light
from trainables.artifacts.store import Artifact, Store
from trainables.data.builtin import house_digits
from trainables.data.dataset import Arrays, Split
from trainables.data.derived.photos import DigitsOverPhotos, blend
from trainables.data.readers import cifar, official, svhn
from trainables.data.sources import Sources
from trainables.domains.images import CHANNELS, domain_images

REAL = os.environ.get("LABSWEEP_REAL")


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise RuntimeError("no network in this test")

    for name in ("SVHN", "CIFAR10", "CIFAR100"):
        monkeypatch.setattr(datasets, name, refuse)
    monkeypatch.setattr(official, "_attempts", {})


@pytest.fixture
def mats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Both of SVHN's files with 12 and 8 images, in their own layout, and the checksums they have."""
    rng = np.random.default_rng(0)
    for split, n in (("train", 12), ("test", 8)):
        labels = (1 + np.arange(n) % 10).astype(np.uint8)  # 1 … 10, where 10 is the digit 0
        savemat(
            tmp_path / f"{split}_32x32.mat", {"X": rng.integers(0, 256, (32, 32, 3, n), np.uint8), "y": labels[:, None]}
        )
    monkeypatch.setattr(svhn, "MD5", {path.name: md5(path) for path in tmp_path.glob("*.mat")})
    return tmp_path


def test_svhn_is_read_with_its_tens_as_zeros(mats: Path) -> None:
    from scipy.io import loadmat

    sources = Sources(data_dir=mats)
    train, summary = sources.train("svhn"), sources.summary("svhn")
    assert train.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert train.images.shape == (12, 32, 32, 3)
    assert np.array_equal(train.images[7], loadmat(mats / "train_32x32.mat")["X"][:, :, :, 7])
    assert summary.test_counts == (0, 1, 1, 1, 1, 1, 1, 1, 1, 0)
    assert summary.blocked, "neighbours share a photograph"
    assert sources.fingerprint("svhn", "train") != sources.fingerprint("svhn", "test")


def test_damaged_or_missing_svhn_is_refused(mats: Path, tmp_path: Path) -> None:
    good = (mats / "test_32x32.mat").read_bytes()
    (mats / "test_32x32.mat").write_bytes(good[:-1])
    with pytest.raises(Refused, match=r"MD5 of .*test_32x32\.mat must be"):
        Sources(data_dir=mats).summary("svhn")
    (mats / "test_32x32.mat").unlink()
    with pytest.raises(Refused, match=r"needs test_32x32\.mat in .*no network in this test"):
        Sources(data_dir=mats, cache=tmp_path / "cache").summary("svhn")


def test_checksums_are_torchvision_s() -> None:
    assert not REAL or Path(REAL).is_dir()
    from torchvision.datasets import cifar as theirs
    from torchvision.datasets import svhn as their_svhn

    assert {file: digest for _, file, digest in their_svhn.SVHN.split_list.values() if "extra" not in file} == {
        "train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373",
        "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3",
    } | svhn.MD5
    for ours, other in ((cifar.CIFAR10, theirs.CIFAR10), (cifar.CIFAR100, theirs.CIFAR100)):
        known = dict([*other.train_list, *other.test_list]) | {other.meta["filename"]: other.meta["md5"]}
        assert ours.md5 == known
        assert (ours.folder, ours.names) == (other.base_folder, other.meta["key"])


@pytest.mark.parametrize("edition", [cifar.CIFAR10, cifar.CIFAR100])
def test_cifar_is_read_from_its_batches_and_only_if_they_are_the_official_ones(
    tmp_path: Path, edition: cifar.Edition
) -> None:
    folder = tmp_path / edition.folder
    folder.mkdir()
    names = ["cat", "dog", "frog"]
    (folder / edition.meta).write_bytes(pickle.dumps({edition.names: names}))
    planes = np.random.default_rng(0).integers(0, 256, (6, 3072), np.uint8)
    for batch in (name for split in edition.splits.values() for name in split):
        (folder / batch).write_bytes(pickle.dumps({"data": planes, edition.labels: [0, 1, 2, 0, 1, 2]}))
    sources = Sources(data_dir=tmp_path)
    before = edition.md5.copy()
    with pytest.raises(Refused, match="MD5 of"):
        sources.summary(edition.name)
    try:
        edition.md5.update({path.name: md5(path) for path in folder.iterdir()})
        test = sources.test(edition.name)
        assert sources.summary(edition.name).classes == ("cat", "dog", "frog")
        assert test.labels.tolist() == [0, 1, 2, 0, 1, 2]
        assert len(sources.train(edition.name).labels) == 6 * len(edition.splits["train"])
        assert test.images[4, 5, 6].tolist() == planes[4].reshape(3, 32, 32)[:, 5, 6].tolist()
    finally:
        edition.md5.update(before)


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
    other = DigitsOverPhotos(("mnist", digits()), ("holidays", photographs(33)))
    assert len({made.fingerprint("train"), made.fingerprint("test"), other.fingerprint("train")}) == 3
    for photos in (digits(), photographs(31)):
        with pytest.raises(Refused, match="in colour of at least 32×32"):
            DigitsOverPhotos(("mnist", digits()), ("mine", photos))


def test_sets_that_share_digits_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made from the other: no digit may be in both, in no part."""
    plain = np.repeat(np.arange(100, dtype=np.uint8), 28 * 28).reshape(100, 28, 28)  # image i is all i
    y = np.arange(100) % 2
    base = Arrays("01", "digits", {"train": Split(plain, y), "test": Split(plain[:10], y[:10])})
    made = DigitsOverPhotos(("base", base), ("black", _black()))
    opened = {"base": base, "made": made}
    monkeypatch.setattr(Sources, "dataset", lambda self, name: opened[name])
    sources = Sources(data_dir=Path("made-up"))
    parts = ("pool", "validation", "test")
    artifacts = domain_images({"first": "base", "second": "made"}, sources, *parts, colour="gray", validation=8)
    seen = {name: a.compute(a, 0, sources, {})["x"][:, 0, 16, 16].tolist() for name, a in artifacts.items()}
    assert seen["first_pool"] == list(range(0, 84, 2))
    assert seen["first_validation"] == list(range(84, 100, 2))
    assert seen["second_pool"] == list(range(1, 85, 2))
    assert seen["second_validation"] == list(range(85, 100, 2))
    assert (seen["first_test"], seen["second_test"]) == ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


def _black() -> Arrays:
    x = np.zeros((2, 32, 32, 3), np.uint8)
    return Arrays("ab", "black", {"train": Split(x, np.arange(2)), "test": Split(x, np.arange(2))})


def test_domains_are_made_alike(tmp_path: Path) -> None:
    """28×28 gray gets a black frame, colour becomes luma or gray is repeated; validation is the block at the end."""
    rng, y = np.random.default_rng(0), np.arange(20) % 10
    gray, coloured = rng.integers(0, 256, (20, 28, 28), np.uint8), rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    for name, x in (("gray", gray), ("coloured", coloured)):
        np.savez(tmp_path / f"{name}.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    sources, store = Sources(here=tmp_path), Store(tmp_path / "store")
    made: dict[str, dict[str, Any]] = {}
    for colour, channels in CHANNELS.items():
        names: Any = {"first": "gray.npz", "second": "coloured.npz"}
        wanted = domain_images(names, sources, "pool", "validation", colour=colour, validation=3)
        made[colour] = own = {name: store.get(artifact, sources) for name, artifact in wanted.items()}
        assert own["first_pool"]["x"].shape == (17, channels, 32, 32)
        assert own["second_validation"]["y"].tolist() == [7, 8, 9]
        assert (own["first_pool"]["x"][:, :, 2:30, 2:30] == gray[:17, None]).all()
        assert not own["first_pool"]["x"][:, :, :2].any()
    assert np.array_equal(made["colour"]["second_validation"]["x"][2].transpose(1, 2, 0), coloured[19])
    luma = coloured[19] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(made["gray"]["second_validation"]["x"][2, 0] - luma).max() <= 0.51


def test_house_digits_are_the_same_every_time_and_none_is_met_twice() -> None:
    labels = np.arange(200) % 10
    x = house_digits.draw(labels, 5)
    assert (x.shape, x.dtype) == ((200, 32, 32, 3), np.uint8)
    assert np.array_equal(x, house_digits.draw(labels, 5))
    assert len({image.tobytes() for image in np.concatenate([x, house_digits.draw(labels, 6)])}) == 400
    found = Sources().summary("house_digits")
    assert (found.train_counts, found.test_counts, found.builtin) == ((600,) * 10, (200,) * 10, True)


def test_house_digits_cannot_be_told_apart_pixel_by_pixel() -> None:
    """A template cannot read them (under 35 %; `bench.house_digits` has a logistic regression and a CNN)."""
    train, test = (Sources().train("house_digits"), Sources().test("house_digits"))

    def centred(images: np.ndarray) -> np.ndarray:
        x = images.reshape(len(images), -1) / 255.0
        return x - x.mean(1, keepdims=True)

    x, z = centred(train.images), centred(test.images)
    templates = np.stack([x[train.labels == label].mean(0) for label in range(10)])
    distances = (z**2).sum(1)[:, None] - 2 * z @ templates.T + (templates**2).sum(1)
    assert 0.08 < (distances.argmin(1) == test.labels).mean() < 0.35
    dark = np.abs(z.reshape(-1, 32, 32, 3).mean(3))[:, 8:24, 8:24].mean()
    assert dark > 0.03, "and there is something to see"


if REAL:

    def test_real_cifar10_and_digits_over_it() -> None:
        sources = Sources(data_dir=Path(REAL))
        assert sources.summary("cifar10").train_counts == (5_000,) * 10
        assert sources.summary("cifar10").classes[3] == "cat"
        assert sources.test("mnist_photos").images.shape == (10_000, 32, 32, 3)
        assert sources.summary("mnist_photos@svhn_small").train_counts == sources.summary("mnist").train_counts


def test_images_are_ready_before_ray_is_unless_the_sweep_is_stopped(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    names: dict[Any, str] = {"first": "digits", "second": "digits"}
    images = list(domain_images(names, sources, "pool", "validation", colour="gray", validation=100).values())
    dear = Artifact("dear", {}, lambda *_: pytest.fail("left to a worker"))
    compute_light([*images, dear], sources, tmp_path, stop=lambda: True)
    assert all(store.missing(artifact) for artifact in images)
    compute_light([*images, dear], sources, tmp_path, stop=lambda: False)
    assert not any(store.missing(artifact) for artifact in images)
    assert store.missing(dear)
