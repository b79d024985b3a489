"""Files below a folder or in a zip, by name; a zip is never unpacked, and its list of members is verified first."""

from __future__ import annotations

import os
import re
import stat
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, Protocol

from common.problems import Problem, Refused
from trainables.data.dataset import refuse
from trainables.data.readers.image_files import UNREADABLE

LARGEST = 1 << 28  # most bytes that a member may unpack to
METHODS = {
    zipfile.ZIP_STORED: "stored",
    zipfile.ZIP_DEFLATED: "deflated",
    zipfile.ZIP_BZIP2: "bzip2",
    zipfile.ZIP_LZMA: "LZMA",
}
"""How members may be packed."""
MOST_UNPACKED, MOST_TIMES = 1 << 30, 200
"""Bytes that a zip may unpack to, or so many times its own size if that is more; images do not shrink as far."""
DEEPEST = 8
"""Folders inside each other that are looked into."""
HOUSEKEEPING = frozenset(
    (
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "recycler", "system volume information"),
        *("__macosx", "icon\r", "lost+found"),
        *("@eadir", "#recycle", "#snapshot", "@tmp", "@recycle", "@recently-snapshot"),
    )
)
"""Names, in small letters, of what Windows, macOS, Linux and network storage leave in folders; names that begin with a
dot are housekeeping too."""


class Entry(NamedTuple):
    """What lies in a tree."""

    name: str
    """Relative to the root, with "/" between parts."""
    kind: Literal["file", "empty folder", "unreadable"]


class Tree(Protocol):
    """Files under a root."""

    path: Path

    def entries(self) -> Iterator[Entry]:
        """Yield all files, empty folders and what cannot be read, without housekeeping, in no particular order."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raises an error of `UNREADABLE`."""
        ...


def is_housekeeping(name: str) -> bool:
    """Return whether a file or folder of this name is none of the data set's."""
    return name.startswith(".") or name.casefold() in HOUSEKEEPING


class FolderTree:
    """Files in a folder; links are followed, but not back into a folder that they lie in."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> Iterator[Entry]:
        return self._inside(self.path, "", ())

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def _inside(self, folder: Path, name: str, above: tuple[tuple[int, int], ...]) -> Iterator[Entry]:
        try:
            status = folder.stat()
            own = (status.st_dev, status.st_ino)
            if own in above:
                return
            with os.scandir(folder) as listed:
                inside = [(one.name, one.is_dir(), one.is_file()) for one in listed if not is_housekeeping(one.name)]
        except OSError:
            yield Entry(name, "unreadable")
            return
        if not inside and name:
            yield Entry(name, "empty folder")
        for part, is_folder, is_file in inside:
            below = f"{name}/{part}" if name else part
            if is_folder and len(above) < DEEPEST:
                yield from self._inside(folder / part, below, (*above, own))
            else:
                yield Entry(below, "file" if is_file else "unreadable")


class ZipTree:
    """Files in a zip. Raises Refused where its list of members is damaged or leads out of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                listed = archive.infolist()
        except UNREADABLE as error:
            rule = f"{path} must be a whole zip"
            raise refuse(rule, str(error), "Make it again: it is truncated or damaged.", given=False) from None
        self._folders = [info.filename for info in listed if info.is_dir()]
        self._members = {str(PurePosixPath(info.filename)): info for info in listed if not info.is_dir()}
        problems = list(zip_problems(path, [info for info in listed if not info.is_dir()]))
        if problems:
            raise Refused(problems)
        self._archive: zipfile.ZipFile | None = None

    def entries(self) -> Iterator[Entry]:
        inside = {str(folder) for name in self._members for folder in PurePosixPath(name).parents}
        inside |= {str(folder) for name in self._folders for folder in PurePosixPath(name).parents}
        kinds: list[tuple[Literal["file", "empty folder"], list[str]]] = [
            ("file", list(self._members)),
            ("empty folder", [name for name in map(str, map(PurePosixPath, self._folders)) if name not in inside]),
        ]
        for kind, names in kinds:
            yield from (Entry(name, kind) for name in names if not any(map(is_housekeeping, name.split("/"))))

    def read(self, name: str) -> bytes:
        if self._archive is None:
            self._archive = zipfile.ZipFile(self.path)
        return self._archive.read(self._members[name])


def zip_problems(path: Path, members: Sequence[zipfile.ZipInfo], largest: int = LARGEST) -> Iterator[Problem]:
    """Yield what is wrong with a zip's members, by what its list says of them; nothing is unpacked.

    `largest` are the most bytes that one may unpack to. Of members that break one rule, the first is named.
    """
    broken: dict[str, list[str]] = {}
    names: set[str] = set()
    for info in members:
        for rule in _broken_rules(info, names, largest):
            broken.setdefault(rule, []).append(info.filename)
    for rule, found in broken.items():
        told = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1:,} more"
        remedy = "Make it again, from plain files inside one folder."
        yield Problem("data", f"{path}: {rule}", told, remedy, given=False)
    unpacked, size = sum(info.file_size for info in members), path.stat().st_size
    if unpacked > max(MOST_UNPACKED, MOST_TIMES * size):
        rule = f"{path} must unpack to {MOST_UNPACKED >> 30} GiB or to {MOST_TIMES} times its size at most"
        told = f"{unpacked / 1e9:.1f} GB from {size / 1e6:.1f} MB"
        yield Problem("data", rule, told, "It is made to fill a machine: do not use it.", given=False)


def _broken_rules(info: zipfile.ZipInfo, names: set[str], largest: int) -> list[str]:
    """Return the rules that a member of a zip breaks; its name is added to `names`, those of the members before it."""
    path = PurePosixPath(info.filename)
    is_new = str(path) not in names
    names.add(str(path))
    rules = {
        "members must have different names": not is_new,
        f"members must be packed by a usual method ({', '.join(METHODS.values())})": info.compress_type not in METHODS,
        "members must have relative paths": path.is_absolute() or bool(re.match("[A-Za-z]:", info.filename)),
        "members must have / between folders": "\\" in info.orig_filename,
        "members must stay inside": ".." in path.parts,
        "members must be plain files, not links": stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG),
        "members must not be encrypted": bool(info.flag_bits & 1),
        f"members must unpack to {largest >> 20} MiB or less": info.file_size > largest,
    }
    return [rule for rule, broken in rules.items() if broken]
