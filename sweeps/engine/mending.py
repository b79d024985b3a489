"""A damaged ledger is set aside, and what is intact of it goes on: the sweep runs the rest again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from analysis.ledger import DamagedLedger, Ledger
from common.files import free_name


def opened(folder: Path) -> Ledger:
    """Return the ledger in `folder`, to be added to; one that is damaged is mended first, which is told.

    Raises LedgerError where nothing of it can be read.
    """
    try:
        return Ledger(folder)
    except DamagedLedger:
        print(_mended(folder), file=sys.stderr)
        return Ledger(folder)


def _mended(folder: Path) -> str:
    """Put what is intact of a ledger in its place, keep the damaged file beside it, and return what to tell."""
    path, mended = folder / "ledger.sqlite", folder / "ledger.sqlite.mended"
    mended.unlink(missing_ok=True)  # of a command that was killed while it mended
    with Ledger(folder, readonly=True) as ledger:
        damage = ledger.damage
        ledger.copy_to(mended)
    aside = free_name(path)
    shutil.copy2(path, aside)
    for end in ("-wal", "-shm"):  # SQLite would take a log that stays for one of the mended file
        if path.with_name(path.name + end).exists():
            os.replace(path.with_name(path.name + end), aside.with_name(aside.name + end))
    os.replace(mended, path)
    return (
        f"{path} is damaged: {damage}. All others run again. The damaged file is kept as {aside.name}; "
        "if you have a copy from before, you can bring that back instead."
    )
