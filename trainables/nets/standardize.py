"""The standardisation of images that comes before a network."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """A map from images [N, C, S, S], uint8 or float32 in 0 … 255, to float32 of mean 0 and variance 1 in each channel.

    Mean and standard deviation are those of the images it was made from; they are buffers, not parameters.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, images: torch.Tensor) -> None:
        super().__init__()
        means, deviations = [], []
        for plane in images.transpose(0, 1):
            x = plane.float()  # one channel at a time, since float32 takes four bytes a pixel
            means.append(x.mean())
            deviations.append(x.std())
        self.register_buffer("mean", torch.stack(means)[:, None, None])
        self.register_buffer("deviation", torch.stack(deviations)[:, None, None].clamp(min=1.0))  # one may be constant

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return ((images.float() - self.mean) / self.deviation).contiguous(memory_format=torch.channels_last)
