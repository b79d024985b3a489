"""Methods that leave the source network as it is: a new last layer, and nearest neighbours. And what all methods are.

A method sees images as `Images`: what the frozen source network makes of them, and, where it needs them, themselves.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F

from trainables.base import Metrics
from trainables.device import Tensors
from trainables.neighbours import Metric, Weighting, votes
from trainables.seeds import seed_of

BATCH = 64
"""Images a step, of those that a method learns from."""


@dataclass(frozen=True)
class Images:
    """Labelled images of one set."""

    y: torch.Tensor
    """[N] int64"""
    x: torch.Tensor
    """[N, 8 · width] float32, the second-last layer."""
    stages: torch.Tensor
    """[N, 22 · width] float32, see `artifacts.embeddings`."""
    pixels: torch.Tensor | None = None
    """[N, 3, 32, 32] uint8"""

    @classmethod
    def of(cls, embedded: Tensors, images: Tensors | None, rows: torch.Tensor | None = None) -> Images:
        """Those at `rows` of two artifacts, all by default."""
        at = slice(None) if rows is None else rows
        pixels = images["x"][at] if images is not None else None
        return cls(embedded["y"][at], embedded["x"][at], embedded["stages"][at], pixels)


class Method(ABC):
    """How a sample of the target's images becomes a classifier of them."""

    SET_BY: ClassVar[tuple[str, ...]]
    """Its hyperparameters."""

    @abstractmethod
    def epoch(self, number: int) -> Metrics:
        """The epoch of this number, from 1; training metrics, and `steps`."""

    @abstractmethod
    def logits(self, images: Images) -> torch.Tensor:
        """[N, classes] of the target; the highest one is predicted."""

    def source_logits(self, images: Images, head: Tensors) -> torch.Tensor:
        """[N, source's classes] after the method; `head` is the source network's own last layer."""
        return F.linear(images.x, head["weight"], head["bias"])


class NewLayer(Method):
    """The source network's last layer replaced and trained with AdamW, its learning rate falling to 0 as a cosine."""

    SET_BY = ("lr", "weight_decay", "epochs")

    def __init__(self, sample: Images, classes: int, *, lr: float, weight_decay: float, epochs: int, seed: int) -> None:
        self.sample, self.seed = sample, seed
        self.layer = torch.nn.Linear(sample.x.shape[1], classes, device=sample.x.device)
        self.optimizer = torch.optim.AdamW(self.layer.parameters(), lr=lr, weight_decay=weight_decay)
        steps = epochs * math.ceil(len(sample.y) / BATCH)
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps)

    def epoch(self, number: int) -> Metrics:
        generator = torch.Generator().manual_seed(seed_of(self.seed, "order", number))
        order = torch.randperm(len(self.sample.y), generator=generator).to(self.sample.y.device)
        loss_sum = correct = torch.zeros((), device=order.device)
        batches = order.split(BATCH)
        for rows in batches:
            logits, y = self.layer(self.sample.x[rows]), self.sample.y[rows]
            loss = F.cross_entropy(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            loss_sum = loss_sum + loss.detach() * len(rows)
            correct = correct + (logits.detach().argmax(1) == y).sum()
        n = len(order)
        return {"loss": loss_sum.item() / n, "accuracy": correct.item() / n, "steps": len(batches)}

    def logits(self, images: Images) -> torch.Tensor:
        logits: torch.Tensor = self.layer(images.x)
        return logits

    def state_dict(self) -> dict[str, Any]:
        """All that `epoch` changes."""
        return {name: getattr(self, name).state_dict() for name in ("layer", "optimizer", "schedule")}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `state_dict` returned."""
        for name, part in state.items():
            getattr(self, name).load_state_dict(part)


class Neighbours(Method):
    """The classes of the nearest images of the sample vote; nothing is trained."""

    SET_BY = ("k", "metric", "weighting")

    def __init__(self, sample: Images, classes: int, *, k: int, metric: Metric, weighting: Weighting) -> None:
        self.sample, self.classes = sample, classes
        self.k, self.metric, self.weighting = k, metric, weighting

    def epoch(self, number: int) -> Metrics:
        return {"steps": 0}

    def logits(self, images: Images) -> torch.Tensor:
        """Shares of the votes."""
        return votes(
            self.sample.x, self.sample.y, images.x, k=self.k, metric=self.metric, weighting=self.weighting,
            classes=self.classes,
        )  # fmt: skip
