"""Fields that a question's Config has gained since a trial ran: the trial has their defaults.

Were the ledger left as it is, such a field would split conditions, and trials would be run again under other ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from analysis.ledger import Ledger
from analysis.numbers.results import records
from analysis.plan_record import PlanRecord
from common.canonical import canonical
from common.problems import Refused
from sweeps.engine.plan import Plan
from sweeps.engine.rewrite import Amended, amend, aside


def complete(plan: Plan, ledger: Ledger) -> None:
    """Give the trials and plans that are kept of older code the fields that they lack, and the ids that follow."""
    if not plan.kept:
        return
    runs = [run for run in records(ledger.runs()) if run["plan"].own_code in plan.kept]
    conditions = _conditions(plan, [run["plan"] for run in runs])
    trials = ledger.trials()
    older = records(trials[trials["code_fingerprint"].isin(plan.kept)])
    amended = _distinct(_amended(plan, older, conditions), older, {*trials["id"]})
    plans = {run["id"]: run["plan"].renamed(conditions) for run in runs}
    plans = {run["id"]: plans[run["id"]] for run in runs if plans[run["id"]] != run["plan"]}
    if amended or plans:
        amend(ledger, amended, plans)


def _conditions(plan: Plan, older: list[PlanRecord]) -> dict[str, str]:
    """Return the completed key of each condition that lacks fields, by its key so far.

    A condition has all fields but the seed and those that are tuned within it, then or now.
    """
    tuned: dict[str, set[str]] = {}
    for record in older:
        for key in record.conditions:
            tuned.setdefault(key, {"seed", *plan.request.hyperparameters}).update(record.hyperparameters)
    completed = {}
    for key, names in tuned.items():
        values = json.loads(key)
        added = {name: value for name, value in plan.defaults.items() if name not in values and name not in names}
        if added:
            completed[key] = canonical({**values, **added})
    return completed


def _amended(plan: Plan, trials: list[dict[str, Any]], conditions: Mapping[str, str]) -> Iterator[Amended]:
    """Yield the trials that lack fields, completed."""
    config_class = plan.sweep.experiment.config_class()
    for row in trials:
        before, stored = row["condition_key"], row["config"]
        key = conditions.get(before, before)
        try:
            config = config_class.model_validate({**json.loads(key), **stored})
        except ValidationError:  # it has a field that the Config has lost, or a value that is no longer allowed
            if key != before:
                yield Amended(row["id"], row["id"], key, stored)
            continue
        whole = {**config.stored(), **stored}
        if key == before and whole == stored:
            continue
        try:
            data = plan.data_of(config, row["phase"])
        except Refused:  # they cannot be read now, so the trial cannot be asked for either
            data = ""
        same = plan.id_of(row["phase"], before, stored, data) == row["id"]  # the data are what they were
        now = plan.id_of(row["phase"], key, whole, data) if same else row["id"]
        yield Amended(row["id"], now, key, whole)


def _distinct(amended: Iterator[Amended], older: list[dict[str, Any]], taken: set[str]) -> list[Amended]:
    """Return the trials, those aside whose new id another trial has: it was run again under that id since."""
    codes = {row["id"]: row["code_fingerprint"] for row in older}
    return [
        trial._replace(now=aside(trial.before, codes[trial.before]))
        if trial.now != trial.before and trial.now in taken
        else trial
        for trial in amended
    ]
