"""The fingerprint of the code that determines what a trial computes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import trainables


def code_fingerprint() -> str:
    """Return the SHA-256 (hex) of the source files of `trainables` and of their paths."""
    root = Path(trainables.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
