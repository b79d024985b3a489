"""Training a network on photographs from its first layer on: SGD, one rise and fall of the learning rate, averages.

    training = Training(network, images, labels, Recipe(lr=0.4, epochs=80), precision="bf16")
    for epoch in range(1, 81):
        training.epoch(epoch, seed=0)
    training.averaged(images)        # logits

What `tiny_cifar` and the source network of `cifar_transfer` have in common. Images stay uint8 where they are held, and
are augmented and made numbers there, a batch at a time.
"""

from __future__ import annotations

import copy
import math
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from trainables.checkpoint import Resumable
from trainables.data.augment import Mix, alternately, cutout, mirrored, mixed, shifted
from trainables.device import Precision, sent
from trainables.seeds import seed_of

RISE = 0.2
"""Share of all steps in which the learning rate rises."""
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


class Average(nn.Module):
    """The exponential moving average of a network's parameters and running statistics, for evaluation.

    As PyTorch's `AveragedModel` computes it, which waits for the GPU twice a step, for a counter kept on the CPU.
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        """After each step a share `keep` of the average stays, 0 … 1."""
        super().__init__()
        self.module, self.keep = copy.deepcopy(network).requires_grad_(False).eval(), keep

    @torch.no_grad()
    def update(self, network: nn.Module, *, first: bool) -> None:
        """Take in the network after a step, whole if it is the first."""
        torch._foreach_lerp_(_numbers(self.module), _numbers(network), 1.0 if first else 1 - self.keep)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(images)
        return logits


def _numbers(network: nn.Module) -> list[torch.Tensor]:
    """Parameters and running statistics, without the counters beside these."""
    return [value for value in (*network.parameters(), *network.buffers()) if value.is_floating_point()]


def _generator(seed: int, *name: int | str) -> torch.Generator:
    return torch.Generator().manual_seed(seed_of(seed, *name))


class OneCycle:
    """The learning rate's factor: up in the first fifth of all steps, then down to 0, both linearly.

    Source: L. Smith, N. Topin, "Super-convergence", 2018.
    """

    def __init__(self, steps: int) -> None:
        self.steps, self.rise = steps, max(1, math.ceil(RISE * steps))

    def __call__(self, step: int) -> float:
        return min((step + 1) / self.rise, (self.steps - step) / max(1, self.steps - self.rise))


class Standardize(nn.Module):
    """images [N, C, S, S] uint8, or float32 in 0 … 255 -> float32, of mean 0 and variance 1 in each channel.

    Mean and deviation are those of the images it was made from; they are no parameters.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        # One channel at a time: as numbers they take four bytes a pixel.
        moments = torch.stack([torch.stack([(x := plane.float()).mean(), x.std()]) for plane in images.transpose(0, 1)])
        mean, deviation = moments.T[:, :, None, None]
        self.register_buffer("mean", mean.clone())
        self.register_buffer("deviation", deviation.clamp(min=1.0))  # a channel may be constant

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ((images.float() - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
