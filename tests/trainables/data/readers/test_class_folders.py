"""No image and no class of a folder or zip is left out without a word: it is read, or refused with its number."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.data import refused, sources
from trainables.data.readers import class_folders as module
from trainables.data.readers.trees import FolderTree

CLASSES = ("cat", "dog", "eel")


def pets(root: Path, splits: tuple[str, ...] = ("",), n: int = 10) -> Path:
    """Make class folders of n images each, no two alike."""
    rng = np.random.default_rng(5)
    for split in splits:
        for name in CLASSES:
            (root / split / name).mkdir(parents=True)
            for i in range(n):
                Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(root / split / name / f"{i}.png")
    return root


def zipped(root: Path) -> str:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(root.rglob("*")):
            archive.write(one, one.relative_to(root))
    return path.name


def deeper(root: Path) -> None:
    (root / "cat" / "tabby").mkdir()
    for i in range(4):
        (root / "cat" / f"{i}.png").rename(root / "cat" / "tabby" / f"{i}.png")


def convert(root: Path) -> None:
    for i in range(8):
        (root / "cat" / f"{i}.png").rename(root / "cat" / f"{i}.heic")


def keep_two(root: Path) -> None:
    for i in range(2, 10):
        (root / "eel" / f"{i}.png").unlink()


def copies(root: Path) -> None:
    for i in range(1, 10):
        (root / "eel" / f"{i}.png").write_bytes((root / "eel" / "0.png").read_bytes())


PLAIN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "an empty class": (lambda root: (root / "fox").mkdir(), ["must have no empty class", "'1 empty folder: fox'"]),
    "images a level deeper": (deeper, ["no deeper and no higher", "'4 images: cat/tabby/0.png, cat/tabby/1.png"]),
    "an image beside the classes": (
        lambda root: (root / "cat" / "0.png").rename(root / "0.png"),
        ["no deeper and no higher", "'1 image: 0.png'"],
    ),
    "files of another kind": (convert, ["class folders of images alone (.bmp", "'8 other files: cat/0.heic, "]),
    "labels in class folders": (
        lambda root: (root / "cat" / "0.txt").write_text("a box"),
        ["class folders of images alone", "'1 other file: cat/0.txt'"],
    ),
    "a class that is not unpacked": (lambda root: (root / "fox.zip").write_bytes(b"PK"), ["'1 other file: fox.zip'"]),
    "a class of two images beside ten": (keep_two, ["each class must have a test image", "'none of eel'"]),
    "a class of one image": (
        lambda root: (keep_two(root), (root / "eel" / "1.png").unlink()),
        ["classes of two or more images", "cat (10), dog (10), eel (1)"],
    ),
    "a class of one image that is copied": (copies, ["each class must have a t", "none of eel", "images that differ"]),
}


@pytest.mark.parametrize("what", PLAIN)
@pytest.mark.parametrize("is_zip", [False, True])
def test_what_would_be_left_out_of_class_folders_is_refused(tmp_path: Path, what: str, is_zip: bool) -> None:
    change, parts = PLAIN[what]
    change(pets(tmp_path / "pets"))
    said = refused(sources(tmp_path), zipped(tmp_path / "pets") if is_zip else "pets")
    assert all(part in said for part in parts), said
    assert len(said.splitlines()) == 1, said


SPLIT: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "a class without test images": (
        lambda root: (root / "test" / "eel").rename(root / "train" / "fox"),
        ["each class must have a test image; found 'none of eel, fox'", "Put images of it there"],
    ),
    "a class that is only tested": (
        lambda root: (root / "train" / "eel").rename(root.parent / "gone"),
        ["every class of test/ in train/; found 'eel'"],
    ),
    "a third split": (
        lambda root: pets(root / "val", n=2),
        ["must have train/ and test/ alone; found '6 images: val/cat/0.png", "Validation is drawn from train/"],
    ),
    "an image beside the classes of a split": (
        lambda root: (root / "test" / "cat" / "0.png").rename(root / "test" / "0.png"),
        ["'1 image: test/0.png'"],
    ),
    "an empty class in one split": (
        lambda root: (root / "train" / "fox").mkdir(),
        ["must have no empty class; found '1 empty folder: train/fox'"],
    ),
}


@pytest.mark.parametrize("what", SPLIT)
@pytest.mark.parametrize("is_zip", [False, True])
def test_what_would_be_left_out_of_splits_is_refused(tmp_path: Path, what: str, is_zip: bool) -> None:
    change, parts = SPLIT[what]
    change(pets(tmp_path / "pets", ("train", "test")))
    said = refused(sources(tmp_path), zipped(tmp_path / "pets") if is_zip else "pets")
    assert all(part in said for part in parts), said
    assert len(said.splitlines()) == 1, said


def test_all_that_would_be_left_out_is_told_at_once(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    deeper(root)
    convert(pets(root / "more"))
    (root / "fox").mkdir()
    said = refused(sources(tmp_path), "pets")
    for part in ("26 images", "8 other files", "1 empty folder"):
        assert part in said, said


def test_one_class_is_refused(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    for name in ("dog", "eel"):
        (root / name).rename(tmp_path / name)
    assert "images of two classes or more; found 'cat (10)'" in refused(sources(tmp_path), "pets")


def test_links_are_followed_but_not_in_a_circle(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    (root / "eel").rename(tmp_path / "elsewhere")
    (root / "eel").symlink_to(tmp_path / "elsewhere")
    (root / "dog" / "0.png").rename(tmp_path / "0.png")
    (root / "dog" / "0.png").symlink_to(tmp_path / "0.png")
    (tmp_path / "elsewhere" / "up").symlink_to(root)
    (root / "cat" / "self").symlink_to(".")
    summary = sources(tmp_path).summary("pets")
    assert (summary.classes, summary.train_counts, summary.test_counts) == (CLASSES, (8, 8, 8), (2, 2, 2))


def test_a_link_to_nothing_and_what_is_no_file_are_refused(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets")
    (root / "cat" / "gone.png").symlink_to(tmp_path / "gone")
    os.mkfifo(root / "dog" / "pipe.png")
    said = refused(sources(tmp_path), "pets")
    assert "must be readable throughout; found '2 entries: cat/gone.png, dog/pipe.png'" in said


@pytest.mark.parametrize("is_zip", [False, True])
def test_what_file_managers_and_storage_leave_is_no_matter(tmp_path: Path, is_zip: bool) -> None:
    root = pets(tmp_path / "pets", ("train", "test"))
    for path in (
        "train/cat/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
        "train/@eaDir/cat@SynoEAStream",
        "#recycle/cat/0.png",
        ".@__thumb/0.png",
        "__MACOSX/train/cat/._0.png",
        "train/dog/Thumbs.db",
        "test/eel/desktop.ini",
        "train/.ipynb_checkpoints/0-checkpoint.png",
        "$RECYCLE.BIN/S-1-5/0.png",
        "System Volume Information/0.png",
        "lost+found/0.png",
        "test/eel/.DS_Store",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"none of ours")
    summary = sources(tmp_path).summary(zipped(root) if is_zip else "pets")
    assert (summary.train_counts, summary.test_counts) == ((10, 10, 10), (10, 10, 10))
    assert "not read" not in summary.origin


def test_documents_beside_class_folders_are_left_alone_and_counted(tmp_path: Path) -> None:
    root = pets(tmp_path / "pets", ("train", "test"))
    for name in ("README.md", "LICENSE", "train/about.csv"):
        (root / name).write_text("no image")
    assert "not read: 3 other files beside the class folders" in sources(tmp_path).summary("pets").origin


@pytest.mark.parametrize("end", [".jfif", ".JPE", ".dib", ".pnm"])
def test_less_usual_names_of_usual_formats_are_read(tmp_path: Path, end: str) -> None:
    kinds = {".jfif": "JPEG", ".JPE": "JPEG", ".dib": "BMP", ".pnm": "PPM"}
    root = pets(tmp_path / "pets")
    for path in sorted(root.rglob("*.png")):
        Image.open(path).save(path.with_suffix(end), kinds[end])
        path.unlink()
    assert sources(tmp_path).summary("pets").train_counts == (8, 8, 8)


def test_what_is_no_data_set_is_looked_into_no_further_than_it_takes_to_know(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MANY", 20)
    home = tmp_path / "home"
    for i in range(30):
        (home / f"{i}" / "deeper").mkdir(parents=True)
        for j in range(30):
            (home / f"{i}" / "deeper" / f"{j}.doc").touch()
    looked: list[str] = []
    entries = FolderTree.entries

    def counted(self: FolderTree) -> object:
        for entry in entries(self):
            looked.append(entry.name)
            yield entry

    monkeypatch.setattr(FolderTree, "entries", counted)
    said = refused(sources(tmp_path), "home")
    assert "class folders of images alone; found 'more than 20 other files and folders, such as " in said
    assert len(looked) == 21
