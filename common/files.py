"""Files that are either whole or detectably damaged: written to a temporary name, fsynced, renamed, checksummed.

Beside `name` lies `name.sha256`, in the format of `sha256sum`, so that anyone can verify it with `sha256sum -c`.
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Mapping
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


class Damaged(Exception):
    """A file is missing its checksum or does not match it."""


def write_atomic(path: Path, content: bytes) -> None:
    """Replace `path` by `content`, durably: after a crash either the old or the new content is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_checked(path: Path, content: bytes) -> str:
    """Write `content` and its checksum file, that one first: another process may read in between, and would take a
    content without it for damaged. Returns the SHA-256 in hexadecimal."""
    digest = hashlib.sha256(content).hexdigest()
    write_atomic(_sidecar(path), f"{digest}  {path.name}\n".encode())
    write_atomic(path, content)
    return digest


def read_checked(path: Path) -> bytes:
    """The content of `path`. Raises FileNotFoundError where there is none, Damaged where the checksum differs."""
    content = path.read_bytes()
    try:
        expected = _sidecar(path).read_text().split()[0]
    except (FileNotFoundError, IndexError):
        raise Damaged(f"{path}: no checksum beside it") from None
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise Damaged(f"{path}: SHA-256 is {found}, expected {expected}")
    return content


def set_aside(path: Path) -> Path:
    """Rename a damaged file out of the way, keeping it for inspection; return its new name."""
    aside = free_name(path)
    os.replace(path, aside)
    _sidecar(path).unlink(missing_ok=True)
    return aside


def free_name(path: Path) -> Path:
    """Return a name for a damaged file, beside `path`, under which there is none yet."""
    n = 1
    while (aside := path.with_name(f"{path.name}.damaged-{n}")).exists():
        n += 1
    return aside


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays as the bytes of an `.npz` file."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    return buffer.getvalue()


def unpack(content: bytes) -> Arrays:
    """The arrays in the bytes of an `.npz` file; nothing is unpickled."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _sync_folder(folder: Path) -> None:
    """Make a rename durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")
