"""Finished trials that other code made count only if somebody says so; then the answer says it too."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.ledger import Ledger
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.numbers.tables import best_config
from analysis.report.warnings import warnings_of
from common.problems import Problem, Refused
from sweeps.engine import cli, run
from sweeps.engine.dry_run import _copied_ledger
from sweeps.engine.hardware import Machine
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.older_code import counting_only
from sweeps.engine.rewrite import count_only
from sweeps.transfer_sizes import SWEEP
from tests.support.driver import Driver, command, plan
from tests.support.edited import Edited
from tests.support.synthetic import fill
from tests.support.tampered import as_version_1

TRIALS = 2 * (2 * 2 + 2)
"""2 sizes × (2 configs × 2 search seeds + 2 confirm seeds)."""
WORDS = ("--seeds", "2")


@pytest.fixture
def folder(tmp_path: Path, edited: Edited) -> Path:
    """A complete sweep of the question, whose network has then been rewritten."""
    made = tmp_path / "run"
    assert Driver(made, *WORDS, sweep=edited.sweep()).command() == TRIALS
    edited.replace("networks", "WIDTH = 5", "WIDTH = 6")
    return made


def read(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the trials that count in the answer, and what the answer says of them beside its numbers."""
    with Ledger(folder, readonly=True) as ledger:
        results = Results(ledger)
        best = best_config(results, by_seed(results))
    return results.trials, warnings_of(results, best)  # of a ledger that is closed by then, as in an answer


def refusal(folder: Path, *words: str, sweep: Any) -> str:
    with pytest.raises(Refused) as refused:
        plan(folder, *WORDS, *words, sweep=sweep)
    return str(refused.value)


def test_other_code_is_refused_with_counts_modules_and_both_remedies(folder: Path, edited: Edited) -> None:
    for words in ((), ("--dry-run",), ("--samples", "9")):
        told = refusal(folder, *words, sweep=edited.sweep())
        assert f"{TRIALS} finished trials" in told
        assert f"'{TRIALS} (changed since: edited.networks)'" in told
        assert "--older-code keep" in told
        assert "--older-code rerun" in told
    edited.replace("networks", "WIDTH = 6", "WIDTH = 5  # as it was")
    assert Driver(folder, *WORDS, sweep=edited.sweep()).agenda.trials_left == 0, "the same code, whatever the prose"


def test_a_value_that_means_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"--older-code: keep or rerun; you gave 'kep'. Did you mean 'keep'"):
        plan(tmp_path, "--older-code", "kep")


def test_unfinished_trials_of_other_code_ask_nothing(tmp_path: Path, edited: Edited) -> None:
    driver = Driver(tmp_path / "run", *WORDS, sweep=edited.sweep())
    trial = driver.start()
    driver.finish(trial, 0.5, "failed")  # type: ignore[arg-type]
    driver.ledger.close()
    edited.replace("networks", "WIDTH = 5", "WIDTH = 6")
    assert Driver(tmp_path / "run", *WORDS, sweep=edited.sweep()).command() == TRIALS


def test_kept_trials_count_and_the_answer_says_so(folder: Path, edited: Edited) -> None:
    sweep = edited.sweep()
    assert Driver(folder, *WORDS, "--older-code", "keep", sweep=sweep).command() == 0
    trials, warnings = read(folder)
    assert len(trials) == TRIALS
    told = f"Of {TRIALS} finished trials, other code made {TRIALS}, which were kept: {TRIALS} (changed since: edited.n"
    assert any(warning.startswith(told) for warning in warnings), warnings


def test_what_was_kept_is_kept_without_asking_until_the_code_changes_again(
    folder: Path,
    edited: Edited,
) -> None:
    Driver(folder, *WORDS, "--older-code", "keep", sweep=edited.sweep()).command()
    assert Driver(folder, *WORDS, sweep=edited.sweep()).command() == 0
    assert Driver(folder, "--seeds", "3", sweep=edited.sweep()).command() == 2, "a further seed in each condition"
    trials, warnings = read(folder)
    assert len(trials) == TRIALS + 2
    assert any(f"Of {TRIALS + 2} finished trials, other code made {TRIALS}" in warning for warning in warnings)
    edited.replace("question", "0.5", "0.6")
    told = refusal(folder, sweep=edited.sweep())
    assert f"{TRIALS + 2} finished trials" in told
    assert f"{TRIALS} (changed since: edited.networks, edited.question)" in told
    assert "2 (changed since: edited.question)" in told


def test_trials_run_again_replace_older_ones_which_stay_in_the_ledger(folder: Path, edited: Edited) -> None:
    with Ledger(folder, readonly=True) as ledger:
        before, epochs = ledger.trials(), ledger.epochs()
    again = Driver(folder, *WORDS, "--older-code", "rerun", sweep=edited.sweep())
    assert again.command(lambda trial: 0.25) == TRIALS
    trials, warnings = read(folder)
    assert {*trials["id"]} == {*before["id"]}
    assert {*trials["code_fingerprint"]} == {again.plan.code.fingerprint}
    assert not any("code" in warning for warning in warnings)
    with Ledger(folder, readonly=True) as ledger:
        own = ledger.epochs(trials["id"])
        older = ledger.epochs(
            f"{i}@{code[:12]}" for i, code in zip(before["id"], before["code_fingerprint"], strict=True)
        )
    assert {*own["val_accuracy"]} == {0.25}
    assert sorted(older["val_accuracy"]) == sorted(epochs["val_accuracy"]), "nothing is lost"
    assert Driver(folder, *WORDS, sweep=edited.sweep()).agenda.trials_left == 0


def test_nothing_of_older_code_counts_after_a_rerun_of_a_part(folder: Path, edited: Edited) -> None:
    one = Driver(folder, *WORDS, "--set", "size=20", "--older-code", "rerun", sweep=edited.sweep())
    assert one.command() == TRIALS / 2
    with Ledger(folder, readonly=True) as ledger:
        results = Results(ledger)
        assert [condition.values["size"] for condition in results.conditions] == [20]
        assert len(results.trials) == TRIALS / 2


def test_code_that_comes_back_finds_its_trials(folder: Path, edited: Edited) -> None:
    Driver(folder, *WORDS, "--older-code", "rerun", sweep=edited.sweep()).command()
    edited.replace("networks", "WIDTH = 6", "WIDTH = 5")
    assert Driver(folder, *WORDS, "--older-code", "rerun", sweep=edited.sweep()).command() == 0
    edited.replace("networks", "WIDTH = 5", "WIDTH = 6")
    assert Driver(folder, *WORDS, "--older-code", "rerun", sweep=edited.sweep()).command() == 0
    assert len(read(folder)[0]) == TRIALS


def test_arrays_of_older_trials_stay(tmp_path: Path) -> None:
    fill(tmp_path)
    with Ledger(tmp_path) as ledger:
        trial = str(ledger.trials(phase="confirm")["id"].iloc[0])
        arrays = ledger.arrays(trial)
        (_, aside), *_ = [pair for pair in count_only(ledger, ["new"]) if pair[0] == trial]
        assert ledger.trials().empty
        assert not ledger.statuses()
        assert ledger.arrays(trial) == {}
        assert (ledger.arrays(aside)["test_correct"] == arrays["test_correct"]).all()


def test_a_smoke_run_runs_again_by_itself(folder: Path, edited: Edited) -> None:
    shutil.copytree(folder, folder.with_name("smoke"))
    smoke = Driver(folder.with_name("smoke"), *WORDS, "--smoke", sweep=edited.sweep())
    assert smoke.plan.kept == ()
    assert smoke.ledger.trials().empty


def test_a_dry_run_shows_what_a_rerun_would_run_and_changes_nothing(folder: Path, edited: Edited) -> None:
    content = (folder / "ledger.sqlite").read_bytes()
    for choice, left in (("keep", 0), ("rerun", TRIALS)):
        wanted = plan(folder, *WORDS, "--older-code", choice, sweep=edited.sweep())
        with _copied_ledger(command(folder)) as ledger, counting_only(wanted, ledger):
            assert len(ledger.trials()) == TRIALS - left
    assert (folder / "ledger.sqlite").read_bytes() == content


def test_a_ledger_that_does_not_say_what_code_made_it_is_asked_about_in_words(folder: Path, edited: Edited) -> None:
    as_version_1(folder)
    told = refusal(folder, sweep=edited.sweep())
    assert f"{TRIALS} (by an earlier version, whose modules are not recorded)" in told
    assert len(read(folder)[0]) == TRIALS, "its answer can be made again"
    shutil.copytree(folder, folder.with_name("kept"))
    assert Driver(folder.with_name("kept"), *WORDS, "--older-code", "keep", sweep=edited.sweep()).command() == 0
    trials, warnings = read(folder.with_name("kept"))
    assert len(trials) == TRIALS
    assert any("by an earlier version" in warning for warning in warnings)
    one = Driver(folder, *WORDS, "--set", "size=20", "--older-code", "rerun", sweep=edited.sweep())
    assert one.command() == TRIALS / 2
    assert len(read(folder)[0]) == TRIALS / 2


@contextmanager
def refusing(*_: Any) -> Iterator[Any]:
    raise Refused([Problem("--gpus", "at most what the cluster has", 8, "Give fewer.")])
    yield


def test_a_rerun_is_undone_where_a_cluster_refuses_the_command(
    folder: Path,
    edited: Edited,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "session", refusing)
    wanted = plan(folder, *WORDS, "--older-code", "rerun", sweep=edited.sweep())
    with pytest.raises(Refused, match="what the cluster has"):
        cli._run(replace(command(folder), fresh=False), Machine(), wanted, Interrupt())
    assert len(read(folder)[0]) == TRIALS
    assert f"{TRIALS} finished trials" in refusal(folder, sweep=edited.sweep())


def test_the_command_is_refused_before_anything_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    fill(tmp_path / "transfer_sizes")
    content = (tmp_path / "transfer_sizes" / "ledger.sqlite").read_bytes()
    assert cli.run(SWEEP, ["--builtin", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "1 problem; nothing was run" in told
    assert "--older-code rerun" in told
    assert (tmp_path / "transfer_sizes" / "ledger.sqlite").read_bytes() == content
