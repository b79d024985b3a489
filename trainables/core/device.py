"""What a process computes on, in which arithmetic, and how arrays get there."""

from __future__ import annotations

import contextlib
import platform
import warnings
from pathlib import Path
from typing import Literal

import torch

from common.files import Arrays

Precision = Literal["bf16", "fp32"]
Tensors = dict[str, torch.Tensor]


def tensors(arrays: Arrays, device: torch.device) -> Tensors:
    """Arrays as tensors: on the CPU without a copy (read-only ones stay so: do not write to them)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


def to_device(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor on the CPU, on the device: the process goes on meanwhile, where a plain copy waits for all that is
    queued on a GPU."""
    return tensor.to(device, non_blocking=True)


def pick_device() -> torch.device:
    """The GPU that Ray (or CUDA_VISIBLE_DEVICES) gave this process, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name() -> str:
    """What this process computes on, for the ledger: the GPU's or the processor's name."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor_name()


def processor_name() -> str:
    """The CPU's name."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def default_precision(gpus: float) -> Precision:
    """bf16 where the processor multiplies it natively (Ampere and later, AMX, AVX512-BF16), else fp32."""
    if gpus > 0 and torch.cuda.is_available():
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    return "bf16" if torch.ops.mkldnn._is_mkldnn_bf16_supported() else "fp32"


def pin(threads: int) -> None:
    """Fix what changes results between processes: thread count (Ray sets its own), cuDNN's choice of kernel."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32: by default convolutions would round to 10 bits
