"""Arrays that an experiment keeps for figures while it trains; they are part of its checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from common.files import Arrays

MOST = 64 * 2**20
"""Bytes that a trial keeps at most. Each checkpoint writes all of them, and there may be one a second."""


class Kept:
    """Arrays by name: those of many epochs, or the last one only."""

    def __init__(self) -> None:
        self.by_epoch: dict[str, dict[int, np.ndarray]] = {}
        self.last: dict[str, np.ndarray] = {}
        self.replaces = False
        """Whether an array takes the place of one that the epoch has already, rather than being refused."""

    def add(self, name: str, value: np.ndarray | torch.Tensor, epoch: int) -> None:
        """Add an array of an epoch. Raises ValueError where the epoch has one, or those before have another form."""
        array = _array(name, value)
        own = self.by_epoch.setdefault(name, {})
        if name in self.last or (epoch in own and not self.replaces):
            raise ValueError(f"{name} is kept twice in epoch {epoch}; give one of the two another name")
        first = next(iter(own.values()), array)
        if (array.shape, array.dtype) != (first.shape, first.dtype):
            form = f"{first.dtype} {list(first.shape)}, since the arrays of all epochs are stacked"
            raise ValueError(f"{name} must be {form}; found {array.dtype} {list(array.shape)} in epoch {epoch}")
        own[epoch] = array
        self._limit(name, epoch)

    def replace(self, name: str, value: np.ndarray | torch.Tensor, epoch: int) -> None:
        """Put an array in the place of the one before. Raises ValueError where `add` has the name."""
        if name in self.by_epoch:
            raise ValueError(f"{name} is kept of each epoch already; give one of the two another name")
        self.last[name] = _array(name, value)
        self._limit(name, epoch)

    def arrays(self) -> Arrays:
        """Return the last arrays by name; of many epochs [epochs, …], with their numbers as `<name>_epoch` [epochs]."""
        found = dict(self.last)
        for name, own in self.by_epoch.items():
            epochs = sorted(own)
            found[name] = np.stack([own[epoch] for epoch in epochs])
            found[f"{name}_epoch"] = np.array(epochs)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return all arrays, as tensors that share their memory."""
        by_epoch = {name: {n: torch.from_numpy(a) for n, a in own.items()} for name, own in self.by_epoch.items()}
        return {"by_epoch": by_epoch, "last": {name: torch.from_numpy(array) for name, array in self.last.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned; without `by_epoch` the arrays of many epochs stay."""
        if "by_epoch" in state:
            self.by_epoch = {name: {n: x.numpy() for n, x in own.items()} for name, own in state["by_epoch"].items()}
        self.last = {name: x.numpy() for name, x in state["last"].items()}

    def _limit(self, name: str, epoch: int) -> None:
        held = [*self.last.values(), *(array for own in self.by_epoch.values() for array in own.values())]
        size = sum(array.nbytes for array in held)
        if size > MOST:
            raise ValueError(
                f"a trial keeps at most {MOST // 2**20} MiB, since each checkpoint writes all of it; with {name} of"
                f" epoch {epoch} it would be {size / 2**20:.1f}. Keep fewer epochs, or less of each."
            )


def _array(name: str, value: np.ndarray | torch.Tensor) -> np.ndarray:
    """Return a copy on the CPU. Raises TypeError where it holds something other than numbers."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()  # NumPy has no bf16
    array = np.array(value)
    try:
        torch.from_numpy(array)
    except TypeError:
        raise TypeError(f"{name} must be an array of numbers; found {array.dtype}") from None
    return array
