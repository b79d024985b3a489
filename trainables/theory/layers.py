"""The layers whose symmetries are examined, each with random parameters, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

Padding = Literal["circular", "zero"]
CHANNELS = 2
"""Channels of inputs and outputs."""
SIDE = 12
"""Side of the images; every stride divides it."""
KERNEL = 3


class Convolution(nn.Module):
    """A convolution of an odd kernel whose padding keeps the side (divided by the stride), without a bias.

    It is written, as in PyTorch, without mirroring the filter: y[i] = Σ_k w[k] x[t i + k − centre].
    """

    def __init__(self, padding: Padding, inputs: int, outputs: int, *, kernel: int = KERNEL, stride: int = 1) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) / (kernel * inputs**0.5))
        self.padding: Padding = padding
        self.stride = stride

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = self.weight.shape[-1] // 2
        padded = F.pad(x, (wide,) * 4, mode="circular" if self.padding == "circular" else "constant")
        return F.conv2d(padded, self.weight, stride=self.stride)


class ChannelBias(nn.Module):
    """An additive constant for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(1 + torch.rand(channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias[:, None, None]


class PositionBias(nn.Module):
    """An additive constant for each channel and position."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.randn(channels, side, side))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.bias


class FullyConnected(nn.Module):
    """A linear map of all values of an image to as many values, which are read as an image again; without a bias."""

    def __init__(self, channels: int, side: int) -> None:
        super().__init__()
        values = channels * side * side
        self.weight = nn.Parameter(torch.randn(values, values) / values**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.flatten(-3) @ self.weight.T).reshape(x.shape)


class GlobalMean(nn.Module):
    """The mean of each map, [N, C]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((-2, -1))


@dataclass(frozen=True)
class Layer:
    """A layer, and what is needed to examine it."""

    build: Callable[[Padding, int, int], nn.Module]
    """Returns it for images of so many channels and of this side, with random parameters."""
    about: str
    """What it does to an image, for people."""
    linear: bool = False
    stride: int = 1
    reach: tuple[int, int] = (0, 0)
    """How many pixels before and after t i an output at i sees."""
    pictured: int = 0
    """The side of the one-channel image for which its Jacobians are drawn; 0: they have no closed form here."""


def _cnn(padding: Padding, channels: int, side: int) -> nn.Sequential:
    first, second = (Convolution(padding, channels, channels) for _ in range(2))
    return nn.Sequential(first, ChannelBias(channels), nn.ReLU(), second, ChannelBias(channels), nn.ReLU())


def _strided_cnn(padding: Padding, channels: int, side: int) -> nn.Sequential:
    layers = [*_cnn(padding, channels, side)]
    return nn.Sequential(*layers[:3], nn.MaxPool2d(2), *layers[3:])


LAYERS: Mapping[str, Layer] = {
    "convolution": Layer(
        lambda padding, channels, _: Convolution(padding, channels, channels),
        "convolution with a 3×3 filter", linear=True, reach=(1, 1), pictured=5,
    ),
    "convolution_5x5": Layer(
        lambda padding, channels, _: Convolution(padding, channels, channels, kernel=5),
        "convolution with a 5×5 filter", linear=True, reach=(2, 2), pictured=5,
    ),
    "channel_bias": Layer(
        lambda _, channels, __: ChannelBias(channels), "adds a constant for each channel", pictured=5
    ),
    "position_bias": Layer(
        lambda _, channels, side: PositionBias(channels, side), "adds a constant for each position", pictured=5
    ),
    "relu": Layer(lambda *_: nn.ReLU(), "ReLU of each value"),
    "tanh": Layer(lambda *_: nn.Tanh(), "tanh of each value"),
    "fully_connected": Layer(
        lambda _, channels, side: FullyConnected(channels, side),
        "any linear map of all values", linear=True, reach=(SIDE, SIDE), pictured=2,
    ),
    "strided_convolution": Layer(
        lambda padding, channels, _: Convolution(padding, channels, channels, stride=2),
        "convolution with a 3×3 filter, stride 2", linear=True, stride=2, reach=(1, 1), pictured=4,
    ),
    "max_pool": Layer(lambda *_: nn.MaxPool2d(2), "maximum of 2×2 values, stride 2", stride=2, reach=(0, 1)),
    "average_pool": Layer(
        lambda *_: nn.AvgPool2d(2), "mean of 2×2 values, stride 2", linear=True, stride=2, reach=(0, 1)
    ),
    "cnn": Layer(_cnn, "two convolutions, each with bias and ReLU", reach=(2, 2)),
    "strided_cnn": Layer(
        _strided_cnn, "convolution, bias, ReLU, 2×2 maximum, convolution, bias, ReLU", stride=2, reach=(3, 4)
    ),
    "cnn_global": Layer(
        lambda *shape: nn.Sequential(_cnn(*shape), GlobalMean()), "the two convolutions, then the mean of each map"
    ),
    "strided_cnn_global": Layer(
        lambda *shape: nn.Sequential(_strided_cnn(*shape), GlobalMean()),
        "the strided network, then the mean of each map", stride=2,
    ),
}  # fmt: skip
"""The layers by name, from single ones to networks of them."""


def built(name: str, padding: Padding, seed: int, *, channels: int = CHANNELS, side: int = SIDE) -> nn.Module:
    """Return a layer in float64, in evaluation mode, with parameters that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LAYERS[name].build(padding, channels, side).double().eval()
