"""What a method of transfer leaves: modules that map images [N, 3, 32, 32] uint8 to the target's classes.

The source network is part of each, without its own last layer. Arithmetic is that of `transfer.embeddings.embed`.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import nn

from trainables.core.device import Precision, Tensors
from trainables.nets.standardize import Standardize
from trainables.nets.vgg import VGG

LAST = "1.classifier.6."
"""Where the names of the source network's last layer begin."""


def headless(width: int) -> nn.Sequential:
    """Return a standardisation and a VGG without its last layer, untrained."""
    vgg = VGG(width, classes=1)
    vgg.classifier[-1] = nn.Identity()
    network = nn.Sequential(Standardize(torch.zeros(1, 3, 2, 2)), vgg)
    return network.to(memory_format=torch.channels_last)


def headless_state(state: Tensors, part: str) -> Tensors:
    """Return what a `headless` network takes of a source network's state dict, as that of a part of a module."""
    return {f"{part}.{name}": value for name, value in state.items() if not name.startswith(LAST)}


def features(network: nn.Sequential, images: torch.Tensor, precision: Precision, column: int | None) -> torch.Tensor:
    """Return float32 features of images [N, 3, 32, 32]: several stages' means from a column on, or the second-last
    layer where there is no column."""
    vgg = cast(VGG, network[1])
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
        maps, stages = vgg.stages(network[0](images))
        found = vgg.second_last(maps) if column is None else stages[:, column:]
    return found.float()


def blended(fixed: torch.Tensor, tuned: torch.Tensor, blend: torch.Tensor) -> torch.Tensor:
    """Return the logarithms of averaged probabilities, given two classifiers' and the share `blend` of the first."""
    return torch.logaddexp(blend.log() + fixed, (1 - blend).log() + tuned)


class NewHead(nn.Module):
    """The source network, unchanged, with a new last layer."""

    def __init__(self, width: int, size: int, classes: int, precision: Precision) -> None:
        super().__init__()
        self.source = headless(width)
        self.head = nn.Linear(size, classes)
        self.precision = precision

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes]."""
        logits: torch.Tensor = self.head(features(self.source, images, self.precision, None))
        return logits


class Adapted(nn.Module):
    """A discriminant on the source network and, unless it was not tuned, the network that was; see `adaptation`."""

    deviation: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor
    blend: torch.Tensor

    def __init__(self, width: int, first_stage: int | None, classes: int, precision: Precision, tuned: bool) -> None:
        """Read the stages from `first_stage` on, or only the second-last layer where it is None."""
        super().__init__()
        whole = VGG(width, classes=1)
        self.column = None if first_stage is None else whole.column(first_stage)
        size = whole.head.in_features if self.column is None else whole.means - self.column
        self.precision = precision
        self.source = headless(width)
        self.tuned = headless(width) if tuned else None
        self.head = nn.Linear(size, classes) if tuned else None
        self.register_buffer("deviation", torch.zeros(size))
        self.register_buffer("weight", torch.zeros(classes, size))
        self.register_buffer("bias", torch.zeros(classes))
        self.register_buffer("blend", torch.zeros(()))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logarithms of probabilities [N, classes]."""
        sides = (images, images.flip(3))
        own = [features(self.source, side, self.precision, self.column) for side in sides]
        given = own[0] if self.column is None else (own[0] + own[1]) / 2
        fixed = F.log_softmax(F.linear(given / self.deviation, self.weight, self.bias), 1)
        if self.tuned is None or self.head is None:
            return fixed
        both = [self.head(features(self.tuned, side, self.precision, self.column) / self.deviation) for side in sides]
        return blended(fixed, F.log_softmax((both[0] + both[1]) / 2, 1), self.blend)
