"""A folder or zip of class folders of images: `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone.

A zip is never unpacked: its list of members is verified first (no links, no absolute paths, no paths outside), then
members are read by name. Images that all have one size, upright, stay as they are; otherwise they are resized and
centre-cropped to 224×224.
"""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

import numpy as np
from PIL import Image, ImageOps

from common.problems import Problem, Refused
from trainables.data.dataset import SPLITS, DataSet, SplitName, pixel_digest, refuse
from trainables.data.levels import Levels, level_problems, levels_of, together
from trainables.data.readers.image_files import ENDINGS, UNREADABLE, Header, decode, read_header, remedy_for
from trainables.data.subsets import stratified_split

SIDE = 224
AT_ONCE = 256
"""Images that are in memory at a time while they are looked at."""
LARGEST = 1 << 28  # most bytes that a member may unpack to
LAYOUT = "Lay it out as train/<class>/*.png and test/<class>/*.png, or as <class>/*.png alone."

Members = dict[str, list[str]]
"""Names of the files of each class, in order."""


class Tree(Protocol):
    """Files under a root, by their relative names with "/" between parts."""

    path: Path

    def names(self) -> Iterable[str]: ...

    def read(self, name: str) -> bytes: ...


class FolderTree:
    """Files in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def names(self) -> Iterable[str]:
        return (file.relative_to(self.path).as_posix() for file in self.path.rglob("*") if file.is_file())

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


class ZipTree:
    """Files in a zip, whose list of members is verified on opening. Raises Refused."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                self._members = {info.filename: info for info in archive.infolist() if not info.is_dir()}
        except UNREADABLE as error:
            rule = f"{path} must be a whole zip"
            raise refuse(rule, str(error), "Make it again: it is truncated or damaged.", given=False) from None
        problems = [
            Problem("data", f"{path}: {rule}", name, "Make it again, from plain files inside one folder.", given=False)
            for name, info in self._members.items()
            for rule in _broken_rules(info)
        ]
        if problems:
            raise Refused(problems)
        self._archive: zipfile.ZipFile | None = None

    def names(self) -> Iterable[str]:
        return self._members

    def read(self, name: str) -> bytes:
        if self._archive is None:
            self._archive = zipfile.ZipFile(self.path)
        return self._archive.read(self._members[name])


def _broken_rules(info: zipfile.ZipInfo) -> list[str]:
    """Return the rules that a member of a zip breaks."""
    path = PurePosixPath(info.filename)
    rules = {
        "members must have relative paths": path.is_absolute() or bool(re.match("[A-Za-z]:", info.filename)),
        "members must have / between folders": "\\" in info.orig_filename,
        "members must stay inside": ".." in path.parts,
        "members must be plain files, not links": stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG),
        "members must not be encrypted": bool(info.flag_bits & 1),
        f"members must unpack to {LARGEST >> 20} MiB or less": info.file_size > LARGEST,
    }
    return [rule for rule, broken in rules.items() if broken]


class Seen(NamedTuple):
    """What is known of a file before it is decoded."""

    header: Header
    digest: str
    """The SHA-256 of its bytes, in hexadecimal."""


class ClassFolders(DataSet):
    """A folder for each class; opening reads the images' headers, `images` decodes them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        given, note = _laid_out(tree)
        self._seen = {file: self._look_at_file(file) for own in given for files in own.values() for file in files}
        train, test = given if len(given) == 2 else _eighty_twenty(tree, given[0], self._seen)
        self.classes = tuple(train)
        self._files: dict[SplitName, list[tuple[int, str]]] = {
            split: [(self.classes.index(name), file) for name, files in members.items() for file in files]
            for split, members in zip(SPLITS, (train, test), strict=True)
        }
        headers = {split: [self._seen[file].header for _, file in files] for split, files in self._files.items()}
        every = [header for own in headers.values() for header in own]
        self._gray = all(header.gray for header in every)
        sizes = {header.size for header in every}
        width, height = next(iter(sizes))
        self._crop = len(sizes) > 1 or min(width, height) > SIDE
        if self._crop:
            width = height = SIDE
            note += f"; resized and centre-cropped to {SIDE}×{SIDE}"
        if transparent := sum(header.transparent for header in every):
            note += f"; what is transparent in {transparent:,} of them is shown white"
        self._changed = {split: _changes(own, cropped=self._crop) for split, own in headers.items()}
        self._size = (height, width)
        self._digests: dict[SplitName, list[bytes]] = {}
        self._levels: dict[SplitName, Levels] = {}
        counts = " + ".join(f"{len(files):,}" for files in self._files.values())
        self.origin = f"{tree.path.name}, {counts} images of {len(self.classes)} classes, {note}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self._size if self._gray else (*self._size, 3)

    def labels(self, split: SplitName) -> np.ndarray:
        return np.array([label for label, _ in self._files[split]], np.int64)

    def images(self, split: SplitName) -> np.ndarray:
        files = self._files[split]
        images = np.empty((len(files), *self.shape), np.uint8)
        for row, (_, file) in enumerate(files):
            images[row] = self._image(file)
        return images

    def fingerprint(self, split: SplitName) -> str:
        """Return the digest of the files' bytes by class, and of what is done to the images."""
        digest = hashlib.sha256(f"{self.classes} {self.shape} {self._crop}{self._changed[split]}".encode())
        for label, file in self._files[split]:
            digest.update(f"{label} {self._seen[file].digest}\n".encode())
        return digest.hexdigest()

    def digests(self, split: SplitName) -> list[bytes]:
        if split not in self._digests:
            self._look_at(split)  # decoding takes long, and `check` has done it
        return self._digests[split]

    def check(self) -> None:
        for split in SPLITS:
            self.digests(split)
        if problems := level_problems(self._tree.path, self._levels):
            raise Refused(problems)

    def _look_at(self, split: SplitName) -> None:
        """Decode a split once for all that is to be known of its pixels. Raises Refused."""
        files = self._files[split]
        digests: list[bytes] = []
        levels: list[Levels] = []
        for start in range(0, len(files), AT_ONCE):
            images = np.stack([self._image(file) for _, file in files[start : start + AT_ONCE]])
            digests += map(pixel_digest, images)
            levels.append(levels_of(images))
        self._digests[split], self._levels[split] = digests, together(levels)

    def _look_at_file(self, file: str) -> Seen:
        try:
            content = self._tree.read(file)
            return Seen(read_header(content), hashlib.sha256(content).hexdigest())
        except UNREADABLE as error:
            raise self._unreadable(file, error) from None

    def _image(self, file: str) -> np.ndarray:
        """Decode an image into [H, W] or [H, W, 3] uint8. Raises Refused."""
        try:
            image = decode(self._tree.read(file), gray=self._gray)
        except UNREADABLE as error:
            raise self._unreadable(file, error) from None
        return np.asarray(ImageOps.fit(image, (SIDE, SIDE), Image.Resampling.BICUBIC) if self._crop else image)

    def _unreadable(self, file: str, error: Exception) -> Refused:
        return refuse(
            f"{self._tree.path}: {file} must be one whole image of 8 bits a channel",
            str(error),
            remedy_for(error),
            given=False,
        )


def _changes(headers: Iterable[Header], *, cropped: bool) -> str:
    """Return what is done to some images of a split, as its fingerprint tells it since it is done.

    Sets without such images keep the fingerprint that they had before; cropped images have always been turned.
    """
    changed = {word for header in headers for word in _done_to(header, cropped=cropped)}
    return "".join(f" {word}" for word in sorted(changed))


def _done_to(header: Header, *, cropped: bool) -> Iterator[str]:
    if header.transparent:
        yield "over white"
    if header.turned and not cropped:
        yield "upright"


def open_folder(path: Path) -> ClassFolders:
    """Open a folder or zip as a data set. Raises Refused where it is laid out otherwise or cannot be read."""
    if path.is_dir():
        return ClassFolders(FolderTree(path))
    if path.suffix.lower() == ".zip":
        return ClassFolders(ZipTree(path))
    raise refuse("must be a folder, a .zip or an .npz", str(path), LAYOUT)


def _laid_out(tree: Tree) -> tuple[list[Members], str]:
    """Return the training and the test files by class, or all files where they are not split yet, and a note on how
    they are split. Raises Refused."""
    paths = sorted(path for path in map(PurePosixPath, tree.names()) if _is_image(path))
    offset = 0
    while _has_outer_folder(paths, offset):
        offset += 1
    split_names = {path.parts[offset].lower() for path in paths if len(path.parts) == offset + 3}
    if {"train", "test"} <= split_names:
        train, test = (_by_class(paths, offset, split) for split in ("train", "test"))
        rule = "must have every class of test/ in train/"
        _require(train.keys() >= test.keys(), tree, rule, _list(test.keys() - train))
        _require(len(train) > 1, tree, "must hold folders of images of two classes or more", _counts(train))
        return [train, test], "split as given"
    rule = "must have both train/ and test/, or neither"
    _require(not {"train", "test"} & split_names, tree, rule, _list(split_names))
    everything = _by_class(paths, offset, None)
    _require(len(everything) > 1, tree, "must hold folders of images of two classes or more", _counts(everything))
    return [everything], "a fixed stratified 80/20 split"


def _has_outer_folder(paths: list[PurePosixPath], offset: int) -> bool:
    """Return whether everything lies in one more folder, as in many archives."""
    names = {path.parts[offset].lower() for path in paths}
    return len(names) == 1 and not names & {"train", "test"} and all(len(path.parts) >= offset + 3 for path in paths)


def _is_image(path: PurePosixPath) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in ENDINGS and not hidden


def _by_class(paths: list[PurePosixPath], offset: int, split: str | None) -> Members:
    """Return the files of a split, or of everything, by class, sorted by name."""
    depth = offset + (1 if split else 0)
    members: Members = {}
    for path in paths:
        inside = split is None or path.parts[offset].lower() == split
        if inside and len(path.parts) == depth + 2:
            members.setdefault(path.parts[depth], []).append(str(path))
    return dict(sorted(members.items()))


def _eighty_twenty(tree: Tree, members: Members, seen: Mapping[str, Seen]) -> tuple[Members, Members]:
    """Split the files of each class into training files, about 80 %, and test files. Raises Refused.

    A file goes where the first file of the same bytes goes, or test images would have been trained on.
    """
    files = [(name, file) for name, inside in members.items() for file in inside]
    rule = "must hold classes of two or more images that differ"
    _require(min(map(len, members.values())) > 1, tree, rule, _counts(members))
    labels = np.array([list(members).index(name) for name, _ in files])
    taken, _ = stratified_split(labels, len(files) - max(len(members), round(len(files) / 5)))
    trained = set(taken.tolist())
    train: Members = {name: [] for name in members}
    test: Members = {name: [] for name in members}
    side: dict[str, Members] = {}
    for row, (name, file) in enumerate(files):
        split = side.setdefault(seen[file].digest, train if row in trained else test)
        split[name].append(file)
    return train, test


def _counts(members: Members) -> str:
    return _list(f"{name} ({len(files)})" for name, files in members.items())


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _require(ok: bool, tree: Tree, rule: str, found: str) -> None:
    if not ok:
        raise refuse(f"{tree.path} {rule}", found, LAYOUT, given=False)
