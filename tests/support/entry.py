"""An entry of the ledger that stands for a trial in tests of the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Entry:
    """What `Ledger.start` notes; in a sweep the engine's tasks have these attributes."""

    id: str
    question: str
    phase: Literal["search", "confirm"]
    condition: str
    draw: int
    prescribed: bool
    stored_config: Mapping[str, Any]
    seed: int
    precision: str
    data_fingerprint: str
    code_fingerprint: str
