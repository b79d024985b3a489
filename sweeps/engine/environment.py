"""The environment of a run, which the manifest states: versions, hardware, and the git commit of this program."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from sweeps.engine.hardware import Machine, cores
from trainables.core.device import processor_name


def environment(machine: Machine, words: Sequence[str]) -> dict[str, Any]:
    """Return versions, hardware, git commit and the command's words, as JSON values."""
    names = ("torch", "torchvision", "ray", "optuna", "numpy", "pandas", "scikit-learn", "labsweep")
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in names}},
        "hardware": hardware(machine),
        "commit": commit(),
        "argv": list(words),
    }


def hardware(machine: Machine) -> dict[str, Any]:
    """Return a description of this machine; its GPUs are listed only if the command uses GPUs."""
    return {
        "processor": processor_name(),
        "cores": cores(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if machine.gpus else [],
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str | None:
    """Return the git commit of this program, or None outside a checkout.

    The commit is followed by `+changes` if files were changed or added since.
    """
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5)
        dirty = subprocess.run(["git", "status", "--porcelain"], cwd=here, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if head.returncode:
        return None
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")
