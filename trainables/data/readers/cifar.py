"""CIFAR-10 and CIFAR-100 (fine labels) as torchvision keeps them: Python batches in a folder.

Batches are pickles. They are unpickled only once their checksum was found to be the official one, from the very bytes
that were verified. Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import SplitName
from trainables.data.readers.official import Official, find_files, verified


@dataclass(frozen=True)
class Edition:
    """One of the two data sets: where its files lie and what they hold."""

    name: str
    folder: str
    splits: dict[SplitName, tuple[str, ...]]
    """Batches of each split, in order."""
    meta: str
    """File with the classes' names."""
    labels: str
    """Key of the labels in a batch; the names' key in `meta` is `names`."""
    names: str
    md5: dict[str, str]
    """Of the official files, the ones torchvision verifies."""


CIFAR10 = Edition(
    name="cifar10",
    folder="cifar-10-batches-py",
    splits={"train": tuple(f"data_batch_{i}" for i in range(1, 6)), "test": ("test_batch",)},
    meta="batches.meta",
    labels="labels",
    names="label_names",
    md5={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    },
)
CIFAR100 = Edition(
    name="cifar100",
    folder="cifar-100-python",
    splits={"train": ("train",), "test": ("test",)},
    meta="meta",
    labels="fine_labels",
    names="fine_label_names",
    md5={
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
        "meta": "7973b15100ade9c7d40fb424638fde48",
    },
)


class CIFAR(Official):
    """50,000 training and 10,000 test photographs of 10 or 100 classes, 32×32 RGB."""

    shape = (32, 32, 3)

    def __init__(self, edition: Edition, files: dict[str, Path]) -> None:
        super().__init__(files)
        self._edition = edition
        self.classes = tuple(self._unpickled(edition.meta)[edition.names])
        self.origin = f"CIFAR-{len(self.classes)}, 50,000 + 10,000 photographs, 32×32 RGB"

    def read_labels(self, split: SplitName) -> np.ndarray:
        return np.concatenate([np.asarray(batch[self._edition.labels], np.int64) for batch in self._batches(split)])

    def images(self, split: SplitName) -> np.ndarray:
        planes = np.concatenate([batch["data"].reshape(-1, 3, 32, 32) for batch in self._batches(split)])
        return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))

    def checksums(self, split: SplitName) -> list[str]:
        names = self._edition.splits[split]
        for name in names:
            self._verified(name)
        return [self._edition.md5[name] for name in names]

    def _batches(self, split: SplitName) -> Iterator[dict[str, Any]]:
        return map(self._unpickled, self._edition.splits[split])

    def _unpickled(self, name: str) -> dict[str, Any]:
        """A file's content: written by Python 2, whose text comes as bytes that are all Latin-1."""
        content: dict[str, Any] = pickle.loads(self._verified(name), encoding="latin1")
        return content

    def _verified(self, name: str) -> bytes:
        return verified(self._files[name], self._edition.md5[name])


def open_cifar10(data_dir: Path | None, cache_dir: Path) -> CIFAR:
    """CIFAR-10 from `data_dir`, else from the cache, else downloaded into the cache. Raises Refused."""
    return _open(CIFAR10, data_dir, cache_dir)


def open_cifar100(data_dir: Path | None, cache_dir: Path) -> CIFAR:
    """CIFAR-100 from `data_dir`, else from the cache, else downloaded into the cache. Raises Refused."""
    return _open(CIFAR100, data_dir, cache_dir)


def _open(edition: Edition, data_dir: Path | None, cache_dir: Path) -> CIFAR:
    def fetch(datasets: Any) -> None:
        getattr(datasets, edition.name.upper())(str(cache_dir), download=True)

    folders = [folder / edition.folder for folder in (data_dir, cache_dir) if folder is not None]
    return CIFAR(edition, find_files(edition.name, list(edition.md5), folders, cache_dir, fetch))
