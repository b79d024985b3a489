"""What a command does around its trials: the floor it goes by, GPUs that fail it, a cluster that refuses it."""

from __future__ import annotations

import contextlib
import gc
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import ray
import torch
from rich.console import Console

from analysis.ledger import Ledger, Outcome
from common.problems import Problem, Refused
from sweeps.engine import cli, preflight, run
from sweeps.engine.agenda import Agenda, UnderWay
from sweeps.engine.cli import print_effort
from sweeps.engine.command import Report
from sweeps.engine.gpu_sharing import trials_per_gpu
from sweeps.engine.hardware import Machine, Session
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.options import Options
from sweeps.engine.session import keep_logs, session
from sweeps.engine.tuning import LedgerCallback
from sweeps.engine.work import Work
from tests.support.driver import Driver, command, plan
from trainables.artifacts.remote import Stopped
from trainables.core.host import Host
from trainables.core.task import Task


def test_the_floor_leaves_out_what_an_earlier_command_spent_on_a_trial(tmp_path: Path) -> None:
    first = Driver(tmp_path)
    whole, begun = first.start(), first.start()
    assert isinstance(whole, Task)
    assert isinstance(begun, Task)
    assert whole.id != begun.id, "two trials"
    first.finish(whole, 0.5)
    first.ledger.add_epochs(begun.id, [{"epoch": 1, "seconds": 100.0}])
    first.ledger.close()
    with Ledger(tmp_path) as ledger:
        agenda = Agenda(plan(tmp_path), ledger)
        slots = Session(Machine(), cpus=2, dashboard=None, temporary=tmp_path)
        work = Work(command(tmp_path), agenda, slots, Interrupt(), Report(shared_seconds=3))
        assert work._floor() is None, "nothing of its own is done yet"
        ledger.finish(begun.id, Outcome("done", seconds=130.0))
        assert work._floor() == 3 + 30


@contextlib.contextmanager
def refusing(*_: Any) -> Iterator[Any]:
    raise Refused([Problem("--gpus", "at most what the cluster has", 8, "Give fewer.")])
    yield


def test_a_command_that_a_cluster_refuses_leaves_no_run_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "session", refusing)
    with Ledger(tmp_path) as ledger:
        agenda = Agenda(plan(tmp_path), ledger)
        with pytest.raises(Refused, match="what the cluster has"):
            run.carry_out(command(tmp_path), Machine(), agenda, Interrupt())
        assert ledger.runs().empty


def test_fresh_is_undone_where_a_cluster_refuses_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "session", refusing)
    before = Driver(tmp_path / "toy")
    before.run(at_most=3)
    before.ledger.close()
    (tmp_path / "toy" / "arrays").mkdir()
    with pytest.raises(Refused):
        cli._run(replace(command(tmp_path / "toy"), fresh=True), Machine(), plan(tmp_path), Interrupt())
    assert {path.name for path in (tmp_path / "toy").iterdir()} >= {"ledger.sqlite", "arrays"}
    assert not list((tmp_path / "toy").glob("before-*"))
    with Ledger(tmp_path / "toy") as ledger:
        assert len(ledger.trials()) == 3


@pytest.mark.filterwarnings("default")  # Ray's own
@pytest.mark.ray
def test_a_memory_probe_that_fails_leaves_a_gpu_to_one_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray is told of a GPU that this machine lacks: the probe runs its epoch, and CUDA has no memory to tell of."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "99")
    driver = Driver(tmp_path)
    with session(Machine(gpus=1, cpus=1), tmp_path / "logs"):
        task = driver.agenda.most_expensive
        assert task is not None
        assert trials_per_gpu(driver.plan, task, tmp_path / "artifacts", 4, stop=lambda: False) == 1
        with pytest.raises(Stopped):
            trials_per_gpu(driver.plan, task, tmp_path / "artifacts", 4, stop=lambda: True)
    assert not ray.is_initialized()
    gc.collect()  # what Ray left running is complained of now, not in another test


def test_a_worker_that_lost_its_gpu_ends_and_one_whose_memory_was_full_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    emptied = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    host = object.__new__(Host)  # a worker, without a Ray that would start it

    def run_into(error: Exception) -> dict[str, Any]:
        def report(*_: Any) -> Any:
            raise error

        host.job = SimpleNamespace(report_seconds=1.0, report_epochs=frozenset())  # type: ignore[assignment]
        host._loop = SimpleNamespace(report=report, seconds=2.0, test_openings=0, unreported_json=lambda: "[]")  # type: ignore[assignment]
        return host._advance()

    with pytest.raises(torch.AcceleratorError):  # Tune starts another worker; `test_faults` kills one
        run_into(torch.AcceleratorError("CUDA error: device-side assert triggered"))
    assert not emptied, "its memory is out of reach"
    told = run_into(torch.OutOfMemoryError("CUDA out of memory"))
    assert told["outcome"]["status"] == "oom"
    assert told["done"]
    assert emptied == [True], "others may share the GPU"


@pytest.mark.parametrize(("usable", "problems"), [(False, 1), (True, 0)])
def test_gpus_that_pytorch_cannot_use_are_refused(usable: bool, problems: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)
    found = preflight.hardware_problems(Options(gpus=2))
    assert len(found) == problems
    assert all("driver" in str(problem) for problem in found)


def test_a_trial_whose_worker_died_waits_until_another_takes_it_up(tmp_path: Path) -> None:
    driver = Driver(tmp_path, "--set", "epochs=4", "size=200")
    trial = driver.start()
    assert isinstance(trial, Task)
    job: Any = SimpleNamespace(folder=tmp_path)
    callback = LedgerCallback(driver.agenda, driver.ledger, job, "", lambda: None)
    tune_trial: Any = SimpleNamespace(config={"trial": trial})
    result = {"pid": 1, "hostname": "here", "hardware": "", "finished": False, "done": False, "epoch": 1}
    result["val_accuracy"] = 0.75

    def running() -> int:
        (counts,) = driver.agenda.counts().values()
        return counts.running

    callback.on_trial_start(0, [], tune_trial)
    callback.on_trial_result(0, [], tune_trial, dict(result))
    assert driver.agenda.under_way == {trial.id: UnderWay(1, 4, 0.75)}
    assert running() == 1
    callback.on_trial_recover(0, [], tune_trial)
    assert running() == 0
    callback.on_trial_start(0, [], tune_trial)
    assert running() == 1
    assert callback.error is None


def test_what_workers_printed_is_kept_and_nothing_where_they_printed_nothing(tmp_path: Path) -> None:
    temporary, logs = tmp_path / "ray" / "session_2026" / "logs", tmp_path / "logs"
    temporary.mkdir(parents=True)
    (temporary / "worker-a-1.out").write_text(":job_id:01\n:actor_name:toy\n")
    keep_logs(tmp_path / "ray", logs)
    assert not logs.exists()
    (temporary / "worker-b-2.err").write_text(":job_id:01\na warning\n")
    keep_logs(tmp_path / "ray", logs)
    assert {path.name: path.read_text() for path in logs.iterdir()} == {"worker-b-2.err": "a warning\n"}


@pytest.mark.parametrize(
    ("floor", "told"),
    [(16.0, "0:32 of work on 2 slots (2 workers), 4.0 s of it shared: 50 % of the fastest possible (η)"),
     (None, "0:32 of work on 2 slots (2 workers)")],
)  # fmt: skip
def test_the_time_that_work_took_is_told_beside_the_fastest_possible(floor: float | None, told: str) -> None:
    report = Report(wall_seconds=32.0, slots=2, workers={"a", "b"}, shared_seconds=4.0, floor_seconds=floor)
    console = Console(width=120, file=io.StringIO())
    print_effort(report, console)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue() == f"{told}\n"
