"""Methods that leave the source network as it is: a new last layer, and nearest neighbours. And what all methods are.

A method sees images as `Images`: what the frozen source network makes of them, and, where it needs them, themselves.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from trainables.base import Metrics
from trainables.checkpoint import Resumable
from trainables.device import Tensors
from trainables.linear_head import HeadRecipe, LinearHead
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


class Method(Resumable, ABC):
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
        recipe = HeadRecipe(lr, weight_decay, epochs, BATCH)
        self.seed, self.head = seed, LinearHead(sample.x, sample.y, classes, recipe)

    def epoch(self, number: int) -> Metrics:
        return self.head.epoch(torch.Generator().manual_seed(seed_of(self.seed, "order", number)))

    def logits(self, images: Images) -> torch.Tensor:
        return self.head(images.x)


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
