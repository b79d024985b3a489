"""Tune executes, the ledger remembers: the two small adapters between them, and one `fit()`."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

from ray import PlacementGroupID, tune
from ray.tune import CheckpointConfig, FailureConfig, PlacementGroupFactory, RunConfig, TuneConfig
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.search import Searcher
from ray.tune.stopper import Stopper
from ray.util.placement_group import PlacementGroup, placement_group_table, remove_placement_group

from analysis.ledger import Ledger, Outcome
from sweeps.engine.agenda import Agenda, Signal
from sweeps.engine.asha import PerCondition
from sweeps.engine.hardware import Session
from sweeps.engine.interrupt import Interrupt
from trainables.core.checkpoint import Checkpoints
from trainables.core.host import Host, Job
from trainables.core.task import Task

RETRIES = 3
"""How often a trial is run again after its worker died."""


class _DriverOnly:
    """Tune pickles all it is given, to restore from; nothing of ours is ever restored from there."""

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __deepcopy__(self, memo: Any) -> Any:
        return self


class AgendaSearcher(_DriverOnly, Searcher):  # type: ignore[misc]  # Ray is untyped here
    """Gives Tune the agenda's trials, in the agenda's order."""

    def __init__(self, agenda: Agenda) -> None:
        super().__init__()
        self._agenda = agenda

    def suggest(self, trial_id: str) -> Any:
        task = self._agenda.next()
        if isinstance(task, Signal):
            return Searcher.FINISHED if task is Signal.OVER else None
        return {"trial": task}

    def on_trial_complete(self, trial_id: str, result: Any = None, error: bool = False) -> None:
        pass  # the callback has told the agenda already

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        pass  # nothing to remember that the ledger does not

    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        pass


class LedgerCallback(_DriverOnly, tune.Callback):  # type: ignore[misc]  # Ray is untyped here
    """Writes what Tune reports into the ledger, before Tune asks for the next trial."""

    COMMIT_SECONDS = 1.0

    def __init__(self, agenda: Agenda, ledger: Ledger, job: Job, hardware: str, tick: Callable[[], None]) -> None:
        self._agenda, self._ledger, self._job = agenda, ledger, job
        self._hardware, self._tick = hardware, tick
        self._committed = time.monotonic()
        self.error: Exception | None = None
        """The first error of our own; `fit()` has ended because of it."""
        self.workers: set[str] = set()
        """Every worker that has reported, as pid@host."""

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        with self._guard():
            known = self._agenda.running[trial.config["trial"].id]
            self._agenda.fraction_done[known.id] = 0.0
            self._ledger.start(known, worker=None, hardware=self._hardware)

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        known = self._agenda.running.get(trial.config["trial"].id)
        if known is not None:  # else stopped by hand, or reported twice
            with self._guard():
                self._record(known, result)

    def _record(self, known: Task, result: dict[str, Any]) -> None:
        worker = f"{result['pid']}@{result['hostname']}"
        self._hardware = result["hardware"]
        self.workers.add(worker)
        rows = json.loads(result.pop("rows", "[]"))
        self._ledger.add_epochs(known.id, rows)
        if result["finished"]:
            outcome, metric = Outcome(**result["outcome"]), self._agenda.plan.sweep.metric
            if outcome.status == "done" and metric not in result:  # nothing could be chosen by it
                outcome = Outcome("failed", error=f"reported no {metric}, by which Sweep.select chooses")
            self._finish(known, outcome, worker, result.get(metric))
        elif result["done"]:  # by the scheduler
            seconds = float(result.get("seconds", 0.0))
            self._finish(known, Outcome("stopped", seconds=seconds), worker)
        else:
            epochs = known.config.planned_epochs()
            self._agenda.fraction_done[known.id] = result["epoch"] / epochs
            if time.monotonic() - self._committed > self.COMMIT_SECONDS:
                self._ledger.commit()
                self._committed = time.monotonic()

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        self._agenda.fraction_done.pop(trial.config["trial"].id, None)  # its worker died: it waits for another

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        known = self._agenda.running.get(trial.config["trial"].id)
        if known is not None:
            with self._guard():
                error = f"gave up after {trial.num_failures} failures of its worker; the last: {trial.get_error()}"
                self._finish(known, Outcome("failed", error=error), None)

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        with self._guard():
            self._tick()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Tune would take an error of ours for one of the trial's, and run that again: keep it, and end `fit()`."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            self._agenda.closed = True

    def _finish(self, task: Task, outcome: Outcome, worker: str | None, value: float | None = None) -> None:
        self._ledger.finish(task.id, outcome, worker=worker, hardware=self._hardware)
        Checkpoints(self._job.folder / "checkpoints" / task.id).clear()
        self._agenda.on_finished(task, value)


class OnInterrupt(_DriverOnly, Stopper):  # type: ignore[misc]  # Ray is untyped here
    """Ends `fit()` when a signal has come, or the ledger can no longer be written."""

    def __init__(self, interrupt: Interrupt, agenda: Agenda, callback: LedgerCallback) -> None:
        self._interrupt, self._agenda, self._callback = interrupt, agenda, callback

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        if self._interrupt.signal is not None:
            self._agenda.closed = True
        return self._interrupt.signal is not None or self._callback.error is not None


def fit(
    agenda: Agenda,
    job: Job,
    session: Session,
    callback: LedgerCallback,
    interrupt: Interrupt,
    schedule: PerCondition | None,
) -> None:
    """Run the agenda until it is over or interrupted. Raises what Tune raises when it gives up, and our own errors."""
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(2 * session.slots)
    tuner = tune.Tuner(
        _trainable(agenda.plan.sweep.question, job, session),
        tune_config=TuneConfig(
            search_alg=AgendaSearcher(agenda),
            scheduler=schedule,
            num_samples=-1,
            reuse_actors=True,
            metric=None,
            mode=None,
        ),
        run_config=RunConfig(
            name="tune",
            storage_path=str(session.temporary / "tune"),
            callbacks=[callback],
            stop=OnInterrupt(interrupt, agenda, callback),
            failure_config=FailureConfig(max_failures=RETRIES),
            checkpoint_config=CheckpointConfig(checkpoint_frequency=0, checkpoint_at_end=False),
            progress_reporter=_Silent(),
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    finally:
        if callback.error is not None:
            raise callback.error


def _trainable(question: str, job: Job, session: Session) -> type[Host]:
    """Host, bound to the job and to a slot's resources, under the question's name: so the dashboard shows it.

    `tune.with_resources` would call every worker ResourceTrainable, `tune.with_parameters` alone _Inner.
    """
    slot = PlacementGroupFactory([{"CPU": session.cpus_per_trial, "GPU": session.gpus_per_trial}])
    named = type(question, (Host,), {"default_resource_request": classmethod(lambda cls, config: slot)})
    bound = tune.with_parameters(named, job=job)
    bound.__qualname__ = question
    return cast(type[Host], bound)


def free_slots() -> None:
    """Remove the placement groups that a crashed `fit()` left; they would hold their slots for ever."""
    for key, group in placement_group_table().items():
        if group["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(key))))


class _Silent(tune.ProgressReporter):  # type: ignore[misc]  # Ray is untyped here
    """Tune's own progress goes nowhere: the live view has it."""

    def should_report(self, trials: list[TuneTrial], done: bool = False) -> bool:
        return False

    def report(self, trials: list[TuneTrial], done: bool, *sys_info: Any) -> None:
        pass
