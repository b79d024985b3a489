"""A data set in a folder or zip of class folders: `train/<class>/*` and `test/<class>/*`, or `<class>/*` alone.

Images that all have one size, upright, stay as they are; otherwise they are resized and centre-cropped to 224×224.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps

from common.problems import Refused
from trainables.data.coverage import coverage_problems
from trainables.data.dataset import SPLITS, DataSet, SplitName, pixel_digest, refuse
from trainables.data.levels import Levels, level_problems, levels_of, together
from trainables.data.readers.class_folders import LAYOUT, Members, laid_out
from trainables.data.readers.image_files import UNREADABLE, Header, decode, read_header, remedy_for
from trainables.data.readers.trees import FolderTree, Tree, ZipTree
from trainables.data.subsets import stratified_split

SIDE = 224
AT_ONCE = 256
"""Images that are in memory at a time while they are looked at."""
FEW = "Add images that differ, or split them yourself into train/ and test/."
FEW_GIVEN = "Put images of it there, or remove the class."


class Seen(NamedTuple):
    """What is known of a file before it is decoded."""

    header: Header
    digest: str
    """The SHA-256 of its bytes, in hexadecimal."""


class ClassFolders(DataSet):
    """A folder for each class; opening reads the images' headers, `images` decodes them."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        layout = laid_out(tree)
        every_file = [file for members in layout.splits for files in members.values() for file in files]
        self._seen = {file: self._look_at_file(file) for file in every_file}
        given = len(layout.splits) == 2
        train, test = layout.splits if given else _eighty_twenty(layout.splits[0], self._seen)
        self.classes = tuple(train)
        self._files: dict[SplitName, list[tuple[int, str]]] = {
            split: [(self.classes.index(name), file) for name, files in members.items() for file in files]
            for split, members in zip(SPLITS, (train, test), strict=True)
        }
        counts = {split: self.class_counts(split) for split in SPLITS}
        if problems := coverage_problems(tree.path, self.classes, counts, FEW_GIVEN if given else FEW):
            raise Refused(problems)
        headers = {split: [self._seen[file].header for _, file in files] for split, files in self._files.items()}
        every = [header for own in headers.values() for header in own]
        self._gray = all(header.gray for header in every)
        sizes = {header.size for header in every}
        width, height = next(iter(sizes))
        self._crop = len(sizes) > 1 or min(width, height) > SIDE
        self._size = (SIDE, SIDE) if self._crop else (height, width)
        self._changed = {split: _changes(own, cropped=self._crop) for split, own in headers.items()}
        self._digests: dict[SplitName, list[bytes]] = {}
        self._levels: dict[SplitName, Levels] = {}
        number = " + ".join(f"{len(files):,}" for files in self._files.values())
        told = ["split as given" if given else "a fixed stratified 80/20 split"]
        told += [f"resized and centre-cropped to {SIDE}×{SIDE}"] if self._crop else []
        if transparent := sum(header.transparent for header in every):
            told.append(f"what is transparent in {transparent:,} of them is shown white")
        if layout.documents:
            told.append(f"not read: {layout.documents:,} other files beside the class folders")
        self.origin = f"{tree.path.name}, {number} images of {len(self.classes)} classes, {'; '.join(told)}"

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
        if path.resolve() in (Path("/"), Path.home().resolve()):
            raise refuse("must be a folder of a data set alone", str(path), LAYOUT)
        return ClassFolders(FolderTree(path))
    if path.suffix.lower() == ".zip":
        return ClassFolders(ZipTree(path))
    raise refuse("must be a folder, a .zip or an .npz", str(path), LAYOUT)


def _eighty_twenty(members: Members, seen: Mapping[str, Seen]) -> tuple[Members, Members]:
    """Split the files of each class into training files, about 80 %, and test files.

    A file goes where the first file of the same bytes goes, or test images would have been trained on. A class of few
    files may have none on one side.
    """
    files = [(name, file) for name, inside in members.items() for file in inside]
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
