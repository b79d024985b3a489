"""What of a damaged ledger is left: the rows that can be read and fit their hash, in a database in memory."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from analysis.database.digests import all_fit, digest, leniently, lines, seal
from analysis.database.schema import COLUMNS, HASHED, VERSION, create, has, misfit, version_of

SHOWN, LETTERS = 6, 12
"""How many ids are named, and how many characters of each."""


@dataclass(frozen=True)
class Damage:
    """What is wrong with a ledger."""

    reason: str | None
    """What SQLite finds wrong with the file; None where single rows do not fit their hash."""
    trials: tuple[str, ...]
    """The ids of trials that do not fit their hash."""
    records: int
    """How many records of commands and of code do not fit theirs."""
    intact: int
    """How many trials are left."""

    def __str__(self) -> str:
        """Return a sentence without its full stop."""
        found = [f"SQLite says: {self.reason}"] if self.reason else []
        if self.trials:
            named = ", ".join(_printable(trial[:LETTERS]) for trial in self.trials[:SHOWN])
            more = ", …" if len(self.trials) > SHOWN else ""
            found.append(f"{_unfit(len(self.trials), 'trial')} ({named}{more})")
        if self.records:
            found.append(_unfit(self.records, "record of a command or of code", "records of commands or of code"))
        return f"{'; '.join(found)}; {self.intact} other trials are intact"


UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite raises where a file cannot be read; the second where its own message quotes a damaged text."""


def is_damage(error: BaseException | None) -> bool:
    """Return whether the file itself is broken: a full disk or a busy database raises a subclass and is no damage."""
    decoded = isinstance(error, UnicodeDecodeError) or "Could not decode" in str(error)
    return type(error) is sqlite3.DatabaseError or (isinstance(error, UNREADABLE) and decoded)


def salvaged(db: sqlite3.Connection) -> tuple[sqlite3.Connection, Damage] | None:
    """Return what is left of a ledger, and what is wrong with it; None where nothing is.

    Raises sqlite3.DatabaseError where its tables cannot be read at all.
    """
    db.execute("BEGIN")  # all is read as it is at one moment, while another process may write
    try:
        if (wrong := misfit(db)) is not None:
            raise sqlite3.DatabaseError(wrong)
        reason, hashed = _fault(db), version_of(db) >= VERSION
        if reason is None and (not hashed or all_fit(db)):
            return None
        return _copied(db, reason, hashed)
    finally:
        db.execute("ROLLBACK")


def _fault(db: sqlite3.Connection) -> str | None:
    """Return what SQLite finds wrong with the file, if anything."""
    try:
        found = str(db.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except UNREADABLE as error:
        if not is_damage(error):
            raise
        return str(error)
    return None if found == "ok" else found.splitlines()[-1]


def _copied(db: sqlite3.Connection, reason: str | None, hashed: bool) -> tuple[sqlite3.Connection, Damage]:
    """Return a copy of the rows that fit their hash, where they are `hashed`, and what is wrong with the others."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    create(copy)
    epochs: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in _readable(db, "epochs"):
        if tuple(map(type, row)) == (str, int, str):
            epochs[row[0]].append(row)
    failed: dict[str, list[str]] = {table: [] for table in HASHED}
    for table in [table for table in HASHED if has(db, table)]:
        for row in _readable(db, table, "digest" if hashed else "NULL"):
            own = sorted(epochs[row[0]]) if table == "trials" else []
            if hashed and row[-1] != digest(row[:-1], lines(own)):
                failed[table].append(str(row[0]))
            else:
                _insert(copy, table, [row[:-1]])
                _insert(copy, "epochs", own)
        seal(copy, table)
    intact = copy.execute("SELECT count(*) FROM trials").fetchone()[0]
    return copy, Damage(reason, tuple(failed["trials"]), len(failed["runs"]) + len(failed["code"]), intact)


def _readable(db: sqlite3.Connection, table: str, *more: str) -> Iterable[tuple[Any, ...]]:
    """Return the rows of a table that can be read: from its start and, where it breaks off, from its end too."""
    found: dict[tuple[Any, ...], None] = {}
    columns = ", ".join((*COLUMNS[table], *more))
    for order in ("ASC", "DESC"):
        by = f"trial {order}, epoch {order}" if table == "epochs" else f"rowid {order}"
        try:
            with leniently(db):
                for row in db.execute(f"SELECT {columns} FROM {table} ORDER BY {by}"):
                    found[tuple(row)] = None
            break
        except UNREADABLE as error:
            if not is_damage(error):
                raise
    return found


def _insert(db: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    names, marks = ", ".join(COLUMNS[table]), ", ".join("?" * len(COLUMNS[table]))
    db.executemany(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", rows)


def _unfit(count: int, what: str, several: str = "") -> str:
    return f"1 {what} does not fit its hash" if count == 1 else f"{count} {several or what + 's'} do not fit their hash"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
