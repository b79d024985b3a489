"""Folders and zips of class folders: what is accepted, what is refused and how it is said."""

from __future__ import annotations

import shutil
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import train_test_split

from tests.support.data import refused, sources


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
    assert "8 bits a channel" in refused(sources(tmp_path), "scans")


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
    for number, name in enumerate(("a", "b")):
        (tmp_path / "gray" / name).mkdir(parents=True)
        for i in range(5):
            Image.new("L", (6, 9), 40 * i + number).save(tmp_path / "gray" / name / f"{i}.png")
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
    ("splits", "said"), [(("train",), "both train/ and test/"), (("deep/er/still",), "two classes or more")]
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


def test_files_of_the_same_bytes_stay_on_one_side_of_a_split_whatever_their_class(tmp_path: Path) -> None:
    """Ten of thirty stand twice: an image would be tested that was trained on."""
    folder = class_folders(tmp_path / "pets")
    for i in range(5):
        shutil.copy(folder / "cat" / f"{i}.png", folder / "cat" / f"{i} (copy).png")
        shutil.copy(folder / "dog" / f"{i}.png", folder / "eel" / f"seen by others as eel {i}.png")
    where = sources(tmp_path)
    train, test = ([image.tobytes() for image in split.images] for split in (where.train("pets"), where.test("pets")))
    assert len(train) + len(test) == 40
    assert len({*train} | {*test}) == 30
    assert not {*train} & {*test}
    assert where.duplicates("pets") == 0
    assert 4 <= len(test) <= 12


def test_a_set_without_copies_is_split_as_it_always_was(tmp_path: Path) -> None:
    class_folders(tmp_path / "pets")
    files = sources(tmp_path).dataset("pets")._files["test"]  # type: ignore[attr-defined]
    labels = np.repeat(np.arange(3), 10)
    _, left = train_test_split(np.arange(30), train_size=24, random_state=42, stratify=labels)
    assert [int(Path(name).stem) + 10 * label for label, name in files] == sorted(left)
