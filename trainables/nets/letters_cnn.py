"""A small convolutional network for 28×28 grayscale images; pre-trained on letters, it is the built-in backbone."""

from __future__ import annotations

import torch
from torch import nn

WIDTH = 256
"""Length of an embedding, which holds the means and the maxima of the last maps."""


class LettersCNN(nn.Module):
    """A map from images [N, 1, 28, 28] to embeddings [N, 256]."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(_stage(1, 16), _stage(16, 64), _stage(64, WIDTH // 2, pool=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stages(x)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


def _stage(inputs: int, outputs: int, pool: bool = True) -> nn.Sequential:
    """Return a stage that maps [N, inputs, S, S] to [N, outputs, S/2, S/2], or to the same side without `pool`."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    rest = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(convolution, *rest, nn.BatchNorm2d(outputs), nn.ReLU())
