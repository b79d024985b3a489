"""The tables of a ledger, and how a ledger of an older schema gets those and the columns that it lacks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

VERSION = 2
"""Version 1 had no hashes."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "meta": ("key", "value"),
    "trials": (
        *("id", "question", "phase", "condition", "draw", "prescribed", "config", "seed", "precision"),
        *("data_fingerprint", "code_fingerprint", "status", "attempts", "worker", "hardware", "started", "finished"),
        *("seconds", "facts", "error", "test_openings", "arrays", "arrays_sha256"),
    ),
    "epochs": ("trial", "epoch", "metrics"),
    "runs": (*("id", "started", "finished", "command", "plan", "environment", "slots", "shared_seconds", "outcome"),),
    "code": ("fingerprint", "modules"),
}
"""By table: its columns, its key first, without that of the hash."""
HASHED = ("trials", "runs", "code")
"""Tables whose rows have a hash, in `digest`; that of a trial covers its epochs too."""
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trials (
    id TEXT PRIMARY KEY, question TEXT NOT NULL, phase TEXT NOT NULL, condition TEXT NOT NULL, draw INTEGER NOT NULL,
    prescribed INTEGER NOT NULL, config TEXT NOT NULL, seed INTEGER NOT NULL, precision TEXT NOT NULL,
    data_fingerprint TEXT NOT NULL, code_fingerprint TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL,
    worker TEXT, hardware TEXT, started REAL NOT NULL, finished REAL, seconds REAL, facts TEXT, error TEXT,
    test_openings INTEGER NOT NULL DEFAULT 0, arrays TEXT, arrays_sha256 TEXT);
CREATE TABLE epochs (
    trial TEXT NOT NULL REFERENCES trials(id), epoch INTEGER NOT NULL, metrics TEXT NOT NULL,
    PRIMARY KEY (trial, epoch)) WITHOUT ROWID;
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, started REAL NOT NULL, finished REAL, command TEXT NOT NULL, plan TEXT NOT NULL,
    environment TEXT NOT NULL, slots INTEGER NOT NULL, shared_seconds REAL, outcome TEXT);
"""
_CODE = "CREATE TABLE IF NOT EXISTS code (fingerprint TEXT PRIMARY KEY, modules TEXT NOT NULL)"
"""Which a ledger of version 1 may lack."""


def is_empty(db: sqlite3.Connection) -> bool:
    """Return whether a database holds no table yet."""
    return db.execute("SELECT 1 FROM sqlite_master").fetchone() is None


def has(db: sqlite3.Connection, table: str) -> bool:
    """Return whether a database holds this table; an older ledger may lack `code`."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE name=?", (table,)).fetchone() is not None


def create(db: sqlite3.Connection) -> None:
    """Make the tables, within a transaction that the caller has begun."""
    for statement in _TABLES.split(";"):
        db.execute(statement)
    db.execute("INSERT INTO meta VALUES ('schema_version', '1')")
    complete(db)


def complete(db: sqlite3.Connection) -> None:
    """Give a ledger of version 1 what it lacks but the hashes, within a transaction that the caller has begun."""
    db.execute(_CODE)
    for table in HASHED:
        db.execute(f"ALTER TABLE {table} ADD COLUMN digest TEXT")
    db.execute("UPDATE meta SET value=? WHERE key='schema_version'", (str(VERSION),))


def version_of(db: sqlite3.Connection) -> int:
    """Return the version of a ledger's schema; 0 where it has none that can be read."""
    found = db.execute("SELECT value FROM meta WHERE key='schema_version'").fetchone()
    return int(found[0]) if found and str(found[0]).isdecimal() else 0


def misfit(db: sqlite3.Connection) -> str | None:
    """Return what is wrong with the columns of a ledger, if anything."""
    hashed = version_of(db) >= VERSION
    for table, columns in COLUMNS.items():
        found = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        expected = {*columns, "digest"} if hashed and table in HASHED else {*columns}
        if found != expected and (found or hashed or table != "code"):
            return f"the columns of table {table} are not those of a ledger"
    return None
