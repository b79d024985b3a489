"""The average of a network over its training steps."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average(nn.Module):
    """The exponential moving average of a network's parameters and running statistics, for evaluation.

    It equals PyTorch's `AveragedModel` to the bit, which keeps a counter on the CPU and therefore waits for the GPU
    twice a step.
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        """Start from a copy of the network; the share `keep` of the average, 0 … 1, stays after each step."""
        super().__init__()
        self.module = copy.deepcopy(network).requires_grad_(False).eval()
        self.keep = keep

    @torch.no_grad()
    def update(self, network: nn.Module, *, first: bool) -> None:
        """Take in the network after a step; after the first step the average is the network."""
        torch._foreach_lerp_(_averaged(self.module), _averaged(network), 1.0 if first else 1 - self.keep)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(images)
        return logits


def _averaged(network: nn.Module) -> list[torch.Tensor]:
    """Return the parameters and running statistics, without the batch counters beside them."""
    return [value for value in (*network.parameters(), *network.buffers()) if value.is_floating_point()]
