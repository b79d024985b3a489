"""The device that a process computes on, its arithmetic, and how arrays get there."""

from __future__ import annotations

import contextlib
import platform
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

import torch
from threadpoolctl import threadpool_limits

from common.files import Arrays

Precision = Literal["bf16", "fp32", "fp64"]
Tensors = dict[str, torch.Tensor]
_on_cpu: ContextVar[bool] = ContextVar("_on_cpu", default=False)
"""Whether this process leaves its GPU alone; Ray hides it from the workers of a sweep that asked for none."""


def tensors(arrays: Arrays, device: torch.device) -> Tensors:
    """Return arrays as tensors on the device.

    On the CPU they share the arrays' memory: do not write to them, since the arrays may be read-only.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy a tensor from the CPU to the device without waiting for the work that is queued on a GPU."""
    return tensor.to(device, non_blocking=True)


def pick_device() -> torch.device:
    """Return the GPU that Ray (or CUDA_VISIBLE_DEVICES) gave this process, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() and not _on_cpu.get() else "cpu")


def device_name() -> str:
    """Return the name of the GPU or processor that this process computes on, for the ledger."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()


def processor_name() -> str:
    """Return the CPU's name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def default_precision(gpus: float) -> Precision:
    """Return bf16 where the hardware multiplies it natively (Ampere and later, AMX, AVX512-BF16), else fp32."""
    if gpus > 0 and torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"


def pin(threads: int) -> None:
    """Fix what would change results from one process to another: the number of threads, and cuDNN's choice of kernel.

    Ray sets its own number of threads, and another number gives other rounding.
    """
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32: by default convolutions would round to 10 bits


@contextlib.contextmanager
def pins_restored() -> Iterator[None]:
    """Restore what `pin` changes: a process that goes on, such as a notebook's, has its threads back."""
    threads, cudnn = torch.get_num_threads(), torch.backends.cudnn
    flags = {name: getattr(cudnn, name) for name in ("benchmark", "deterministic", "allow_tf32")}
    try:
        yield
    finally:
        for name, value in flags.items():
            setattr(cudnn, name, value)
        torch.set_num_threads(threads)


@contextlib.contextmanager
def as_worker(threads: int, *, gpu: bool) -> Iterator[None]:
    """Compute as a worker of a sweep does, to the last bit: on as many threads, and on a GPU only if it has one.

    NumPy's libraries are limited too, since Ray sets OMP_NUM_THREADS.
    """
    token = _on_cpu.set(not gpu)
    try:
        with pins_restored(), threadpool_limits(threads):
            pin(threads)
            yield
    finally:
        _on_cpu.reset(token)
