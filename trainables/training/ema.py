"""The average of a network over its training steps."""

from __future__ import annotations

import copy

import torch
from torch import nn


class Average(nn.Module):
    """The exponential moving average of a network's parameters and running statistics, for evaluation.

    As PyTorch's `AveragedModel` computes it, which waits for the GPU twice a step, for a counter kept on the CPU.
    """

    def __init__(self, network: nn.Module, keep: float) -> None:
        """After each step a share `keep` of the average stays, 0 … 1."""
        super().__init__()
        self.module, self.keep = copy.deepcopy(network).requires_grad_(False).eval(), keep

    @torch.no_grad()
    def update(self, network: nn.Module, *, first: bool) -> None:
        """Take in the network after a step, whole if it is the first."""
        torch._foreach_lerp_(_numbers(self.module), _numbers(network), 1.0 if first else 1 - self.keep)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.module(images)
        return logits


def _numbers(network: nn.Module) -> list[torch.Tensor]:
    """Parameters and running statistics, without the counters beside these."""
    return [value for value in (*network.parameters(), *network.buffers()) if value.is_floating_point()]
