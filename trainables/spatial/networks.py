"""A small classifier of digits with a spatial transformer before it, or without.

Source of the sizes: G. Hamdi, "Spatial Transformer Networks Tutorial", pytorch.org. Source of the method: M. Jaderberg,
K. Simonyan, A. Zisserman, K. Kavukcuoglu, "Spatial Transformer Networks", NIPS 2015: a localisation net reads an image
and says where in it each pixel of the output is to be sampled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from trainables.spatial.points import CONTROL, pixel_centres, thin_plate

SIDE = 28
"""Of images, in pixels."""
MEAN, STD = 0.1307, 0.3081
"""Mean and standard deviation of MNIST's pixels, by which the tutorial normalises."""
HIDDEN = 50
"""Hidden units of the classifier behind a transformer."""
FIRST, LATER = 7, 5
"""Sides of the kernels of the localisation net: of its first convolution, and of later ones."""

Transformer = Literal["plain", "affine", "tps"]
Sampled = Literal["raw", "normalised"]


@dataclass(frozen=True)
class Shape:
    """The sizes of a network."""

    transformer: Transformer
    """`plain`: none; `tps`: a thin-plate spline."""
    width: int = 8
    """Maps of the localisation net's first convolution; later ones have 5/4, its linear layer 4 times as many."""
    depth: int = 2
    """Convolutions of the localisation net."""
    classes: int = 10
    sampled: Sampled = "raw"
    """What is sampled: raw pixels, black beyond the border, which are then normalised; or normalised ones, beyond whose
    border a zero is gray, as in the tutorial."""
    hidden: int | None = None
    """Hidden units of the classifier; None: 50 behind a transformer, and without one as many as give the network as
    many parameters as the affine one of the same width, or a few more."""

    @property
    def classifier_hidden(self) -> int:
        """The hidden units of the classifier."""
        if self.hidden is not None:
            return self.hidden
        return HIDDEN if self.transformer != "plain" else _matched(self)


class Localisation(nn.Module):
    """Convolutions and two linear layers that read an image and return `outputs` numbers: at first zeros."""

    def __init__(self, width: int, depth: int, outputs: int) -> None:
        super().__init__()
        maps = [1, width, *[round(1.25 * width)] * (depth - 1)]
        layers: list[nn.Module] = []
        for i in range(depth):
            kernel = FIRST if i == 0 else LATER
            layers += [nn.Conv2d(maps[i], maps[i + 1], kernel), nn.MaxPool2d(2), nn.ReLU()]
        self.features = nn.Sequential(*layers, nn.Flatten())
        left = localised_side(depth)
        self.hidden = nn.Linear(maps[depth] * left * left, 4 * width)
        self.last = nn.Linear(4 * width, outputs)
        for parameter in self.last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.last(F.relu(self.hidden(self.features(images))))
        return found


class Sampler(nn.Module):
    """Says where in an image each pixel of the output is sampled, by numbers that a localisation net gives to it."""

    centres: torch.Tensor
    """The centres of the output's pixels, [S · S, 2]."""

    def __init__(self, width: int, depth: int, outputs: int) -> None:
        super().__init__()
        self.localisation = Localisation(width, depth, outputs)
        self.register_buffer("centres", torch.from_numpy(pixel_centres(SIDE).copy()).float(), persistent=False)

    def grid(self, images: torch.Tensor) -> torch.Tensor:
        """Return where in each of images [N, 1, S, S] the output's pixels lie: (x, y) in −1 … 1, [N, S, S, 2]."""
        return self.positions(self.localisation(images)).view(-1, SIDE, SIDE, 2)

    def positions(self, found: torch.Tensor) -> torch.Tensor:
        """Return where the output's pixels lie, [N, S · S, 2], by what the localisation net found, [N, outputs]."""
        raise NotImplementedError


class Affine(Sampler):
    """Samples images under an affine map for each, at first the identity."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(width, depth, 6)
        with torch.no_grad():
            self.localisation.last.bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))

    def positions(self, found: torch.Tensor) -> torch.Tensor:
        maps = found.view(-1, 2, 3)
        return self.centres @ maps[:, :, :2].mT + maps[:, None, :, 2]


class ThinPlate(Sampler):
    """Samples images under a thin-plate spline for each, by the steps of 16 control points, at first none."""

    basis: torch.Tensor
    """[S · S, 16]: how far each pixel moves for a unit step of each control point."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__(width, depth, 2 * CONTROL**2)
        self.register_buffer("basis", torch.from_numpy(thin_plate(pixel_centres(SIDE))).float(), persistent=False)

    def positions(self, found: torch.Tensor) -> torch.Tensor:
        return self.centres + self.basis @ found.view(-1, CONTROL**2, 2)


class Classifier(nn.Module):
    """Two convolutions and two linear layers: normalised images [N, 1, 28, 28] → logits [N, classes]."""

    def __init__(self, hidden: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 10, 5)
        self.second = nn.Conv2d(10, 20, 5)
        self.drop_maps = nn.Dropout2d()
        self.hidden = nn.Linear(320, hidden)
        self.drop = nn.Dropout()
        self.out = nn.Linear(hidden, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = F.relu(F.max_pool2d(self.first(images), 2))
        x = F.relu(F.max_pool2d(self.drop_maps(self.second(x)), 2))
        logits: torch.Tensor = self.out(self.drop(F.relu(self.hidden(x.flatten(1)))))
        return logits


class SpatialNetwork(nn.Module):
    """A classifier of images [N, 1, 28, 28] float in 0 … 1, behind a transformer if its shape has one."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.transformer: Sampler | None = None
        if shape.transformer != "plain":
            kind = Affine if shape.transformer == "affine" else ThinPlate
            self.transformer = kind(shape.width, shape.depth)
        self.classifier = Classifier(shape.classifier_hidden, shape.classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes]."""
        x = normalised(images)
        if self.transformer is not None:
            x = self._sampled(images, x, self.transformer.grid(x))
        logits: torch.Tensor = self.classifier(x)
        return logits

    def transformed(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return what the classifier sees of images, in 0 … 1, and the grid [N, 28, 28, 2] at which it was sampled.

        Raises ValueError where there is no transformer.
        """
        if self.transformer is None:
            raise ValueError("a plain network transforms nothing; ask one whose transformer is affine or tps")
        x = normalised(images)
        grid = self.transformer.grid(x)
        return self._sampled(images, x, grid) * STD + MEAN, grid

    def _sampled(self, images: torch.Tensor, x: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Return the normalised images that are sampled at a grid, [N, 1, 28, 28]."""
        if self.shape.sampled == "normalised":
            return F.grid_sample(x, grid, align_corners=False)
        return normalised(F.grid_sample(images, grid, align_corners=False))


def normalised(images: torch.Tensor) -> torch.Tensor:
    """Return images in 0 … 1 less the mean, by the standard deviation."""
    return (images - MEAN) / STD


def localised_side(depth: int) -> int:
    """Return the side of the maps that a localisation net of so many convolutions ends in; below 1: too many."""
    side = SIDE
    for i in range(depth):
        side = (side - (FIRST if i == 0 else LATER) + 1) // 2
    return side


def parameters(network: nn.Module) -> int:
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in network.parameters())


@lru_cache(maxsize=64)
def _matched(shape: Shape) -> int:
    """Return the hidden units with which a plain network has at least the parameters of the affine one."""
    with torch.device("meta"):  # counted only: nothing is drawn
        whole = parameters(SpatialNetwork(replace(shape, transformer="affine")))
        least, more = (parameters(Classifier(hidden, shape.classes)) for hidden in (HIDDEN, HIDDEN + 1))
    return HIDDEN + -(-(whole - least) // (more - least))
