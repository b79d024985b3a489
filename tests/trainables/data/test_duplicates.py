"""Test images that stand in the training split too: found by their pixels, whatever their files, names and labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.data import REAL, arrays, sources
from trainables.data import sources as sources_module
from trainables.data.dataset import Arrays, Split
from trainables.data.sources import Sources


def copied(count: int) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` of 30 + 9 images, of which the first `count` test images are training images."""
    given = arrays()
    given["x_test"][:count] = given["x_train"][10 : 10 + count]
    return given


@pytest.mark.parametrize("count", [0, 1, 4])
def test_copies_in_an_npz_are_counted_whatever_their_labels(tmp_path: Path, count: int) -> None:
    given = copied(count)
    given["x_test"][8] = given["x_test"][7]  # twice in the test split, which is no matter here
    np.savez(tmp_path / "mine.npz", **given)
    where = sources(tmp_path)
    assert where.duplicates("mine.npz") == count
    assert (given["y_train"][10], given["y_test"][0]) == (1, 0)
    assert where.summary("mine.npz").test_counts == (3, 3, 3)


def test_of_some_classes_only_their_copies_count(tmp_path: Path) -> None:
    given = copied(4)
    given["y_test"][:4] = given["y_train"][10:14]  # 1, 2, 0, 1
    given["y_test"][4:] = [0, 0, 1, 2, 2]
    np.savez(tmp_path / "mine.npz", **given)
    found = {name: sources(tmp_path).duplicates(f"mine.npz[{name}]") for name in ("0-2", "0-1", "1-2")}
    assert found == {"0-2": 4, "0-1": 3, "1-2": 3}


def test_copies_are_found_over_all_sets_that_a_trial_reads(tmp_path: Path) -> None:
    """Who trains on two sets has seen those test images of one that stand in the training split of the other."""
    first, second = copied(1), arrays()
    for name in ("x_train", "x_test"):
        second[name] = 255 - second[name]
    second["x_train"][:4] = first["x_test"][3:7]
    np.savez(tmp_path / "first.npz", **first)
    np.savez(tmp_path / "second.npz", **second)
    where = sources(tmp_path)
    assert where.duplicates("first.npz") == 1
    assert where.duplicates("first.npz", ["first.npz", "second.npz"]) == 5
    assert where.duplicates("second.npz", ["first.npz", "second.npz"]) == 0
    assert where.duplicates("first.npz", ["letters"]) == 1


def test_copies_in_folders_and_zips_are_found_after_decoding(tmp_path: Path) -> None:
    """The same pixels in another format are the same image; other pixels under the same name are not."""
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            folder = tmp_path / "pets" / split / name
            folder.mkdir(parents=True)
            for i in range(4):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(folder / f"{i}.png")
    with Image.open(tmp_path / "pets" / "train" / "cat" / "2.png") as image:
        image.save(tmp_path / "pets" / "test" / "cat" / "0.png", compress_level=0)
        image.save(tmp_path / "pets" / "test" / "dog" / "other.bmp")
    shutil.make_archive(str(tmp_path / "zipped"), "zip", tmp_path / "pets")
    where = sources(tmp_path)
    assert (where.duplicates("pets"), where.duplicates("zipped.zip")) == (2, 2)
    assert sum(where.summary("pets").test_counts) == 9


def test_an_image_is_decoded_once_for_all_that_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, end in (("cat", "png"), ("dog", "bmp")):
        for i in range(5):
            path = tmp_path / "pets" / name / f"{i}.{end}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((4, 4), i, np.uint8)).save(path)
    data = (where := sources(tmp_path)).dataset("pets")
    decoded: list[str] = []
    image = data._image  # type: ignore[attr-defined]
    monkeypatch.setattr(data, "_image", lambda file: decoded.append(file) or image(file))
    where.summary("pets")
    assert where.duplicates("pets") == 2, "of ten images of five kinds two are for testing"
    assert len(decoded) == 10


def test_a_digit_over_two_photographs_is_one_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (30, 28, 28), np.uint8), np.arange(30) % 10
    photos = rng.integers(0, 256, (4, 32, 32, 3), np.uint8)
    given = {
        "mnist": Arrays(map(str, range(10)), "digits", {"train": Split(x[:20], y[:20]), "test": Split(x[17:], y[17:])}),
        "photos": Arrays("ab", "photos", {"train": Split(photos, y[:4]), "test": Split(photos, y[:4])}),
    }
    for name, opened in given.items():
        monkeypatch.setitem(sources_module.OFFICIAL, name, lambda *_, opened=opened: opened)
    where = Sources(cache=Path("with digits of its own"))
    assert (where.duplicates("mnist_photos@photos"), where.duplicates("photos")) == (3, 4)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "letters", "house_digits", "textures10", "textures100"])
def test_built_in_sets_have_none(name: str) -> None:
    data = Sources().dataset(name)
    train, test = ([image.tobytes() for image in data.images(split)] for split in ("train", "test"))
    assert not {*train} & {*test}
    assert Sources().duplicates(name) == 0
    assert data.known_duplicates == (None if name == "digits" else 0)


if REAL:

    @pytest.mark.parametrize("name", ["mnist", "cifar10"])
    def test_real_sets_have_none(name: str) -> None:
        data = Sources(data_dir=Path(str(REAL))).dataset(name)
        assert not {*data.digests("train")} & {*data.digests("test")}
        assert data.known_duplicates == 0
