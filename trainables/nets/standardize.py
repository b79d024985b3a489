"""The standardisation that stands before a network."""

from __future__ import annotations

import torch
from torch import nn


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
