"""The images that encoders see: gray, 28×28; which are trained on, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from common.problems import Problem
from trainables.artifacts.images import split_images
from trainables.artifacts.store import Artifact
from trainables.core.network import Input
from trainables.data.dataset import SplitName
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train, subset_problems
from trainables.encoders.networks import SIDE

VALIDATION = 5_000
"""Validation images, unless the config says otherwise; a fifth of the training split where that is fewer."""
EVALUATED = 500
"""Images evaluated at a time: they fit a processor's cache."""
UNIT_INPUT = Input(channels=1, side=SIDE, mean=(0.0,), std=(1.0,))
"""The images that encoders take: in 0 … 1."""


@dataclass(frozen=True)
class Choice:
    """Which images of a data set a trial trains on."""

    data: str
    validation: int
    train_size: int | None
    """Class-balanced and nested per seed; None: all that validation leaves, whatever the seed."""
    seed: int

    def rows(self, sources: Sources) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the training and of the validation images in the training split. Raises Refused."""
        data = sources.dataset(self.data)
        labels = data.labels("train")
        pool, held_out = split_train(labels, None, self._held_out(len(labels)), data.blocks())
        if self.train_size is not None:
            pool = pool[nested_subset(labels[pool], self.train_size, self.seed)]
        return pool, held_out

    def problems(self, sources: Sources) -> list[Problem]:
        """Return what keeps the set from having these images. Raises Refused where it cannot be read."""
        summary = sources.summary(self.data)
        validation = self._held_out(sum(summary.train_counts))
        left = sources.pool_left(self.data, validation)
        return subset_problems(summary, left if self.train_size is None else self.train_size, left, validation)

    def spec(self) -> dict[str, int | None]:
        """Return what determines the choice beside the data, as JSON values."""
        seed = None if self.train_size is None else self.seed
        return {"validation": self.validation, "train_size": self.train_size, "seed": seed}

    def _held_out(self, images: int) -> int:
        return min(self.validation, images // 5)


def digit_images(data: str, sources: Sources, split: SplitName) -> Artifact:
    """Return the artifact of a split: x [N, 1, 28, 28] uint8 and y [N] int64. Raises Refused."""
    return split_images(data, sources, split, "gray", SIDE)


def in_unit_range(images: torch.Tensor) -> torch.Tensor:
    """Return images uint8 as float32 in 0 … 1."""
    return images.float() / 255
