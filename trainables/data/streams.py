"""The order in which training images are met: batches from one or several streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from trainables.data.subsets import proportional_order

Shuffle = Callable[[torch.Generator], torch.Tensor]
"""A fresh order of all of a stream's positions, [N] int64."""


def shuffled(length: int) -> Shuffle:
    """Positions 0 … length − 1 in a random order."""
    return lambda generator: torch.randperm(length, generator=generator)


def stratified(labels: np.ndarray) -> Shuffle:
    """labels [N] -> a random order whose beginnings, and so about any run of it, have the classes' proportions."""

    def order(generator: torch.Generator) -> torch.Tensor:
        seed = int(torch.randint(2**62, (), generator=generator))
        return torch.from_numpy(proportional_order(labels, seed))

    return order


def batches(
    streams: Sequence[Shuffle], batch_size: int, generators: Sequence[torch.Generator]
) -> Iterator[list[torch.Tensor]]:
    """An epoch of batches: for each, the positions taken from each stream, [batch_size // streams] int64.

    The epoch ends when the longest stream does, of which it holds every position once; the shorter ones are shuffled
    anew and go round. Of the last batch, which may be smaller, each stream has an equal share too.
    """
    share = batch_size // len(streams)
    first = [shuffle(generator) for shuffle, generator in zip(streams, generators, strict=True)]
    longest = max(map(len, first))
    orders = []
    for order, shuffle, generator in zip(first, streams, generators, strict=True):
        rounds = [order, *(shuffle(generator) for _ in range(-(-longest // len(order)) - 1))]
        orders.append(torch.cat(rounds)[:longest])
    for start in range(0, longest, share):
        yield [order[start : start + share] for order in orders]
