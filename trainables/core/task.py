"""One trial, as the plan makes it, a worker runs it and the ledger notes it: built once, and never rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainables.artifacts.store import Artifact
from trainables.core.config import TrialConfig

Phase = Literal["search", "confirm"]


@dataclass(frozen=True, repr=False)
class Task:
    """One run of an Experiment. The plan fills in every field; to run a single trial by hand the config is enough."""

    config: TrialConfig
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """The shared work that `Experiment.setup` receives, by argument name; with that of test data when confirming."""
    id: str = "by-hand"
    """SHA-256 of all that determines the result, in hexadecimal."""
    question: str = ""
    phase: Phase = "search"
    condition: str = ""
    """Canonical JSON of the factors and settings, see `sweeps.engine.plan.Condition`."""
    draw: int = 0
    """Index of the sampled config within its condition; 0 is the prescribed one."""
    prescribed: bool = False
    data_fingerprint: str = ""
    code_fingerprint: str = ""
    """Checkpoints written by other code are ignored."""
    stoppable: bool = False
    """Whether a scheduler may stop it early: not in confirmation, nor among the finalists."""
    keep_outputs: bool = True
    """Whether the Experiment's outputs are kept."""
    network_limit: int = 0
    """Bytes that its network may have to be kept; 0: it is not."""
    metric: str = "val_accuracy"
    """The measure by which a config is chosen, and an epoch where `Experiment.epoch_chosen` says so."""
    mode: Literal["max", "min"] = "max"
    """Whether a larger (max) or a smaller (min) metric is better."""

    def __repr__(self) -> str:  # Tune puts it into names of folders
        return f"Task({self.id[:12]})"

    @property
    def confirm(self) -> bool:
        """Whether the trial opens test data."""
        return self.phase == "confirm"

    @property
    def seed(self) -> int:
        """The config's seed."""
        return self.config.seed

    @property
    def precision(self) -> str:
        """The arithmetic that the config asks for."""
        return self.config.precision

    @property
    def stored_config(self) -> dict[str, Any]:
        """The config as the ledger keeps it."""
        return self.config.stored()

    @property
    def cost(self) -> float:
        """The expected duration, in the unit of `TrialConfig.cost`."""
        return self.config.cost()
