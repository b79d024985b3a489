"""MNIST in torchvision's layout: four idx files, gzipped or not, under `MNIST/raw/`.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from trainables.data.dataset import SPLITS, DataSet, SplitName, refuse
from trainables.data.download import patiently

# MD5 of the official files: gzipped (the ones torchvision verifies) and unpacked.
MD5 = {
    "train-images-idx3-ubyte": ("f68b3c2dcbeaaa9fbdd348bbdeb94873", "6bbc9ace898e44ae57da46a324031adb"),
    "train-labels-idx1-ubyte": ("d53e105ee54ea40749a09fcbcd1e9432", "a25bea736e30d166cdddb491f175f624"),
    "t10k-images-idx3-ubyte": ("9fb629c4189551a2d022fa330f9573f3", "2646ac647ad5339dbf082846283269ea"),
    "t10k-labels-idx1-ubyte": ("ec29112dd5afa0611ce80d1b7f02629c", "27ae3e4e09519cfbb04c329615203637"),
}
PREFIX: dict[SplitName, str] = {"train": "train", "test": "t10k"}


class MNIST(DataSet):
    """60,000 training and 10,000 test images of handwritten digits, 28×28."""

    classes = tuple("0123456789")
    origin = "MNIST, 60,000 + 10,000 handwritten digits, 28×28"
    shape = (28, 28)

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files

    def labels(self, split: SplitName) -> np.ndarray:
        return self._read(f"{PREFIX[split]}-labels-idx1-ubyte", header=8).astype(np.int64)

    def images(self, split: SplitName) -> np.ndarray:
        return self._read(f"{PREFIX[split]}-images-idx3-ubyte", header=16).reshape(-1, 28, 28)

    def fingerprint(self, split: SplitName) -> str:
        """Of the official checksums, once the files were found to have them, packed or not."""
        names = [f"{PREFIX[split]}-images-idx3-ubyte", f"{PREFIX[split]}-labels-idx1-ubyte"]
        for name in names:
            verified(self._files[name])
        return hashlib.sha256("".join(MD5[name][1] for name in names).encode()).hexdigest()

    def check(self) -> None:
        for split in SPLITS:
            self.fingerprint(split)

    def _read(self, name: str, header: int) -> np.ndarray:
        path = self._files[name]
        content = verified(path)
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        return np.frombuffer(content, np.uint8, offset=header)


def verified(path: Path) -> bytes:
    """The content of an official file. Raises Refused, with both checksums, where it is another."""
    content = path.read_bytes()
    packed, plain = MD5[path.name.removesuffix(".gz")]
    expected = packed if path.suffix == ".gz" else plain
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise refuse(
            f"the MD5 of {path} must be {expected}",
            f"{found} ({len(content):,} bytes)",
            "It is damaged or truncated: put the official file there, or remove it to have it downloaded.",
        )
    return content


def open_mnist(data_dir: Path | None, cache_dir: Path) -> MNIST:
    """MNIST from `data_dir`, else from the cache, else downloaded into the cache. Raises Refused."""
    folders = [folder / "MNIST" / "raw" for folder in (data_dir, cache_dir) if folder is not None]
    files = _find(folders)
    missing = [name for name in MD5 if name not in files]
    failure = _download(cache_dir) if missing else None
    files = _find(folders) if missing else files
    missing = [name for name in MD5 if name not in files]
    if missing:
        raise refuse(
            f"needs {', '.join(missing)} (or .gz) in {' or '.join(map(str, folders))}",
            "mnist",
            f"torchvision would download them, but: {failure}. "
            "Give their folder with --data-dir, or try the built-in data with --builtin.",
        )
    return MNIST(files)


def _find(folders: list[Path]) -> dict[str, Path]:
    candidates = {name: [folder / f"{name}{end}" for folder in folders for end in ("", ".gz")] for name in MD5}
    found = {name: next(filter(Path.is_file, paths), None) for name, paths in candidates.items()}
    return {name: path for name, path in found.items() if path is not None}


@cache
def _download(cache_dir: Path) -> str | None:
    """Fetch MNIST into the cache, at most once a process; what went wrong, if anything did."""
    from torchvision import datasets  # late: it costs a second, and most runs download nothing

    return patiently(lambda: datasets.MNIST(str(cache_dir), download=True))
