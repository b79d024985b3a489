"""Learning: a file for each question. `trainables.load` gives a network that a sweep has kept."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def load(path: Path | str, *, weights_dir: Path | str | None = None) -> Any:
    """Return the network in a folder, such as runs/QUESTION/networks/3f2a…: a `trainables.networks.load.Loaded`."""
    # By a name, and late: otherwise all that it needs would count as code behind every question, which lie in here.
    return importlib.import_module("trainables.networks.load").load(path, weights_dir=weights_dir)
