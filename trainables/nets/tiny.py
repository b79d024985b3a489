"""Families of small convolutional networks for 32×32 photographs, each as wide as a parameter budget allows.

A network is a stem, stages of residual blocks (each stage but the first halves the resolution), and a linear layer on
pooled maps. A block is `residual` (two 3×3 convolutions; K. He et al., 2015), `separable` (a depthwise 3×3 and a 1×1
convolution; A. Howard et al., "MobileNets", 2017) or `inverted` (widened threefold by a 1×1, then a depthwise 3×3 and a
1×1 back; M. Sandler et al., "MobileNetV2", 2018); `attention` weighs its maps (J. Hu et al., "Squeeze-and-excitation
networks", 2017). Parameters are counted on PyTorch's meta device, where nothing is allocated or computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

Block = Literal["residual", "separable", "inverted"]
Stem = Literal["half", "full"]
Head = Literal["mean", "mean+max"]
EXPANSION, SQUEEZE = 3, 4
"""The factors by which an inverted block widens and attention narrows."""
SIDE = 32
PROBED = 16
"""The width whose parameters are counted to guess how many other widths have."""


@dataclass(frozen=True)
class Family:
    """An architecture of any width."""

    block: Block
    depths: tuple[int, ...]
    """Number of blocks in each stage."""
    growth: float
    """Ratio of a stage's width to that of the stage before."""
    stem: Stem
    """Resolution at which the first stage works: that of the image, or half of it after a max-pooling."""
    attention: bool
    head: Head
    classes: int


class Layer(NamedTuple):
    """A layer that has parameters, or several that belong together."""

    kind: str
    maps: int
    """Number of output maps, or of classes."""
    side: int
    """Side of the output, in pixels; 1 for a vector."""
    parameters: int
    products: int
    """Number of multiplications for one image."""


class TinyNet(nn.Module):
    """A map from standardised images [N, 3, 32, 32] float32 to logits [N, classes]."""

    def __init__(self, family: Family, width: int) -> None:
        super().__init__()
        widths = [max(1, round(width * family.growth**stage)) for stage in range(len(family.depths))]
        self.family = family
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2) if family.stem == "half" else nn.Identity()  # first: less work
        self.norm = nn.BatchNorm2d(widths[0])
        blocks: list[nn.Module] = []
        inputs = widths[0]
        for stage, (maps, depth) in enumerate(zip(widths, family.depths, strict=True)):
            if stage:
                blocks.append(_Down(inputs, maps, separable=family.block != "residual"))
            blocks += [_Residual(family.block, maps, family.attention) for _ in range(depth)]
            inputs = maps
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs if family.head == "mean" else 2 * inputs, family.classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.blocks(F.relu(self.norm(self.pool(self.stem(images)))))
        pooled = x.mean((2, 3))
        if self.family.head == "mean+max":
            pooled = torch.cat([pooled, x.amax((2, 3))], 1)
        logits: torch.Tensor = self.head(pooled)
        return logits


class _Residual(nn.Module):
    """A map from [N, C, S, S] to the same shape; its last normalisation starts at 0, so that it starts as identity."""

    def __init__(self, block: Block, maps: int, attention: bool) -> None:
        super().__init__()
        layers = {"residual": _plain, "separable": _separable, "inverted": _inverted}[block](maps)
        self.layers = nn.Sequential(*layers)
        self.attention = _Attention(maps) if attention else nn.Identity()
        nn.init.zeros_(layers[-1].weight)  # type: ignore[arg-type]  # a batch normalisation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.attention(self.layers(x)))


class _Attention(nn.Module):
    """Multiplies each map by a weight in 0 … 2 computed from the means of all maps (1 if the gate's input is 0)."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(maps, max(1, maps // SQUEEZE))
        self.excite = nn.Linear(max(1, maps // SQUEEZE), maps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = 2 * torch.sigmoid(self.excite(F.relu(self.squeeze(x.mean((2, 3))))))
        return x * weights[:, :, None, None].to(x.dtype)


class _Down(nn.Module):
    """A map from [N, C, S, S] to [N, maps, S/2, S/2]."""

    def __init__(self, inputs: int, maps: int, *, separable: bool) -> None:
        super().__init__()
        layers = _depthwise(inputs, 2) + _pointwise(inputs, maps) if separable else _convolution(inputs, maps, 3, 2)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.layers(x))


def _convolution(inputs: int, maps: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, maps, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(maps)]


def _depthwise(maps: int, stride: int = 1) -> list[nn.Module]:
    return [*_convolution(maps, maps, 3, stride, groups=maps), nn.ReLU()]


def _pointwise(inputs: int, maps: int) -> list[nn.Module]:
    return _convolution(inputs, maps, 1)


def _plain(maps: int) -> list[nn.Module]:
    return [*_convolution(maps, maps, 3), nn.ReLU(), *_convolution(maps, maps, 3)]


def _separable(maps: int) -> list[nn.Module]:
    return _depthwise(maps) + _pointwise(maps, maps)


def _inverted(maps: int) -> list[nn.Module]:
    wide = EXPANSION * maps
    return [*_pointwise(maps, wide), nn.ReLU(), *_depthwise(wide), *_pointwise(wide, maps)]


def parameters(module: nn.Module) -> int:
    """Return the number of trainable parameters: weights, biases and those of normalisation."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


@lru_cache(maxsize=4096)
def widest(family: Family, budget: int) -> int | None:
    """Return the greatest width with fewer than `budget` parameters, or None where even width 1 has too many."""
    width = max(1, round(PROBED * (budget / _count(family, PROBED)) ** 0.5))  # they grow nearly with its square
    while width and _count(family, width) >= budget:
        width -= 1
    while width and _count(family, width + 1) < budget:
        width += 1
    return width or None


@lru_cache(maxsize=4096)
def _count(family: Family, width: int) -> int:
    with torch.device("meta"):
        return parameters(TinyNet(family, width))


@lru_cache(maxsize=1024)
def layers(family: Family, width: int) -> tuple[Layer, ...]:
    """Return the network's layers in the order in which an image passes them; their parameters add up to its own."""
    with torch.device("meta"):
        network = TinyNet(family, width).eval()
    # Only shapes matter, but batch normalisation on the meta device would import PyTorch's compiler for a second.
    with torch.inference_mode():
        return tuple(_walk(network.to_empty(device="cpu"), torch.empty(1, 3, SIDE, SIDE)))


def _walk(network: TinyNet, image: torch.Tensor) -> Iterator[Layer]:
    sides: dict[nn.Module, int] = {}

    def note(module: nn.Module, inputs: object, output: torch.Tensor) -> None:
        sides[module] = output.shape[-1] if output.ndim == 4 else 1

    for module in network.modules():
        module.register_forward_hook(note)
    network(image)
    block = f"{network.family.block} block" + (" with attention" if network.family.attention else "")
    stem = nn.Sequential(network.stem, network.norm)
    blocks = [(block if isinstance(part, _Residual) else "halving", part) for part in network.blocks]
    for kind, part in [("stem", stem), *blocks, ("head", network.head)]:
        weights = [module for module in part.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        maps = [module.out_channels for module in weights if isinstance(module, nn.Conv2d)]
        yield Layer(
            kind=kind,
            maps=maps[-1] if maps else network.family.classes,
            side=sides[network.norm if part is stem else part],
            parameters=parameters(part),
            products=sum(module.weight.numel() * sides[module] ** 2 for module in weights),
        )
