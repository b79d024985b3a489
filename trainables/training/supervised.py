"""Training a network on photographs from scratch: SGD, a learning rate that rises and falls once, and averages.

Each of these choices can be taken back by itself, to see what it brings.

    training = Training(network, images, labels, TrainingSettings(lr=0.4, epochs=80), precision="bf16")
    for epoch in range(1, 81):
        training.train_epoch(epoch, seed=0)
    training.averaged(images)        # logits

`tiny_cifar` and the source network of `cifar_transfer` train in this way. Images stay uint8 on the device; each batch
is augmented and converted to float there.
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
from trainables.core.device import Precision, to_device
from trainables.data.augment import Mix, alternately, cutout, mirrored, mixed, shifted
from trainables.nets.standardize import Standardize
from trainables.training.ema import Average
from trainables.training.schedules import Constant, OneCycle, Schedule

MOMENTUM = 0.9
EVALUATED = 500
"""Images evaluated at a time: they fit a processor's cache."""


@dataclass(frozen=True)
class TrainingSettings:
    """Hyperparameters of training."""

    lr: float
    """The highest learning rate."""
    epochs: int
    batch_size: int = 128
    """Images a step; the last, incomplete batch of each epoch is dropped."""
    weight_decay: float = 5e-4
    """Weight decay of layers' weights; biases and normalisation have none."""
    label_smoothing: float = 0.0
    schedule: Schedule = "one-cycle"
    """How the learning rate goes: it rises and falls once, or it is `lr` throughout."""
    mirror: bool = True
    """Whether images are mirrored in every other epoch."""
    shift: int = 4
    """Pixels by which images are shifted at most."""
    cutout: int = 0
    """Side of the square that is cut out, in pixels."""
    mix: Mix = "none"
    ema: float = 0.0
    """Share of the average that stays after a step; 0: the average is the network itself."""


class Training(Resumable):
    """A network in training, with its optimiser, schedule and average.

    images [N, 3, S, S] uint8 and labels [N] int64 lie on the device to train on, where the network is moved. Evaluate
    `averaged`: the exponential moving average of all parameters and running statistics, which costs no extra pass.
    """

    def __init__(
        self,
        network: nn.Module,
        images: torch.Tensor,
        labels: torch.Tensor,
        settings: TrainingSettings,
        precision: Precision,
    ) -> None:
        self.images = images
        self.labels = labels
        self.settings = settings
        self.precision = precision
        whole = nn.Sequential(Standardize(images), network).to(images.device)
        self.network = whole.to(memory_format=torch.channels_last)
        self.average = Average(self.network, settings.ema)
        decayed = [p for p in network.parameters() if p.ndim > 1]
        others = [p for p in network.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.SGD(
            [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=settings.lr,
            momentum=MOMENTUM,
            nesterov=True,
        )
        self.batch = min(settings.batch_size, len(labels))
        self.steps = len(labels) // self.batch
        """Steps per epoch."""
        factor = OneCycle(settings.epochs * self.steps) if settings.schedule == "one-cycle" else Constant()
        self.schedule = LambdaLR(self.optimizer, factor)

    def train_epoch(self, number: int, seed: int) -> dict[str, float]:
        """Train for the epoch of this number, from 1; return `loss` and `accuracy` on augmented images, and `steps`.

        Everything random follows from the seed and the number, so that a resumed training gives the same network.
        """
        count = len(self.labels)
        rng = _generator(seed, "augmentation", number)
        coins = torch.randint(2, (count,), generator=_generator(seed, "mirror"))
        order = torch.randperm(count, generator=_generator(seed, "order", number))
        self.network.train()
        loss_sum = correct = torch.zeros((), device=self.images.device)
        for rows in order[: self.steps * self.batch].split(self.batch):
            taken = to_device(rows, self.images.device)
            images = self._augmented(self.images[taken], alternately(coins[rows], number), rng)
            loss, right = self._step(images, self.labels[taken], rng)
            loss_sum = loss_sum + loss
            correct = correct + right
        seen = self.steps * self.batch
        return {"loss": loss_sum.item() / self.steps, "accuracy": correct.item() / seen, "steps": self.steps}

    @torch.inference_mode()
    def averaged(self, images: torch.Tensor, *, mirror: bool = False) -> torch.Tensor:
        """Return the average's logits [N, classes] float32 for images [N, 3, S, S] uint8.

        With `mirror`, return the sums of the logits for each image and for its mirror image.
        """
        parts = []
        for part in images.split(EVALUATED):
            with self.autocast():
                logits = self.average(part).float()
                parts.append(logits + self.average(part.flip(3)).float() if mirror else logits)
        return torch.cat(parts)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context of mixed precision, if `precision` asks for it."""
        return torch.autocast(self.images.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _augmented(self, images: torch.Tensor, mirror: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        images = shifted(images, self.settings.shift, rng)
        images = mirrored(images, mirror) if self.settings.mirror else images
        return cutout(images, self.settings.cutout, rng)

    def _step(
        self, images: torch.Tensor, labels: torch.Tensor, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take an optimiser step; return the loss, and how many images are read as the class they mostly show."""
        blend = mixed(images.float(), self.settings.mix, rng)
        with self.autocast():
            logits = self.network(blend.images)
        logits = logits.float()
        smoothing = self.settings.label_smoothing
        other = labels[blend.other]
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
