"""CIFAR-10 and CIFAR-100 (fine labels) as torchvision keeps and reads them: Python batches in a folder.

Batches are pickles. Nothing is unpickled before its checksum was found to be the official one.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import SplitName
from trainables.data.readers.official import Official, find_files, verified


class CIFAR(Official):
    """50,000 training and 10,000 test photographs of 10 or 100 classes, 32×32 RGB."""

    shape = (32, 32, 3)

    def __init__(self, reader: Any, files: Mapping[str, Path]) -> None:
        """Take torchvision's class of the data set and where its files lie. Raises Refused."""
        super().__init__(files)
        self._reader = reader
        # torchvision reads the classes' names along with all images only; whoever asks for names alone need not wait.
        meta = verified(files[reader.meta["filename"]], reader.meta["md5"])
        self.classes = tuple(pickle.loads(meta, encoding="latin1")[reader.meta["key"]])
        self.origin = f"CIFAR-{len(self.classes)}, 50,000 + 10,000 photographs, 32×32 RGB"

    def read_labels(self, split: SplitName) -> np.ndarray:
        return np.asarray(self._read(split).targets, np.int64)

    def images(self, split: SplitName) -> np.ndarray:
        return np.ascontiguousarray(self._read(split).data)

    def checksums(self, split: SplitName) -> dict[str, str]:
        return dict(self._reader.train_list if split == "train" else self._reader.test_list)

    def _read(self, split: SplitName) -> Any:
        """Return torchvision's data set: `data` [N, 32, 32, 3] uint8 and `targets`, a list of N integers."""
        root = next(iter(self.files.values())).parent.parent
        return self.read_by(lambda: self._reader(root, train=split == "train"))


def open_cifar10(data_dir: Path | None, cache_dir: Path) -> CIFAR:
    """Open CIFAR-10 from `data_dir`, else from the cache, into which it is downloaded if need be. Raises Refused."""
    from torchvision.datasets import CIFAR10  # late, here and below: it takes a second to import

    return _open("cifar10", CIFAR10, data_dir, cache_dir)


def open_cifar100(data_dir: Path | None, cache_dir: Path) -> CIFAR:
    """Open CIFAR-100 from `data_dir`, else from the cache, into which it is downloaded if need be. Raises Refused."""
    from torchvision.datasets import CIFAR100

    return _open("cifar100", CIFAR100, data_dir, cache_dir)


def _open(name: str, reader: Any, data_dir: Path | None, cache_dir: Path) -> CIFAR:
    wanted = [*dict([*reader.train_list, *reader.test_list]), reader.meta["filename"]]
    folders = [folder / reader.base_folder for folder in (data_dir, cache_dir) if folder is not None]
    return CIFAR(reader, find_files(name, wanted, folders, lambda: reader(cache_dir, download=True)))
