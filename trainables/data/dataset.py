"""What a data set is, whatever it was read from; each kind (idx files, class folders, …) is a module."""

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
    """Images and their labels."""

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
    """Drawn or shipped with a dependency: not what a user would call the real data."""
    blocked: bool
    """Neighbours by position share a source (a writer, a photograph): validation must be a block."""
    train_counts: tuple[int, ...]
    """Training images of each class."""
    test_counts: tuple[int, ...]
    """Test images of each class."""
    shape: tuple[int, ...]
    """(H, W) or (H, W, 3)."""
    origin: str
    """Where it comes from and what was done to it, in a line for people."""
    made_from: tuple[str, ...] = ()
    """Names of the sets it is made from, first the one whose images it shows, all or some, in the same order."""


class DataSet(ABC):
    """One data set, opened. Reading it a second time gives the same arrays in the same order."""

    classes: tuple[str, ...]
    origin: str
    builtin: bool = False
    blocked: bool = False
    made_from: tuple[str, ...] = ()
    """Names of the sets it is made from, first the one whose images it shows, all or some, in the same order."""

    @abstractmethod
    def labels(self, split: SplitName) -> np.ndarray:
        """[N] int64."""

    @abstractmethod
    def images(self, split: SplitName) -> np.ndarray:
        """[N, H, W] or [N, H, W, 3] uint8."""

    def images_of(self, classes: np.ndarray, split: SplitName) -> np.ndarray:
        """The images of some classes alone (numbers, ascending), in the split's order: [n, H, W] or [n, H, W, 3]."""
        return self.images(split)[np.isin(self.labels(split), classes)]

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """(H, W) or (H, W, 3), the same for all images."""

    def fingerprint(self, split: SplitName) -> str:
        """SHA-256 of the split's content and of nothing else."""
        return array_digest(self.images(split), self.labels(split))

    @abstractmethod
    def check(self) -> None:
        """Read and verify whatever opening did not have to. Raises Refused."""


Opener = Callable[[Path | None, Path], DataSet]
"""Opens a data set that has a name of its own, given the data folder (if any) and the cache for downloads."""


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
        pass  # all was read on opening

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._splits["train"].images.shape[1:])


def frozen(split: Split) -> Split:
    """The same split with read-only arrays: trials share them."""
    split.images.setflags(write=False)
    split.labels.setflags(write=False)
    return split


def array_digest(*arrays: np.ndarray) -> str:
    """SHA-256 over the types, shapes and bytes of arrays, in hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def recipe_digest(*parts: str) -> str:
    """SHA-256 that stands for arrays by all that determines them (seeds, versions, other digests), in hexadecimal."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def refuse(rule: str, value: object, remedy: str, *, key: str = "data") -> Refused:
    """A single problem with the data, ready to be raised."""
    return Refused([Problem(key, rule, value, remedy)])
