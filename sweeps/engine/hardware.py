"""What this machine has, what of it a command asked for, and how a running Ray is divided among trials."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from common.problems import Problem
from sweeps.engine.options import Options

CONNECT_SECONDS = 5.0
"""Seconds within which the head of a cluster must accept a connection."""


@dataclass(frozen=True)
class Machine:
    """What a command asked to run on."""

    gpus: int = 0
    cpus: int | None = None
    """CPU cores to use; None stands for all there are."""
    address: str | None = None
    """A running Ray cluster to join; None stands for a Ray that is started on this machine."""
    trials_per_gpu: int | Literal["auto"] = 1
    dashboard: bool = False
    """Whether to serve Ray's dashboard."""

    @property
    def cores(self) -> int:
        """CPU cores to use on this machine."""
        return self.cpus or cores()

    @property
    def slots(self) -> int:
        """How many trials run at a time on this machine; with trials_per_gpu "auto", the most there may be."""
        if not self.gpus:
            return self.cores
        if self.trials_per_gpu == "auto":
            return max(self.gpus, self.cores)
        return self.gpus * self.trials_per_gpu


def machine_of(options: Options) -> Machine:
    """Return the machine that the options ask for.

    A smoke run has no dashboard: it takes seconds to come up, and half of the run would be over by then.
    """
    return Machine(
        gpus=options.gpus,
        cpus=options.cpus,
        address=options.address,
        trials_per_gpu=options.trials_per_gpu,
        dashboard=options.dashboard and not options.smoke,
    )


@dataclass(frozen=True)
class Session:
    """A running Ray, and how a sweep divides it."""

    machine: Machine
    """What the command asked for."""
    cpus: int
    """CPU cores to use."""
    dashboard: str | None
    """Address of Ray's dashboard, without a scheme; None where it is not served."""
    temporary: Path
    """Ray's folder; it is removed when the session ends."""
    trials_per_gpu: int = 1
    cpus_per_gpu: float = math.inf
    """The fewest cores that a node of a cluster has for each of its GPUs: a trial has to fit on one node."""

    @property
    def gpus(self) -> int:
        """GPUs to use."""
        return self.machine.gpus

    @property
    def slots(self) -> int:
        """How many trials run at a time."""
        return self.gpus * self.trials_per_gpu or self.cpus

    @property
    def cpus_per_trial(self) -> float:
        """Cores for each trial: a whole number, or a fraction below 1 where there are fewer cores than slots."""
        share = self.cpus / self.slots
        if self.gpus:
            share = min(share, self.cpus_per_gpu / self.trials_per_gpu)
        return float(math.floor(share)) if share >= 1 else share

    @property
    def gpus_per_trial(self) -> float:
        """The share of a GPU that each trial has."""
        return 1 / self.trials_per_gpu if self.gpus else 0.0

    @property
    def threads(self) -> int:
        """Threads that each trial computes with."""
        return max(1, int(self.cpus_per_trial))


def hardware_problems(options: Options) -> list[Problem]:
    """Return problems with the hardware asked for: more than this machine has, or a cluster that does not answer.

    What a cluster has is known only once it is joined; see `sweeps.engine.session`.
    """
    if options.address is not None:
        return _address_problems(options.address)
    found = []
    gpus = torch.cuda.device_count()
    cpus = cores()
    if options.gpus > gpus:
        otherwise = f"give --gpus {gpus}" if gpus else "run where there is one, or join a cluster with --address"
        remedy = f"This machine has {gpus}; omit it, or {otherwise}."
        found.append(Problem("--gpus", "at most the GPUs of this machine", options.gpus, remedy))
    elif options.gpus and not torch.cuda.is_available():
        rule = f"GPUs whose driver PyTorch (CUDA {torch.version.cuda}) can use"
        found.append(Problem("--gpus", rule, options.gpus, "Update the NVIDIA driver, or omit it."))
    if options.cpus is not None and options.cpus > cpus:
        remedy = f"This machine has {cpus}; omit it, or join a cluster with --address."
        found.append(Problem("--cpus", "at most the cores of this machine", options.cpus, remedy))
    return found


def _address_problems(address: str) -> list[Problem]:
    """Try to connect to the head of a cluster: Ray itself would try for minutes before it reported a problem."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:  # such as "auto"
        return []
    try:
        with socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS):
            return []
    except (OSError, ValueError, OverflowError) as error:
        rule = f"the address of a Ray cluster that answers ({error})"
        remedy = "`ray status` on its head node shows the address; omit --address to start a Ray on this machine."
        return [Problem("--address", rule, address, remedy)]


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
