"""The one `ray.tune.Trainable`: hosts the loop of any Experiment on a cluster. It knows no question."""

from __future__ import annotations

import traceback
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from trainables.core.startup import importing

with importing():  # a worker's first import of PyTorch and Ray
    import ray
    import torch
    from ray import tune

    from trainables.artifacts.store import Artifact, Store
    from trainables.core.barrier import Barrier
    from trainables.core.device import Tensors, device_name, pick_device, pin, tensors
    from trainables.core.experiment import Experiment
    from trainables.core.loop import Loop
    from trainables.core.task import Task
    from trainables.data.sources import Sources


@dataclass(frozen=True)
class Job:
    """What all trials of a sweep share; it travels once, through the object store."""

    experiment: type[Experiment[Any]]
    sources: Sources
    folder: Path
    """Absolute; `checkpoints/` and `arrays/` lie in it."""
    artifact_root: Path
    """Absolute; the artifact store, shared by all questions."""
    artifacts: Mapping[str, ray.ObjectRef]
    """Artifact key -> its arrays in the object store."""
    barrier: Barrier
    """Where each fresh worker waits for the others before its first epoch."""
    threads: int = 1
    report_seconds: float = 1.0
    report_epochs: frozenset[int] = frozenset()
    """Epochs that must be reported by themselves (a scheduler's rungs)."""


class Host(tune.Trainable):  # type: ignore[misc]  # Ray is untyped here
    """Runs any Experiment as a Tune trial; one actor runs many, one after the other.

    `config["trial"]` is a `Task`. A step is at least one epoch and about `report_seconds` long. Python
    errors are reported as the trial's outcome: retries are for dead workers, not for bugs.
    """

    RESIDENT: ClassVar[int] = 16
    """How many artifacts stay on the device between trials."""

    def setup(self, config: dict[str, Any], job: Job | None = None) -> None:
        assert job is not None  # `tune.with_parameters` passes it; reset_config does not get it again
        self.job = job
        self._resident: OrderedDict[str, Tensors] = OrderedDict()
        self._fresh = True
        self._hardware = device_name()
        pin(job.threads)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._task: Task = new_config["trial"]
        self._let_go()
        return True

    def _let_go(self) -> None:
        """Drop the trial, and return its cached memory to the GPU, which other processes may share."""
        self._loop: Loop | None = None
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def step(self) -> dict[str, Any]:
        if self._fresh:
            self._fresh = False
            self.job.barrier.arrive()
        return {"hardware": self._hardware, **self._advance()}

    def _advance(self) -> dict[str, Any]:
        try:
            if self._loop is None:
                self._loop = self._build()
            return self._loop.report(self.job.report_seconds, self.job.report_epochs)
        except torch.OutOfMemoryError as error:
            return self._failed("oom", str(error))
        except torch.AcceleratorError:
            raise  # this process has lost its GPU: Tune starts another, which resumes from the checkpoint
        except Exception:
            return self._failed("failed", traceback.format_exc())

    def _failed(self, status: str, error: str) -> dict[str, Any]:
        told = error.encode("utf-8", "backslashreplace").decode()  # the ledger takes no half of a surrogate pair
        outcome: dict[str, Any] = {"status": status, "error": told}
        rows = "[]"
        if self._loop is not None:
            outcome |= {"seconds": self._loop.seconds, "test_openings": self._loop.test_openings}
            rows = self._loop.unreported_json()
        self._let_go()
        return {"done": True, "finished": True, "rows": rows, "outcome": outcome}

    def _build(self) -> Loop:
        given = {name: self._tensors(artifact) for name, artifact in self._task.artifacts.items()}
        job = self.job
        return Loop(job.experiment, self._task, job.sources, given, folder=job.folder, fetch=self._tensors)

    def _tensors(self, artifact: Artifact) -> Tensors:
        key = artifact.key
        if key not in self._resident:
            if key in self.job.artifacts:
                arrays = ray.get(self.job.artifacts[key])
            else:  # it depends on a value that the search proposed later
                arrays = Store(self.job.artifact_root).get(artifact, self.job.sources)
            self._resident[key] = tensors(arrays, pick_device())
            while len(self._resident) > self.RESIDENT:
                self._resident.popitem(last=False)
        self._resident.move_to_end(key)
        return self._resident[key]

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        return {}  # ours are found by trial id, which alone survives a new fit()

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        pass
