"""Changes of the ledger after the code has changed: which trials count, what they and their conditions are called."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from analysis.ledger import ASIDE, Ledger
from analysis.plan_record import PlanRecord
from common.canonical import canonical


class Amended(NamedTuple):
    """What a trial is called after its config has been completed."""

    before: str
    """Its id so far."""
    now: str
    condition: str
    config: Mapping[str, Any]


def aside(trial: str, code: str) -> str:
    """Return the id under which a trial that other code made stays in the ledger."""
    return f"{trial}{ASIDE}{code[:12]}"


def count_only(ledger: Ledger, codes: Sequence[str]) -> list[tuple[str, str]]:
    """Let only the trials of these fingerprints count; return the ids that changed, as (before, now), in order.

    Other trials are set aside, with their epochs and arrays. Those of the first fingerprint that were set aside before
    come back, unless another trial that counts has their id.
    """
    with ledger.rewriting() as db:
        rows = db.execute("SELECT id, code_fingerprint FROM trials ORDER BY id").fetchall()
        left = [(trial, aside(trial, code)) for trial, code in rows if ASIDE not in trial and code not in codes]
        taken = {trial for trial, code in rows if ASIDE not in trial and code in codes}
        back = [(trial, trial.partition(ASIDE)[0]) for trial, code in rows if ASIDE in trial and code == codes[0]]
        changed = [*left, *((before, now) for before, now in back if now not in taken)]
        _rename(db, changed)
    return changed


def take_back(ledger: Ledger, changed: Sequence[tuple[str, str]]) -> None:
    """Undo what `count_only` returned."""
    with ledger.rewriting() as db:
        _rename(db, [(now, before) for before, now in reversed(changed)])


def amend(ledger: Ledger, trials: Iterable[Amended], plans: Mapping[int, PlanRecord]) -> None:
    """Rewrite what trials, and the plans of runs by number, are called."""
    with ledger.rewriting() as db:
        for trial in trials:
            values = (trial.condition, canonical(trial.config), trial.before)
            db.execute("UPDATE trials SET condition=?, config=? WHERE id=?", values)
            if trial.now != trial.before:
                _rename(db, [(trial.before, trial.now)])
        for run, plan in plans.items():
            db.execute("UPDATE runs SET plan=? WHERE id=?", (plan.to_json(), run))


def _rename(db: sqlite3.Connection, ids: Iterable[tuple[str, str]]) -> None:
    """Give trials other ids; a trial that has the id already is replaced."""
    for before, now in ids:
        db.execute("DELETE FROM epochs WHERE trial=?", (now,))
        db.execute("UPDATE epochs SET trial=? WHERE trial=?", (now, before))
        db.execute("UPDATE OR REPLACE trials SET id=? WHERE id=?", (now, before))
