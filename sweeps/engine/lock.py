"""The lock allows one sweep at a time on a ledger."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from common.problems import Problem, Refused


@contextlib.contextmanager
def lock(folder: Path, command: str) -> Iterator[None]:
    """Hold `folder` for this process; the kernel releases it however the process ends.

    Raises Refused, naming the holder, if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Refused([_held(folder, file.read())]) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": time.strftime("%H:%M:%S"), "command": command}))
        file.flush()
        yield
        file.truncate(0)


def _held(folder: Path, content: str) -> Problem:
    try:
        holder = json.loads(content)
        who = f"process {holder['pid']} since {holder['since']}: {holder['command']}"
    except (ValueError, KeyError):
        who = "another process"
    return Problem(
        "--out",
        "one sweep at a time on one ledger",
        str(folder),
        f"It is held by {who}. Wait for it, or name another --out.",
    )
