"""How many trials share a GPU (`--trials-per-gpu auto`): the dearest trial runs an epoch by itself and is measured.

What it holds counts whole, PyTorch's context and cache included, since every trial has these in a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
import torch

from sweeps.engine.plan import Plan
from trainables.artifacts.remote import Stopped
from trainables.artifacts.store import Store
from trainables.core.config import TrialConfig
from trainables.core.device import pick_device, pin, tensors
from trainables.core.experiment import Experiment
from trainables.core.loop import run
from trainables.core.task import Task
from trainables.data.sources import Sources

SHARE = 0.9
"""Of a GPU's memory that trials may fill: what they hold grows and shrinks."""


def trials_per_gpu(plan: Plan, dearest: Task, artifact_root: Path, cores_per_gpu: int, stop: Callable[[], bool]) -> int:
    """As many as fit by the dearest's measure, each with a core of its own; at least one.

    Raises Stopped when `stop()` turns true.
    """
    task = ray.remote(num_gpus=1, max_calls=1)(_measured)  # max_calls: the process and what it holds end with it
    measured = task.remote(plan.sweep.experiment, dearest.config, plan.sources, artifact_root, dearest.confirm)
    while not ray.wait([measured], timeout=0.5)[0]:
        if stop():
            ray.cancel(measured, force=True)
            raise Stopped
    try:
        used, whole = ray.get(measured)
    except ray.exceptions.RayTaskError:
        return 1  # it will fail as a trial, which says why
    return fitting(used, whole, cores_per_gpu)


def fitting(used: int, whole: int, most: int) -> int:
    """How many times `used` bytes fit into nine tenths of `whole`: at least 1, at most `most`."""
    return max(1, min(int(SHARE * whole / max(used, 1)), most))


def _measured(
    experiment: type[Experiment[Any]], config: TrialConfig, sources: Sources, root: Path, confirm: bool
) -> tuple[int, int]:
    """Bytes in use on the GPU after the first epoch, and all there are. Leaves no trace on disk.

    Test data is held as a trial that confirms holds it, and not looked at.
    """
    pin(1)
    store, device = Store(root), pick_device()
    wanted = config.test_artifacts(sources) if confirm else {}
    held = [tensors(store.get(artifact, sources), device) for artifact in wanted.values()]
    run(experiment, config, sources, store, epochs=1)
    free, whole = torch.cuda.mem_get_info()
    del held
    return whole - free, whole
