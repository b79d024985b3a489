"""Built-in `letters`: A–Z and a–z drawn in 21 fonts, with varied strokes, slanted and blurred; white on black, 28×28.

Glyphs are rendered once; each image is then a random affine map of one of them, drawn in batches.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from common.seeds import seed_of
from trainables.data.builtin.glyphs import glyphs
from trainables.data.dataset import DataSet, Split, SplitName, frozen

CLASSES = tuple(string.ascii_uppercase + string.ascii_lowercase)
COUNTS: dict[SplitName, int] = {"train": 200, "test": 50}


class Letters(DataSet):
    """52 classes, 200 training and 50 test images of each, drawn when first asked for."""

    classes = CLASSES
    origin = "built-in: letters A–Z and a–z drawn in 21 fonts, 10,400 + 2,600"
    builtin = True
    known_duplicates = 0
    caveats = ("letters: training and test images share all 21 fonts, so accuracies say nothing about other fonts.",)
    shape = (28, 28)

    def labels(self, split: SplitName) -> np.ndarray:
        return np.tile(np.arange(len(CLASSES)), COUNTS[split])

    def images(self, split: SplitName) -> np.ndarray:
        return _drawn(split).images

    def check(self) -> None:
        pass  # there are no files


def open_letters(data_dir: Path | None, cache_dir: Path) -> Letters:
    """Open the data set, which needs neither folder."""
    return Letters()


@cache
def _drawn(split: SplitName) -> Split:
    labels = np.tile(np.arange(len(CLASSES)), COUNTS[split])
    return frozen(Split(draw(labels, seed_of("letters", split)), labels))


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw one image for each label, [N, 28, 28] uint8; the same images for the same labels and seed."""
    generator = torch.Generator().manual_seed(seed)
    atlas = glyphs(CLASSES)
    batches = [
        _batch(atlas, torch.from_numpy(part), generator) for part in np.array_split(labels, -(-len(labels) // 4096))
    ]
    return np.asarray(torch.cat(batches).numpy())


def _batch(atlas: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw a letter for each of labels [N]: images [N, 28, 28] uint8."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(len(labels), generator=generator)

    fonts = torch.randint(atlas.shape[0], (len(labels),), generator=generator)
    strokes = torch.randint(atlas.shape[1], (len(labels),), generator=generator)
    x = atlas[fonts, strokes, labels][:, None]  # [N, 1, GLYPH, GLYPH]
    angle = uniform(-0.35, 0.35)
    shear = uniform(-0.4, 0.4)
    wide = uniform(0.75, 1.35)  # width and height of what is seen: the larger they are, the smaller the letter
    high = uniform(0.9, 1.25)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = [
        wide * cos,
        wide * (shear * cos - sin),
        uniform(-0.15, 0.15),
        high * sin,
        high * (shear * sin + cos),
        uniform(-0.15, 0.15),
    ]
    grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), [len(x), 1, 28, 28], align_corners=False)
    x = F.grid_sample(x, grid, align_corners=False)
    for _ in range(2):
        blur = uniform(0, 1)[:, None, None, None]
        x = x + blur * (F.avg_pool2d(x, 3, stride=1, padding=1) - x)
    x = x / x.amax((2, 3), keepdim=True).clamp(min=0.1) * uniform(0.85, 1.15)[:, None, None, None]
    return (x[:, 0].clamp(0, 1) * 255).round().byte()
