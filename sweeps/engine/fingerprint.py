"""The fingerprint of the code that determines what a trial computes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import trainables


def code_fingerprint() -> str:
    """SHA-256 over the source of `trainables`, which determines what a trial computes."""
    root = Path(trainables.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
