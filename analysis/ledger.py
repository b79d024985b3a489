"""The ledger: one SQLite file that holds every trial, and the array files it points to.

It is the only truth. Resume, tables, figures and the report read it and nothing else. A finished trial is durable
before the next one is asked for (WAL, synchronous=FULL). Readers need neither torch nor Ray.

Each row has a hash (`analysis.database`), by which damage is found whenever the file is opened. A ledger of an older
schema can be read, and gets what it lacks when it is added to. The plan of a run is stored as JSON, which
`analysis.plan_record` converts where an older program wrote it.

Trials whose code no longer counts stay, with their epochs and arrays, under the id `<id>@<start of the fingerprint>`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pandas as pd
from pydantic import ValidationError

from analysis.database import schema
from analysis.database.damage import UNREADABLE, Damage, is_damage, salvaged
from analysis.database.digests import seal
from analysis.plan_record import PlanRecord
from common.canonical import canonical, numbers
from common.files import Arrays, unpack

STARTING = 2.0  # seconds that a reader waits for the tables of a ledger that another process is just making
Phase = Literal["search", "confirm"]
Status = Literal["running", "done", "stopped", "diverged", "collapsed", "failed", "oom"]
FINAL: tuple[Status, ...] = ("done", "stopped", "diverged", "collapsed")
"""Statuses that are an outcome: such a trial is not run again, while the next command tries all others again."""
HELP = "bring back a copy, or set it aside with --fresh"
"""What to do where nothing is left of a ledger."""
ASIDE = "@"
"""Stands in the id of a trial that no longer counts, before the start of its code's fingerprint."""
_COUNTS = f"id NOT LIKE '%{ASIDE}%'"


class LedgerError(Exception):
    """Raised where the ledger cannot be read: made by a newer version, not a ledger, or damaged."""


class DamagedLedger(LedgerError):
    """Raised where a ledger was to be added to whose rows are not all intact."""


class Entry(Protocol):
    """What the ledger notes of a trial before it runs; the engine's tasks have these attributes."""

    @property
    def id(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def phase(self) -> Phase: ...
    @property
    def condition(self) -> str:
        """Canonical JSON of the factors and of every other config field that is neither searched nor the seed."""

    @property
    def draw(self) -> int:
        """Index of the sampled config within the condition; 0 is the prescribed one, if there is one."""

    @property
    def prescribed(self) -> bool: ...
    @property
    def stored_config(self) -> Mapping[str, Any]:
        """JSON values, without the hyperparameters that change nothing in this config."""

    @property
    def seed(self) -> int: ...
    @property
    def precision(self) -> str: ...
    @property
    def data_fingerprint(self) -> str: ...
    @property
    def code_fingerprint(self) -> str: ...


@dataclass(frozen=True)
class Outcome:
    """The outcome of a trial."""

    status: Status
    seconds: float = 0.0
    """Time spent in training and evaluation, in seconds, all attempts that left a checkpoint included."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Constants of the trial: labels spent, steps an epoch, the head's name, …"""
    error: str | None = None
    test_openings: int = 0
    """How many times the test set was evaluated."""
    arrays: str | None = None
    """File name of the trial's arrays, relative to the ledger's folder."""
    arrays_sha256: str | None = None


class Ledger:
    """The trials of one question, in `folder/ledger.sqlite`.

    One process writes (the engine holds a lock for it); any number read meanwhile. Of a damaged ledger those who read
    are given the rows that are intact, from memory; `damage` says what is wrong. Who would write gets DamagedLedger.
    """

    def __init__(self, folder: Path, *, readonly: bool = False) -> None:
        self.folder = folder
        self.path = folder / "ledger.sqlite"
        self.damage: Damage | None = None
        if readonly and not self.path.exists():
            raise LedgerError(f"{self.path}: no ledger there; run the sweep first, or name its folder with --out")
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        self._changed: set[str] = set()
        """Trials whose hash is to be computed before the transaction ends."""
        try:
            self._open(readonly=readonly)
        except UNREADABLE as error:
            self._db.close()
            raise LedgerError(f"{self.path}: no ledger, or damaged ({error}); {HELP}") from error
        except LedgerError:
            self._db.close()
            raise
        self._db.row_factory = sqlite3.Row

    def _open(self, *, readonly: bool) -> None:
        self._db.execute("PRAGMA busy_timeout=30000")
        if not readonly:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.execute("BEGIN IMMEDIATE")
            if schema.is_empty(self._db):
                schema.create(self._db)
            self._db.execute("COMMIT")
        until = time.monotonic() + STARTING
        while schema.is_empty(self._db):
            if time.monotonic() > until:
                raise LedgerError(f"{self.path}: holds nothing yet; if a sweep is just starting, try again in a moment")
            time.sleep(0.05)
        self._check_version()
        if (left := salvaged(self._db)) is not None:
            intact, damage = left
            if not readonly:
                intact.close()
                raise DamagedLedger(f"{self.path}: {damage}; {HELP}")
            self._db.close()
            self._db, self.damage = intact, damage
        elif not readonly and schema.version_of(self._db) < schema.VERSION:
            with self.rewriting() as db:
                schema.complete(db)

    def _check_version(self) -> None:
        version = schema.version_of(self._db)
        if not 1 <= version <= schema.VERSION:
            age = "a newer Labsweep: update it" if version > schema.VERSION else "an older one: move the folder away"
            raise LedgerError(
                f"{self.path}: schema version is {version}, this program reads 1 to {schema.VERSION}; "
                f"the ledger was written by {age}, or use another --out"
            )

    def close(self) -> None:
        """Commit what is pending and close the file."""
        self.commit()
        self._db.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        self.close()
        if is_damage(error):
            raise LedgerError(
                f"{self.path}: damaged ({error}); type the sweep's command, which keeps what is intact, or {HELP}"
            )

    # Writing. Rows gather in one transaction; `finish` and `commit` make them durable.

    def _begin(self, *changed: str) -> None:
        """Begin a transaction, unless one is under way, in which these trials change."""
        self._changed.update(changed)
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything written so far durable."""
        if self._db.in_transaction:
            for trial in self._changed:
                seal(self._db, "trials", trial)
            self._changed.clear()
            self._db.execute("COMMIT")

    def start(self, entry: Entry, *, worker: str | None, hardware: str) -> None:
        """Record that an attempt at a trial begins.

        It begins anew, without the epochs recorded so far, unless the same code was running it when its process ended.
        """
        self._begin(entry.id)
        same = "SELECT 1 FROM trials WHERE id=trial AND status='running' AND code_fingerprint=?"
        values = (entry.id, entry.code_fingerprint)
        self._db.execute(f"DELETE FROM epochs WHERE trial=? AND NOT EXISTS ({same})", values)
        self._db.execute(
            "INSERT INTO trials (id, question, phase, condition, draw, prescribed, config, seed, precision,"
            " data_fingerprint, code_fingerprint, status, attempts, worker, hardware, started)"
            " VALUES (?,?,?,?,?,?,?,?,?,?,?,'running',1,?,?,?)"
            " ON CONFLICT(id) DO UPDATE SET status='running', attempts=attempts+1, worker=excluded.worker,"
            " hardware=excluded.hardware, code_fingerprint=excluded.code_fingerprint, error=NULL",
            (entry.id, entry.question, entry.phase, entry.condition, entry.draw, int(entry.prescribed),
             canonical(entry.stored_config), entry.seed, entry.precision, entry.data_fingerprint,
             entry.code_fingerprint, worker, hardware, time.time()),
        )  # fmt: skip

    def add_epochs(self, trial: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Record epochs (each row has `epoch`, counted from 1, and metrics). Writing one again replaces it."""
        self._begin(trial)
        values = [(trial, int(r["epoch"]), canonical({k: v for k, v in r.items() if k != "epoch"})) for r in rows]
        self._db.executemany("INSERT OR REPLACE INTO epochs VALUES (?,?,?)", values)

    def finish(self, trial: str, outcome: Outcome, *, worker: str | None = None, hardware: str | None = None) -> None:
        """Record the outcome of a trial, durably when this returns. Test openings add up over attempts."""
        self._begin(trial)
        self._db.execute(
            "UPDATE trials SET status=?, finished=?, seconds=?, facts=?, error=?,"
            " test_openings=test_openings+?, arrays=?, arrays_sha256=?,"
            " worker=coalesce(?, worker), hardware=coalesce(?, hardware) WHERE id=?",
            (outcome.status, time.time(), outcome.seconds, canonical(outcome.facts), outcome.error,
             outcome.test_openings, outcome.arrays, outcome.arrays_sha256, worker, hardware, trial),
        )  # fmt: skip
        self.commit()

    def begin_run(
        self,
        *,
        command: str,
        plan: PlanRecord,
        environment: Mapping[str, Any],
        modules: Mapping[str, str] | None = None,
    ) -> int:
        """Record that a command started; returns the run's number. The slots it had are recorded by `end_run`.

        `modules` are the digests of the modules behind the plan's own code.
        """
        self._begin()
        if modules is not None:
            values = (plan.own_code, canonical(modules))
            self._db.execute("INSERT OR IGNORE INTO code (fingerprint, modules) VALUES (?,?)", values)
            seal(self._db, "code", plan.own_code)
        cursor = self._db.execute(
            "INSERT INTO runs (started, command, plan, environment, slots) VALUES (?,?,?,?,0)",
            (time.time(), command, plan.to_json(), canonical(environment)),
        )
        number = int(cursor.lastrowid or 0)
        seal(self._db, "runs", number)
        self.commit()
        return number

    def end_run(self, run: int, *, outcome: str, shared_seconds: float, slots: int | None = None) -> None:
        """Record how a command ended, `complete` or `partial`; `shared_seconds` were spent on artifacts."""
        self._begin()
        self._db.execute(
            "UPDATE runs SET finished=?, outcome=?, shared_seconds=?, slots=coalesce(?, slots) WHERE id=?",
            (time.time(), outcome, shared_seconds, slots, run),
        )
        seal(self._db, "runs", run)
        self.commit()

    def forget_run(self, run: int) -> None:
        """Remove what `begin_run` recorded: the command was refused after all, and ran nothing."""
        self._db.execute("DELETE FROM runs WHERE id=?", (run,))

    @contextlib.contextmanager
    def rewriting(self) -> Iterator[sqlite3.Connection]:
        """Yield the database for changes of what is in it, which take place all together and durably, or not at all."""
        self._begin()
        before = self._db.total_changes
        try:
            yield self._db
            for table in schema.HASHED if self._db.total_changes > before else ():
                seal(self._db, table)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self.commit()

    def copy_to(self, path: Path) -> None:
        """Write all that is read here into a new file, durably: of a damaged ledger the rows that are intact."""
        with contextlib.closing(sqlite3.connect(path)) as target:
            self._db.backup(target)

    # Reading.

    def trials(
        self, *, condition: str | None = None, phase: Phase | None = None, status: Status | None = None
    ) -> pd.DataFrame:
        """Return a row for each trial, in an order that does not depend on the order of execution.

        Only trials of the given condition (its canonical key), phase and status are returned; None stands for any.
        Those that were set aside are not.
        Columns are those of the table; `config`, `facts` and `condition` are parsed into dicts (`condition_key` keeps
        the canonical string), `prescribed` is bool.
        """
        wanted = {"condition": condition, "phase": phase, "status": status}
        wanted = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join([_COUNTS, *(f"{column}=?" for column in wanted)])
        frame = self._frame(
            f"trials WHERE {where} ORDER BY phase DESC, condition, draw, config, seed", list(wanted.values())
        )
        frame["condition_key"] = frame["condition"]
        for column in ("condition", "config", "facts"):
            frame[column] = [json.loads(text) if isinstance(text, str) else {} for text in frame[column]]
        frame["prescribed"] = frame["prescribed"].astype(bool)
        return frame

    def epochs(self, trials: Iterable[str] | None = None) -> pd.DataFrame:
        """Return a row for each epoch: `trial`, `epoch` (from 1) and every metric, NaN where a trial has none."""
        rows = self._db.execute("SELECT trial, epoch, metrics FROM epochs ORDER BY trial, epoch")
        wanted = None if trials is None else set(trials)
        return pd.DataFrame(
            {"trial": trial, "epoch": epoch, **numbers(json.loads(metrics))}
            for trial, epoch, metrics in rows
            if wanted is None or trial in wanted
        )

    def last_epochs(self) -> pd.DataFrame:
        """Return the last row of `epochs` for each trial, indexed by trial."""
        rows = self._db.execute(
            "SELECT trial, max(epoch) AS epoch, metrics FROM epochs GROUP BY trial ORDER BY trial"
        ).fetchall()
        records = [{"epoch": epoch, **numbers(json.loads(metrics))} for _, epoch, metrics in rows]
        return pd.DataFrame(records, index=pd.Index([row[0] for row in rows], name="trial"))

    def read_epochs(self) -> pd.DataFrame:
        """Return the row of `epochs` at which each trial is read, indexed by trial.

        It is the last one, or that of its fact `read_epoch`: the best on validation data, where a question asks for it.
        """
        last = self.last_epochs()
        chosen = self._db.execute(
            "SELECT trial, epoch, metrics FROM epochs JOIN trials ON trial=id"
            " WHERE epoch=json_extract(facts, '$.read_epoch') ORDER BY trial"
        ).fetchall()
        if not chosen:
            return last
        records = [{"epoch": epoch, **numbers(json.loads(metrics))} for _, epoch, metrics in chosen]
        best = pd.DataFrame(records, index=pd.Index([row[0] for row in chosen], name="trial"))
        return pd.concat([last.drop(best.index), best]).sort_index()

    def outcome(self, trial: str, metric: str) -> tuple[Status | None, float]:
        """Return a trial's status, or None, and a metric at the epoch at which it is read; NaN where it has none."""
        row = self._db.execute(
            "SELECT status, metrics FROM trials LEFT JOIN epochs ON trial=id WHERE id=?"
            " ORDER BY epoch=json_extract(facts, '$.read_epoch') DESC, epoch DESC LIMIT 1",
            (trial,),
        ).fetchone()
        if row is None:
            return None, math.nan
        found = numbers(json.loads(row["metrics"])) if row["metrics"] is not None else {}
        return row["status"], float(found.get(metric, math.nan))

    def _frame(self, which: str, values: Sequence[Any] = ()) -> pd.DataFrame:
        columns = schema.COLUMNS[which.split()[0]]
        rows = self._db.execute(f"SELECT {', '.join(columns)} FROM {which}", values)
        return pd.DataFrame(map(tuple, rows), columns=[*columns])

    def statuses(self) -> dict[str, Status]:
        """Return the status of every trial that counts, by id."""
        return dict(self._db.execute(f"SELECT id, status FROM trials WHERE {_COUNTS}").fetchall())

    def code(self) -> dict[str, dict[str, str]]:
        """Return the digests of the modules behind each fingerprint of code that a run recorded."""
        if not schema.has(self._db, "code"):
            return {}  # made before they were recorded
        rows = self._db.execute("SELECT fingerprint, modules FROM code").fetchall()
        return {name: json.loads(modules) for name, modules in rows}

    def runs(self) -> pd.DataFrame:
        """Return a row for each command, oldest first: `plan` is a PlanRecord, `environment` a dict.

        Raises LedgerError where a plan was written by another program.
        """
        frame = self._frame("runs ORDER BY id")
        try:
            plans = [PlanRecord.model_validate_json(text) for text in frame["plan"]]
        except ValidationError as error:
            raise LedgerError(f"{self.path}: a plan in it cannot be read ({error}); use another --out") from error
        frame["plan"] = pd.Series(plans, index=frame.index, dtype=object)
        frame["environment"] = [json.loads(text) for text in frame["environment"]]
        return frame

    def arrays(self, trial: str) -> Arrays:
        """Return the arrays that a trial left, such as `test_correct` [images] bool. Raises LedgerError if damaged."""
        row = self._db.execute("SELECT arrays, arrays_sha256 FROM trials WHERE id=?", (trial,)).fetchone()
        if row is None or row["arrays"] is None:
            return {}
        path = self.folder / row["arrays"]
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise LedgerError(f"{path}: the arrays of trial {trial[:12]} are missing") from None
        found = hashlib.sha256(content).hexdigest()
        if found != row["arrays_sha256"]:
            raise LedgerError(f"{path}: SHA-256 is {found}, the ledger says {row['arrays_sha256']}")
        return unpack(content)
