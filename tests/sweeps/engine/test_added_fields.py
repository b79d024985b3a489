"""A Config field that is added with a default splits no condition: older trials have the default."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.ledger import Ledger
from analysis.numbers.results import Results
from sweeps.engine import Sweep, choice
from tests.support.driver import Driver
from tests.support.edited import Edited

TRIALS = 2 * (2 * 2 + 2)
"""2 sizes × (2 configs × 2 search seeds + 2 confirm seeds)."""
WORDS = ("--seeds", "2")
KEEP = (*WORDS, "--older-code", "keep")
EPOCHS = '    epochs: int = Field(3, gt=0, description="passes")\n'
DECAY = '    decay: float = Field(0.0, ge=0, description="weight decay")\n'


@pytest.fixture
def folder(tmp_path: Path, edited: Edited) -> Path:
    """A complete sweep of the question, whose Config has then gained a field."""
    made = tmp_path / "run"
    assert Driver(made, *WORDS, sweep=edited.sweep()).command() == TRIALS
    edited.replace("question", EPOCHS, EPOCHS + DECAY)
    return made


def shown(folder: Path) -> list[dict[str, Any]]:
    """Return the conditions of the answer, each with how many trials it has."""
    with Ledger(folder, readonly=True) as ledger:
        return [{**c.values, "trials": len(c.trials)} for c in Results(ledger).conditions]


def test_the_same_command_has_nothing_left_to_run(folder: Path, edited: Edited) -> None:
    assert Driver(folder, *KEEP, sweep=edited.sweep()).command() == 0
    assert shown(folder) == [{"size": size, "trials": TRIALS / 2} for size in (20, 200)], "and no column for the field"
    with Ledger(folder, readonly=True) as ledger:
        assert [config["decay"] for config in ledger.trials()["config"]] == [0.0] * TRIALS
        assert len(ledger.epochs(ledger.trials()["id"])) == TRIALS, "their epochs have gone along"
    assert Driver(folder, *WORDS, sweep=edited.sweep()).command() == 0
    assert Driver(folder, "--seeds", "3", sweep=edited.sweep()).command() == 2


def test_conditions_that_the_command_leaves_out_are_not_split_off_either(folder: Path, edited: Edited) -> None:
    assert Driver(folder, *KEEP, "--set", "size=20", sweep=edited.sweep()).command() == 0
    assert shown(folder) == [{"size": size, "trials": TRIALS / 2} for size in (20, 200)]


def test_a_value_other_than_the_default_is_another_condition(folder: Path, edited: Edited) -> None:
    assert Driver(folder, *KEEP, "--set", "decay=0.1", sweep=edited.sweep()).command() == TRIALS
    assert {(row["size"], row["decay"]) for row in shown(folder)} == {(s, d) for s in (20, 200) for d in (0.0, 0.1)}


def test_a_field_that_is_compared_finds_the_older_trials_at_its_default(folder: Path, edited: Edited) -> None:
    assert Driver(folder, *KEEP, "--set", "decay=0,0.1", sweep=edited.sweep()).command() == TRIALS
    assert [row["trials"] for row in shown(folder)] == [TRIALS / 2] * 4


def test_a_field_that_is_searched_finds_the_older_trials_at_its_default(folder: Path, edited: Edited) -> None:
    def searched(sweep: Sweep) -> Sweep:
        return replace(sweep, space={"lr": choice([0.1]), "decay": choice([0.0])})

    lr = Driver(folder.with_name("other"), *WORDS, sweep=searched(edited.sweep())).plan.draws()[0].values["lr"]
    edited.replace("question", EPOCHS + DECAY, EPOCHS)
    before = replace(edited.sweep(), space={"lr": choice([lr])})
    ran = Driver(folder.with_name("searched"), *WORDS, sweep=before).command()
    edited.replace("question", EPOCHS, EPOCHS + DECAY)
    assert ran == 2 * (2 + 2)
    assert Driver(folder.with_name("searched"), *KEEP, sweep=searched(edited.sweep())).command() == 0


def test_trials_on_other_data_are_not_taken_for_those_asked_for(folder: Path, edited: Edited) -> None:
    """An id tells that the data are what they were; here it is none that the present data give."""
    with Ledger(folder) as ledger, ledger.rewriting() as db:
        db.execute("UPDATE trials SET id = 'x' || id WHERE phase = 'confirm'")
    assert Driver(folder, *KEEP, sweep=edited.sweep()).command() == 2 * 2, "the confirmed ones run again"


def test_a_trial_that_was_run_again_since_is_set_aside(folder: Path, edited: Edited) -> None:
    """An earlier version of this program split conditions, so that a ledger may have both."""
    second = Driver(folder.with_name("second"), *WORDS, sweep=edited.sweep())
    assert second.command() == TRIALS
    with closing(sqlite3.connect(folder.with_name("second") / "ledger.sqlite")) as other:
        rows = other.execute("SELECT * FROM trials").fetchall()
    with Ledger(folder) as ledger, ledger.rewriting() as db:
        db.executemany(f"INSERT INTO trials VALUES ({', '.join('?' * len(rows[0]))})", rows)
    assert Driver(folder, *KEEP, sweep=edited.sweep()).command() == 0
    with Ledger(folder, readonly=True) as ledger:
        assert len(ledger.trials()) == TRIALS
        assert {*ledger.trials()["code_fingerprint"]} == {second.plan.code.fingerprint}


def test_a_field_that_the_config_has_lost_is_left_alone(folder: Path, edited: Edited) -> None:
    assert Driver(folder, *KEEP, sweep=edited.sweep()).command() == 0
    edited.replace("question", DECAY, "")
    assert Driver(folder, *KEEP, sweep=edited.sweep()).command() == TRIALS, "nobody knows what it would have been"
