"""A method that learns little from few images, and more as the sample grows.

1. A linear discriminant (`discriminant`) is fitted to the mean maps of several stages, averaged over an image and its
   mirror image, since the last layers have lost much of what tells the target's classes apart. Its covariance is shrunk
   towards the one within the source's classes, which keeps the variance low for the smallest samples.
2. From there the network is tuned. Earlier layers learn more slowly (J. Howard, S. Ruder, "Universal language model
   fine-tuning", 2018). The head starts from the discriminant, since a random head would distort the features (A. Kumar
   et al., "Fine-tuning can distort pretrained features", 2022). Images are shifted and mirrored; normalisation keeps
   the source's statistics. Each step also replays images of the source under its own last layer, against forgetting.
3. The probabilities of discriminant and tuned network are averaged.

The first stage of 1, the length of 2 and the weights of 3 are searched: with 100 images tuning may hardly matter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from common.seeds import seed_of
from trainables.core.device import Precision, Tensors, to_device
from trainables.core.experiment import Metrics
from trainables.data.augment import mirrored, shifted
from trainables.nets.vgg import VGG
from trainables.training.schedules import OneCycle
from trainables.training.supervised import EVALUATED
from trainables.transfer.discriminant import Linear, discriminant, within_classes
from trainables.transfer.method import BATCH, Images, Method
from trainables.transfer.networks import blended, headless_state

Ingredient = Literal["stages", "shrinkage", "tuning", "replay", "average"]
SETTING: dict[Ingredient, tuple[str, ...]] = {
    "stages": ("first_stage",),
    "shrinkage": ("shrinkage",),
    "tuning": ("tuning_steps", "tuning_lr", "layer_decay", "blend"),
    "average": ("blend",),
}
"""Hyperparameters that only this ingredient uses, by ingredient."""
REPLAYED = BATCH // 2
"""Images of the source that are replayed in each step."""
PARTS = 4
"""Epochs that tuning is divided into."""
SHIFT = 4
"""Pixels by which images are shifted at most."""
UNIT = 1_000
"""Size of a sample for which `tuning_steps` is exact; the number of steps grows as the square root of the size."""


@dataclass(frozen=True)
class AdaptationSettings:
    """Hyperparameters of the method."""

    first_stage: int
    """The first stage that the discriminant reads, 2 … 5; it reads all later ones too."""
    shrinkage: float
    """Weight of the covariance within the source's classes, 0 … 1."""
    ridge: float
    """Added to every variance, in mean variances."""
    tuning_steps: int
    """Optimiser steps for a sample of `UNIT` images."""
    tuning_lr: float
    """Adam's highest learning rate, used for the last layers."""
    layer_decay: float
    """Ratio of a stage's learning rate to the next stage's."""
    blend: float
    """Share of the discriminant in the averaged probabilities, 0 … 1."""


class Replay(NamedTuple):
    """The source's images that the network was trained on."""

    embedded: Images
    pixels: Tensors | None
    """x [M, 3, 32, 32] uint8 and y [M] of the whole split; None for a method that does not tune."""
    rows: torch.Tensor
    """Positions in the split of the images that may be replayed, [N] int64."""


class Adaptation(Method):
    """The method; `without` names the ingredients that are left out. It changes the given network, a `rebuilt` one."""

    SET_BY = tuple(AdaptationSettings.__dataclass_fields__)

    def __init__(
        self, sample: Images, classes: int, network: nn.Sequential, source: Replay, settings: AdaptationSettings, *,
        without: Collection[Ingredient], precision: Precision, seed: int,
    ) -> None:  # fmt: skip
        self.sample = sample
        self.source = source
        self.settings = settings
        self.without = without
        self.precision = precision
        self.seed = seed
        self.column = cast(VGG, network[1]).column(settings.first_stage)
        known = self._given(source.embedded)
        self.deviation = known.std(0).clamp(min=1e-3 * float(known.std()) + 1e-9)  # a feature may be constant
        _, covariance = within_classes(known / self.deviation, source.embedded.y, int(source.embedded.y.max()) + 1)
        self.discriminant: Linear = discriminant(
            self._given(sample) / self.deviation, sample.y, classes, covariance,
            share=0.0 if "shrinkage" in without else settings.shrinkage, ridge=settings.ridge,
        )  # fmt: skip
        if "tuning" not in without:
            self._begin(network, classes)

    @staticmethod
    def unused_without(without: Collection[Ingredient]) -> set[str]:
        """Return the hyperparameters that change nothing without these ingredients."""
        return {name for ingredient in without for name in SETTING.get(ingredient, ())}

    @staticmethod
    def epochs_without(without: Collection[Ingredient]) -> int:
        """Return the number of epochs without these ingredients."""
        return 1 if "tuning" in without else PARTS

    def train_epoch(self, number: int) -> Metrics:
        if "tuning" in self.without:
            return {"steps": 0}
        begin, end = (self.steps * part // PARTS for part in (number - 1, number))
        if begin == end:  # fewer steps than parts
            return {"loss": 0.0, "steps": 0}
        generator = torch.Generator().manual_seed(seed_of(self.seed, "tuning", number))
        own = reshuffled_positions(len(self.sample.y), (end - begin) * BATCH, generator).split(BATCH)
        replayed = reshuffled_positions(len(self.source.rows), (end - begin) * REPLAYED, generator).split(REPLAYED)
        losses = [self._step(*rows, generator) for rows in zip(own, replayed, strict=True)]
        return {"loss": torch.stack(losses).mean().item(), "steps": len(losses)}

    @torch.inference_mode()
    def logits(self, images: Images) -> torch.Tensor:
        """Return the logarithms of the averaged probabilities [N, classes]."""
        fixed = F.log_softmax(self.discriminant(self._given(images) / self.deviation), 1)
        if "tuning" in self.without:
            return fixed
        assert images.pixels is not None, "a network that is tuned reads images"
        parts = []
        for part in images.pixels.split(EVALUATED):
            both = [self._forward(side)[0] for side in (part, part.flip(3))]
            parts.append(F.log_softmax((both[0] + both[1]) / 2, 1))
        return blended(fixed, torch.cat(parts), self._blend())

    def parameters(self) -> int:
        """Return how many numbers of the discriminant and, where it is tuned, of network and head are fitted."""
        fitted = sum(value.numel() for value in self.discriminant)
        if "tuning" not in self.without:
            groups = self.optimizer.param_groups
            fitted += sum(value.numel() for group in groups for value in group["params"])
        return fitted

    def on_fixed_features(self) -> tuple[Linear, torch.Tensor]:
        """Return the discriminant: where the network is tuned, the tuned one's features depend on the sample."""
        return self.discriminant, self._given(self.sample) / self.deviation

    def kept_state(self) -> Tensors:
        weight, bias = self.discriminant
        state = {"deviation": self.deviation, "weight": weight, "bias": bias, "blend": self._blend()}
        if "tuning" in self.without:
            return state
        head = {f"head.{name}": value for name, value in self.head.state_dict().items()}
        return state | head | headless_state(self.network.state_dict(), "tuned")

    @torch.inference_mode()
    def source_logits(self, images: Images, head: Tensors) -> torch.Tensor:
        if "tuning" in self.without:
            return super().source_logits(images, head)
        assert images.pixels is not None
        return torch.cat([self._forward(part)[1] for part in images.pixels.split(EVALUATED)])

    def _blend(self) -> torch.Tensor:
        return torch.tensor(0.0 if "average" in self.without else self.settings.blend, device=self.deviation.device)

    def _given(self, images: Images) -> torch.Tensor:
        return images.x if "stages" in self.without else images.stages[:, self.column :]

    def _begin(self, network: nn.Sequential, classes: int) -> None:
        """Prepare tuning. The network stays in evaluation mode: its running statistics remain those of the source."""
        self.network = network
        vgg = cast(VGG, network[1])
        weight, bias = self.discriminant
        self.head = nn.Linear(weight.shape[1], classes, device=weight.device)
        with torch.no_grad():
            self.head.weight.copy_(weight)
            self.head.bias.copy_(bias)
        groups: list[dict[str, Any]] = []
        first, *later = vgg.by_stage()
        first.requires_grad_(False)  # edges and colours; its gradients would cost the most
        for above, stage in enumerate(reversed(later)):
            lr = self.settings.tuning_lr * self.settings.layer_decay ** (above + 1)
            groups.append({"params": list(stage.parameters()), "lr": lr})
        last = [*vgg.classifier.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.Adam([{"params": last, "lr": self.settings.tuning_lr}, *groups])
        self.steps = round(self.settings.tuning_steps * (len(self.sample.y) / UNIT) ** 0.5)
        self.schedule = LambdaLR(self.optimizer, OneCycle(max(1, self.steps)))

    def _forward(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of the target's classes and of the source's, for pixels [N, 3, 32, 32] uint8."""
        standardize = self.network[0]
        vgg = cast(VGG, self.network[1])
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            maps, stages = vgg.stages(standardize(pixels))
            x = vgg.second_last(maps)
            source = vgg.head(x).float()
        given = x if "stages" in self.without else stages[:, self.column :]
        return self.head(given.float() / self.deviation), source

    def _step(self, own: torch.Tensor, replayed: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Take an optimiser step; `own` and `replayed` are positions in the sample and in `Replay.rows`."""
        assert self.sample.pixels is not None
        assert self.source.pixels is not None
        own = to_device(own, self.sample.y.device)
        pixels = self.sample.pixels[own]
        if "replay" not in self.without:
            rows = self.source.rows[to_device(replayed, own.device)]
            pixels = torch.cat([pixels, self.source.pixels["x"][rows]])
        flips = torch.rand(len(pixels), generator=generator) < 0.5
        target, source = self._forward(mirrored(shifted(pixels, SHIFT, generator), flips))
        loss = total = F.cross_entropy(target[: len(own)], self.sample.y[own])
        if "replay" not in self.without:
            total = loss + F.cross_entropy(source[len(own) :], self.source.pixels["y"][rows])
        self.optimizer.zero_grad()
        total.backward()
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()


def left_out(method: str) -> tuple[Ingredient, ...]:
    """Return the ingredients that a method of this name leaves out: ("replay",) for `own_no_replay`, () for `own`."""
    name = method.partition("_no_")[2]
    return (name,) if name else ()  # type: ignore[return-value]  # such names end in an ingredient


def tunes(method: str) -> bool:
    """Return whether a method of this name changes the source network."""
    return method.startswith("own") and "tuning" not in left_out(method)


def reshuffled_positions(images: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Return `count` positions, [count] int64: all images once in a random order, then all again in another, …"""
    rounds = [torch.randperm(images, generator=generator) for _ in range(-(-count // images))]
    return torch.cat(rounds)[:count]
