"""Two digit domains, one network for each or one for both: does sharing a trunk help or hurt?

There are three regimes: a network for the first data set alone, one for the second alone, and one with a shared trunk
and a head for each task (R. Caruana, "Multitask learning", 1997). The trunk is `nets.base_cnn`; a head has one hidden
layer. Training uses Adam at a constant learning rate. Half of a batch comes from either set, and an epoch ends when the
larger set does: with `train_size=all` each set is at its full size. Every network is evaluated on both sets; if it was
trained on only one, its only head reads the other.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from trainables.core.device import Tensors, to_device
from trainables.core.experiment import EvalSplit, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss
from trainables.core.network import Input, Network
from trainables.data.streams import batches, shuffled
from trainables.domains.experiment import EVALUATED, DomainsConfig, DomainsExperiment, pooled
from trainables.domains.images import CHANNELS, DOMAINS, SIDE, Domain
from trainables.nets.base_cnn import BaseCNN, TrunkWithHeads

_MEASURES = ("loss", "accuracy")
DIMENSIONS = 128
"""Dimensions of the embedding that the heads share."""
HIDDEN = 64
"""Units of a head's hidden layer."""


class Config(DomainsConfig):
    regime: Literal["first", "second", "both"] = Field(description="the data sets trained on")
    lr: float = Field(gt=0, le=1, description="Adam's learning rate")
    width: int = Field(
        gt=0, le=512, multiple_of=4, description="maps of the first block; 2 and 4 times as many in the next two"
    )
    second_weight: float = Field(
        0.5, gt=0, lt=1, title="{second} weight", description="share of the second set's loss in the sum; for both only"
    )
    epochs: int = Field(gt=0, le=2000, description="passes over the training images")
    batch_size: int = Field(ge=2, multiple_of=2, description="images a step, of both sets together")

    def cost(self) -> float:
        images = self.expected_size * (2 if self.regime == "both" else 1)
        return float(self.epochs * (images + EVALUATED) * (self.width + 8))

    def unused(self) -> frozenset[str]:
        return frozenset() if self.regime == "both" else frozenset({"second_weight"})


class DigitPair(DomainsExperiment[Config], LeavesNetwork):
    procedure = (
        "The trunk has three blocks of convolutions and a linear embedding; each data set has a head with one hidden "
        "layer, on the shared trunk or on a trunk of its own. All is trained from scratch on images of 32×32 pixels, "
        "with cross-entropy and Adam at a constant learning rate. With a shared trunk, half of a batch comes from "
        "either set, and the loss is the weighted sum of both. Nothing is frozen or augmented."
    )
    measures = (
        accuracy(),  # this and the loss: means over the sets trained on
        loss(),
        *(measure(of=domain) for measure in (accuracy, loss) for domain in DOMAINS),
    )

    def setup(self, **images: Tensors) -> None:
        config = self.config
        self.tasks = _tasks(config)
        self.take(images, self.tasks)
        self.trunk = BaseCNN(CHANNELS[config.colour], config.width, DIMENSIONS).to(self.device)
        self.heads = nn.ModuleDict({task: _head(self.classes) for task in self.tasks}).to(self.device)
        parameters = [*self.trunk.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=config.lr)

    def train_epoch(self) -> Metrics:
        self.trunk.train()
        self.heads.train()
        streams = [shuffled(len(self.train[task].y)) for task in self.tasks]
        sums = {f"{task}_{name}": torch.zeros((), device=self.device) for task in self.tasks for name in _MEASURES}
        steps = seen = 0
        for rows in batches(streams, self.config.batch_size, [self.generator(task) for task in self.tasks]):
            taken = [to_device(row, self.device) for row in rows]
            x = torch.cat([self.train[task].x[row] for task, row in zip(self.tasks, taken, strict=True)])
            with self.autocast():
                shared = self.trunk(x).split([len(row) for row in taken])
                logits = [self.heads[task](part).float() for task, part in zip(self.tasks, shared, strict=True)]
            losses = []
            for task, row, own in zip(self.tasks, taken, logits, strict=True):
                y = self.train[task].y[row]
                losses.append(F.cross_entropy(own, y))
                sums[f"{task}_loss"] += losses[-1].detach() * len(y)
                sums[f"{task}_accuracy"] += (own.detach().argmax(1) == y).sum()
            self.optimizer.zero_grad()
            self.weighted(losses).backward()
            self.optimizer.step()
            steps += 1
            seen += len(taken[0])
        return self._with_means({name: value.item() / seen for name, value in sums.items()}) | {"steps": steps}

    def weighted(self, losses: list[torch.Tensor]) -> torch.Tensor:
        """Return the training loss: of one task its own loss, of two their weighted mean."""
        if len(losses) == 1:
            return losses[0]
        share = self.config.second_weight
        return (1 - share) * losses[0] + share * losses[1]

    @torch.inference_mode()
    def evaluate(self, split: EvalSplit) -> Metrics:
        self.trunk.eval()
        self.heads.eval()
        metrics, correct = {}, {}
        for domain, data in self.held_out[split].items():
            logits = self.read(domain, data.x)
            right = logits.argmax(1) == data.y
            metrics[f"{domain}_loss"] = F.cross_entropy(logits, data.y).item()
            metrics[f"{domain}_accuracy"] = right.double().mean().item()
            correct[domain] = right.cpu().numpy()
        if split == "test":
            each = {f"test_{domain}_correct": right for domain, right in correct.items()}
            for name, array in (each | pooled([correct[task] for task in self.tasks])).items():
                self.keep_last(name, array)
        return self._with_means(metrics)

    def read(self, domain: str, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] of images [N, C, 32, 32] uint8, by the domain's own head or the only one."""
        head = self.heads[domain if domain in self.tasks else self.tasks[0]]
        with self.autocast():
            return torch.cat([head(self.trunk(part)).float() for part in images.split(EVALUATED)])

    def network(self) -> Network:
        config = self.config
        parts = {"trunk": self.trunk, "heads": self.heads}
        return Network(
            state={f"{part}.{name}": x for part, own in parts.items() for name, x in own.state_dict().items()},
            input=Input(channels=CHANNELS[config.colour], side=SIDE),
            classes=self.sources.dataset(config.first).classes,
            heads=tuple(self.tasks) if len(self.tasks) > 1 else (),
            precision=config.precision,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        trunk = BaseCNN(CHANNELS[config.colour], config.width, DIMENSIONS)
        return TrunkWithHeads(trunk, {task: _head(classes) for task in _tasks(config)})

    def facts(self) -> dict[str, Any]:
        parameters = sum(p.numel() for module in (self.trunk, self.heads) for p in module.parameters())
        return {"parameters": parameters}

    def _with_means(self, metrics: Metrics) -> Metrics:
        """Add `loss` and `accuracy`, the means over the tasks trained on, to the metrics of each task."""
        means = {name: math.fsum(metrics[f"{task}_{name}"] for task in self.tasks) for name in _MEASURES}
        return {name: value / len(self.tasks) for name, value in means.items()} | metrics


def _tasks(config: Config) -> list[Domain]:
    return list(DOMAINS) if config.regime == "both" else [config.regime]


def _head(classes: int) -> nn.Sequential:
    return nn.Sequential(nn.ReLU(), nn.Linear(DIMENSIONS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))
