"""Checkpoints of unfinished trials: atomic, checksummed, found by the trial's id.

Tune's own checkpoints belong to one `fit()`; these belong to the trial, so that whoever runs it next, in this run or
in one after a power cut, goes on where the last good one was written.
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
"""How many are kept: should the newest be damaged, the one before takes its place."""


class Resumable:
    """Something in training. Its state is that of every attribute that has one: networks, optimisers, schedules, …"""

    def state_dict(self) -> dict[str, Any]:
        """All that training changes."""
        return {name: value.state_dict() for name, value in vars(self).items() if hasattr(value, "state_dict")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state_dict` returned."""
        for name, part in state.items():
            getattr(self, name).load_state_dict(part)


class Checkpoints:
    """The checkpoints of one trial, `folder/epoch-000012.pt`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, epoch: int, state: dict[str, Any]) -> None:
        """Write the state after `epoch` epochs, durably, and drop all but the newest `KEPT`."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        write_checked(self.folder / f"epoch-{epoch:06d}.pt", buffer.getvalue())
        for old in self._newest_first()[KEPT:]:
            old.unlink(missing_ok=True)
            old.with_name(old.name + ".sha256").unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The newest good state, or None. Damaged files are set aside."""
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
        """Remove them: the trial is in the ledger now."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*.pt"), reverse=True)
