"""One count of trials, with one meaning: the live view, the closing lines, the exit code and the answer agree on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.numbers.progress import progress
from analysis.numbers.results import Results
from analysis.selection import winner
from sweeps.engine.agenda import together
from sweeps.engine.cli import shortfall
from sweeps.engine.recorded import recorded
from sweeps.engine.space import choice
from sweeps.engine.sweep import Sweep
from tests.support.driver import PRESCRIBED, REFERENCED, VARIED, Driver, by_lr
from tests.support.toy import SWEEP
from trainables.core.task import Task

SCENARIOS: dict[str, tuple[Sweep, list[list[str]]]] = {
    "random": (SWEEP, [["--seeds", "2"]]),
    "a prescribed config": (PRESCRIBED, [["--seeds", "2"]]),
    "a prescribed config that may win": (replace(PRESCRIBED, prescribed={"lr": 0.1, "epochs": 3}), [["--seeds", "2"]]),
    "nothing but the prescribed config": (PRESCRIBED, [["--samples", "1", "--set", "lr=0.05", "epochs=3"]]),
    "variants": (VARIED, [["--seeds", "2"]]),
    "variants, then more seeds": (VARIED, [["--seeds", "1"], ["--seeds", "2"]]),
    "a variant like what wins": (
        replace(VARIED, space={"lr": choice([0.01]), "epochs": choice([3])}),
        [["--seeds", "2"]],
    ),
    "a reference and its variants": (REFERENCED, [["--seeds", "2"]]),
    "extra seeds": (replace(SWEEP, extra_seeds=(42,)), [["--seeds", "2"]]),
    "finalists": (replace(PRESCRIBED, finalists=2), [["--seeds", "2"]]),
    "early stopping": (SWEEP, [["--seeds", "1", "--scheduler", "asha"]]),
    "a model": (SWEEP, [["--seeds", "1", "--search", "optuna", "--samples", "3"]]),
    "a model that adopts": (SWEEP, [["--seeds", "1"], ["--seeds", "1", "--search", "optuna", "--samples", "2"]]),
    "more samples": (SWEEP, [["--seeds", "2", "--samples", "2"], ["--seeds", "2", "--samples", "4"]]),
    "other draws": (SWEEP, [["--seeds", "1"], ["--seeds", "1", "--search-seed", "1"]]),
    "more seeds": (PRESCRIBED, [["--seeds", "1"], ["--seeds", "3"]]),
    "fewer conditions": (SWEEP, [["--seeds", "1"], ["--seeds", "1", "--set", "size=20"]]),
}


@pytest.mark.parametrize("failing", [0, 5], ids=["", "some trials fail"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_live_view_exit_and_answer_have_one_count_at_every_moment(tmp_path: Path, name: str, failing: int) -> None:
    sweep, commands = SCENARIOS[name]
    ran = 0
    for words in commands:
        driver = Driver(tmp_path, *words, sweep=sweep)
        number = driver.ledger.begin_run(command="toy", plan=recorded(driver.plan), environment={})
        while True:
            counts, answer = together(driver.agenda.counts().values()), progress(Results(driver.ledger))
            assert (counts.planned, counts.ended) == (answer.planned, answer.ended), (words, len(driver.ran))
            assert shortfall(driver.agenda)[1] == answer.missing
            for condition in driver.plan.conditions:
                rows = driver.ledger.trials(condition=condition.key, phase="search")
                rows = rows[rows["id"].isin(list(driver.agenda.condition_runs[condition.key].known))]
                best = winner(rows, driver.ledger.read_epochs(), sweep.goal)
                assert driver.agenda.best(condition.key) == (best.score if best else None), "the selection's own score"
            trial = driver.start()
            if not isinstance(trial, Task):
                break
            ran += 1
            if failing and ran % failing == 0:
                driver.fail(trial, f"ValueError: {ran}")
            else:
                driver.finish(trial, by_lr(trial))
        assert counts.missing == 0
        driver.ledger.end_run(number, outcome="complete", shared_seconds=0)
        driver.ledger.close()


def test_failed_trials_of_earlier_commands_run_again_and_are_counted_once(tmp_path: Path) -> None:
    first = Driver(tmp_path, "--seeds", "1")
    first.ledger.begin_run(command="toy", plan=recorded(first.plan), environment={})
    for i in range(5):
        trial = first.start()
        assert isinstance(trial, Task)
        if i == 1:
            first.fail(trial, "ValueError: once")
        else:
            first.finish(trial, by_lr(trial))
    first.ledger.close()
    again = Driver(tmp_path, "--seeds", "1")
    again.ledger.begin_run(command="toy", plan=recorded(again.plan), environment={})
    counts = together(again.agenda.counts().values())
    assert (counts.planned, counts.ended, counts.failed, counts.again) == (14, 5, 1, 1)
    assert progress(Results(again.ledger)) == (14, 5)
