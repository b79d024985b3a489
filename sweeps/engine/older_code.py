"""Trials in the ledger that other code made: whether they count, which somebody must have said."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from analysis.ledger import FINAL, Ledger
from analysis.plan_record import UNRECORDED, PlanRecord, made_by
from common.problems import Problem, Refused
from sweeps.engine.added_fields import complete
from sweeps.engine.fingerprint import Code
from sweeps.engine.options import Options
from sweeps.engine.plan import Plan
from sweeps.engine.rewrite import count_only, take_back


def kept_code(folder: Path, code: Code, options: Options) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the fingerprints of other code whose trials in `folder` count, and a problem if nobody said that they do.

    Raises LedgerError where there is a ledger that cannot be read.
    """
    choice = options.older_code or ("rerun" if options.smoke else None)
    if choice == "rerun" or options.fresh or not (folder / "ledger.sqlite").exists():
        return (), []
    with Ledger(folder, readonly=True) as ledger:
        plans: list[PlanRecord] = list(ledger.runs()["plan"])
        return _counted(ledger, plans, code), _unasked(ledger, plans, code) if choice is None else []


def _counted(ledger: Ledger, plans: list[PlanRecord], code: Code) -> tuple[str, ...]:
    """Return the fingerprints, other than the code's own, of all that counts so far."""
    last = (plans[-1].code or (UNRECORDED,)) if plans else ()
    return tuple(sorted({*last, *ledger.trials()["code_fingerprint"]} - {code.fingerprint}))


def _unasked(ledger: Ledger, plans: list[PlanRecord], code: Code) -> list[Problem]:
    """Return a problem if other code made finished trials, and no command with the present code has kept them."""
    same = [plan for plan in plans if plan.own_code == code.fingerprint]
    kept = {code.fingerprint, *(same[-1].code if same else ())}
    trials = ledger.trials()
    older = trials[trials["status"].isin(FINAL) & ~trials["code_fingerprint"].isin([*kept])]
    if older.empty:
        return []
    return [
        Problem(
            "--older-code",
            f"keep or rerun, since other code made {len(older)} finished trials of the ledger",
            made_by(Counter(older["code_fingerprint"]), ledger.code(), code.modules),
            "With `--older-code keep` they count, and the answer says so. "
            "With `--older-code rerun` they stay in the ledger, but count for nothing.",
            given=False,
        )
    ]


def let_count(plan: Plan, ledger: Ledger) -> list[tuple[str, str]]:
    """Let only those trials count whose code the plan counts; return the ids that changed, as (before, now).

    Those of older code get the fields that the Config has gained since.
    """
    changed = count_only(ledger, [plan.code.fingerprint, *plan.kept])
    complete(plan, ledger)
    return changed


@contextlib.contextmanager
def counting_only(plan: Plan, ledger: Ledger) -> Iterator[None]:
    """Do what `let_count` does, and set no trial aside where the command is refused after all."""
    changed = let_count(plan, ledger)
    try:
        yield
    except Refused:
        take_back(ledger, changed)
        raise
