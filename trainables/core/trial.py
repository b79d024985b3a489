"""One trial of a sweep in this process, without Ray: what a worker would compute, to the last bit.

loop = trainables.run(SWEEP, {"train_size": 100, "lr": 0.01, …}, builtin=True)
loop.rows[-1]["val_accuracy"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trainables.artifacts.store import Store
from trainables.core.device import as_worker
from trainables.core.experiment import Experiment
from trainables.core.loop import Loop, run_task
from trainables.core.task import Task
from trainables.data.sources import Sources


@dataclass(frozen=True)
class Trial:
    """A trial, and what a worker of the sweep would run it with."""

    experiment: type[Experiment[Any]]
    task: Task
    sources: Sources
    artifact_root: Path
    """Where shared work is kept: what a sweep computed is not computed again."""
    threads: int = 1
    gpu: bool = False


class HasTrials(Protocol):
    """Knows how a config becomes a trial, as `sweeps.engine.Sweep` does; nothing here imports that package."""

    def trial(self, values: Mapping[str, Any], **options: Any) -> Trial:
        """Return the trial of these values. Raises Refused."""
        ...


def run(sweep: HasTrials, values: Mapping[str, Any], *, epochs: int | None = None, **options: Any) -> Loop:
    """Run one trial of a sweep, or its first `epochs`, and return its loop: `rows`, `experiment`, `outcome()`.

    `values` and `options` are those of `SWEEP.trial`. Errors of the experiment are raised, for a debugger to catch.
    Threads, precision and device are those of the sweep while it runs, and are restored afterwards.

    Raises Refused where there is no such trial.
    """
    trial = sweep.trial(values, **options)
    with as_worker(trial.threads, gpu=trial.gpu):
        return run_task(trial.experiment, trial.task, trial.sources, Store(trial.artifact_root), epochs=epochs)
