"""An Experiment that does nothing, or sleeps: what is left of a trial is the engine. Workers import nothing more."""

from __future__ import annotations

import time

from pydantic import Field

from trainables.core.config import TrialConfig
from trainables.core.experiment import EvalSplit, Experiment, Metrics
from trainables.core.measures import accuracy, loss


class Config(TrialConfig):
    x: int = Field(ge=0, le=10**9, description="makes the trial differ from others")
    sleep: float = Field(ge=0, description="seconds")


class Nothing(Experiment[Config]):
    measures = (accuracy(), loss(splits=("train",)))
    has_test = False

    def setup(self) -> None:
        pass

    def train_epoch(self) -> Metrics:
        time.sleep(self.config.sleep)
        return {"loss": self.config.x, "steps": 1}

    def evaluate(self, split: EvalSplit) -> Metrics:
        return {"accuracy": self.config.x / 10**9}
