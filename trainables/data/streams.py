"""The order in which training images are used: batches from one or several streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from trainables.data.subsets import proportional_order

Shuffle = Callable[[torch.Generator], torch.Tensor]
"""A function that draws a new order of all positions of a stream, [N] int64."""


def shuffled(length: int) -> Shuffle:
    """Return a shuffle of the positions 0 … length − 1."""
    return lambda generator: torch.randperm(length, generator=generator)


def stratified(labels: np.ndarray) -> Shuffle:
    """Return a shuffle, given labels [N], whose every beginning has the classes' proportions within one image; so any
    batch of it nearly has them."""

    def order(generator: torch.Generator) -> torch.Tensor:
        seed = int(torch.randint(2**62, (), generator=generator))
        return torch.from_numpy(proportional_order(labels, seed))

    return order


def batches(
    streams: Sequence[Shuffle], batch_size: int, generators: Sequence[torch.Generator]
) -> Iterator[list[torch.Tensor]]:
    """Yield the batches of an epoch: for each, the positions to take from each stream, [batch_size // streams] int64.

    The epoch ends when every position of the longest stream was used once; shorter streams start again, in a new order,
    as often as needed. The last batch may be smaller; each stream has an equal share of it too.
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
