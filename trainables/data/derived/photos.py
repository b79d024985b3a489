"""Digits over photographs, made as MNIST-M is: a domain that a network trained on plain digits does not know.

Source: Y. Ganin, E. Ustinova, H. Ajakan et al., "Domain-adversarial training of neural networks", 2016: the absolute
difference of a digit and a random patch of a photograph, channel by channel.
"""

from __future__ import annotations

import numpy as np
import torch

from common.problems import Problem
from common.seeds import seed_of
from trainables.data.dataset import SPLITS, DataSet, SplitName, refuse, text_digest
from trainables.data.pixels import framed

SIDE = 32
VERSION = 1  # raised by hand when the same digits and photographs make other images
BATCH = 4_096  # images at a time, which bounds the memory that is used


class DigitsOverPhotos(DataSet):
    """Digits blended over photographs: image i shows digit i of the same split of the set of digits."""

    shape = (SIDE, SIDE, 3)

    def __init__(self, digits: tuple[str, DataSet], photos: tuple[str, DataSet]) -> None:
        """Take both sets with their names. Raises Refused where the photographs are grayscale or too small."""
        self.made_from = (digits[0], photos[0])
        self._digits = digits[1]
        self._photos = photos[1]
        if len(self._photos.shape) != 3 or min(self._photos.shape[:2]) < SIDE:
            rule = f"{digits[0]} is blended over photographs in colour of at least {SIDE}×{SIDE}"
            raise refuse(rule, f"{photos[0]}, {self._photos.shape}", "Name such a set, as in mnist_photos@cifar10.")
        self.classes = self._digits.classes
        self.known_duplicates = self._digits.known_duplicates
        self.caveats = (*self._digits.caveats, *self._photos.caveats)
        self.builtin = self._digits.builtin and self._photos.builtin
        counts = " + ".join(f"{self._digits.size(split):,}" for split in SPLITS)
        self.origin = f"digits of {digits[0]} blended over patches of {photos[0]}, {counts}, 32×32 in colour"

    def labels(self, split: SplitName) -> np.ndarray:
        return self._digits.labels(split)

    def blocks(self) -> np.ndarray | None:
        return self._digits.blocks()

    def class_counts(self, split: SplitName) -> np.ndarray:
        return self._digits.class_counts(split)

    def images(self, split: SplitName) -> np.ndarray:
        return blend(self._digits.images(split), self._photos.images(split), seed_of("photos", split))

    def digests(self, split: SplitName) -> list[bytes]:
        """Return the digits' digests: a digit over two photographs is the same digit."""
        return self._digits.digests(split)

    def fingerprint(self, split: SplitName) -> str:
        """Return the digest of both sets' fingerprints and of how they are blended."""
        return text_digest(self._digits.fingerprint(split), self._photos.fingerprint(split), f"blended {VERSION}")

    def check(self) -> None:
        self._digits.check()
        self._photos.check()

    def absent(self) -> list[Problem]:
        return [*self._digits.absent(), *self._photos.absent()]


def blend(digits: np.ndarray, photos: np.ndarray, seed: int) -> np.ndarray:
    """Blend digits [N, h, w] over random patches of photos [M, H, W, 3] into [N, 32, 32, 3], all uint8.

    Half of the patches are mirrored.
    """
    generator = torch.Generator().manual_seed(seed)
    n = len(digits)
    count, height, width = photos.shape[:3]

    def below(limit: int) -> np.ndarray:
        return np.asarray(torch.randint(limit, (n,), generator=generator).numpy())

    which = below(count)
    top = below(height - SIDE + 1)
    left = below(width - SIDE + 1)
    mirrored = below(2)
    made = np.empty((n, SIDE, SIDE, 3), np.uint8)
    rows = np.arange(SIDE)
    for start in range(0, n, BATCH):
        own = slice(start, start + BATCH)
        columns = np.where(mirrored[own, None] == 1, rows[::-1], rows) + left[own, None]
        patches = photos[which[own, None, None], (top[own, None] + rows)[:, :, None], columns[:, None, :]]
        strokes = framed(torch.from_numpy(digits[own].copy())[:, None].float(), SIDE)[:, 0, :, :, None]
        made[own] = (torch.from_numpy(patches).float() - strokes).abs().round().byte().numpy()
    return made
