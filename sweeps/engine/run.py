"""From a plan to a finished ledger: artifacts first, then search and confirmation in one go."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import sys
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import ray
import torch

from analysis.ledger import Ledger, Outcome
from sweeps.engine import tuning
from sweeps.engine.live import Live
from sweeps.engine.options import Options
from sweeps.engine.plan import Plan
from sweeps.engine.schedule import scheduler
from sweeps.engine.search import Agenda
from sweeps.engine.session import Interrupt, Session, session
from trainables.artifacts.compute import Stopped, provide
from trainables.base import Job

ROUNDS = 10
"""How often Tune is started again after it gave up; each time the suspects are fewer."""


@dataclass
class Report:
    """How a command went."""

    signal_exit: int | None = None
    """Exit code if a signal ended it."""
    error: str | None = None
    """Why the shared work or Tune could not go on."""
    shared_seconds: float = 0.0
    wall_seconds: float = 0.0
    """From the start of the shared work to the last trial."""
    floor_seconds: float | None = None
    """T* = shared work + max(longest trial, total work / slots); see DESIGN's floor."""
    slots: int = 0
    workers: set[str] = field(default_factory=set)


def carry_out(plan: Plan, options: Options, ledger: Ledger, agenda: Agenda, command: str) -> Report:
    """Run what the ledger lacks. Returns normally after signals and failures too: the ledger has what was finished."""
    report = Report()
    folder = ledger.folder.resolve()
    before = set(ledger.statuses())
    with session(options, folder / "logs") as ray_session:
        interrupt = Interrupt()
        live = Live(plan, agenda, ray_session)
        report.slots = ray_session.slots
        number = ledger.begin_run(
            command=command, plan=plan.record(), environment=environment(options), slots=ray_session.slots
        )
        try:
            with live:
                started = time.monotonic()
                refs = _shared(plan, options, ray_session, interrupt, live)
                report.shared_seconds = time.monotonic() - started
                _search(plan, options, ledger, agenda, ray_session, interrupt, live, refs, report)
                report.wall_seconds = time.monotonic() - started
        except Stopped:
            pass
        except ray.exceptions.RayTaskError as error:
            report.error = str(error.cause or error)
        finally:
            if interrupt.signal is not None:
                report.signal_exit = interrupt.exit_code
            complete = not agenda.closed and report.error is None and report.signal_exit is None
            ledger.end_run(number, outcome="complete" if complete else "partial", shared_seconds=report.shared_seconds)
            report.floor_seconds = _floor(ledger, before, report)
    interrupt.restore()
    return report


def _shared(
    plan: Plan, options: Options, ray_session: Session, interrupt: Interrupt, live: Live
) -> dict[str, ray.ObjectRef]:
    return provide(
        plan.artifacts().values(),
        plan.sources,
        options.out.resolve() / "artifacts",
        resources={"num_cpus": ray_session.cpus_per_trial, "num_gpus": ray_session.gpus_per_trial},
        slots=ray_session.slots,
        progress=live.shared,
        stop=lambda: interrupt.signal is not None,
    )


def _search(
    plan: Plan,
    options: Options,
    ledger: Ledger,
    agenda: Agenda,
    ray_session: Session,
    interrupt: Interrupt,
    live: Live,
    refs: dict[str, ray.ObjectRef],
    report: Report,
) -> None:
    deadline = time.monotonic() + 60 * options.time_budget if options.time_budget is not None else None

    def tick() -> None:
        if deadline is not None and time.monotonic() > deadline:
            agenda.closed = True
        live.update()

    schedule = scheduler(plan)
    job = Job(
        experiment=plan.sweep.experiment,
        sources=plan.sources,
        folder=ledger.folder.resolve(),
        artifact_root=options.out.resolve() / "artifacts",
        artifacts=refs,
        barrier=None,
        threads=ray_session.threads,
        report_epochs=schedule.rungs if schedule else frozenset(),
    )
    for _ in range(ROUNDS):
        if agenda.closed or interrupt.signal is not None or not agenda.trials_left:
            break
        job = Job(**{**vars(job), "barrier": tuning.barrier(ray_session, agenda)})
        scribe = tuning.Scribe(agenda, ledger, job, device_name(options), tick)
        crashed = False
        try:
            tuning.fit(agenda, job, ray_session, scribe, interrupt, schedule)
        except Exception as error:
            if not _of_ray(error):
                raise
            # One trial out of memory ends fit() for all; nothing but `running` names the suspects.
            crashed, report.error = True, f"{type(error).__name__}: {error}".splitlines()[0]
        report.workers |= scribe.workers
        if interrupt.signal is not None or agenda.closed:
            break
        culprit = agenda.retrying if crashed and agenda.retrying in agenda.running else None
        if culprit is not None:
            trial = agenda.running[culprit]
            ledger.finish(culprit, Outcome("oom", error=report.error))
            agenda.settled(trial)
        agenda.put_back(suspect=crashed)
        if crashed:
            report.error = None
            if options.address is None:  # in somebody's cluster there are other people's groups
                tuning.free_slots()
    else:
        if agenda.trials_left:
            report.error = f"Tune gave up {ROUNDS} times; see the logs"


def _of_ray(error: BaseException) -> bool:
    """Whether Ray or Tune gave up, rather than our own code (Tune wraps Ray's errors in a RuntimeError)."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ray.exceptions.RayError | tuning.TuneError):
            return True
        cause = cause.__cause__
    return False


def _floor(ledger: Ledger, before: set[str], report: Report) -> float | None:
    trials = ledger.trials()
    new = trials[~trials["id"].isin(list(before)) & trials["seconds"].notna()]
    if new.empty or not report.slots:
        return None
    seconds = new["seconds"].astype(float)
    return report.shared_seconds + max(float(seconds.max()), float(seconds.sum()) / report.slots)


def environment(options: Options) -> dict[str, Any]:
    """What the manifest states: versions, hardware, and the commit of this program."""
    names = ("torch", "torchvision", "ray", "optuna", "numpy", "pandas", "scikit-learn", "labsweep")
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in names}},
        "hardware": hardware(options),
        "commit": commit(),
        "argv": sys.argv[1:],
    }


def hardware(options: Options) -> dict[str, Any]:
    """The driver's machine."""
    return {
        "processor": processor(),
        "cores": torch.get_num_threads(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if options.gpus else [],
        "system": f"{platform.system()} {platform.machine()}",
    }


def device_name(options: Options) -> str:
    """What trials run on, for the ledger: tables that mix hardware say so."""
    return torch.cuda.get_device_name(0) if options.gpus and options.address is None else processor()


def processor() -> str:
    """The processor's name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str | None:
    """The git commit of this program, marked `+changes` where files differ; None outside a checkout."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5)
        dirty = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if head.returncode:
        return None
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")
