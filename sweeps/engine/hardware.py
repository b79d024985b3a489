"""What this machine has, and whether a request asks for more."""

from __future__ import annotations

import os
import socket

import torch

from common.problems import Problem
from sweeps.engine.options import Options

CONNECT_SECONDS = 5.0


def hardware_problems(options: Options) -> list[Problem]:
    """More GPUs or cores than this machine has (a cluster's are known only once it is joined), or no such cluster."""
    if options.address is not None:
        return _address_problems(options.address)
    found, gpus, cpus = [], torch.cuda.device_count(), cores()
    if options.gpus > gpus:
        remedy = f"This machine has {gpus}; omit it, or " + (
            f"give --gpus {gpus}." if gpus else "run where there is one, or join a cluster with --address."
        )
        found.append(Problem("--gpus", "at most the GPUs of this machine", options.gpus, remedy))
    elif options.gpus and not torch.cuda.is_available():
        rule = f"GPUs whose driver PyTorch (CUDA {torch.version.cuda}) can use"
        found.append(Problem("--gpus", rule, options.gpus, "Update the NVIDIA driver, or omit it."))
    if options.cpus is not None and options.cpus > cpus:
        remedy = f"This machine has {cpus}; omit it, or join a cluster with --address."
        found.append(Problem("--cpus", "at most the cores of this machine", options.cpus, remedy))
    return found


def _address_problems(address: str) -> list[Problem]:
    """A cluster's head that cannot be reached: Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:  # such as "auto"
        return []
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            return []
    except (OSError, ValueError, OverflowError) as error:
        rule = f"the address of a Ray cluster that answers ({error})"
        remedy = "`ray status` on its head node shows it; omit --address for a Ray of one's own."
        return [Problem("--address", rule, address, remedy)]


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def slots(options: Options) -> int:
    """Trials at a time, on this machine; with --trials-per-gpu auto the most there may be."""
    cpus = options.cpus or cores()
    if options.gpus and options.trials_per_gpu == "auto":
        return max(options.gpus, cpus)
    return options.gpus * int(options.trials_per_gpu) if options.gpus else cpus
