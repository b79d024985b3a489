"""Learning: a file for each question. `trainables.run` runs one trial, `trainables.load` gives a network that was kept.

Both import what they need late and by name: otherwise it would count as code behind every question, which lie in here.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def load(path: Path | str, *, weights_dir: Path | str | None = None) -> Any:
    """Return the network in a folder, such as runs/QUESTION/networks/3f2a…: a `trainables.networks.load.Loaded`."""
    return importlib.import_module("trainables.networks.load").load(path, weights_dir=weights_dir)


def run(sweep: Any, values: Mapping[str, Any], *, epochs: int | None = None, **options: Any) -> Any:
    """Run one trial of a sweep in this process, without Ray, and return its `Loop`; see `trainables.core.trial.run`."""
    return importlib.import_module("trainables.core.trial").run(sweep, values, epochs=epochs, **options)
