"""What the manifest states about a run: versions, hardware, and the commit of this program."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from sweeps.engine.hardware import cores
from sweeps.engine.options import Options
from trainables.core.device import processor_name


def environment(options: Options) -> dict[str, Any]:
    """All of it, as JSON values."""
    names = ("torch", "torchvision", "ray", "optuna", "numpy", "pandas", "scikit-learn", "labsweep")
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in names}},
        "hardware": hardware(options),
        "commit": commit(),
        "argv": sys.argv[1:],
    }


def hardware(options: Options) -> dict[str, Any]:
    """The driver's machine."""
    return {
        "processor": processor_name(),
        "cores": cores(),
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())] if options.gpus else [],
        "system": f"{platform.system()} {platform.machine()}",
    }


def commit() -> str | None:
    """The git commit of this program, marked `+changes` where files differ or are new; None outside a checkout."""
    here = Path(__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5)
        dirty = subprocess.run(
            ["git", "status", "--porcelain"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=5,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if head.returncode:
        return None
    return head.stdout.strip() + ("+changes" if dirty.stdout.strip() else "")
