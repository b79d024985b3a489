"""From a plan to a finished ledger: artifacts first, then search and confirmation in one go."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import signal
import sqlite3
import threading
import time
from dataclasses import dataclass, field
from typing import cast

import pandas as pd
import ray
from ray.tune.error import TuneError

from analysis.ledger import FINAL, Ledger, Outcome, Status
from analysis.report.make import prepare
from common.problems import Refused
from sweeps.engine import tuning
from sweeps.engine.agenda import Agenda
from sweeps.engine.asha import scheduler
from sweeps.engine.environment import environment
from sweeps.engine.gpu_sharing import trials_per_gpu
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import Live
from sweeps.engine.options import Options
from sweeps.engine.plan import Plan
from sweeps.engine.session import Session, session
from trainables.artifacts.remote import Slots, Stopped, compute_light, provide
from trainables.core.barrier import Barrier, barrier
from trainables.core.device import device_name, pin, processor_name
from trainables.core.host import Job

ROUNDS = 10
"""How often Tune is started again after it gave up; each time the suspects are fewer."""

PATIENCE = 20.0
"""Seconds after which light work that a signal left behind is given up."""


@dataclass
class Report:
    """How a command went."""

    error: str | None = None
    """Why the shared work or Tune could not go on."""
    shared_seconds: float = 0.0
    wall_seconds: float = 0.0
    """From the start of the shared work to the last trial."""
    floor_seconds: float | None = None
    """T* = shared work + max(longest trial, total work / slots): no schedule is faster."""
    slots: int = 0
    workers: set[str] = field(default_factory=set)


def carry_out(
    plan: Plan, options: Options, ledger: Ledger, agenda: Agenda, command: str, interrupt: Interrupt
) -> Report:
    """Run what the ledger lacks. Returns normally after signals and faults of Ray too: the ledger has the rest."""
    report, root = Report(), options.out.resolve() / "artifacts"
    number = ledger.begin_run(command=command, plan=plan.record(), environment=environment(options))

    def light_work() -> None:
        with contextlib.suppress(Exception):  # `provide` meets it again, where errors are told
            pin(1)
            compute_light(plan.artifacts().values(), plan.sources, root, stop=lambda: interrupt.signal is not None)

    def prepared() -> None:
        with contextlib.suppress(Exception):  # likewise: `make_answer` imports it too
            prepare(plan.sweep.question)

    # While Ray starts, this process does little but wait. A daemon: Ray's handler of SIGTERM can raise in the midst of
    # an import and leave the interpreter's import lock held, and then the next import of this thread never ends.
    light = threading.Thread(target=light_work, daemon=True)
    light.start()
    try:
        # It ends here too: an object of Ray's that another thread lets go of meanwhile would end the process.
        with session(options, ledger.folder.resolve() / "logs") as ray_session:
            interrupt.install()  # over those of ray.init
            threading.Thread(target=prepared, daemon=True).start()
            _Run(plan, options, ledger, agenda, ray_session, interrupt, report, light).carry_out()
    except Refused:  # by the cluster that was to be joined
        ledger.forget_run(number)
        raise
    except SystemExit:  # Ray's handler of SIGTERM, while ray.init had it in place
        interrupt.signal = signal.SIGTERM
    except OSError as error:
        report.error = _told(error)
    finally:
        light.join(PATIENCE)
        whole = report.error is None and not agenda.trials_left and not agenda.running
        with contextlib.suppress(sqlite3.Error):  # a full disk: what could be written has been
            ledger.end_run(
                number,
                outcome="complete" if whole else "partial",
                slots=report.slots,
                shared_seconds=report.shared_seconds,
            )
    return report


class _Run:
    """One command's work, on a Ray that is up."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        ledger: Ledger,
        agenda: Agenda,
        ray_session: Session,
        interrupt: Interrupt,
        report: Report,
        light: threading.Thread,
    ) -> None:
        self.plan, self.options, self.ledger, self.agenda = plan, options, ledger, agenda
        self.session, self.interrupt = ray_session, interrupt
        self.artifact_root, self.light = options.out.resolve() / "artifacts", light
        self.report, report.slots = report, ray_session.slots
        self.live = Live(plan, agenda, ray_session)
        self.started = time.monotonic()
        self.before = {trial for trial, status in ledger.statuses().items() if status in FINAL}
        self.spent = ledger.last_epochs().get("seconds", pd.Series(dtype=float))
        """What trials had taken when the command began; those that go on from a checkpoint count the rest."""

    def carry_out(self) -> None:
        """Artifacts, then trials."""
        try:
            with self.live:
                artifacts = self._shared()
                self._share_gpus()
                self._search(artifacts)
        except Stopped:
            pass
        except (ray.exceptions.RayError, sqlite3.Error, OSError) as error:
            self.report.error = _told(error)
        finally:
            self.report.wall_seconds = time.monotonic() - self.started
            with contextlib.suppress(sqlite3.Error):
                self.report.floor_seconds = self._floor()

    def _late(self) -> bool:
        """Whether the time budget is spent."""
        budget = self.options.time_budget
        return budget is not None and time.monotonic() - self.started > 60 * budget

    def _ended(self) -> bool:
        """Whether shared work is to end: by a signal, or because it is late."""
        return self.interrupt.signal is not None or self._late()

    def _shared(self) -> dict[str, ray.ObjectRef]:
        """The artifacts, computed where the store lacks them."""
        try:
            self.light.join()
            resources = {"num_cpus": self.session.cpus_per_trial, "num_gpus": self.session.gpus_per_trial}
            return provide(
                self.plan.artifacts().values(),
                self.plan.sources,
                self.artifact_root,
                slots=Slots(self.session.slots, resources, functools.partial(pin, self.session.threads)),
                progress=self.live.shared,
                stop=self._ended,
            )
        finally:
            self.report.shared_seconds = time.monotonic() - self.started

    def _share_gpus(self) -> None:
        """Settle --trials-per-gpu auto, now that the data which trials hold is there."""
        task = self.agenda.most_expensive
        if self.options.trials_per_gpu == "auto" and self.session.gpus and task is not None:
            most = max(1, int(min(self.session.cpus // self.session.gpus, self.session.cpus_per_gpu)))
            several = trials_per_gpu(self.plan, task, self.artifact_root, most, self._ended)
            self.session = dataclasses.replace(self.session, trials_per_gpu=several)
            self.report.slots = self.session.slots
            self.live.divided(self.session)

    def _search(self, artifacts: dict[str, ray.ObjectRef]) -> None:
        """All trials; Tune is started again where it gave up."""
        agenda, report, schedule = self.agenda, self.report, scheduler(self.plan)
        job = Job(
            experiment=self.plan.sweep.experiment,
            sources=self.plan.sources,
            folder=self.ledger.folder.resolve(),
            artifact_root=self.artifact_root,
            artifacts=artifacts,
            barrier=Barrier(self.ledger.folder.resolve(), parties=1),
            threads=self.session.threads,
            report_epochs=schedule.rungs if schedule else frozenset(),
        )
        hardware = device_name() if self.session.gpus else processor_name()
        for _ in range(ROUNDS):
            if agenda.closed or self.interrupt.signal is not None or not agenda.trials_left:
                return
            with barrier(job.folder, min(self.session.slots, agenda.ready) or 1) as fresh:
                job = dataclasses.replace(job, barrier=fresh)
                callback = tuning.LedgerCallback(agenda, self.ledger, job, hardware, self._tick)
                try:
                    tuning.fit(agenda, job, self.session, callback, self.interrupt, schedule)
                except Exception as error:
                    cause = _of_ray(error)
                    if cause is None:
                        raise
                    self._after_crash(cause)
            report.workers |= callback.workers
            if not agenda.closed:
                agenda.put_back(suspect=False)
        if agenda.trials_left:
            report.error = f"Tune gave up {ROUNDS} times; see the logs"

    def _tick(self) -> None:
        if self._late() and self.agenda.trials_left:
            self.agenda.closed = True
        self.live.update()

    def _after_crash(self, cause: Exception) -> None:
        """One trial out of memory ends `fit()` for all, and nothing but `running` names the suspects."""
        agenda = self.agenda
        culprit = agenda.running.get(agenda.retrying or "")
        if culprit is not None:  # it ran alone
            status: Status = "oom" if isinstance(cause, ray.exceptions.OutOfMemoryError) else "failed"
            self.ledger.finish(culprit.id, Outcome(status, error=_told(cause)))
            agenda.on_finished(culprit)
        agenda.put_back(suspect=True)
        if self.options.address is None:  # in somebody's cluster there are other people's groups
            tuning.free_slots()

    def _floor(self) -> float | None:
        trials = self.ledger.trials()
        new = trials[~trials["id"].isin(list(self.before)) & trials["seconds"].notna()]
        if new.empty:
            return None
        seconds = (new["seconds"].astype(float) - new["id"].map(self.spent).fillna(0.0)).clip(lower=0.0)
        return self.report.shared_seconds + max(float(seconds.max()), float(seconds.sum()) / self.report.slots)


def _of_ray(error: BaseException) -> Exception | None:
    """What made Ray or Tune give up; None for an error of our own (Tune wraps Ray's in a RuntimeError)."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TuneError | ray.exceptions.RayError):
            return cast(Exception, cause)  # Ray's classes are unknown to mypy
        cause = cause.__cause__
    return None


def _told(error: Exception) -> str:
    """An error in a line or two, with its remedy where there is one."""
    text = str(getattr(error, "cause", None) or error).strip().splitlines() or [""]
    if isinstance(error, ray.exceptions.OutOfMemoryError) or "out of memory" in text[0].lower():
        return f"out of memory: {text[0]} Run fewer at a time with --cpus or --trials-per-gpu."
    return f"{type(error).__name__}: {text[0]}"
