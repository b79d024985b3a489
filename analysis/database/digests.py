"""A hash for each row of a ledger, by which a row is known that was damaged since it was written.

It is the start of a SHA-256 over all columns of a row and, of a trial, over its epochs as well. Flipped bits and lost
epochs show in it; it does not protect against people, who can compute it too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from analysis.database.schema import COLUMNS, HASHED

LENGTH = 16
"""Hexadecimal digits of a hash that are kept."""
EPOCHS = (
    "SELECT trial, CAST(group_concat(line, char(10)) AS BLOB) FROM"
    " (SELECT trial, epoch || ' ' || metrics AS line FROM epochs{where} ORDER BY trial, epoch) GROUP BY trial"
)


@contextlib.contextmanager
def leniently(db: sqlite3.Connection) -> Iterator[None]:
    """Read texts that are no longer UTF-8, too: their wrong bytes become lone surrogates."""
    before = db.text_factory
    db.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        yield
    finally:
        db.text_factory = before


def digest(row: Iterable[Any], epochs: bytes = b"") -> str:
    """Return the hash of a row and, of a trial, of its epochs as `lines` joins them."""
    content = hashlib.sha256(repr(tuple(row)).encode())
    content.update(epochs)
    return content.hexdigest()[:LENGTH]


def lines(epochs: Iterable[tuple[Any, ...]]) -> bytes:
    """Return epochs (trial, number, metrics) of one trial as the bytes that a hash covers."""
    return "\n".join(f"{number} {metrics}" for _, number, metrics in epochs).encode(errors="surrogateescape")


def all_fit(db: sqlite3.Connection) -> bool:
    """Return whether every row fits its hash."""
    return all(found == expected for table in HASHED for _, found, expected in _digests(db, table))


def seal(db: sqlite3.Connection, table: str, key: Any = None) -> None:
    """Give the row with this key its hash, or every row of a table, within a transaction that the caller has begun."""
    keys = [(expected, key) for key, found, expected in _digests(db, table, key) if found != expected]
    db.executemany(f"UPDATE {table} SET digest=? WHERE {COLUMNS[table][0]}=?", keys)


def _digests(db: sqlite3.Connection, table: str, key: Any = None) -> list[tuple[Any, str | None, str]]:
    """Return the key of each row, of all or of one, the hash that it has, and the one that it should have."""
    columns = COLUMNS[table]
    values = () if key is None else (key,)
    with leniently(db):
        of_trials: dict[Any, bytes] = {}
        if table == "trials":
            of_trials = dict(
                map(tuple, db.execute(EPOCHS.format(where="" if key is None else " WHERE trial=?"), values))
            )
        where = "" if key is None else f" WHERE {columns[0]}=?"
        rows = db.execute(f"SELECT digest, {', '.join(columns)} FROM {table}{where}", values).fetchall()
    return [(row[1], row[0], digest(tuple(row)[1:], of_trials.get(row[1], b""))) for row in rows]
