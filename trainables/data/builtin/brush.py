"""What drawn data sets share: random quantities, smooth noise, blending and blurring of a batch of 32×32 images."""

from __future__ import annotations

import torch

SIDE = 32


class Brush:
    """Random quantities for a batch of n images: one value for each image, [n, 1, 1, 1], unless said otherwise."""

    def __init__(self, generator: torch.Generator, n: int) -> None:
        self.generator = generator
        self.n = n

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        """Return uniform numbers in low … high: [n, *shape]."""
        return low + (high - low) * torch.rand((self.n, *(shape or (1, 1, 1))), generator=self.generator)

    def normal(self, *shape: int) -> torch.Tensor:
        """Return standard normal numbers: [n, *shape]."""
        return torch.randn((self.n, *shape), generator=self.generator)

    def some(self, share: float) -> torch.Tensor:
        """Return 1 for about this share of the images and 0 for the others."""
        return (self.uniform(0, 1) < share).float()

    def smooth(self, features: int, channels: int = 1) -> torch.Tensor:
        """Return smooth noise of variance 1 with about so many features along a side: [n, channels, 32, 32]."""
        pixels, centres = ((torch.arange(n) + 0.5) / n * features for n in (SIDE, features))
        weights = torch.exp(-2 * (pixels[:, None] - centres) ** 2)  # [32, features]
        weights = weights / weights.norm(dim=1, keepdim=True)
        noise: torch.Tensor = weights @ self.normal(channels, features, features) @ weights.T
        return noise


def over(x: torch.Tensor, colour: torch.Tensor, opacity: torch.Tensor) -> torch.Tensor:
    """Return images x [n, C, 32, 32] with a colour laid over them; opacity is in 0 … 1."""
    return x + opacity * (colour - x)


def smear(
    x: torch.Tensor,
    down: torch.Tensor,
    right: torch.Tensor,
    shift_down: torch.Tensor | float = 0.0,
    shift_right: torch.Tensor | float = 0.0,
) -> torch.Tensor:
    """Return images x [n, C, 32, 32] shifted and blurred by Gaussians of these standard deviations, all in pixels.

    It is one matrix product along each side.
    """
    distance = torch.arange(SIDE)[:, None] - torch.arange(SIDE).float()
    rows = torch.softmax(-0.5 * ((distance - shift_down) / down) ** 2, 3)  # [n, 1, 32, 32]
    columns = torch.softmax(-0.5 * ((distance - shift_right) / right) ** 2, 3)
    smeared: torch.Tensor = rows @ x @ columns.mT
    return smeared
