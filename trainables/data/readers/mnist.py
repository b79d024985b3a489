"""MNIST in torchvision's layout: four idx files, gzipped or not, under `MNIST/raw/`.

The files are parsed here: torchvision reads them by path and unpacked only, and nothing is unpacked into a data folder.
Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".

Neighbours share a writer, though the files name none: all over the training split, the nearest image of the same class
is within 100 positions for 4 to 5.5 % of the images, against 0.3 % by chance. So validation is a block at the end.
Where writers' images are consecutive, only the one at the cut is on both sides. Whether some writer's images also lie
elsewhere in the split cannot be told from these files. Training and test images are by different writers, says the
source.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from trainables.data.dataset import DataSet, SplitName
from trainables.data.readers.official import Facts, Official, open_official, verified

MD5 = {
    "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}
"""MD5 of the official files: gzipped (as torchvision verifies it), and unpacked."""
PREFIX: dict[SplitName, str] = {"train": "train", "test": "t10k"}
COUNTS: dict[SplitName, tuple[int, ...]] = {
    "train": (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949),
    "test": (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009),
}
MEGABYTES = 11.1
"""Its four gzipped files, in units of 2^20 bytes."""


def _checksums(split: SplitName) -> dict[str, str]:
    """Return the MD5 of the unpacked files: packed or not, the data are the same."""
    names = (f"{PREFIX[split]}-images-idx3-ubyte", f"{PREFIX[split]}-labels-idx1-ubyte")
    return {name: MD5[name][1] for name in names}


class MNIST(Official):
    """60,000 training and 10,000 test images of handwritten digits, 28×28."""

    classes = tuple("0123456789")
    origin = "MNIST, 60,000 + 10,000 handwritten digits, 28×28"
    shape = (28, 28)
    known_duplicates = 0

    def blocks(self) -> np.ndarray:
        return np.arange(len(self.labels("train")))

    def read_labels(self, split: SplitName) -> np.ndarray:
        return self._numbers(f"{PREFIX[split]}-labels-idx1-ubyte", header=8).astype(np.int64)

    def images(self, split: SplitName) -> np.ndarray:
        return self._numbers(f"{PREFIX[split]}-images-idx3-ubyte", header=16).reshape(-1, 28, 28)

    def checksums(self, split: SplitName) -> dict[str, str]:
        return _checksums(split)

    def verify(self, split: SplitName) -> None:
        for name in self.checksums(split):
            self._verified(name)

    def _verified(self, name: str) -> bytes:
        path = self.files[name]
        packed, unpacked = MD5[name]
        return verified(path, packed if path.suffix == ".gz" else unpacked)

    def _numbers(self, name: str, header: int) -> np.ndarray:
        """Return what follows a file's header of so many bytes, [bytes] uint8."""
        content = self._verified(name)
        if self.files[name].suffix == ".gz":
            content = gzip.decompress(content)
        return np.frombuffer(content, np.uint8, offset=header)


FACTS = Facts("mnist", "MNIST", MNIST.classes, MNIST.origin, MNIST.shape, COUNTS, MEGABYTES, _checksums, blocked=True)


def open_mnist(data_dir: Path | None, cache_dir: Path, download: bool) -> DataSet:
    """Open MNIST from `data_dir`, else from the cache, into which it is downloaded if it may be. Raises Refused."""

    def fetch() -> None:
        from torchvision import datasets  # late: it takes a second to import, and most runs download nothing

        datasets.MNIST(str(cache_dir), download=True)

    folders = [folder / "MNIST" / "raw" for folder in (data_dir, cache_dir) if folder is not None]
    return open_official(FACTS, list(MD5), folders, fetch, MNIST, download=download, packed=".gz")
