"""CIFAR-10 and CIFAR-100 (fine labels) as torchvision keeps and reads them: Python batches in a folder.

Batches are pickles. Nothing is unpickled before its checksum was found to be the official one.
Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import DataSet, SplitName
from trainables.data.readers.official import Facts, Official, open_official, verified

CLASSES = {
    "cifar10": "airplane automobile bird cat deer dog frog horse ship truck",
    "cifar100": (
        "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel "
        "can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur "
        "dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion "
        "lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree "
        "pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea "
        "seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank "
        "telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm"
    ),
}
"""The classes' names, in the order of their numbers, where the files that name them are not there."""
MEGABYTES = {"cifar10": 162.6, "cifar100": 161.2}
"""Their archives, in units of 2^20 bytes."""


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
        self.known_duplicates = 0 if len(self.classes) == 10 else None  # CIFAR-100's files were not at hand
        self.origin = _origin(len(self.classes))

    def read_labels(self, split: SplitName) -> np.ndarray:
        return np.asarray(self._read(split).targets, np.int64)

    def images(self, split: SplitName) -> np.ndarray:
        return np.ascontiguousarray(self._read(split).data)

    def checksums(self, split: SplitName) -> dict[str, str]:
        return _checksums(self._reader, split)

    def _read(self, split: SplitName) -> Any:
        """Return torchvision's data set: `data` [N, 32, 32, 3] uint8 and `targets`, a list of N integers."""
        root = next(iter(self.files.values())).parent.parent
        return self.read_by(lambda: self._reader(root, train=split == "train"))


def _origin(classes: int) -> str:
    return f"CIFAR-{classes}, 50,000 + 10,000 photographs, 32×32 RGB"


def _checksums(reader: Any, split: SplitName) -> dict[str, str]:
    return dict(reader.train_list if split == "train" else reader.test_list)


def open_cifar10(data_dir: Path | None, cache_dir: Path, download: bool) -> DataSet:
    """Open CIFAR-10 from `data_dir`, else from the cache, into which it is downloaded if it may be. Raises Refused."""
    from torchvision.datasets import CIFAR10  # late, here and below: it takes a second to import

    return _open("cifar10", CIFAR10, data_dir, cache_dir, download)


def open_cifar100(data_dir: Path | None, cache_dir: Path, download: bool) -> DataSet:
    """Open CIFAR-100 from `data_dir`, else from the cache, into which it is downloaded if it may be. Raises Refused."""
    from torchvision.datasets import CIFAR100

    return _open("cifar100", CIFAR100, data_dir, cache_dir, download)


def _open(name: str, reader: Any, data_dir: Path | None, cache_dir: Path, download: bool) -> DataSet:
    wanted = [*dict([*reader.train_list, *reader.test_list]), reader.meta["filename"]]
    folders = [folder / reader.base_folder for folder in (data_dir, cache_dir) if folder is not None]
    return open_official(
        _facts(name, reader),
        wanted,
        folders,
        lambda: reader(cache_dir, download=True),
        partial(CIFAR, reader),
        download=download,
    )


def _facts(name: str, reader: Any) -> Facts:
    classes = tuple(CLASSES[name].split())
    each = {"train": 50_000 // len(classes), "test": 10_000 // len(classes)}
    return Facts(
        name=name,
        title=f"CIFAR-{len(classes)}",
        classes=classes,
        origin=_origin(len(classes)),
        shape=CIFAR.shape,
        counts={"train": (each["train"],) * len(classes), "test": (each["test"],) * len(classes)},
        megabytes=MEGABYTES[name],
        checksums=partial(_checksums, reader),
    )
