"""How many trials share a GPU (`--trials-per-gpu auto`): the dearest trial runs an epoch by itself and is measured.

What it holds counts whole, PyTorch's context and cache included, since every trial has these in a process of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ray
import torch

from sweeps.engine.plan import Plan, Trial
from trainables.artifacts.store import Store
from trainables.base import Experiment, TrialConfig
from trainables.data.sources import Sources
from trainables.device import pin
from trainables.loop import run

SHARE = 0.9
"""Of a GPU's memory that trials may fill: what they hold grows and shrinks."""


def trials_per_gpu(plan: Plan, dearest: Trial, artifact_root: Path, cores_per_gpu: int) -> int:
    """As many as fit by the dearest's measure, each with a core of its own; at least one."""
    task = ray.remote(num_gpus=1, max_calls=1)(_measured)  # max_calls: the process and what it holds end with it
    try:
        used, whole = ray.get(
            task.remote(plan.sweep.experiment, dearest.config, plan.sources, artifact_root, dearest.confirm)
        )
    except ray.exceptions.RayTaskError:
        return 1  # it will fail as a trial, which says why
    return fitting(used, whole, cores_per_gpu)


def fitting(used: int, whole: int, most: int) -> int:
    """How many times `used` bytes fit into nine tenths of `whole`: at least 1, at most `most`."""
    return max(1, min(int(SHARE * whole / max(used, 1)), most))


def _measured(
    experiment: type[Experiment[Any]], config: TrialConfig, sources: Sources, root: Path, confirm: bool
) -> tuple[int, int]:
    """Bytes in use on the GPU after the first epoch, and all there are. Leaves no trace on disk."""
    pin(1)
    run(experiment, config, sources, Store(root), confirm=confirm, epochs=1)
    free, whole = torch.cuda.mem_get_info()
    return whole - free, whole
