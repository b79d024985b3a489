"""Data sets that come as official files: found or downloaded, and parsed only once their checksums were verified."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import SPLITS, DataSet, SplitName, refuse
from trainables.data.readers.download import patiently

Fetch = Callable[[Any], object]
"""Downloads a data set into the cache, given the module `torchvision.datasets`."""

_attempts: dict[tuple[str, Path], str | None] = {}


class Official(DataSet):
    """A data set in official files, given where they lie by name."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = dict(files)
        self._labels: dict[SplitName, np.ndarray] = {}

    @abstractmethod
    def read_labels(self, split: SplitName) -> np.ndarray:
        """[N] int64, parsed from verified files."""

    @abstractmethod
    def checksums(self, split: SplitName) -> list[str]:
        """Official checksums of the split's content, of files found to have them. Raises Refused."""

    def labels(self, split: SplitName) -> np.ndarray:
        if split not in self._labels:
            self._labels[split] = self.read_labels(split)
        return self._labels[split]

    def fingerprint(self, split: SplitName) -> str:
        """Of the official checksums, once the files were found to have them."""
        return hashlib.sha256("".join(self.checksums(split)).encode()).hexdigest()

    def check(self) -> None:
        for split in SPLITS:
            self.checksums(split)


def find_files(
    name: str, wanted: Sequence[str], folders: Sequence[Path], cache_dir: Path, fetch: Fetch, *, packed: str = ""
) -> dict[str, Path]:
    """Where each of the wanted files of data set `name` lies: in the first of `folders` that has it.

    A file may have the ending `packed` instead. Where one is missing, `fetch` downloads the data set, at most once a
    process. Raises Refused, naming the files that are still missing.
    """
    files = _find(wanted, folders, packed)
    failure = None
    if len(files) < len(wanted):
        failure = _download(name, cache_dir, fetch)
        files = _find(wanted, folders, packed)
    missing = [file for file in wanted if file not in files]
    if missing:
        raise refuse(
            f"needs {', '.join(missing)}{f' (or {packed})' if packed else ''} in {' or '.join(map(str, folders))}",
            name,
            f"torchvision would download them, but: {failure}. "
            "Give their folder with --data-dir, or try the built-in data with --builtin.",
        )
    return files


def verified(path: Path, md5: str) -> bytes:
    """The content of an official file. Raises Refused, with both checksums, where it is another."""
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise refuse(
            f"the MD5 of {path} must be {md5}",
            f"{found} ({len(content):,} bytes)",
            "It is damaged or truncated: put the official file there, or remove it to have it downloaded.",
        )
    return content


def _find(wanted: Sequence[str], folders: Sequence[Path], packed: str) -> dict[str, Path]:
    endings = ("", packed) if packed else ("",)
    candidates = {name: [folder / f"{name}{end}" for folder in folders for end in endings] for name in wanted}
    found = {name: next(filter(Path.is_file, paths), None) for name, paths in candidates.items()}
    return {name: path for name, path in found.items() if path is not None}


def _download(name: str, cache_dir: Path, fetch: Fetch) -> str | None:
    """Download, at most once a process; what went wrong, if anything did."""
    if (name, cache_dir) not in _attempts:
        from torchvision import datasets  # late: it costs a second, and most runs download nothing

        _attempts[name, cache_dir] = patiently(lambda: fetch(datasets))
    return _attempts[name, cache_dir]
