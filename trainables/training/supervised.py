"""Training a network on photographs from its first layer on: SGD, one rise and fall of the learning rate, averages.

    training = Training(network, images, labels, Recipe(lr=0.4, epochs=80), precision="bf16")
    for epoch in range(1, 81):
        training.epoch(epoch, seed=0)
    training.averaged(images)        # logits

What `tiny_cifar` and the source network of `cifar_transfer` have in common. Images stay uint8 where they are held, and
are augmented and made numbers there, a batch at a time.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from common.seeds import seed_of
from trainables.core.checkpoint import Resumable
from trainables.core.device import Precision, sent
from trainables.data.augment import Mix, alternately, cutout, mirrored, mixed, shifted
from trainables.nets.standardize import Standardize
from trainables.training.ema import Average
from trainables.training.schedules import OneCycle

MOMENTUM = 0.9
EVALUATED = 500
"""Images at a time in evaluation, which fit a processor's cache."""


@dataclass(frozen=True)
class Recipe:
    """How a network is trained."""

    lr: float
    """The highest learning rate."""
    epochs: int
    batch_size: int = 128
    """Images a step; the few left over by an epoch, other ones each time, are not trained on."""
    weight_decay: float = 5e-4
    """Of layers' weights; biases and normalisation have none."""
    label_smoothing: float = 0.0
    shift: int = 4
    """Pixels by which images are moved at most."""
    cutout: int = 0
    """Side of the square that is cut out, pixels."""
    mix: Mix = "none"
    ema: float = 0.0
    """What the average over steps keeps in each of them; 0: the average is the network itself."""


class Training(Resumable):
    """A network on its way, with its optimiser, schedule and average.

    images [N, 3, S, S] uint8 and labels [N] int64 lie on the network's device. `averaged` is what one evaluates: the
    exponential moving average of all parameters and running statistics, which costs no pass of its own.
    """

    def __init__(
        self, network: nn.Module, images: torch.Tensor, labels: torch.Tensor, recipe: Recipe, precision: Precision
    ) -> None:
        self.images, self.labels, self.recipe, self.precision = images, labels, recipe, precision
        whole = nn.Sequential(Standardize(images), network).to(images.device)
        self.network = whole.to(memory_format=torch.channels_last)
        self.average = Average(self.network, recipe.ema)
        decayed = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=recipe.lr,
            momentum=MOMENTUM,
            nesterov=True,
        )
        self.batch = min(recipe.batch_size, len(labels))
        self.steps = len(labels) // self.batch
        """A epoch's steps."""
        self.schedule = LambdaLR(self.optimizer, OneCycle(recipe.epochs * self.steps))

    def epoch(self, number: int, seed: int) -> dict[str, float]:
        """The epoch of this number, from 1; returns `loss` and `accuracy` on the images as augmented, and `steps`.

        Everything random comes from the seed and the number: a training that is resumed goes on as it would have.
        """
        count, rng = len(self.labels), _generator(seed, "augmentation", number)
        coins = torch.randint(2, (count,), generator=_generator(seed, "mirror"))
        order = torch.randperm(count, generator=_generator(seed, "order", number))
        self.network.train()
        loss_sum = correct = torch.zeros((), device=self.images.device)
        for rows in order[: self.steps * self.batch].split(self.batch):
            taken = sent(rows, self.images.device)
            images = self._augmented(self.images[taken], alternately(coins[rows], number), rng)
            loss, right = self._step(images, self.labels[taken], rng)
            loss_sum, correct = loss_sum + loss, correct + right
        seen = self.steps * self.batch
        return {"loss": loss_sum.item() / self.steps, "accuracy": correct.item() / seen, "steps": self.steps}

    @torch.inference_mode()
    def averaged(self, images: torch.Tensor, *, mirror: bool = False) -> torch.Tensor:
        """images [N, 3, S, S] uint8 -> logits [N, classes] float32 of the average; with `mirror` of image and mirror
        image together."""
        parts = []
        for part in images.split(EVALUATED):
            with self.autocast():
                logits = self.average(part).float()
                parts.append(logits + self.average(part.flip(3)).float() if mirror else logits)
        return torch.cat(parts)

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision, if asked for."""
        return torch.autocast(self.images.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _augmented(self, images: torch.Tensor, mirror: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        images = mirrored(shifted(images, self.recipe.shift, rng), mirror)
        return cutout(images, self.recipe.cutout, rng)

    def _step(
        self, images: torch.Tensor, labels: torch.Tensor, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The batch's loss, and how many of its images are read as what they mostly show."""
        blend = mixed(images.float(), self.recipe.mix, rng)
        with self.autocast():
            logits = self.network(blend.images)
        logits, smoothing, other = logits.float(), self.recipe.label_smoothing, labels[blend.other]
        loss = F.cross_entropy(logits, labels, label_smoothing=smoothing)
        if blend.share < 1:
            loss = blend.share * loss + (1 - blend.share) * F.cross_entropy(logits, other, label_smoothing=smoothing)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.schedule.step()
        self.average.update(self.network, first=self.schedule.last_epoch == 1)
        shown = labels if blend.share >= 0.5 else other
        return loss.detach(), (logits.detach().argmax(1) == shown).sum()


def _generator(seed: int, *name: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(seed, *name))
