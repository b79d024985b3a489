"""A toy question that begins with the network of another: a pupil goes on from where its teacher ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from pydantic import Field

from common.problems import Problem
from tests.support import toy
from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.data.sources import Sources
from trainables.training.trained import TrainedNetwork, trained_network


class Config(toy.Config):
    teacher_epochs: int = Field(12, description="passes of the teacher over its points")
    teacher_lr: float = Field(0.1, description="SGD's learning rate for the teacher")

    def teacher(self) -> TrainedNetwork:
        return trained_network(toy.Leaving, self, epochs=self.teacher_epochs, lr=self.teacher_lr)

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"before": self.teacher().artifact(sources)}  # a name that links of a chain have, too

    def problems(self, sources: Sources) -> list[Problem]:
        return self.teacher().problems(sources)


class Pupil(toy.Leaving):
    """Has the points of its teacher."""

    @classmethod
    def config_class(cls) -> type[Config]:  # type: ignore[override]
        return Config

    def setup(self, before: Tensors) -> None:
        super().setup()
        self.model.load_state_dict(self.config.teacher().module(before, self.sources).state_dict())  # type: ignore[attr-defined]
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.config.lr)


SWEEP = replace(toy.SWEEP, experiment=Pupil, samples=1, search_seeds=1)
