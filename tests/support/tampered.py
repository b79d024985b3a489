"""Ledgers as nobody leaves them: of an earlier version, or with flipped bits."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from analysis.database.schema import HASHED


def as_version_1(folder: Path) -> None:
    """Make a ledger one of the first version, whose rows have no hashes and whose code is not recorded."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        for table in HASHED:
            db.execute(f"ALTER TABLE {table} DROP COLUMN digest")
        db.execute("DROP TABLE code")
        db.execute("UPDATE runs SET plan = json_remove(plan, '$.code')")
        db.execute("UPDATE meta SET value = '1'")
        db.commit()


def flip(path: Path, at: int, bit: int = 0) -> None:
    """Flip one bit of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        (before,) = file.read(1)
        file.seek(at)
        file.write(bytes([before ^ 1 << bit]))
