"""Checkpoints of unfinished trials: atomic, checksummed, found by the trial's id.

Tune's own checkpoints belong to one `fit()`; these belong to the trial. Whoever runs it next, in this run or after a
power cut, continues from the last good one.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from common.files import Damaged, read_checked, set_aside, write_checked

KEPT = 2
"""How many checkpoints are kept: if the newest is damaged, the one before takes its place."""


class Resumable:
    """Something in training. Its state is that of each attribute with a `state_dict`: networks, optimisers, …"""

    def state_dict(self) -> dict[str, Any]:
        """Return all that training changes, by attribute."""
        return {name: value.state_dict() for name, value in vars(self).items() if hasattr(value, "state_dict")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned."""
        for name, part in state.items():
            getattr(self, name).load_state_dict(part)


class Checkpoints:
    """The checkpoints of one trial, named `folder/epoch-000012.pt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after `epoch` epochs durably, and delete all but the newest `KEPT`."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_checked(self.folder / f"epoch-{epoch:06d}.pt", buffer.getvalue())
        for old in self._newest_first()[KEPT:]:
            old.unlink(missing_ok=True)
            old.with_name(old.name + ".sha256").unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """Return the newest good state, or None. Damaged files are set aside."""
        for path in self._newest_first():
            try:
                content = read_checked(path)
                state: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
            except (Damaged, OSError):
                set_aside(path)
            else:
                return state
        return None

    def clear(self) -> None:
        """Delete all: the trial is in the ledger now."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*.pt"), reverse=True)
