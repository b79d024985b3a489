"""A barrier for fresh workers, so that all slots work.

When a trial ends before the next worker is up, Tune hands the waiting trial to the worker that has just become free
and drops the one still starting: short trials then run on one worker for the whole sweep. So each fresh worker waits,
once, before its first epoch, until all have arrived. They meet in a folder: an actor to meet at would take one of the
workers that Ray has started beforehand, for which a trial waits.
"""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PERIOD = 0.01
"""Seconds between two looks at who has arrived."""


@dataclass(frozen=True)
class Barrier:
    """Opens when `parties` workers have arrived, or `timeout` seconds after one did: then fewer came than expected."""

    folder: Path
    """On a file system that all workers share; holds a file for each that has arrived."""
    parties: int
    timeout: float = 30.0

    def arrive(self) -> None:
        """Return once the barrier is open."""
        opened = self.folder / "open"
        until = time.monotonic() + self.timeout
        (self.folder / uuid.uuid4().hex).touch()
        while not opened.exists():
            if len(list(self.folder.iterdir())) >= self.parties or time.monotonic() >= until:
                opened.touch()  # for those who come later too: whoever is missing may never come
            else:
                time.sleep(PERIOD)


@contextmanager
def barrier(folder: Path, parties: int) -> Iterator[Barrier]:
    """Make a barrier in a folder of its own under `folder`, which is removed in the end."""
    own = folder / f".arrived-{uuid.uuid4().hex}"
    own.mkdir(parents=True)
    try:
        yield Barrier(own, parties)
    finally:
        shutil.rmtree(own, ignore_errors=True)
