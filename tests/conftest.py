"""Real sweeps in real processes, on built-in data; artifacts are computed once and shared through the store."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # tests run on the CPU, on a machine with a GPU too

import torch

from analysis.ledger import Ledger

ROOT = Path(__file__).resolve().parent.parent
HANG = 900.0
"""Seconds after which a process that should have ended is taken to hang. Waits bound hangs, they measure nothing."""
SMALL = (
    *("--builtin", "--no-dashboard", "--no-prescribed", "--samples", "3", "--seeds", "2"),
    *("--set", "train_size=100,300", "epochs=20,40"),
)
"""2 conditions × (3 configs × 3 search seeds + 2 confirm seeds) = 22 trials."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that stand on a real sweep: they start Ray, or wait for one that another test started."""
    for item in items:
        if {"sweeps", "undisturbed"} & {*getattr(item, "fixturenames", ())}:
            item.add_marker(pytest.mark.ray)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """As trials run; with more, a busy machine makes small networks crawl."""
    torch.set_num_threads(1)


@dataclass
class Sweeps:
    """Starts sweeps and cleans up after them."""

    out: Path
    question: str = "transfer_sizes"
    started: list[subprocess.Popen[str]] = field(default_factory=list)
    pieces_before_kill: dict[Path, int] = field(default_factory=dict)
    """Artifact files (and when they were written) that lay there when the driver was killed in the shared work."""
    printed: str = ""
    """What the last sweep that `run` ran printed."""

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A sweep in the background, its output in one pipe."""
        command = [sys.executable, f"sweeps/{self.question}.py", "--out", str(self.out), *words]
        environment = {**os.environ, "PYTHONWARNINGS": "default", "COLUMNS": "150"}
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.started.append(process)
        return process

    def run(self, *words: str) -> tuple[int, str]:
        """A sweep to its end: exit code and output."""
        process = self.start(*words)
        self.printed, _ = process.communicate(timeout=HANG)
        return process.returncode, self.printed

    @property
    def folder(self) -> Path:
        return self.out / self.question

    def ledger(self) -> Ledger:
        return Ledger(self.folder, readonly=True)

    def finished(self) -> dict[str, float]:
        """Finished trials and when they finished."""
        if not (self.folder / "ledger.sqlite").exists():
            return {}
        with self.ledger() as ledger:
            trials = ledger.trials(status="done")
        return dict(zip(trials["id"], trials["finished"], strict=True))

    def table(self) -> bytes:
        """The best-config table."""
        return (self.folder / "tables" / "best_config.csv").read_bytes()

    def wait_for(self, condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = HANG) -> None:
        """Poll until `condition` holds while the process runs."""
        until = time.monotonic() + seconds
        while not condition():
            assert process.poll() is None, f"it ended first: {process.stdout.read() if process.stdout else ''}"
            assert time.monotonic() < until, "it took too long"
            time.sleep(0.1)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All processes that descend from this one."""
    return psutil.Process(process.pid).children(recursive=True)


def titles(process: subprocess.Popen[str]) -> list[str]:
    """What its descendants call themselves."""
    found = []
    for child in family(process):
        try:
            found.append(" ".join(child.cmdline()))
        except psutil.Error:
            continue
    return found


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The Ray workers that host trials."""
    found = []
    for child in family(process):
        try:
            if "ray::transfer_sizes" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Sweeps:
    """A small sweep, complete. Its trials nobody disturbed; before them, in the shared work, it was killed once.

    Tests run in several processes: the first that needs it makes it, for all.
    """
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    sweeps, kept = Sweeps(folder / "undisturbed"), folder / "undisturbed.pickle"
    with FileLock(folder / "undisturbed.lock"):
        if kept.exists():
            sweeps.pieces_before_kill, sweeps.printed = pickle.loads(kept.read_bytes())
        else:
            _run_undisturbed(sweeps)
            kept.write_bytes(pickle.dumps((sweeps.pieces_before_kill, sweeps.printed)))
    return sweeps


def _run_undisturbed(sweeps: Sweeps) -> None:
    process = sweeps.start(*SMALL)
    pieces = sweeps.out / "artifacts"
    sweeps.wait_for(lambda: len(list(pieces.glob("letters_cnn-*/*.sha256"))) >= 2, process)
    process.kill()
    process.communicate()
    sweeps.pieces_before_kill = {path: path.stat().st_mtime_ns for path in pieces.rglob("*.npz")}
    code, output = sweeps.run(*SMALL)
    assert code == 0, output


@pytest.fixture
def sweeps(tmp_path: Path, undisturbed: Sweeps) -> Iterator[Sweeps]:
    """A fresh output folder that has the undisturbed sweep's artifacts (they are content-addressed)."""
    made = Sweeps(tmp_path / "out")
    made.out.mkdir()
    for path in (undisturbed.out / "artifacts").rglob("*"):
        copy = made.out / "artifacts" / path.relative_to(undisturbed.out / "artifacts")
        if path.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, copy)  # never changed in place: written under a new name and renamed
    yield made
    for process in made.started:
        if process.poll() is None:
            for child in family(process):
                child.kill()
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
