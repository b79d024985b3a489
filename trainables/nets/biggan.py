"""The generator of BigGAN-deep, under the key names and with the shapes of the published PyTorch weights.

    with torch.device("meta"):
        network = BigGAN(PUBLISHED["biggan-deep-128"])
    images = network(latents, one_hot, truncation=0.4)     # [N, 128], [N, 1000] -> [N, 3, 128, 128] in −1 … 1

Source: A. Brock, J. Donahue, K. Simonyan, "Large scale GAN training for high fidelity natural image synthesis", 2019,
appendix B; keys, shapes and configs are those of the package pytorch-pretrained-biggan.

It is for evaluation: normalisation has fixed statistics, which depend on the truncation that latents are drawn with.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import nn
from torch.nn.utils import spectral_norm

FIRST = 16
"""How many times the channel width the first block's maps are."""
SIDE = 4
"""Height and width of the first block's maps."""
NARROWER = 4
"""How many times fewer maps a block has inside than it is given."""
COLOURS = 3
"""The first so many of the last maps are the image."""


class Architecture(BaseModel):
    """The published config file of a generator; validation raises where its numbers contradict each other."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    output_dim: int = Field(gt=0, description="side of the images, in pixels")
    z_dim: int = Field(128, gt=0, description="numbers in a latent")
    class_embed_dim: int = Field(128, gt=0, description="numbers in the embedding of a class")
    channel_width: int = Field(128, ge=COLOURS, description="maps of the last block")
    num_classes: int = Field(1000, gt=0, description="classes")
    layers: tuple[tuple[bool, int, int], ...] = Field(
        min_length=1, description="by block: whether it doubles the side, and its maps before and after, in widths"
    )
    attention_layer_position: int = Field(8, ge=0, description="blocks before the attention")
    eps: float = Field(1e-4, gt=0, description="added to variances")
    n_stats: int = Field(51, ge=2, description="truncations, evenly spaced from 0 to 1, that statistics are of")

    @model_validator(mode="after")
    def _fit_together(self) -> Architecture:
        maps = [FIRST, *(after for _, _, after in self.layers)]
        if maps[-1] != 1 or any(before != last for (_, before, _), last in zip(self.layers, maps, strict=False)):
            raise ValueError(f"blocks in `layers` must begin with the maps of the one before: {FIRST} first, 1 last")
        if any(after not in (before, before // 2) for before, after in pairwise(maps)):
            raise ValueError("a block in `layers` keeps or halves its maps, since its shortcut drops half of them")
        if self.output_dim != (side := SIDE * 2 ** sum(doubles for doubles, _, _ in self.layers)):
            raise ValueError(f"`output_dim` must be {side}, which is what the blocks in `layers` come to")
        if self.attention_layer_position >= len(self.layers):
            raise ValueError(f"`attention_layer_position` must be below {len(self.layers)}, the number of blocks")
        return self


def _published(side: int, *after: int) -> Architecture:
    """Return the architecture for images of a side, by the maps after each pair of blocks, of which one doubles it."""
    before = [FIRST, *after]
    layers = [
        block for first, last in pairwise(before) for block in ((False, first, first), (True, first, last))
    ]  # fmt: skip
    return Architecture(output_dim=side, layers=tuple(layers))


PUBLISHED: Mapping[str, Architecture] = {
    "biggan-deep-128": _published(128, 16, 8, 4, 2, 1),
    "biggan-deep-256": _published(256, 16, 8, 8, 4, 2, 1),
    "biggan-deep-512": _published(512, 16, 8, 8, 4, 2, 1, 1),
}
"""The generators that were published, with 1,000 classes of ImageNet each."""


def statistics_row(truncation: float, rows: int) -> int:
    """Return which of so many rows of statistics, of truncations evenly spaced from 0 to 1, is of this truncation.

    It is the nearest one. The published code interpolates between neighbours with their weights exchanged, so that
    where a division is inexact (0.14, 0.28, 0.56, 0.58 and 0.94 of 51 rows) it reads a neighbour.
    """
    return round(truncation * (rows - 1))


class BigGAN(nn.Module):
    """A map from latents, classes and a truncation to images."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings = nn.Linear(shape.num_classes, shape.class_embed_dim, bias=False)
        self.generator = _Generator(shape)

    def forward(self, latents: torch.Tensor, classes: torch.Tensor, truncation: float) -> torch.Tensor:
        """Return images [N, 3, S, S] in −1 … 1 of latents [N, z_dim] and classes [N, num_classes].

        Classes are one-hot, or mixtures of such: the embedding of a mixture is the mixture of the embeddings. Raises
        ValueError where the truncation is not above 0 and at most 1.
        """
        return self.embedded(latents, self.embeddings(classes), truncation)

    def embedded(self, latents: torch.Tensor, embeddings: torch.Tensor, truncation: float) -> torch.Tensor:
        """Return images [N, 3, S, S] of latents and embeddings of classes [N, class_embed_dim]; raises as `forward`."""
        if not 0 < truncation <= 1:
            raise ValueError(f"a truncation is above 0 and at most 1; found {truncation}")
        images: torch.Tensor = self.generator(torch.cat([latents, embeddings], 1), truncation)
        return images


class _Generator(nn.Module):
    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        width, condition = shape.channel_width, shape.z_dim + shape.class_embed_dim
        self.gen_z = _linear(condition, SIDE * SIDE * FIRST * width, shape, bias=True)
        layers: list[nn.Module] = [
            _Block(before * width, after * width, condition, shape, doubles=doubles)
            for doubles, before, after in shape.layers
        ]
        before_attention = shape.layers[shape.attention_layer_position][1] * width
        layers.insert(shape.attention_layer_position, _Attention(before_attention, shape))
        self.layers = nn.ModuleList(layers)
        self.bn = _Affine(width, shape)
        self.conv_to_rgb = _convolution(width, width, 3, shape)

    def forward(self, condition: torch.Tensor, truncation: float) -> torch.Tensor:
        x = self.gen_z(condition).unflatten(1, (SIDE, SIDE, -1)).permute(0, 3, 1, 2)  # the weights count channels last
        for layer in self.layers:
            x = layer(x) if isinstance(layer, _Attention) else layer(x, condition, truncation)
        return torch.tanh(self.conv_to_rgb(F.relu(self.bn(x, truncation)))[:, :COLOURS])


class _Block(nn.Module):
    """A bottleneck of four convolutions beside a shortcut, which drops the maps that are too many."""

    def __init__(self, before: int, after: int, condition: int, shape: Architecture, *, doubles: bool) -> None:
        super().__init__()
        inside = before // NARROWER
        self.after, self.doubles = after, doubles
        maps, kernels = [before, inside, inside, inside, after], (1, 3, 3, 1)
        for i, kernel in enumerate(kernels):
            self.add_module(f"bn_{i}", _Conditional(maps[i], condition, shape))
            self.add_module(f"conv_{i}", _convolution(maps[i], maps[i + 1], kernel, shape))

    def forward(self, x: torch.Tensor, condition: torch.Tensor, truncation: float) -> torch.Tensor:
        shortcut = self._doubled(x[:, : self.after])
        for i in range(4):
            x = F.relu(self.get_submodule(f"bn_{i}")(x, truncation, condition))
            x = self.get_submodule(f"conv_{i}")(self._doubled(x) if i == 1 else x)
        return x + shortcut

    def _doubled(self, x: torch.Tensor) -> torch.Tensor:
        return F.interpolate(x, scale_factor=2, mode="nearest") if self.doubles else x


class _Attention(nn.Module):
    """Self-attention over positions; keys and values are pooled.

    Source: H. Zhang et al., "Self-attention generative adversarial networks", 2019.
    """

    def __init__(self, maps: int, shape: Architecture) -> None:
        super().__init__()
        self.snconv1x1_theta = _convolution(maps, maps // 8, 1, shape, bias=False)
        self.snconv1x1_phi = _convolution(maps, maps // 8, 1, shape, bias=False)
        self.snconv1x1_g = _convolution(maps, maps // 2, 1, shape, bias=False)
        self.snconv1x1_o_conv = _convolution(maps // 2, maps, 1, shape, bias=False)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        queries = self.snconv1x1_theta(x).flatten(2)  # [N, maps / 8, H W]
        keys = F.max_pool2d(self.snconv1x1_phi(x), 2).flatten(2)  # [N, maps / 8, H W / 4]
        values = F.max_pool2d(self.snconv1x1_g(x), 2).flatten(2)  # [N, maps / 2, H W / 4]
        weights = torch.softmax(queries.transpose(1, 2) @ keys, 2)  # [N, H W, H W / 4]
        seen = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        return torch.addcmul(x, self.gamma, self.snconv1x1_o_conv(seen))


class _Normalisation(nn.Module):
    """Normalisation by stored statistics, a row for each truncation."""

    running_means: torch.Tensor
    running_vars: torch.Tensor

    def __init__(self, maps: int, shape: Architecture) -> None:
        super().__init__()
        self.eps = shape.eps
        self.register_buffer("running_means", torch.zeros(shape.n_stats, maps))
        self.register_buffer("running_vars", torch.ones(shape.n_stats, maps))

    def forward(self, x: torch.Tensor, truncation: float) -> torch.Tensor:
        row = statistics_row(truncation, len(self.running_means))
        mean, variance = self.running_means[row], self.running_vars[row]
        return (x - _as_maps(mean[None])) * torch.rsqrt(_as_maps(variance[None]) + self.eps)


class _Affine(_Normalisation):
    """The same, with a scale and an offset for each map."""

    def __init__(self, maps: int, shape: Architecture) -> None:
        super().__init__(maps, shape)
        self.weight = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))

    def forward(self, x: torch.Tensor, truncation: float) -> torch.Tensor:
        return super().forward(x, truncation) * _as_maps(self.weight[None]) + _as_maps(self.bias[None])


class _Conditional(_Normalisation):
    """Normalisation, with a scale about 1 and an offset for each map that are linear in latent and class."""

    def __init__(self, maps: int, condition: int, shape: Architecture) -> None:
        super().__init__(maps, shape)
        self.scale = _linear(condition, maps, shape)
        self.offset = _linear(condition, maps, shape)

    def forward(self, x: torch.Tensor, truncation: float, condition: torch.Tensor | None = None) -> torch.Tensor:
        scale, offset = _as_maps(self.scale(condition)), _as_maps(self.offset(condition))
        return super().forward(x, truncation) * (1 + scale) + offset


def _linear(inputs: int, outputs: int, shape: Architecture, *, bias: bool = False) -> nn.Module:
    return spectral_norm(nn.Linear(inputs, outputs, bias=bias), eps=shape.eps)


def _convolution(inputs: int, outputs: int, kernel: int, shape: Architecture, *, bias: bool = True) -> nn.Module:
    return spectral_norm(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias), eps=shape.eps)


def _as_maps(values: torch.Tensor) -> torch.Tensor:
    """Return values [N, maps] as [N, maps, 1, 1]."""
    return values[:, :, None, None]
