"""Finished work is never lost or redone: real processes, killed for real."""

from __future__ import annotations

import json
import shutil
import signal
from importlib import metadata
from pathlib import Path

import psutil
import pytest

from sweeps.engine.cli import run
from sweeps.transfer_sizes import SWEEP
from tests.conftest import HANG, SMALL, Sweeps, family, titles, workers

LONG = (
    *SMALL[:-2],
    "train_size=100",
    "epochs=200",
    "batch_size=1",
    "lr=0.001,0.002",
    "weight_decay=0.01",
    "--search",
    "grid",
)
"""Trials of some seconds each: 2 configs × 3 search seeds + 2 confirm seeds."""


def survivors(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those of the processes that do not end."""
    _, alive = psutil.wait_procs(processes, timeout=HANG)
    return alive


def networks(of: Sweeps) -> dict[str, str]:
    """Return the checksum of each network that a sweep kept, by its folder."""
    return {path.parent.name: path.read_text() for path in of.folder.glob("networks/*/*.sha256")}


def damage(artifacts: Path) -> tuple[Path, bytes]:
    """Cut off the end of some features; returns the file, and what it held."""
    damaged = sorted(artifacts.glob("features-*/piece-000.npz"))[0]
    content = damaged.read_bytes()
    damaged.unlink()  # it is a hard link
    damaged.write_bytes(content[:-100])
    return damaged, content


def test_a_killed_driver_loses_nothing_and_the_table_is_the_same_to_the_last_digit(
    sweeps: Sweeps, undisturbed: Sweeps
) -> None:
    before: dict[str, float] = {}
    for moment in (2, 19):  # amid the search, amid the confirmation
        process = sweeps.start(*SMALL)
        sweeps.wait_for(lambda moment=moment: len(sweeps.finished()) >= moment, process)  # type: ignore[misc]
        process.kill()
        process.communicate()
        after = sweeps.finished()
        assert before.items() <= after.items(), "a finished trial was lost or run again"
        before = after
    damaged, content = damage(sweeps.out / "artifacts")
    code, output = sweeps.run(*SMALL)
    assert code == 0, output
    assert before.items() <= sweeps.finished().items()
    assert sweeps.finished().keys() == undisturbed.finished().keys()
    assert sweeps.table() == undisturbed.table()
    assert networks(sweeps) == networks(undisturbed), "the same networks are kept"
    assert len(networks(sweeps)) == 4
    assert damaged.with_name("piece-000.npz.damaged-1").exists(), "a damaged artifact is set aside"
    assert damaged.read_bytes() == content, "and computed again, to the same bytes"


def test_typing_the_command_again_runs_nothing_and_more_seeds_extend(sweeps: Sweeps, undisturbed: Sweeps) -> None:
    shutil.copytree(undisturbed.folder, sweeps.folder)
    first, table = sweeps.finished(), sweeps.table()
    code, output = sweeps.run(*SMALL)
    assert (code, sweeps.finished(), sweeps.table()) == (0, first, table)
    assert "Nothing was left to run" in output
    assert "slots" not in output, "Ray was not even started"
    assert sweeps.run(*SMALL, "--set", "train_size=100")[0] == 0
    with sweeps.ledger() as ledger:
        last = ledger.runs()["plan"].iloc[-1]
    assert last.factors["train_size"] == (100,), "the answer is the last command's, also where nothing was left to run"
    assert sweeps.run(*SMALL, "--seeds", "3")[0] == 0
    extended = sweeps.finished()
    assert first.items() <= extended.items()
    assert len(extended) == len(first) + 2, "one more seed in each of two conditions"


def test_a_killed_worker_costs_its_trial_a_retry_from_its_checkpoint_and_others_nothing(sweeps: Sweeps) -> None:
    process = sweeps.start(*LONG, "--set", "lr=0.001")
    checkpoints = sweeps.folder / "checkpoints"
    sweeps.wait_for(lambda: len(list(checkpoints.glob("*/epoch-*.pt"))) >= 2, process)
    workers(process)[0].kill()
    output, _ = process.communicate(timeout=HANG)
    assert process.returncode == 0, output
    with sweeps.ledger() as ledger:
        trials = ledger.trials()
        assert set(trials["status"]) == {"done"}
        assert sorted(trials["attempts"])[-2:] == [1, 2], "one trial was retried, once"
        retried = trials.loc[trials["attempts"] == 2, "id"].item()
        epochs = ledger.epochs([retried])
        assert list(epochs["epoch"]) == list(range(1, 201)), "no epoch is missing"
    assert not list(checkpoints.glob("*/*.pt")), "finished trials leave no checkpoints"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_a_partial_answer_the_command_and_no_process(
    sweeps: Sweeps, number: signal.Signals, code: int
) -> None:
    process = sweeps.start(*LONG)
    sweeps.wait_for(lambda: len(sweeps.finished()) >= 1, process)
    relatives = family(process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANG)
    assert process.returncode == code, output
    assert survivors(relatives) == []
    assert "To go on, type the same command" in output
    assert "sweeps/transfer_sizes.py" in output
    assert f"/{2 * 3 + 2}" in output, "it says how many of how many"
    assert "Traceback" not in output
    assert "partial" in (sweeps.folder / "answer.md").read_text().lower()


@pytest.mark.ray
@pytest.mark.parametrize("stage", ["ray.init", "shared work"])
def test_a_signal_before_the_first_trial_ends_cleanly_too(tmp_path: Path, stage: str) -> None:
    sweeps = Sweeps(tmp_path)  # no artifacts: there is shared work to do
    process = sweeps.start(*SMALL)
    sweeps.wait_for(lambda: (sweeps.folder / "lock").exists(), process)
    if stage == "ray.init":
        sweeps.wait_for(lambda: len(family(process)) >= 1, process)
    else:
        sweeps.wait_for(lambda: any("ray::letters_cnn" in name for name in titles(process)), process)
    relatives = family(process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=HANG)
    assert process.returncode == 143, output
    assert "Traceback" not in output
    assert "To go on, type the same command" in output
    assert survivors(relatives) == []


def test_a_driver_killed_in_the_shared_work_keeps_the_pieces_that_were_there(undisturbed: Sweeps) -> None:
    assert undisturbed.pieces_before_kill
    now = {path: path.stat().st_mtime_ns for path in undisturbed.pieces_before_kill}
    assert now == undisturbed.pieces_before_kill, "the second command computed only what was missing"


def test_fresh_sets_the_ledger_aside_once_and_a_time_budget_leaves_a_partial_answer(
    sweeps: Sweeps, undisturbed: Sweeps
) -> None:
    shutil.copytree(undisturbed.folder, sweeps.folder)
    code, output = sweeps.run(*LONG, "--fresh", "--time-budget", "0.1")
    assert code == 1, output
    assert "To go on, type the same command" in output
    assert "--fresh" not in output, "typed again it would begin anew"
    assert len(list(sweeps.folder.glob("before-*/ledger.sqlite"))) == 1
    assert "partial" in (sweeps.folder / "answer.md").read_text().lower()


def test_two_sweeps_on_one_output_one_proceeds_the_other_says_who_holds_it(sweeps: Sweeps) -> None:
    few = (*SMALL, "--samples", "1", "--seeds", "1", "--set", "train_size=100")
    first = sweeps.start(*few)
    sweeps.wait_for(lambda: (sweeps.folder / "lock").exists() and (sweeps.folder / "lock").read_text() != "", first)
    code, output = sweeps.run(*few)
    assert code == 2
    assert f"process {first.pid}" in output
    assert "Traceback" not in output
    text, _ = first.communicate(timeout=HANG)
    assert first.returncode == 0, text


def test_the_undisturbed_sweep_used_every_slot_and_recorded_everything(undisturbed: Sweeps) -> None:
    with undisturbed.ledger() as ledger:
        trials, runs = ledger.trials(), ledger.runs()
        assert trials["worker"].nunique() == runs["slots"].iloc[-1]
        assert set(trials["status"]) == {"done"}
        assert (trials["attempts"] == 1).all()
        confirm = trials[trials["phase"] == "confirm"]
        assert set(confirm["seed"]).isdisjoint(trials.loc[trials["phase"] == "search", "seed"])
        assert (trials.loc[trials["phase"] == "search", "test_openings"] == 0).all()
        epochs = ledger.epochs().merge(trials[["id", "phase"]], left_on="trial", right_on="id")
        assert epochs.loc[epochs["phase"] == "search", "test_accuracy"].isna().all()
        opened = epochs[epochs["phase"] == "confirm"].groupby("trial")["test_accuracy"].count()
        assert opened.to_dict() == dict(zip(confirm["id"], confirm["test_openings"], strict=True))
        for trial, accuracy in epochs[epochs["phase"] == "confirm"].groupby("trial")["test_accuracy"].last().items():
            assert ledger.arrays(str(trial))["test_correct"].mean() == pytest.approx(accuracy)
        assert runs["outcome"].isna().tolist() == [True, False], "the first run was killed"
        assert runs["outcome"].iloc[-1] == "complete"
        assert set(trials["hardware"]) != {""}
    manifest = json.loads((undisturbed.folder / "manifest.json").read_text())
    versions = manifest["runs"][-1]["environment"]["versions"]
    assert versions["torch"] == metadata.version("torch")
    assert versions["ray"] == metadata.version("ray")


def test_a_dry_run_knows_what_the_ledger_has_and_how_long_the_rest_takes(
    undisturbed: Sweeps, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (undisturbed.folder / "ledger.sqlite").read_bytes()
    assert run(SWEEP, ["--out", str(undisturbed.out), *SMALL, "--seeds", "4", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "4 of 26 trials are left to run: about 0:0" in said, "two more seeds in each of two conditions"
    assert "estimated from 22 trials that are done" in said
    assert (undisturbed.folder / "ledger.sqlite").read_bytes() == before
