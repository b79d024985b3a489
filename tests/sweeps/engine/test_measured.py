"""A sweep selects and reports what its experiment declares; all else is refused before Ray starts."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from common.problems import Refused
from sweeps.engine.measured import measure_problems
from sweeps.engine.recorded import recorded
from tests.support.driver import Driver, plan
from tests.support.toy import SWEEP
from tests.test_house import questions


@pytest.mark.parametrize(
    ("changed", "parts"),
    [
        ({"select": "min val_los"}, ["select", "Toy.measures declares", "'min val_los'", "'val_loss'"]),
        ({"select": "min val_accuracy"}, ["select", "'max'", "'min val_accuracy'", "'max val_accuracy'"]),
        ({"select": "max val_error"}, ["select", "'min'", "'max val_error'", "'min val_error'"]),
        ({"select": "max accuracy"}, ["select", "on validation data", "'val_accuracy'"]),
        ({"select": "max test_accuracy"}, ["select", "nothing is chosen on test data", "'max val_accuracy'"]),
        ({"select": "accuracy"}, ["select", "'accuracy'", "'min val_loss'"]),
        ({"fixed": {"precision": "fp32"}}, ["fixed: precision", "no option sets", "'fp32'", 'precision = "fp32"']),
        ({"report": ["acuracy"]}, ["report", "on test data", "'acuracy'", "'accuracy'"]),
    ],
)
def test_what_is_not_declared_is_refused_with_key_rule_value_and_remedy(
    tmp_path: Path, changed: dict[str, object], parts: list[str]
) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, sweep=replace(SWEEP, **changed))  # type: ignore[arg-type]
    (problem,) = refused.value.problems
    assert all(part in str(problem) for part in parts), problem


@pytest.mark.parametrize("select", ["max val_accuracy", "min val_error", "min val_loss"])
def test_a_measure_and_the_error_of_one_select(select: str) -> None:
    assert not measure_problems(replace(SWEEP, select=select, report=["loss", "error"]))


def test_an_experiment_that_declares_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SWEEP.experiment, "measures", ())
    assert "at least one measure" in str(measure_problems(SWEEP)[0])


def test_the_least_error_confirms_the_config_of_the_greatest_accuracy(tmp_path: Path) -> None:
    by_error = Driver(tmp_path / "error", "--seeds", "1", sweep=replace(SWEEP, select="min val_error"))
    by_accuracy = Driver(tmp_path / "accuracy", "--seeds", "1")
    for driver in (by_error, by_accuracy):
        driver.run()
    confirmed = [[task.id for task in driver.phase("confirm")] for driver in (by_error, by_accuracy)]
    assert confirmed[0] == confirmed[1] != []
    assert (by_error.plan.sweep.metric, by_error.plan.sweep.mode) == ("val_accuracy", "max"), "what trials report"


@pytest.mark.parametrize("question", questions())
def test_every_question_declares_what_it_selects_by_and_reports(question: str) -> None:
    sweep = importlib.import_module(f"sweeps.{question}").SWEEP
    assert not measure_problems(sweep)


def test_the_plans_record_holds_every_measure_as_it_is_declared(tmp_path: Path) -> None:
    (accuracy, loss) = recorded(plan(tmp_path)).measures
    declared = SWEEP.experiment.measures
    assert [accuracy.name, loss.name] == [measure.name for measure in declared]
    assert accuracy.error is not None
    assert {**accuracy.model_dump(), "error": None} == {**vars(declared[0]), "error": None}
    assert accuracy.error.model_dump() == vars(declared[0].error)
