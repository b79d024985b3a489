"""A plan's record is read as it was written, and an older one as if it were written now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from analysis.ledger import Ledger, LedgerError
from analysis.plan_record import PlanRecord
from tests.support.synthetic import DRAWS, begin, plan


def older(made: PlanRecord) -> str:
    """Return the JSON that an older program wrote of a plan: space, draws and their number once for all conditions."""
    fields = made.model_dump(exclude_defaults=True)
    fields["apart_seeds"] = fields.pop("extra_seeds")
    fields["space"] = fields["space"][made.conditions[0]]
    fields["search_trials"] = fields["search_trials"][made.conditions[0]]
    fields["draws"] = None if made.draws is None else list(made.draws[made.conditions[0]])
    return json.dumps(fields)


@pytest.mark.parametrize("draws", [None, [dict(draw) for draw in DRAWS]])
def test_an_older_record_is_converted(draws: list[dict[str, float]] | None) -> None:
    made = plan(draws=draws, extra_seeds=[42], space={"lr": {"low": 1e-4, "high": 1}, "batch_size": {"values": [16]}})
    assert PlanRecord.model_validate_json(older(made)) == made
    assert PlanRecord.model_validate_json(made.to_json()) == made
    assert made.search_trials == dict.fromkeys(made.conditions, 6)


def test_factors_keep_the_order_in_which_they_were_declared() -> None:
    made = plan(factors={"train_size": [100], "backbone": ["resnet18"]})
    assert list(PlanRecord.model_validate_json(made.to_json()).factors) == ["train_size", "backbone"]
    assert list(PlanRecord.model_validate_json(older(made)).factors) == ["train_size", "backbone"]
    with pytest.raises(ValidationError, match="factors"):
        PlanRecord.model_validate({**made.model_dump(), "factors": ["train_size"]})


def test_a_space_holds_what_was_searched() -> None:
    made = plan(space={"lr": {"low": 1e-4, "high": 1}, "batch_size": {"values": [16, 32]}})
    space = made.space[made.conditions[0]]
    assert [value in space["lr"] for value in (1e-4, 1, 2, None)] == [True, True, False, False]
    assert [value in space["batch_size"] for value in (16, 64, None)] == [True, False, False]


def test_a_record_that_says_something_unknown_is_refused_by_name(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger)
        with ledger.rewriting() as db:
            db.execute("UPDATE runs SET plan = json_set(plan, '$.looks', 3)")
    with Ledger(tmp_path, readonly=True) as ledger, pytest.raises(LedgerError, match="looks"):
        ledger.runs()
