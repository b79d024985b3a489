"""A sweep whose code fails stops: which failures are so regular, and which are not."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from analysis.findings import Draft, Findings
from analysis.ledger import Status
from analysis.words import Paragraph
from sweeps.engine import cli
from sweeps.engine.agenda import Agenda, Signal
from sweeps.engine.cli import record_plan
from sweeps.engine.command import Command, Report
from sweeps.engine.failures import FIRST
from sweeps.engine.hardware import Machine, Session
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import Live
from sweeps.engine.tuning import OnInterrupt
from tests.support.driver import Driver, command, plan
from tests.support.synthetic import as_question
from tests.support.toy import SWEEP
from trainables.core.task import Task

ONE_SEED = replace(SWEEP, search_seeds=1)
WORDS = ("--samples", "6", "--seeds", "1")


def raised(what: str, line: int = 12) -> str:
    """Return a traceback."""
    own = f'  File "/x/trainables/toy.py", line {line}, in train_epoch\n    loss.backward()\n'
    return f'Traceback (most recent call last):\n  File "/x/host.py", line 9, in step\n    go()\n{own}{what}\n'


def error_of(trial: Task) -> str:
    return raised(f"RuntimeError: no gradient at lr {trial.stored_config['lr']}")


def start(driver: Driver) -> Task:
    trial = driver.start()
    assert isinstance(trial, Task)
    return trial


def test_three_first_trials_that_fail_alike_stop_the_sweep(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)
    held = start(driver)
    trials = [start(driver) for _ in range(FIRST)]
    for trial in trials:
        assert driver.agenda.failures.stop is None
        driver.fail(trial, error_of(trial))
    stop = driver.agenda.failures.stop
    assert stop is not None
    assert stop.reason == "the first 3 trials failed with the same error"
    assert stop.failure.error == error_of(trials[0]), "whole"
    first = trials[0].stored_config
    assert stop.failure.config == f"size={first['size']}, epochs={first['epochs']}, lr={first['lr']}, seed=1002"
    assert driver.start() is Signal.OVER
    assert held.id in driver.agenda.running, "it is ended as by Ctrl-C, and runs again in the next command"


@pytest.mark.parametrize("status", ["done", "diverged", "collapsed", "stopped", "oom", "failed"])
def test_a_trial_that_ends_otherwise_shows_that_not_all_fail(tmp_path: Path, status: Status) -> None:
    """`failed` here is a trial whose worker was lost: nobody knows why."""
    driver = Driver(tmp_path, *WORDS, "--set", "size=20", sweep=ONE_SEED)
    driver.finish(start(driver), 0.5, status)
    while isinstance(trial := driver.start(), Task):
        driver.fail(trial, error_of(trial))
    assert driver.agenda.failures.stop is None
    assert driver.agenda.failures.first is not None
    assert len(driver.phase("search")) == 6


def test_different_errors_do_not_stop_the_sweep_before_a_condition_has_failed(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)
    errors = ["ValueError: no such head", "KeyError: 'x'", "RuntimeError: boom"]
    for i, what in enumerate(errors):
        driver.fail(start(driver), raised(what, line=i))
    assert driver.agenda.failures.stop is None
    assert driver.agenda.failures.first is not None
    assert driver.agenda.failures.first.error == raised(errors[0], line=0)


def test_a_condition_whose_first_configs_all_fail_stops_the_sweep_though_others_go_well(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)
    failed: list[Task] = []
    while isinstance(trial := driver.start(), Task):
        if trial.stored_config["size"] == 20:
            driver.finish(trial, 0.5)
        else:
            failed.append(trial)
            driver.fail(trial, raised(f"ValueError: {'ab' * len(failed)}", line=len(failed)))
    stop = driver.agenda.failures.stop
    assert stop is not None
    assert stop.reason == "every trial of the 3 first configs failed with size=200"
    assert len(failed) == 3 * 2, "on both search seeds"
    assert stop.failure.error == raised("ValueError: ab", line=1)


def test_a_condition_where_one_of_the_first_configs_runs_goes_on(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS, "--set", "size=20", sweep=ONE_SEED)
    trials = [start(driver) for _ in range(4)]
    for trial in trials[:2]:
        driver.fail(trial, raised(f"ValueError: {trial.id}", line=trial.draw))
    driver.finish(trials[2], 0.5)
    driver.fail(trials[3], error_of(trials[3]))
    driver.run()
    assert driver.agenda.failures.stop is None
    assert driver.phase("confirm")


def test_a_lone_config_is_all_that_there_is_to_fail(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--samples", "1", "--seeds", "2", "--set", "size=20")
    searched = [trial for _ in range(4) if not (trial := start(driver)).confirm]
    for trial in searched:
        assert driver.agenda.failures.stop is None
        driver.fail(trial, error_of(trial))
    assert driver.agenda.failures.stop is not None
    assert driver.agenda.failures.stop.reason == "every trial of the first config failed with size=20"


@pytest.mark.parametrize("search", ["random", "optuna"])
def test_the_same_command_runs_failed_trials_again_and_stops_again_unless_the_code_was_mended(
    tmp_path: Path, search: str
) -> None:
    words = (*WORDS, "--search", search)
    broken = Driver(tmp_path, *words)
    while isinstance(trial := broken.start(), Task):
        broken.fail(trial, error_of(trial))
    assert len(broken.ran) == FIRST
    broken.ledger.close()
    again = Driver(tmp_path, *words)
    while isinstance(trial := again.start(), Task):
        again.fail(trial, error_of(trial))
    assert len(again.ran) == FIRST
    again.ledger.close()
    mended = Driver(tmp_path, *words)
    mended.run()
    assert len(mended.ran) == mended.plan.size
    assert mended.agenda.failures.first is None


def test_trials_that_fail_again_do_not_stop_a_sweep_that_went_well_before(tmp_path: Path) -> None:
    first = Driver(tmp_path, *WORDS, sweep=ONE_SEED)
    while isinstance(trial := first.start(), Task):
        first.finish(trial, 0.5) if trial.draw > 3 else first.fail(trial, error_of(trial))
        if len(first.ran) == 12:
            break
    assert first.agenda.failures.stop is None, "the longest were not the first three draws"
    first.ledger.close()
    again = Driver(tmp_path, *WORDS, sweep=ONE_SEED)
    while isinstance(trial := again.start(), Task):
        again.finish(trial, 0.5) if trial.draw > 3 else again.fail(trial, error_of(trial))
    assert again.agenda.failures.stop is None
    assert again.phase("confirm")


def test_tune_is_told_to_end_the_running_trials(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)

    class Nothing:
        signal = None
        error = None
        agenda = driver.agenda

    stopper = OnInterrupt(Nothing(), Nothing())  # type: ignore[arg-type]
    for trial in [start(driver) for _ in range(FIRST)]:
        assert not stopper.stop_all()
        driver.fail(trial, error_of(trial))
    assert stopper.stop_all()


def answer(part: Findings) -> Draft:
    """Say nothing: what the toy question's file would say is no part of these tests."""
    return Draft("Toy", [Paragraph(("Nothing.",))])


@pytest.fixture
def toy_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    as_question("toy", answer, ["size"], monkeypatch)


def run_command(folder: Path, fails: Callable[[Task], str | None], monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the toy's command without Ray, and return the exit code; `fails` gives the error of a trial that fails."""

    def run_trials(command: Command, machine: Machine, agenda: Agenda, interrupt: Interrupt) -> Report:
        driver = Driver.__new__(Driver)
        driver.plan, driver.ledger, driver.agenda, driver.ran = agenda.plan, agenda.ledger, agenda, []
        record_plan(command, machine, agenda)
        while isinstance(trial := driver.start(), Task):
            error = fails(trial)
            driver.finish(trial, 0.5) if error is None else driver.fail(trial, error)
        return Report(slots=1)

    monkeypatch.setattr(cli, "_run_trials", run_trials)
    made = plan(folder, "--samples", "4", "--seeds", "1", *words)
    return cli._run(replace(command(folder), smoke="--smoke" in words), Machine(), made, Interrupt())


def test_a_command_whose_code_fails_prints_the_whole_traceback_and_how_to_go_on(
    tmp_path: Path, toy_answers: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long = raised(f"KeyError: '[red]{'x' * 150}[/red]'")
    assert run_command(tmp_path, lambda trial: long, monkeypatch) == 1
    said = capsys.readouterr().out
    assert "Stopped, since the first 3 trials failed with the same error. The first, with size=20, epochs=6" in said
    assert "PARTIAL" not in said, "there is no number to show"
    assert long in said, "no line of it is broken, and nothing is taken for markup"
    assert said.rstrip().endswith("type the same command; failed trials run again:\n  toy")
    assert "partial" in (tmp_path / "answer.md").read_text().lower()


@pytest.mark.parametrize("failing", [False, True])
def test_a_smoke_run_says_that_every_step_works_only_if_it_does(
    tmp_path: Path,
    toy_answers: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failing: bool,
) -> None:
    def fails(trial: Task) -> str | None:
        return error_of(trial) if failing and trial.confirm and trial.stored_config["size"] == 200 else None

    assert run_command(tmp_path, fails, monkeypatch, "--smoke") == int(failing)
    said = capsys.readouterr().out
    assert ("every step works, and its numbers" in said) != failing
    assert ("not every step works: 1 trial failed" in said) == failing


def test_the_first_error_is_told_while_the_sweep_runs(tmp_path: Path) -> None:
    driver = Driver(tmp_path, *WORDS)
    console = Console(file=io.StringIO(), width=80)
    live = Live(driver.plan, driver.agenda, Session(Machine(), 2, dashboard=None, temporary=tmp_path), console)
    for trial in [start(driver), start(driver)]:
        driver.fail(trial, error_of(trial))
        live.update()
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert printed.count("a trial failed: RuntimeError: no gradient at lr") == 1
    assert "seed=1001)" in printed
