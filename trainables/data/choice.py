"""Which images of a data set a trial trains on, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from common.problems import Problem
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train, subset_problems

VALIDATION = 5_000
"""Validation images, unless the config says otherwise; a fifth of the training split where that is fewer."""


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
