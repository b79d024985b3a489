"""Convolutional encoders and decoders of gray 28×28 images, in three parts: encoder, bottleneck and decoder.

The encoder's stages halve the side, 28 → 14 → 7 → 4 → 2, or go there in other strides; the decoder goes back by
transposed convolutions. Between them is the bottleneck, which maps the coarsest maps to a latent vector and back:
`conv` by 1×1 convolutions, so that the latent is an image of few channels, or `fc` by linear layers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import nn

SIDE = 28
WIDEN = 4
"""How many times as many maps as the first stage later ones have at most; each stage has twice those before."""
HIDDEN = 64
"""Units of the hidden layer of a classifier's MLP."""
Kind = Literal["conv", "fc"]
Activation = Literal["relu", "leaky_relu", "gelu"]
Norm = Literal["none", "batch"]
_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "gelu": nn.GELU}


@dataclass(frozen=True)
class Architecture:
    """What an autoencoder looks like."""

    bottleneck: Kind
    latent: int
    """Numbers in the latent vector."""
    width: int
    """Maps of the first stage."""
    strides: tuple[int, ...]
    activation: Activation
    norm: Norm

    @property
    def sides(self) -> list[int]:
        """The side of the image and of the maps of each stage."""
        sides = [SIDE]
        for stride in self.strides:
            sides.append(math.ceil(sides[-1] / stride))
        return sides

    @property
    def widths(self) -> list[int]:
        """The channels of the image and of the maps of each stage."""
        return [1, *(self.width * min(2**stage, WIDEN) for stage in range(len(self.strides)))]

    @property
    def problem(self) -> str | None:
        """The rule that the architecture breaks, if it breaks one."""
        places = self.sides[-1] ** 2
        if self.latent >= SIDE * SIDE:
            return f"a latent smaller than the image, which has {SIDE * SIDE} values"
        if self.bottleneck == "conv" and self.latent % places:
            return f"a latent of the conv bottleneck that is a multiple of {places}, the coarsest maps' places"
        return None


class Encoder(nn.Sequential):
    """A map from images [N, 1, 28, 28] in 0 … 1 to the coarsest maps [N, C, S, S]."""

    def __init__(self, shape: Architecture) -> None:
        stages = [
            _stage(nn.Conv2d(inputs, outputs, _kernel(stride), stride, _kernel(stride) // 2), outputs, shape)
            for (inputs, outputs), stride in zip(pairwise(shape.widths), shape.strides, strict=True)
        ]
        super().__init__(*stages)


class Bottleneck(nn.Module):
    """The way from the coarsest maps to a latent, `squeeze`, and the way back, `expand`."""

    squeeze: nn.Sequential
    expand: nn.Sequential

    def encode(self, maps: torch.Tensor) -> torch.Tensor:
        """Return latents [N, D] of maps [N, C, S, S]."""
        latent: torch.Tensor = self.squeeze(maps)
        return latent

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        """Return maps [N, C, S, S] of latents [N, D]."""
        maps: torch.Tensor = self.expand(latent)
        return maps


class ConvBottleneck(Bottleneck):
    """A bottleneck of 1×1 convolutions: the latent keeps the coarsest maps' places."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        side, maps = shape.sides[-1], shape.widths[-1]
        channels = shape.latent // side**2
        self.squeeze = nn.Sequential(nn.Conv2d(maps, channels, 1), nn.Flatten())
        self.expand = nn.Sequential(nn.Unflatten(1, (channels, side, side)), nn.Conv2d(channels, maps, 1))


class LinearBottleneck(Bottleneck):
    """A fully-connected bottleneck: each latent number sees all of the coarsest maps."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        side, maps = shape.sides[-1], shape.widths[-1]
        values = maps * side**2
        self.squeeze = nn.Sequential(nn.Flatten(), nn.Linear(values, shape.latent))
        self.expand = nn.Sequential(nn.Linear(shape.latent, values), nn.Unflatten(1, (maps, side, side)))


DARK = -2.0
"""The bias that the last layer starts with: images are dark (mean ink 0.13 on MNIST), and so is sigmoid(−2) = 0.12.

From gray images (bias 0) training spends its first epochs on the background, and where nothing normalises, more often
ends at black images throughout.
"""


class Decoder(nn.Sequential):
    """A map from the coarsest maps [N, C, S, S] to images [N, 1, 28, 28] in 0 … 1, which begin dark (`DARK`)."""

    def __init__(self, shape: Architecture) -> None:
        widths, sides = shape.widths[::-1], shape.sides[::-1]
        layers: list[nn.Module] = [_after(widths[0], shape)]
        for stage, stride in enumerate(shape.strides[::-1]):
            up = _transposed(widths[stage], widths[stage + 1], stride, sides[stage], sides[stage + 1])
            last = stage == len(shape.strides) - 1
            if last and up.bias is not None:
                nn.init.constant_(up.bias, DARK)
            layers.append(nn.Sequential(up, nn.Sigmoid()) if last else _stage(up, widths[stage + 1], shape))
        super().__init__(*layers)


class Autoencoder(nn.Module):
    """Encoder, bottleneck and decoder; called, it maps images [N, 1, 28, 28] in 0 … 1 to latents [N, D]."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.encoder = Encoder(shape)
        self.bottleneck = _bottleneck(shape)
        self.decoder = Decoder(shape)

    @property
    def latent_encoder(self) -> nn.Sequential:
        """The own parts that map images to latents, as one module: that of a `Classifier` takes its state dict."""
        return nn.Sequential(self.encoder, self.bottleneck.squeeze)

    @property
    def latent_decoder(self) -> nn.Sequential:
        """The own parts that map latents to images, as one module."""
        return nn.Sequential(self.bottleneck.expand, self.decoder)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.bottleneck.encode(self.encoder(images))

    def decoded(self, latent: torch.Tensor) -> torch.Tensor:
        """Return images [N, 1, 28, 28] in 0 … 1 of latents [N, D]."""
        images: torch.Tensor = self.decoder(self.bottleneck.decode(latent))
        return images

    def reconstructed(self, images: torch.Tensor) -> torch.Tensor:
        """Return what is left of images [N, 1, 28, 28] after the bottleneck."""
        return self.decoded(self(images))


class FrozenEncoder(Autoencoder):
    """An autoencoder whose encoder stays as it is: its decoder alone trains, on latents of mean 0 and variance 1.

    The decoder would else get latents of any scale, which is nothing that an encoder knows.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, shape: Architecture) -> None:
        super().__init__(shape)
        self.register_buffer("mean", torch.zeros(shape.latent))
        self.register_buffer("deviation", torch.ones(shape.latent))
        self.latent_encoder.requires_grad_(False)

    def take(self, encoder: nn.Module) -> None:
        """Take the weights and running statistics of an encoder with the parts of `latent_encoder`."""
        self.latent_encoder.load_state_dict(encoder.state_dict())

    def standardise(self, latents: torch.Tensor) -> None:
        """Scale latents as these [N, D], which the encoder gives, have mean 0 and variance 1; not those all alike."""
        self.mean.copy_(latents.mean(0))
        deviation = latents.std(0, correction=0)
        self.deviation.copy_(torch.where(deviation > 0, deviation, 1.0))

    def train(self, mode: bool = True) -> FrozenEncoder:
        """Set the decoder to training or evaluation; the encoder is always in evaluation."""
        super().train(mode)
        self.latent_encoder.eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (super().forward(images) - self.mean) / self.deviation


class Classifier(nn.Module):
    """An encoder of latents [N, D] and an MLP of two layers on them; called, it maps images to logits [N, classes].

    Nothing stands between the latent and the MLP. `encoder` has the parts of `Autoencoder.latent_encoder`.
    """

    def __init__(self, shape: Architecture, classes: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(Encoder(shape), _bottleneck(shape).squeeze)
        hidden, activation = nn.Linear(shape.latent, HIDDEN), _ACTIVATIONS[shape.activation]()
        self.head = nn.Sequential(hidden, activation, nn.Linear(HIDDEN, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.encoder(images))
        return logits


def layer_table(network: nn.Module) -> list[tuple[str, tuple[int, ...], int]]:
    """Return (kind, shape of its output for one image, parameters) of each layer that has some, in their order."""
    found: list[tuple[str, tuple[int, ...], int]] = []

    def note(module: nn.Module, _: object, output: torch.Tensor) -> None:
        count = sum(parameter.numel() for parameter in module.parameters())
        found.append((type(module).__name__, tuple(output.shape[1:]), count))

    leaves = [one for one in network.modules() if next(iter(one.parameters(recurse=False)), None) is not None]
    hooks = [leaf.register_forward_hook(note) for leaf in leaves]
    was_training = network.training
    with torch.no_grad():
        network.eval()
        device = next(network.parameters()).device
        images = torch.zeros(1, 1, SIDE, SIDE, device=device)
        network.reconstructed(images) if isinstance(network, Autoencoder) else network(images)
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return found


def _bottleneck(shape: Architecture) -> Bottleneck:
    return ConvBottleneck(shape) if shape.bottleneck == "conv" else LinearBottleneck(shape)


def _kernel(stride: int) -> int:
    """Return the side of the least odd kernel, of 3 at least, that leaves no pixel out."""
    return max(3, stride + 1 - stride % 2)


def _transposed(inputs: int, outputs: int, stride: int, side: int, larger: int) -> nn.ConvTranspose2d:
    """Return a transposed convolution from side to `larger`: of several sides that a stride maps alike, that one."""
    kernel = _kernel(stride)
    more = larger - ((side - 1) * stride - 2 * (kernel // 2) + kernel)
    return nn.ConvTranspose2d(inputs, outputs, kernel, stride, kernel // 2, output_padding=more)


def _stage(convolution: nn.Module, maps: int, shape: Architecture) -> nn.Sequential:
    return nn.Sequential(convolution, *_after(maps, shape))


def _after(maps: int, shape: Architecture) -> nn.Sequential:
    normalised: Sequence[nn.Module] = [nn.BatchNorm2d(maps)] if shape.norm == "batch" else []
    return nn.Sequential(*normalised, _ACTIVATIONS[shape.activation]())
