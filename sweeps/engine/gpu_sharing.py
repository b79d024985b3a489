"""How many trials share a GPU (`--trials-per-gpu auto`): the most expensive trial runs one epoch alone and is measured.

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
"""The share of a GPU's memory that trials may fill; the rest is left because what they hold grows and shrinks."""


def trials_per_gpu(
    plan: Plan, most_expensive: Task, artifact_root: Path, cores_per_gpu: int, stop: Callable[[], bool]
) -> int:
    """Return how many trials fit on a GPU if each holds as much memory as the most expensive one; at least 1.

    Each has a core to itself, so there are at most `cores_per_gpu`.

    Raises Stopped when `stop()` turns true.
    """
    task = ray.remote(num_gpus=1, max_calls=1)(_measured)  # with max_calls=1 its process ends, too
    measured = task.remote(
        plan.sweep.experiment, most_expensive.config, plan.sources, artifact_root, most_expensive.confirm
    )
    while not ray.wait([measured], timeout=0.5)[0]:
        if stop():
            ray.cancel(measured, force=True)
            raise Stopped
    try:
        used, whole = ray.get(measured)
    except ray.exceptions.RayTaskError:
        return 1  # as a trial it will fail again, and the ledger will say why
    return fitting(used, whole, cores_per_gpu)


def fitting(used: int, whole: int, most: int) -> int:
    """Return how many times `used` bytes fit into nine tenths of `whole` bytes: at least 1, at most `most`."""
    return max(1, min(int(SHARE * whole / max(used, 1)), most))


def _measured(
    experiment: type[Experiment[Any]], config: TrialConfig, sources: Sources, root: Path, confirm: bool
) -> tuple[int, int]:
    """Return the bytes in use on the GPU after the first epoch, and the bytes it has. Nothing is written to disk.

    Test data is loaded as in a confirmation trial, but nothing is evaluated on it.
    """
    pin(1)
    store = Store(root)
    device = pick_device()
    wanted = config.test_artifacts(sources) if confirm else {}
    held = [tensors(store.get(artifact, sources), device) for artifact in wanted.values()]
    run(experiment, config, sources, store, epochs=1)
    free, whole = torch.cuda.mem_get_info()
    del held
    return whole - free, whole
