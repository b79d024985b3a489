"""Conversions of images to what networks take: channels first, gray or coloured, of one size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F


def channels_first(images: torch.Tensor) -> torch.Tensor:
    """Convert images [N, H, W] or [N, H, W, 3] uint8 to [N, C, H, W] float32 in 0 … 1."""
    x = images[:, None] if images.ndim == 3 else images.permute(0, 3, 1, 2)
    return x.float() / 255


def grayscale(x: torch.Tensor) -> torch.Tensor:
    """Convert x [N, 1 or 3, H, W] to [N, 1, H, W], the luma of ITU-R BT.601."""
    if x.shape[1] == 1:
        return x
    return (x * x.new_tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, keepdim=True)


def resized(x: torch.Tensor, side: int) -> torch.Tensor:
    """Convert x [N, C, H, W] to [N, C, side, side]: scale by the shorter side (bilinear, antialiased), then crop the
    centre."""
    height, width = x.shape[2:]
    if (height, width) == (side, side):
        return x
    scale = side / min(height, width)
    size = (max(side, round(height * scale)), max(side, round(width * scale)))
    x = F.interpolate(x, size=size, mode="bilinear", antialias=True, align_corners=False).clamp(0, 1)
    top = (size[0] - side) // 2
    left = (size[1] - side) // 2
    return x[:, :, top : top + side, left : left + side]


def framed(x: torch.Tensor, side: int) -> torch.Tensor:
    """Convert x [N, C, H, W] to [N, C, side, side]: smaller images get a black frame, as is usual with MNIST at 32×32;
    larger ones are resized and cropped."""
    height, width = x.shape[2:]
    if max(height, width) > side:
        return resized(x, side)
    top = (side - height) // 2
    left = (side - width) // 2
    return F.pad(x, (left, side - width - left, top, side - height - top))


def planes(images: torch.Tensor, channels: int, side: int) -> torch.Tensor:
    """Convert images [N, H, W] or [N, H, W, 3] uint8 to [N, channels, side, side] uint8: framed, gray or in colour."""
    x = channels_first(images)
    x = framed(grayscale(x) if channels == 1 else x, side).expand(-1, channels, -1, -1)
    return (x * 255).round().byte()


def normalised(
    images: torch.Tensor, channels: int, side: int, mean: Sequence[float], std: Sequence[float]
) -> torch.Tensor:
    """Convert images [N, H, W] or [N, H, W, 3] uint8 to [N, channels, side, side] float32: resized, less the mean, by
    the standard deviation of each channel in 0 … 1."""
    x = channels_first(images)
    x = resized(grayscale(x) if channels == 1 else x, side)
    x = x.expand(-1, channels, -1, -1)  # grayscale images are resized before they are repeated
    return (x - x.new_tensor(mean)[:, None, None]) / x.new_tensor(std)[:, None, None]
