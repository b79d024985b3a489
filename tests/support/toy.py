"""A question for tests of the engine: logistic regression on drawn points, quick, with every feature switchable."""

from __future__ import annotations

import time
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from sweeps.engine import Sweep, choice, loguniform
from trainables.core.config import TrialConfig
from trainables.core.experiment import EvalSplit, Experiment, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss, plain
from trainables.core.network import Input, Network


class Config(TrialConfig):
    data: str = "drawn"
    size: int = Field(gt=1, description="points")
    lr: float = Field(gt=0, le=10, description="SGD's learning rate")
    epochs: int = Field(gt=0, le=1000, description="passes")
    sleep: float = Field(0, ge=0, description="seconds an epoch")
    fault: Literal["none", "error", "nan", "oom", "hog", "mute", "over"] = Field("none", description="what goes wrong")

    def leaves_network(self) -> bool:
        return self.size > 16


class Toy(Experiment[Config]):
    measures = (accuracy(), loss())

    def setup(self) -> None:
        draw = torch.Generator().manual_seed(7)
        self.x = torch.randn(400, 5, generator=draw)  # [400, 5]: 200 to train on, 100 and 100 held out
        self.y = (self.x @ torch.tensor([1.0, -2, 0.5, 0, 1]) + torch.randn(400, generator=draw) > 0).long()
        self.model = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(5, 2))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.config.lr, momentum=0.9)

    def train_epoch(self) -> Metrics:
        time.sleep(self.config.sleep)
        self.model.train()
        order = torch.randperm(min(200, self.config.size), generator=self.generator("order"))
        for rows in order.split(16):
            loss = F.cross_entropy(self.model(self.x[rows]), self.y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        if self.epoch == 2:
            self._go_wrong()
        return {"loss": loss.item(), "steps": len(order) / 16}

    def _go_wrong(self) -> None:
        if self.config.fault == "error":
            raise RuntimeError("a bug in the experiment")
        if self.config.fault == "oom":
            raise torch.OutOfMemoryError("CUDA out of memory")
        if self.config.fault == "hog":
            self.hoard = [torch.ones(64, 2**20) for _ in range(64) if not time.sleep(0.05)]  # 16 GiB in all, in 3 s
        if self.config.fault == "nan":
            with torch.no_grad():
                self.model[1].weight.fill_(torch.nan)

    @torch.no_grad()
    def evaluate(self, split: EvalSplit) -> Metrics:
        self.model.eval()
        rows = slice(200, 300) if split == "validation" else slice(300, 400)
        logits = self.model(self.x[rows])
        correct = logits.argmax(1) == self.y[rows]
        loss, accuracy = F.cross_entropy(logits, self.y[rows]).item(), correct.double().mean().item()
        if split == "test":
            self.keep_last("test_correct", correct)
        if self.config.fault == "mute":
            return {"loss": loss}
        return {"loss": loss, "accuracy": accuracy + (self.config.fault == "over")}


SWEEP = Sweep(
    Toy,
    factors={"size": [20, 200]},
    space={"lr": loguniform(1e-3, 1), "epochs": choice([3, 6])},
    samples=3,
    search_seeds=2,
)


class Hill(Toy):
    """Climbs for three epochs and then descends, so that validation accuracy rises and falls again."""

    epoch_chosen = "best"
    test_every_epoch = False

    def train_epoch(self) -> Metrics:
        for group in self.optimizer.param_groups:
            group["maximize"] = self.epoch > 3
        return super().train_epoch()

    def evaluate(self, split: EvalSplit) -> Metrics:
        metrics = super().evaluate(split)
        if split == "validation":
            self.keep("weight", self.model[1].weight)
        return metrics


class Distance(Toy):
    """Regresses the logit's sign: measures an L1 of each image, and a correlation, which lies between −1 and 1."""

    measures = (
        plain("l1", better="min", unit="px", low=0, decimals=2, images=True),
        plain("agreement", better="max", low=-1, high=1),
        loss(splits=("train",)),
    )

    @torch.no_grad()
    def evaluate(self, split: EvalSplit) -> Metrics:
        self.model.eval()
        rows = slice(200, 300) if split == "validation" else slice(300, 400)
        gap, truth = self.model(self.x[rows]).diff().squeeze(1).double(), 2.0 * self.y[rows] - 1
        scores = (gap - truth).abs()  # [100]
        if split == "test":
            self.keep_last("test_l1_scores", scores)
        return {"l1": scores.mean().item(), "agreement": torch.corrcoef(torch.stack([gap, truth]))[0, 1].item()}


class Leaving(Toy, LeavesNetwork):
    """Leaves its network, unless it is trained on a single batch."""

    def network(self) -> Network:
        return Network(state=self.model.state_dict(), input=Input(channels=1, side=5), classes=("below", "above"))

    @classmethod
    def build(cls, config: Config, classes: int) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(5, classes))
