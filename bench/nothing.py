"""An Experiment that does nothing, or sleeps: what is left of a trial is the engine."""

from __future__ import annotations

import time

from pydantic import Field

from sweeps.engine import Sweep, integers
from trainables.base import EvalSplit, Experiment, Metrics, TrialConfig


class Config(TrialConfig):
    data: str = "none"
    x: int = Field(ge=0, le=10**9, description="makes the trial differ from others")
    sleep: float = Field(ge=0, description="seconds")


class Nothing(Experiment[Config]):
    has_test = False

    @classmethod
    def datasets(cls, config: Config) -> tuple[str, ...]:
        return ()

    def setup(self) -> None:
        pass

    def epoch(self) -> Metrics:
        time.sleep(self.config.sleep)
        return {"loss": self.config.x, "steps": 1}

    def evaluate(self, split: EvalSplit) -> Metrics:
        return {"accuracy": self.config.x / 10**9}


def sweep(samples: int, sleep: float) -> Sweep:
    """`samples` trials of `sleep` seconds."""
    return Sweep(
        Nothing,
        factors={},
        space={"x": integers(0, 10**9)},
        fixed={"sleep": sleep},
        samples=samples,
        search_seeds=1,
    )
