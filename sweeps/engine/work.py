"""On a running Ray, a command computes artifacts first, then runs search and confirm trials together."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import sqlite3
import threading
import time
from typing import cast

import pandas as pd
import ray
from ray.tune.error import TuneError

from analysis.ledger import FINAL, Outcome, Status
from sweeps.engine import tuning
from sweeps.engine.agenda import Agenda
from sweeps.engine.asha import scheduler
from sweeps.engine.command import Command, Report
from sweeps.engine.gpu_sharing import trials_per_gpu
from sweeps.engine.hardware import Session
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.live import Live
from sweeps.engine.session import error_line
from trainables.artifacts.remote import Slots, Stopped, provide
from trainables.core.barrier import Barrier, barrier
from trainables.core.device import device_name, pin, processor_name
from trainables.core.host import Job

ROUNDS = 10
"""How many times Tune is started at most; each time that it gives up, fewer suspects are left."""


class Work:
    """Carries out one command on a Ray that has started."""

    def __init__(
        self, command: Command, agenda: Agenda, ray_session: Session, interrupt: Interrupt, report: Report
    ) -> None:
        self.command = command
        self.agenda = agenda
        self.plan = agenda.plan
        self.ledger = agenda.ledger
        self.session = ray_session
        self.interrupt = interrupt
        self.report = report
        report.slots = ray_session.slots
        self.live = Live(self.plan, agenda, ray_session)
        self.started = time.monotonic()
        self.before = {trial for trial, status in self.ledger.statuses().items() if status in FINAL}
        """The ids of the trials that had an outcome when the command began."""
        self.spent = self.ledger.last_epochs().get("seconds", pd.Series(dtype=float))
        """The seconds that trials had taken when the command began; those that go on from a checkpoint add to them."""

    def carry_out(self, light: threading.Thread) -> None:
        """Compute artifacts, then run trials; `light` is the thread that computes light artifacts.

        Errors of Ray, of the ledger and of the disk end the work early, and the report says why.
        """
        try:
            with self.live, self.interrupt.telling(self.live.tell):
                artifacts = self._shared(light)
                self._share_gpus()
                self._search(artifacts)
        except Stopped:
            pass
        except (ray.exceptions.RayError, sqlite3.Error, OSError) as error:
            self.report.error = error_line(error)
        finally:
            self.report.wall_seconds = time.monotonic() - self.started
            with contextlib.suppress(sqlite3.Error):
                self.report.floor_seconds = self._floor()

    def _late(self) -> bool:
        """Return whether the time budget is spent."""
        budget = self.command.time_budget
        return budget is not None and time.monotonic() - self.started > 60 * budget

    def _ended(self) -> bool:
        """Return whether to end the shared work: after a signal, or when the time budget is spent."""
        return self.interrupt.signal is not None or self._late()

    def _shared(self, light: threading.Thread) -> dict[str, ray.ObjectRef]:
        """Return the artifacts in the object store, by key; compute those that the disk lacks."""
        try:
            light.join()
            resources = {"num_cpus": self.session.cpus_per_trial, "num_gpus": self.session.gpus_per_trial}
            return provide(
                self.plan.artifacts().values(),
                self.plan.sources,
                self.command.artifact_root,
                slots=Slots(self.session.slots, resources, functools.partial(pin, self.session.threads)),
                progress=self.live.update_shared_work,
                stop=self._ended,
            )
        finally:
            self.report.shared_seconds = time.monotonic() - self.started

    def _share_gpus(self) -> None:
        """Carry out --trials-per-gpu auto, which measures the most expensive trial; its artifacts exist by now."""
        if self.session.machine.trials_per_gpu != "auto" or not self.session.gpus:
            return
        task = self.agenda.most_expensive
        if task is None:
            return
        most = max(1, int(min(self.session.cpus // self.session.gpus, self.session.cpus_per_gpu)))
        several = trials_per_gpu(self.plan, task, self.command.artifact_root, most, self._ended)
        self.session = dataclasses.replace(self.session, trials_per_gpu=several)
        self.report.slots = self.session.slots
        self.live.use(self.session)

    def _search(self, artifacts: dict[str, ray.ObjectRef]) -> None:
        """Run all trials; start Tune again whenever it gives up."""
        agenda = self.agenda
        report = self.report
        schedule = scheduler(self.plan)
        job = Job(
            experiment=self.plan.sweep.experiment,
            sources=self.plan.sources,
            folder=self.ledger.folder.resolve(),
            artifact_root=self.command.artifact_root,
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
                    tuning.fit(self.session, callback, self.interrupt, schedule)
                except Exception as error:
                    cause = _of_ray(error)
                    if cause is None:
                        raise
                    self._after_crash(cause)
            report.workers |= callback.workers
            if not agenda.closed:
                agenda.put_back(suspect=False)
        if agenda.trials_left and not agenda.closed:
            report.error = f"Tune gave up {ROUNDS} times; see the logs"

    def _tick(self) -> None:
        """Close the agenda when the time budget is spent, and refresh the live view."""
        if self._late() and self.agenda.trials_left:
            self.agenda.closed = True
        self.live.update()

    def _after_crash(self, cause: Exception) -> None:
        """Find out which trial ended `fit()`, since any of the running trials may have run out of memory.

        They become suspects, which run one at a time; one that ends `fit()` while it runs alone is the culprit.
        """
        agenda = self.agenda
        culprit = agenda.running.get(agenda.retrying or "")
        if culprit is not None:  # it ran alone
            status: Status = "oom" if isinstance(cause, ray.exceptions.OutOfMemoryError) else "failed"
            self.ledger.finish(culprit.id, Outcome(status, error=error_line(cause)))
            agenda.on_finished(culprit)
        agenda.put_back(suspect=True)
        if self.session.machine.address is None:  # on a cluster, other users may have placement groups
            tuning.free_slots()

    def _floor(self) -> float | None:
        """Return the shortest time, in seconds, that any schedule could have taken; None if no trial finished."""
        trials = self.ledger.trials()
        new = trials[~trials["id"].isin(list(self.before)) & trials["seconds"].notna()]
        if new.empty:
            return None
        seconds = (new["seconds"].astype(float) - new["id"].map(self.spent).fillna(0.0)).clip(lower=0.0)
        return self.report.shared_seconds + max(float(seconds.max()), float(seconds.sum()) / self.report.slots)


def _of_ray(error: BaseException) -> Exception | None:
    """Return the error with which Ray or Tune gave up, or None for an error of our own.

    Tune wraps errors of Ray in a RuntimeError, so the causes are searched too.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, TuneError | ray.exceptions.RayError):
            return cast(Exception, cause)  # mypy does not know Ray's classes
        cause = cause.__cause__
    return None
