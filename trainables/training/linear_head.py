"""A linear output layer, trained on fixed features with AdamW and cross-entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from trainables.core.checkpoint import Resumable
from trainables.core.device import to_device


@dataclass(frozen=True)
class HeadSettings:
    """Hyperparameters of training."""

    lr: float
    """The learning rate at the start."""
    weight_decay: float
    """Decoupled weight decay."""
    epochs: int
    batch_size: int
    """Images a step; the last batch of an epoch may be smaller."""
    dropout: float = 0.0
    """Share of features set to 0 in training."""
    annealed: bool = True
    """Whether the learning rate falls to 0 along a cosine by the last step; else it is constant."""


class LinearHead(Resumable):
    """A linear layer from D to `classes`, trained on features [N, D] float32 and labels [N] int64 on one device."""

    def __init__(self, features: torch.Tensor, labels: torch.Tensor, classes: int, settings: HeadSettings) -> None:
        self.x = features
        self.y = labels
        self.settings = settings
        self.layer = torch.nn.Linear(features.shape[1], classes, device=features.device)
        self.optimizer = torch.optim.AdamW(self.layer.parameters(), lr=settings.lr, weight_decay=settings.weight_decay)
        steps = settings.epochs * math.ceil(len(labels) / settings.batch_size)
        end = 0.0 if settings.annealed else settings.lr
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps, eta_min=end)

    def train_epoch(self, generator: torch.Generator) -> dict[str, float]:
        """Make one pass in the generator's order; return `loss` and `accuracy` (with dropout) and `steps`."""
        order = to_device(torch.randperm(len(self.y), generator=generator), self.y.device)
        loss_sum = correct = torch.zeros((), device=self.y.device)
        batches = order.split(self.settings.batch_size)
        for rows in batches:
            logits = self.layer(F.dropout(self.x[rows], self.settings.dropout))  # [B, classes]
            loss = F.cross_entropy(logits, self.y[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            loss_sum = loss_sum + loss.detach() * len(rows)
            correct = correct + (logits.detach().argmax(1) == self.y[rows]).sum()
        n = len(order)
        return {"loss": loss_sum.item() / n, "accuracy": correct.item() / n, "steps": len(batches)}

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] for features [N, D], without dropout."""
        logits: torch.Tensor = self.layer(features)
        return logits
