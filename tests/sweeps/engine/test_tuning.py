"""The engine on a real Ray, with a toy question: faults of trials, early stopping, slots."""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import psutil
import pytest
from ray.tune.schedulers import AsyncHyperBandScheduler

from analysis.ledger import Ledger, Outcome
from sweeps.engine.agenda import Agenda
from sweeps.engine.asha import PerCondition, scheduler
from sweeps.engine.cli import shortfall
from sweeps.engine.command import Report, command_of
from sweeps.engine.failures import Stop
from sweeps.engine.hardware import machine_of
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.engine.run import carry_out
from sweeps.engine.space import choice
from sweeps.engine.sweep import Sweep
from tests.support.driver import plan
from tests.support.toy import SWEEP, Config
from trainables.artifacts.store import Artifact


@dataclass
class Ran:
    report: Report
    trials: pd.DataFrame
    epochs: pd.DataFrame
    failed: int
    missing: int
    stop: Stop | None


def sweep(out: Path, *words: str, kind: type[Ledger] = Ledger, of: Sweep = SWEEP) -> Ran:
    """A toy sweep on Ray, in this process."""
    options, problems = parse(["--out", str(out), "--no-dashboard", *words], prog="toy", description="")
    plan = make_plan(of, options, problems, out)
    command = command_of("toy", words, options)
    logging.disable(logging.ERROR)
    try:
        with kind(out / "toy") as ledger:
            agenda = Agenda(plan, ledger)
            report = carry_out(command, machine_of(options), agenda, Interrupt())
            return Ran(report, ledger.trials(), ledger.epochs(), *shortfall(agenda), agenda.failures.stop)
    finally:
        logging.disable(logging.NOTSET)


pytestmark = pytest.mark.filterwarnings("default")  # Ray's own


FAULTS = ["none", "error", "nan", "oom", "mute", "over"]


@pytest.mark.ray
def test_every_fault_of_a_trial_has_its_status_and_stops_no_other(tmp_path: Path) -> None:
    """A grid over faults, of which one is the prescribed config's, so that it is confirmed too."""
    space = {"fault": choice(FAULTS), "lr": choice([0.1]), "epochs": choice([3])}
    faulty = replace(SWEEP, space=space, prescribed={"fault": "nan", "lr": 0.1, "epochs": 3})
    ran = sweep(tmp_path, "--search", "grid", "--seeds", "1", "--set", "size=50", of=faulty)
    status = {(row.config["fault"], row.phase): row.status for row in ran.trials.itertuples()}
    assert status[("none", "search")] == status[("none", "confirm")] == "done"
    assert status[("nan", "search")] == status[("nan", "confirm")] == "diverged"
    assert status[("error", "search")] == status[("mute", "search")] == status[("over", "search")] == "failed"
    assert status[("oom", "search")] == "oom"
    failed = ran.trials[ran.trials["status"] == "failed"]
    errors = {row.config["fault"]: row.error for row in failed.itertuples()}
    assert set(errors) == {"error", "mute", "over"}
    assert "a bug in the experiment" in errors["error"]
    assert "Traceback" in errors["error"]
    assert "accuracy is one; found ['loss']" in errors["mute"], "a declared measure is missing"
    assert "accuracy: a share of images, from 0 to 1; found 1." in errors["over"]
    assert (ran.trials["attempts"] == 1).all(), "a deterministic error is not retried"
    assert ran.failed == 4 * 2 + 1, "all that failed or were oom, and the confirmation that diverged"
    assert (ran.report.error, ran.stop) == (None, None)


@pytest.mark.ray
def test_a_sweep_whose_code_fails_ends_its_running_trials_and_starts_no_more(tmp_path: Path) -> None:
    ran = sweep(tmp_path, "--samples", "20", "--seeds", "1", "--set", "fault=mute")
    assert ran.stop is not None
    assert "accuracy is one; found ['loss']" in ran.stop.failure.error
    assert 3 <= len(ran.trials) <= 3 + 2 * ran.report.slots, "of 80"
    assert set(ran.trials["status"]) <= {"failed", "running"}
    assert ran.missing > 0
    assert ran.report.error is None
    with Ledger(tmp_path / "toy", readonly=True) as ledger:
        assert ledger.runs()["outcome"].tolist() == ["partial"]


def _impossible(*_: Any) -> Any:
    raise ValueError("no such weights")


@pytest.mark.ray
def test_shared_work_that_fails_is_told_whoever_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    light = Artifact("impossible", {}, _impossible, light=True)  # fails here, beside Ray's start, and in a worker
    monkeypatch.setattr(Config, "artifacts", lambda self, sources: {"weights": light})
    ran = sweep(tmp_path, "--samples", "1", "--seeds", "1", "--set", "size=50")
    assert ran.report.error is not None
    assert "no such weights" in ran.report.error
    assert len(ran.trials) == 0
    assert ran.missing


@pytest.mark.ray
def test_asha_stops_weak_trials_within_each_condition_and_short_trials_use_every_slot(tmp_path: Path) -> None:
    words = ("--scheduler", "asha", "--samples", "8", "--seeds", "1", "--set", "epochs=27", "sleep=0.01", "lr=1e-4:1")
    ran = sweep(tmp_path, *words)
    search = ran.trials[ran.trials["phase"] == "search"]
    for _, own in search.groupby("condition_key"):
        first = own[own["seed"] == 1001]
        assert (first["status"] == "stopped").any()
        assert (first["status"] == "done").any(), "each condition keeps its best"
        further = own[own["seed"] != 1001]
        assert set(further["status"]) == {"done"}, "finalists run to their end on further seeds"
        assert 1 <= len(further) <= 3
    last = ran.epochs.groupby("trial")["epoch"].max()
    stopped = last[search.loc[search["status"] == "stopped", "id"].tolist()]
    assert set(stopped) <= {1, 3, 9, 27}, "trials are compared, and stopped, exactly at the rungs"
    confirm = ran.trials[ran.trials["phase"] == "confirm"]
    assert set(confirm["status"]) == {"done"}
    assert len(confirm) == 2
    assert len(ran.report.workers) == ran.report.slots
    assert (ran.failed, ran.missing) == (0, 0)


class FullDisk(Ledger):
    """Writes three outcomes; then the disk is full."""

    def finish(self, trial: str, outcome: Outcome, **more: Any) -> None:
        if len([s for s in self.statuses().values() if s == "done"]) >= 3:
            raise sqlite3.OperationalError("database or disk is full")
        super().finish(trial, outcome, **more)


@pytest.mark.ray
def test_a_full_disk_ends_the_sweep_with_its_reason_and_blames_no_trial(tmp_path: Path) -> None:
    ran = sweep(tmp_path, "--samples", "4", "--seeds", "1", kind=FullDisk)
    assert ran.report.error is not None
    assert "disk is full" in ran.report.error
    assert set(ran.trials["status"]) <= {"done", "running"}
    assert (ran.trials["status"] == "done").sum() == 3
    assert ran.missing > 0


@pytest.mark.ray
def test_optuna_and_asha_together_on_ray(tmp_path: Path) -> None:
    ran = sweep(
        tmp_path,
        *[
            "--search",
            "optuna",
            "--scheduler",
            "asha",
            "--samples",
            "5",
            "--seeds",
            "1",
            "--set",
            "epochs=9",
            "size=50,200",
        ],
    )
    assert set(ran.trials["status"]) == {"done", "stopped"}, "some ran to their end, and some were stopped early"
    first = ran.trials[(ran.trials["phase"] == "search") & (ran.trials["seed"] == 1001)]
    assert first.groupby("condition_key")["draw"].nunique().tolist() == [5, 5]
    assert (ran.trials["phase"] == "confirm").sum() == 2
    assert (ran.failed, ran.missing) == (0, 0)


@pytest.mark.memory
@pytest.mark.ray
def test_a_trial_that_takes_all_memory_is_marked_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = psutil.virtual_memory()
    monkeypatch.setenv("RAY_memory_usage_threshold", str((memory.total - memory.available + 5 * 2**30) / memory.total))
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "50")
    words = ("--samples", "2", "--seeds", "1", "--set", "fault=none,hog", "size=50", "sleep=0.3")
    ran = sweep(tmp_path, *words)
    by_fault = ran.trials.groupby(ran.trials["condition"].map(lambda condition: condition["fault"]))["status"]
    assert set(by_fault.get_group("hog")) == {"oom"}
    assert set(by_fault.get_group("none")) == {"done"}
    assert len(by_fault.get_group("none")) == 2 * 2 + 1
    assert (ran.failed, ran.missing) == (4, 0)


def decisions(scheduler: Any, accuracies: dict[tuple[int, int], float]) -> dict[tuple[int, int], str]:
    """What a scheduler decides at epoch 1 for trials (size, index) with these accuracies, in this order."""
    made = {}
    for (size, index), accuracy in accuracies.items():
        task = SimpleNamespace(stoppable=True, condition=str(size))
        trial = SimpleNamespace(trial_id=f"{size}-{index}", config={"trial": task})
        scheduler.on_trial_add(None, trial)
        result = {"epoch": 1, "val_accuracy": accuracy, "finished": False}
        made[size, index] = scheduler.on_trial_result(None, trial, result)
    return made


def test_a_mixed_size_sweep_does_not_stop_the_small_sizes_first() -> None:
    order = [(size, index) for index in (3, 2, 1, 0) for size in (900, 100)]
    accuracies = {(size, index): (0.9 if size == 900 else 0.5) + 0.01 * index for size, index in order}
    ours = decisions(PerCondition("val_accuracy", "max", 27), accuracies)
    for index in range(4):
        assert ours[100, index] == ours[900, index], "the same rank within its condition, the same fate"
    assert ours[100, 3] == "CONTINUE"
    assert ours[100, 0] == "STOP"
    one_for_all = AsyncHyperBandScheduler(
        time_attr="epoch", metric="val_accuracy", mode="max", max_t=28, grace_period=1, reduction_factor=3
    )
    naive = decisions(one_for_all, accuracies)
    assert all(naive[100, index] == "STOP" for index in range(4)), "what a single ASHA does to small sizes"


def test_a_prescribed_config_longer_than_what_is_searched_is_not_cut_off(tmp_path: Path) -> None:
    stated = replace(SWEEP, prescribed={"lr": 0.05, "epochs": 60})
    schedule = scheduler(plan(tmp_path, "--scheduler", "asha", sweep=stated))
    assert schedule is not None
    task = SimpleNamespace(stoppable=True, condition="c")
    trial = SimpleNamespace(trial_id="prescribed", config={"trial": task})
    schedule.on_trial_add(None, trial)
    results = [{"epoch": epoch, "val_accuracy": 0.5, "finished": False} for epoch in range(1, 61)]
    assert {schedule.on_trial_result(None, trial, result) for result in results} == {"CONTINUE"}


def test_finalists_and_confirm_trials_are_never_stopped_early() -> None:
    scheduler = PerCondition("val_accuracy", "max", 27)
    for accuracy in (0.9, 0.1):
        trial = SimpleNamespace(
            trial_id=str(accuracy), config={"trial": SimpleNamespace(stoppable=False, condition="c")}
        )
        scheduler.on_trial_add(None, trial)
        result = {"epoch": 1, "val_accuracy": accuracy, "finished": False}
        assert scheduler.on_trial_result(None, trial, result) == "CONTINUE"
