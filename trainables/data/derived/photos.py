"""Digits over photographs, as MNIST-M is made: a domain that a network trained on plain digits does not know.

Source: Y. Ganin, E. Ustinova, H. Ajakan et al., "Domain-adversarial training of neural networks", 2016: the absolute
difference of a digit and a random patch of a photograph, channel by channel.
"""

from __future__ import annotations

import numpy as np
import torch

from common.seeds import seed_of
from trainables.data.dataset import SPLITS, DataSet, SplitName, recipe_digest, refuse
from trainables.data.pixels import framed

SIDE = 32
VERSION = 1  # raised by hand when the same digits and photographs make other images
BATCH = 4_096  # bounds the memory it takes


class DigitsOverPhotos(DataSet):
    """Image i shows digit i of the set it is made from, in the same split."""

    shape = (SIDE, SIDE, 3)

    def __init__(self, digits: tuple[str, DataSet], photos: tuple[str, DataSet]) -> None:
        """Both with their names. Raises Refused where the photographs are grayscale or too small."""
        self.made_from = (digits[0], photos[0])
        self._digits, self._photos = digits[1], photos[1]
        if len(self._photos.shape) != 3 or min(self._photos.shape[:2]) < SIDE:
            rule = f"{digits[0]} is blended over photographs in colour of at least {SIDE}×{SIDE}"
            raise refuse(rule, f"{photos[0]}, {self._photos.shape}", "Name such a set, as in mnist_photos@cifar10.")
        self.classes = self._digits.classes
        self.builtin = self._digits.builtin and self._photos.builtin
        self.blocked = self._digits.blocked
        counts = " + ".join(f"{len(self._digits.labels(split)):,}" for split in SPLITS)
        self.origin = f"digits of {digits[0]} blended over patches of {photos[0]}, {counts}, 32×32 in colour"

    def labels(self, split: SplitName) -> np.ndarray:
        return self._digits.labels(split)

    def images(self, split: SplitName) -> np.ndarray:
        return blend(self._digits.images(split), self._photos.images(split), seed_of("photos", split))

    def fingerprint(self, split: SplitName) -> str:
        """Of what it is made from, and of how."""
        return recipe_digest(self._digits.fingerprint(split), self._photos.fingerprint(split), f"blended {VERSION}")

    def check(self) -> None:
        self._digits.check()
        self._photos.check()


def blend(digits: np.ndarray, photos: np.ndarray, seed: int) -> np.ndarray:
    """digits [N, h, w], photos [M, H, W, 3] -> [N, 32, 32, 3], all uint8: each over a patch of its own.

    Half of the patches are mirrored.
    """
    generator = torch.Generator().manual_seed(seed)
    n, (count, height, width) = len(digits), photos.shape[:3]

    def below(limit: int) -> np.ndarray:
        return np.asarray(torch.randint(limit, (n,), generator=generator).numpy())

    which, top, left, mirrored = below(count), below(height - SIDE + 1), below(width - SIDE + 1), below(2)
    made = np.empty((n, SIDE, SIDE, 3), np.uint8)
    rows = np.arange(SIDE)
    for start in range(0, n, BATCH):
        own = slice(start, start + BATCH)
        columns = np.where(mirrored[own, None] == 1, rows[::-1], rows) + left[own, None]
        patches = photos[which[own, None, None], (top[own, None] + rows)[:, :, None], columns[:, None, :]]
        strokes = framed(torch.from_numpy(digits[own].copy())[:, None].float(), SIDE)[:, 0, :, :, None]
        made[own] = (torch.from_numpy(patches).float() - strokes).abs().round().byte().numpy()
    return made
