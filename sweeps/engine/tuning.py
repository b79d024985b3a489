"""What connects Ray Tune, which runs the trials, with the agenda and the ledger, which know them; and one `fit()`."""

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
from sweeps.engine.agenda import Agenda, Signal, UnderWay
from sweeps.engine.asha import PerCondition
from sweeps.engine.hardware import Session
from sweeps.engine.interrupt import Interrupt
from trainables.core.checkpoint import Checkpoints
from trainables.core.host import Host, Job
from trainables.core.task import Task

RETRIES = 3
"""How often a trial is run again after its worker died."""


class _DriverOnly:
    """Pickles as nothing: Tune saves all that it is given, and nothing of ours is ever restored from there."""

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
        pass  # the ledger has all there is to remember

    def save(self, checkpoint_path: str) -> None:
        pass

    def restore(self, checkpoint_path: str) -> None:
        pass


class LedgerCallback(_DriverOnly, tune.Callback):  # type: ignore[misc]  # Ray is untyped here
    """Writes what Tune reports into the ledger, before Tune asks for the next trial."""

    COMMIT_SECONDS = 1.0

    def __init__(self, agenda: Agenda, ledger: Ledger, job: Job, hardware: str, tick: Callable[[], None]) -> None:
        self.agenda = agenda
        self.job = job
        self._ledger = ledger
        self._hardware = hardware
        self._tick = tick
        self._committed = time.monotonic()
        self.error: Exception | None = None
        """The first error that this callback met; it ends `fit()`."""
        self.workers: set[str] = set()
        """Every worker that has reported, as pid@host."""

    def on_trial_start(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        with self._guard():
            known = self.agenda.running[trial.config["trial"].id]
            self.agenda.under_way[known.id] = UnderWay(epochs=known.config.planned_epochs())
            self._ledger.start(known, worker=None, hardware=self._hardware)

    def on_trial_result(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, result: dict[str, Any], **info: Any
    ) -> None:
        known = self.agenda.running.get(trial.config["trial"].id)
        if known is not None:  # otherwise it was stopped from outside, or has reported its end before
            with self._guard():
                self._record(known, result)

    def _record(self, known: Task, result: dict[str, Any]) -> None:
        worker = f"{result['pid']}@{result['hostname']}"
        self._hardware = result["hardware"]
        self.workers.add(worker)
        rows = json.loads(result.pop("rows", "[]"))
        self._ledger.add_epochs(known.id, rows)
        if result["finished"]:
            outcome = Outcome(**result["outcome"])
            metric = self.agenda.plan.sweep.metric
            if outcome.status == "done" and metric not in result:  # the selection could not rank it
                outcome = Outcome("failed", error=f"reported no {metric}, by which Sweep.select chooses")
            self._finish(known, outcome, worker, by_code=outcome.status == "failed")
        elif result["done"]:  # stopped early by the scheduler
            seconds = float(result.get("seconds", 0.0))
            facts = {"read_epoch": result["read_epoch"]} if "read_epoch" in result else {}
            self._finish(known, Outcome("stopped", seconds=seconds, facts=facts), worker)
        else:
            value = result.get(self.agenda.plan.sweep.metric)
            self.agenda.under_way[known.id] = UnderWay(result["epoch"], known.config.planned_epochs(), value)
            if time.monotonic() - self._committed > self.COMMIT_SECONDS:
                self._ledger.commit()
                self._committed = time.monotonic()

    def on_trial_recover(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        self.agenda.under_way.pop(trial.config["trial"].id, None)  # its worker died, so it waits for another one

    def on_trial_error(self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any) -> None:
        known = self.agenda.running.get(trial.config["trial"].id)
        if known is not None:
            with self._guard():
                error = f"gave up after {trial.num_failures} failures of its worker; the last: {trial.get_error()}"
                self._finish(known, Outcome("failed", error=error), None)

    def on_step_end(self, iteration: int, trials: list[TuneTrial], **info: Any) -> None:
        with self._guard():
            self._tick()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Keep an error of this callback and end `fit()`: Tune would blame the trial, and run it again."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            self.agenda.closed = True

    def _finish(self, task: Task, outcome: Outcome, worker: str | None, *, by_code: bool = False) -> None:
        """Record an outcome; `by_code` says that the trial's own code failed, and not its worker."""
        self._ledger.finish(task.id, outcome, worker=worker, hardware=self._hardware)
        Checkpoints(self.job.folder / "checkpoints" / task.id).clear()
        self.agenda.on_finished(task, outcome.error if by_code else None)


class OnInterrupt(_DriverOnly, Stopper):  # type: ignore[misc]  # Ray is untyped here
    """Ends `fit()` after a signal, when the ledger can no longer be written, or when trials fail one after another."""

    def __init__(self, interrupt: Interrupt, callback: LedgerCallback) -> None:
        self._interrupt = interrupt
        self._callback = callback

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        """Return whether to end; after a signal, the agenda gives out no more trials."""
        if self._interrupt.signal is not None:
            self._callback.agenda.closed = True
        agenda = self._callback.agenda
        return (
            self._interrupt.signal is not None or self._callback.error is not None or agenda.failures.stop is not None
        )


def fit(session: Session, callback: LedgerCallback, interrupt: Interrupt, schedule: PerCondition | None) -> None:
    """Run the callback's agenda until it is over or interrupted.

    Raises what Tune raises when it gives up, and any error of the callback itself.
    """
    agenda = callback.agenda
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(2 * session.slots)
    tuner = tune.Tuner(
        _trainable(agenda.plan.sweep.question, callback.job, session),
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
            stop=OnInterrupt(interrupt, callback),
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
    """Return Host, bound to the job and to the resources of a slot; it has the question's name for the dashboard.

    `tune.with_resources` would name every worker ResourceTrainable, and `tune.with_parameters` alone _Inner.
    """
    slot = PlacementGroupFactory([{"CPU": session.cpus_per_trial, "GPU": session.gpus_per_trial}])
    named = type(question, (Host,), {"default_resource_request": classmethod(lambda cls, config: slot)})
    bound = tune.with_parameters(named, job=job)
    bound.__qualname__ = question
    return cast(type[Host], bound)


def free_slots() -> None:
    """Remove the placement groups that a crashed `fit()` left behind: they would hold their slots for ever."""
    for key, group in placement_group_table().items():
        if group["state"] != "REMOVED":
            remove_placement_group(PlacementGroup(PlacementGroupID(bytes.fromhex(key))))


class _Silent(tune.ProgressReporter):  # type: ignore[misc]  # Ray is untyped here
    """Prints nothing: the live view shows the progress."""

    def should_report(self, trials: list[TuneTrial], done: bool = False) -> bool:
        return False

    def report(self, trials: list[TuneTrial], done: bool, *sys_info: Any) -> None:
        pass
