"""What a data set is, wherever it comes from; each kind of source (idx files, class folders, …) has its own module."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from common.problems import Problem, Refused

SplitName = Literal["train", "test"]
SPLITS: tuple[SplitName, ...] = ("train", "test")


@dataclass(frozen=True)
class Split:
    """The images and labels of the training or the test split."""

    images: np.ndarray
    """[N, H, W] (grayscale) or [N, H, W, 3] (RGB) uint8, read-only."""
    labels: np.ndarray
    """[N] int64, in 0 … classes − 1, read-only."""


@dataclass(frozen=True)
class Summary:
    """Facts about a data set that preflight, tables and figures need."""

    name: str
    classes: tuple[str, ...]
    builtin: bool
    """Whether it is drawn here or shipped with a dependency, and so not what a user would call the real data."""
    train_counts: tuple[int, ...]
    """How many training images each class has."""
    test_counts: tuple[int, ...]
    """How many test images each class has."""
    shape: tuple[int, ...]
    """(H, W) or (H, W, 3), of one image."""
    origin: str
    """One line for people that says where it comes from and what was done to it."""
    made_from: tuple[str, ...] = ()
    """Names of the sets it is made from; the first is the one whose images it shows, all or some, in their order."""
    caveats: tuple[str, ...] = ()
    """Sentences that every answer on it tells."""


class DataSet(ABC):
    """An open data set. Reading it again gives the same arrays in the same order."""

    classes: tuple[str, ...]
    origin: str
    builtin: bool = False
    made_from: tuple[str, ...] = ()
    """Names of the sets it is made from; the first is the one whose images it shows, all or some, in their order."""
    known_duplicates: int | None = None
    """How many test images stand in the training split too, where that need not be counted: files that are verified
    were counted once, and of images that are drawn one by one none does. None: they are counted."""
    caveats: tuple[str, ...] = ()
    """Sentences that every answer on it tells, such as what its splits have in common."""

    @abstractmethod
    def labels(self, split: SplitName) -> np.ndarray:
        """Return labels [N] int64. Raises Refused."""

    def blocks(self) -> np.ndarray | None:
        """Return the number of each training image's source (a writer, a photograph), [N] int64, ascending.

        Validation and training then share no source. Where neighbours share one, but the files do not tell where it
        ends, every image has a number of its own: validation is cut off at one place, and one source at most lies on
        both sides of it. None where neighbours have nothing in common.
        """
        return None

    @abstractmethod
    def images(self, split: SplitName) -> np.ndarray:
        """Return images [N, H, W] or [N, H, W, 3] uint8. Raises Refused."""

    def class_counts(self, split: SplitName) -> np.ndarray:
        """Return how many images each class has, [classes] int64. Raises Refused."""
        return np.bincount(self.labels(split), minlength=len(self.classes))

    def size(self, split: SplitName) -> int:
        """Return how many images a split has. Raises Refused."""
        return int(self.class_counts(split).sum())

    def images_of(self, classes: np.ndarray, split: SplitName) -> np.ndarray:
        """Return the images of some classes only, [n, H, W] or [n, H, W, 3], in the split's order.

        `classes` are numbers, ascending.
        """
        return self.images(split)[np.isin(self.labels(split), classes)]

    def digests(self, split: SplitName) -> list[bytes]:
        """Return a digest of each image's pixels, in the split's order. Raises Refused."""
        return [pixel_digest(image) for image in self.images(split)]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Return (H, W) or (H, W, 3), the same for all images."""

    def fingerprint(self, split: SplitName) -> str:
        """Return a SHA-256, in hexadecimal, that depends on the split's content only. Raises Refused."""
        return array_digest(self.images(split), self.labels(split))

    @abstractmethod
    def check(self) -> None:
        """Read and verify what opening has not verified. Raises Refused."""

    def absent(self) -> list[Problem]:
        """Return what would have to be downloaded first (`readers.download.Absent`)."""
        return []


Opener = Callable[[Path | None, Path], DataSet]
"""A function that opens one named data set, given the data folder (if any) and the cache for downloads."""
OfficialOpener = Callable[[Path | None, Path, bool], DataSet]
"""The same, which is also told whether it may download."""


class Arrays(DataSet):
    """A data set held in memory."""

    def __init__(self, classes: Iterable[str], origin: str, splits: dict[SplitName, Split]) -> None:
        self.classes = tuple(classes)
        self.origin = origin
        self._splits = {name: frozen(split) for name, split in splits.items()}

    def labels(self, split: SplitName) -> np.ndarray:
        return self._splits[split].labels

    def images(self, split: SplitName) -> np.ndarray:
        return self._splits[split].images

    def check(self) -> None:
        pass  # everything was read on opening

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._splits["train"].images.shape[1:])


def frozen(split: Split) -> Split:
    """Return the split after making its arrays read-only, since trials share them."""
    split.images.setflags(write=False)
    split.labels.setflags(write=False)
    return split


def array_digest(*arrays: np.ndarray) -> str:
    """Return the SHA-256, in hexadecimal, of the types, shapes and bytes of arrays."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def pixel_digest(image: np.ndarray) -> bytes:
    """Return the 128-bit BLAKE2b digest of an image's pixels."""
    return hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()


def text_digest(*parts: str) -> str:
    """Return the SHA-256, in hexadecimal, of texts that determine arrays: seeds, versions, other digests."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def refuse(rule: str, value: object, remedy: str, *, key: str = "data", given: bool = True) -> Refused:
    """Return an exception that carries one problem, with the data unless `key` says otherwise.

    `given` is False where the value was found in a file.
    """
    return Refused([Problem(key, rule, value, remedy, given)])
