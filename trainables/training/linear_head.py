"""An output layer trained on features that stand still: AdamW on cross-entropy, along a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from trainables.core.checkpoint import Resumable
from trainables.core.device import sent


@dataclass(frozen=True)
class HeadRecipe:
    """How an output layer is trained."""

    lr: float
    """The learning rate at the start."""
    weight_decay: float
    epochs: int
    batch_size: int
    """Images a step; the last of an epoch has what is left."""
    dropout: float = 0.0
    """Share of features set to 0 in training."""
    annealed: bool = True
    """Whether the learning rate falls to 0 by the last step, or stays."""


class LinearHead(Resumable):
    """features [N, D] float32 and labels [N] int64, on one device; a linear layer from D to `classes` is trained."""

    def __init__(self, features: torch.Tensor, labels: torch.Tensor, classes: int, recipe: HeadRecipe) -> None:
        self.x, self.y, self.recipe = features, labels, recipe
        self.layer = torch.nn.Linear(features.shape[1], classes, device=features.device)
        self.optimizer = torch.optim.AdamW(self.layer.parameters(), lr=recipe.lr, weight_decay=recipe.weight_decay)
        steps, end = recipe.epochs * math.ceil(len(labels) / recipe.batch_size), 0.0 if recipe.annealed else recipe.lr
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, steps, eta_min=end)

    def epoch(self, generator: torch.Generator) -> dict[str, float]:
        """One pass in the generator's order; `loss`, `accuracy` (as trained, with dropout) and `steps`."""
        order = sent(torch.randperm(len(self.y), generator=generator), self.y.device)
        loss_sum = correct = torch.zeros((), device=self.y.device)
        batches = order.split(self.recipe.batch_size)
        for rows in batches:
            logits = self.layer(F.dropout(self.x[rows], self.recipe.dropout))  # [B, classes]
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
        """[N, D] -> logits [N, classes], without dropout."""
        logits: torch.Tensor = self.layer(features)
        return logits
