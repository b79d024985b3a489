"""VGG16 with batch normalisation for 32×32 photographs, at any width: 13 convolutions, then 3 linear layers.

Source: K. Simonyan, A. Zisserman, "Very deep convolutional networks for large-scale image recognition", 2014. The
linear layers are only as wide as the last maps, as is usual at 32×32, and are normalised too, which lets training start
at once. Convolutions have torchvision's names.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

STAGES = ((1, 1), (2, 2), (4, 4, 4), (8, 8, 8), (8, 8, 8))
"""Number of maps of each convolution, in multiples of `width`; each stage ends by halving the resolution."""
EMBEDDING = 8
"""Size of the second-last layer, in multiples of `width`."""


class VGG(nn.Module):
    """A map from standardised images [N, 3, 32, 32] float32 to logits [N, classes]; `width` is 64 in the paper."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for stage in STAGES:
            for maps in (width * times for times in stage):
                layers += [nn.Conv2d(inputs, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU()]
                inputs = maps
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        size = EMBEDDING * width
        self.classifier = nn.Sequential(
            nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(),
            nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(),
            nn.Linear(size, classes),
        )  # fmt: skip
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.second_last(self.features(images)))
        return logits

    @property
    def head(self) -> nn.Linear:
        """Return the last layer."""
        return self.classifier[-1]  # type: ignore[return-value]  # a Linear, see above

    def second_last(self, maps: torch.Tensor) -> torch.Tensor:
        """Map the last stage's maps [N, 8 · width, 1, 1] to the second-last layer [N, 8 · width], none below 0."""
        embedding: torch.Tensor = self.classifier[:-1](maps.flatten(1))
        return embedding

    def stages(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the last stage's maps and the means of several stages' maps, given standardised images.

        images [N, 3, 32, 32] float32 give maps [N, 8 · width, 1, 1] and means [N, 22 · width] of the maps with which
        all stages but the first end; none is below 0.
        """
        x = images
        means = []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                means.append(x.mean((2, 3)))
        return x, torch.cat(means[1:], 1)

    @property
    def means(self) -> int:
        """Return the number of means that `stages` returns."""
        width = self.head.in_features // EMBEDDING
        return sum(maps[-1] * width for maps in STAGES[1:])

    def column(self, stage: int) -> int:
        """Return the column at which a stage's means begin in what `stages` returns; `stage` counts from 1."""
        width = self.head.in_features // EMBEDDING
        return sum(maps[-1] * width for maps in STAGES[1 : stage - 1])

    def by_stage(self) -> list[nn.Sequential]:
        """Return the layers of each stage, first the one next to the image; they share parameters with `features`."""
        ends = [i + 1 for i, layer in enumerate(self.features) if isinstance(layer, nn.MaxPool2d)]
        return [self.features[begin:end] for begin, end in pairwise([0, *ends])]
