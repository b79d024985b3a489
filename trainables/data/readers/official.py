"""Data sets that come as official files: found or downloaded, and read only once their checksums were verified.

torchvision reads what it can read; here files are found, verified and, where something is wrong, explained.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.problems import Problem, Refused
from trainables.data.dataset import SPLITS, DataSet, SplitName, refuse
from trainables.data.readers.download import Absent, patiently


@dataclass(frozen=True)
class Facts:
    """What is known of an official data set before its files are there: a request can be checked by it."""

    name: str
    """As a person names it in a command."""
    title: str
    classes: tuple[str, ...]
    origin: str
    shape: tuple[int, ...]
    counts: Mapping[SplitName, tuple[int, ...]]
    """Images of each class, by split."""
    megabytes: float
    """What is downloaded, in units of 2^20 bytes."""
    checksums: Callable[[SplitName], Mapping[str, str]]
    """See `Official.checksums`."""
    blocked: bool = False
    """Whether neighbours share a source, and the files do not tell where it ends (`DataSet.blocks`)."""


_attempts: dict[tuple[str, Path], str | None] = {}
"""By data set and folder: why its download failed, or None where it succeeded."""


class Official(DataSet):
    """A data set in official files that all lie in one folder."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """Take where each file lies, by its official name."""
        self.files = dict(files)
        self._labels: dict[SplitName, np.ndarray] = {}

    @abstractmethod
    def read_labels(self, split: SplitName) -> np.ndarray:
        """Return labels [N] int64, read from verified files. Raises Refused."""

    @abstractmethod
    def checksums(self, split: SplitName) -> dict[str, str]:
        """Return the official MD5 of each of the split's files, by name, in the order that its fingerprint has."""

    def verify(self, split: SplitName) -> None:
        """Raise Refused where a file of the split is not the official one."""
        for name, md5 in self.checksums(split).items():
            verified(self.files[name], md5)

    def labels(self, split: SplitName) -> np.ndarray:
        if split not in self._labels:
            self._labels[split] = self.read_labels(split)
        return self._labels[split]

    def fingerprint(self, split: SplitName) -> str:
        """Return the SHA-256 of the official checksums, once the files were found to have them. Raises Refused."""
        self.verify(split)
        return digest_of(self.checksums(split))

    def check(self) -> None:
        for split in SPLITS:
            self.verify(split)

    def read_by(self, reader: Callable[[], Any]) -> Any:
        """Return what torchvision's reader returns. It verifies all checksums too; where it finds another file than
        the official one, Refused names that file."""
        try:
            return reader()
        except RuntimeError:
            self.check()
            raise


class Known(DataSet):
    """An official data set whose files are not there, as far as it is known without them. Its content is refused."""

    def __init__(self, facts: Facts, absent: Absent) -> None:
        """Take the facts, and what would have to be downloaded."""
        self.classes, self.origin = facts.classes, facts.origin
        self._facts, self._absent = facts, absent

    @property
    def shape(self) -> tuple[int, ...]:
        return self._facts.shape

    def class_counts(self, split: SplitName) -> np.ndarray:
        return np.array(self._facts.counts[split])

    def labels(self, split: SplitName) -> np.ndarray:
        raise Refused([self._absent])

    def images(self, split: SplitName) -> np.ndarray:
        raise Refused([self._absent])

    def blocks(self) -> np.ndarray | None:
        return np.arange(self.size("train")) if self._facts.blocked else None

    def fingerprint(self, split: SplitName) -> str:
        return digest_of(self._facts.checksums(split))

    def check(self) -> None:
        pass  # there is nothing to verify yet

    def absent(self) -> list[Problem]:
        return [self._absent]


def open_official(
    facts: Facts,
    wanted: Sequence[str],
    folders: Sequence[Path],
    fetch: Callable[[], object],
    build: Callable[[Mapping[str, Path]], Official],
    *,
    download: bool,
    packed: str = "",
) -> DataSet:
    """Return the data set that `build` makes of its files, which are found and fetched as `find_files` says.

    Where they are missing and `download` is False, return what is known of it without them.
    """

    def found() -> dict[str, Path]:
        return find_files(facts.name, wanted, folders, fetch, packed=packed)

    present = _most_complete(wanted, folders, packed)
    if download or len(present) == len(wanted):
        return build(found())
    missing = ", ".join(name for name in wanted if name not in present)
    rule = f"needs {missing} in {' or '.join(map(str, folders))}"
    remedy = "It can be downloaded."
    return Known(facts, Absent("data", rule, facts.name, remedy, True, facts.title, facts.megabytes, found))


def digest_of(checksums: Mapping[str, str]) -> str:
    """Return the SHA-256, in hexadecimal, of official checksums, which stands for the content of the files."""
    return hashlib.sha256("".join(checksums.values()).encode()).hexdigest()


def find_files(
    name: str, wanted: Sequence[str], folders: Sequence[Path], download: Callable[[], object], *, packed: str = ""
) -> dict[str, Path]:
    """Return where each of the wanted files of data set `name` lies, in the first of `folders` that has them all.

    A file may have the ending `packed` after its name. Where no folder has all of them, `download`, which is tried
    once a process, puts them into the last one. Raises Refused, naming the files that are still missing.
    """
    files = _most_complete(wanted, folders, packed)
    failure = None
    if len(files) < len(wanted):
        failure = _downloaded(name, folders[-1], download)
        files = _most_complete(wanted, folders, packed)
    missing = [file for file in wanted if file not in files]
    if missing:
        alternative = f" (or {packed})" if packed else ""
        raise refuse(
            f"needs {', '.join(missing)}{alternative} in {' or '.join(map(str, folders))}",
            name,
            f"torchvision would download them, but: {failure}. "
            "Give their folder with --data-dir, or try the built-in data with --builtin.",
        )
    return files


def verified(path: Path, md5: str) -> bytes:
    """Return the content of an official file. Raises Refused, with both checksums, where it is another file."""
    content = path.read_bytes()
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        raise refuse(
            f"the MD5 of {path} must be {md5}",
            f"{found} ({len(content):,} bytes)",
            "It is damaged or truncated: put the official file there, or remove it to have it downloaded.",
            given=False,
        )
    return content


def _most_complete(wanted: Sequence[str], folders: Sequence[Path], packed: str) -> dict[str, Path]:
    """Return the wanted files that lie in the folder with the most of them, the first such folder."""
    return max((_in_folder(wanted, folder, packed) for folder in folders), key=len)


def _in_folder(wanted: Sequence[str], folder: Path, packed: str) -> dict[str, Path]:
    found = {}
    for name in wanted:
        for path in (folder / name, folder / f"{name}{packed}"):
            if path.is_file():
                found[name] = path
                break
    return found


def _downloaded(name: str, folder: Path, download: Callable[[], object]) -> str | None:
    """Download, at most once a process; return why that failed, or None."""
    if (name, folder) not in _attempts:
        _attempts[name, folder] = patiently(download)
    return _attempts[name, folder]
