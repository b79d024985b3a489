"""Which images of a data set a trial trains on, and which are held out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.problems import Problem
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train, subset_problems

VALIDATION = 5_000
"""Validation images, unless the config says otherwise; a fifth of the training split where that is fewer."""
Part = Literal["pool", "all", "first"]


@dataclass(frozen=True)
class Choice:
    """Which images of a data set a trial trains on."""

    data: str
    validation: int
    train_size: int | None
    """Class-balanced and nested per seed; None: all that validation leaves, whatever the seed."""
    seed: int
    part: Part = "pool"
    """Which part of the training split they are from: `pool`, what validation leaves; `all`, validation's images, too;
    `first`, its first `train_size` images as they stand, which are left out of validation."""

    def rows(self, sources: Sources) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the training and of the validation images in the training split. Raises Refused."""
        data = sources.dataset(self.data)
        labels = data.labels("train")
        pool, held_out = split_train(labels, None, self._held_out(len(labels)), data.blocks())
        if self.part == "first":
            first = np.arange(len(labels) if self.train_size is None else self.train_size)
            return first, np.setdiff1d(held_out, first)
        pool = np.arange(len(labels)) if self.part == "all" else pool
        if self.train_size is not None:
            pool = pool[nested_subset(labels[pool], self.train_size, self.seed)]
        return pool, held_out

    def problems(self, sources: Sources) -> list[Problem]:
        """Return what keeps the set from having these images. Raises Refused where it cannot be read."""
        summary = sources.summary(self.data)
        every = sum(summary.train_counts)
        validation = self._held_out(every)
        left = sources.pool_left(self.data, validation)
        whole = every if self.part == "first" else left  # all of them as they stand leave none for validation
        return subset_problems(summary, whole if self.train_size is None else self.train_size, left, validation)

    def spec(self) -> dict[str, int | str | None]:
        """Return what determines the choice beside the data, as JSON values."""
        seed = None if self.train_size is None or self.part == "first" else self.seed
        return {"validation": self.validation, "train_size": self.train_size, "seed": seed, "part": self.part}

    def _held_out(self, images: int) -> int:
        return min(self.validation, images // 5)
