"""Built-in `house_digits`: coloured digits drawn on clutter with parts of their neighbours, a stand-in for SVHN.

Three digits of one font stand in a row, and the crop shows the middle one. They are bent, slanted, given a shadow and
an outline, put on a stained ground with edges and lines, lit from one side, blurred and made noisy. Colours are like
those of SVHN's photographs: more or less bluish or brownish greys, and a few vivid ones.

How hard they are (`python -m bench.house_digits --seeds 2`, accuracy on all 2,000 test images): a logistic regression
on pixels reaches 12.0 % with 783 training images and 13.7 % with 5,000; a small CNN reaches 69 to 71 % with 783 and
91.4 to 92.0 % with 5,000, in gray and in colour.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from common.seeds import seed_of
from trainables.data.builtin.brush import SIDE, Brush, over, smear
from trainables.data.builtin.glyphs import GLYPH, INK, glyphs
from trainables.data.dataset import DataSet, Split, SplitName, frozen, text_digest

CLASSES = tuple("0123456789")
COUNTS: dict[SplitName, int] = {"train": 600, "test": 200}
COOL = (-0.46, 0.06, 0.89)
RED = (0.77, -0.47, 0.43)
"""Directions of colour, in RGB: the principal ones of SVHN's crops."""
BATCH = 1_000
VERSION = 1  # raised by hand when other images are drawn


class HouseDigits(DataSet):
    """10 classes, 600 training and 200 test images of each, 32×32 RGB, drawn when first asked for."""

    classes = CLASSES
    origin = "built-in: house numbers' digits drawn in 20 fonts on clutter, 6,000 + 2,000"
    builtin = True
    known_duplicates = 0
    caveats = (
        "house_digits: training and test images share all 20 fonts, so accuracies say nothing about other fonts.",
    )
    shape = (SIDE, SIDE, 3)

    def labels(self, split: SplitName) -> np.ndarray:
        return np.tile(np.arange(len(CLASSES)), COUNTS[split])

    def images(self, split: SplitName) -> np.ndarray:
        return _drawn(split).images

    def fingerprint(self, split: SplitName) -> str:
        """Return the digest of how the split is drawn, so that it need not be drawn to know whether it changed."""
        versions = [f"{name} {version(name)}" for name in ("torch", "pillow", "matplotlib")]
        return text_digest(f"house_digits {VERSION} {split} {COUNTS[split]}", *versions)

    def check(self) -> None:
        pass  # there are no files


def open_house_digits(data_dir: Path | None, cache_dir: Path) -> HouseDigits:
    """Open the data set, which needs neither folder."""
    return HouseDigits()


def _seed(split: SplitName) -> int:
    return seed_of("house_digits", split)


@cache
def _drawn(split: SplitName) -> Split:
    labels = HouseDigits().labels(split)
    return frozen(Split(draw(labels, _seed(split)), labels))


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw one image for each label, [N, 32, 32, 3] uint8; the same images for the same labels and seed."""
    generator = torch.Generator().manual_seed(seed)
    parts = np.array_split(labels, -(-len(labels) // BATCH))
    return np.concatenate([_Painter(generator, torch.from_numpy(part)).paint() for part in parts])


class _Painter(Brush):
    """Draws a batch of n images; colours are RGB in 0 … 1 and lengths are in pixels, unless said otherwise."""

    def __init__(self, generator: torch.Generator, labels: torch.Tensor) -> None:
        super().__init__(generator, len(labels))
        self.labels = labels

    def paint(self) -> np.ndarray:
        """Draw the batch: [n, 32, 32, 3] uint8."""
        ink = self.ink()
        digit, ground = self.colours()
        x = self.background(ground, digit)
        soft = self.uniform(0.5, 1.2)
        shadow = smear(ink, soft, soft, self.uniform(-2.5, 2.5), self.uniform(-2.5, 2.5))
        x = x * (1 - self.some(0.4) * self.uniform(0.2, 0.8) * shadow)
        outline = F.max_pool2d(ink, 3, stride=1, padding=1) - ink
        x = over(x, self.tint(self.uniform(0, 0.9)), self.some(0.35) * self.uniform(0, 1) * outline)
        x = over(x, digit * (1 + self.uniform(0, 0.12) * self.smooth(4)), ink)
        x = self.photographed(x)
        return np.ascontiguousarray((x.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())

    def ink(self) -> torch.Tensor:
        """Return how much of each pixel belongs to the digit or to its neighbours: [n, 1, 32, 32] in 0 … 1."""
        atlas = glyphs(CLASSES)[:-1]  # the last font, cmmi10, has old-style figures
        font, stroke = (torch.randint(n, (self.n, 1), generator=self.generator) for n in atlas.shape[:2])
        row = torch.randint(len(CLASSES), (self.n, 3), generator=self.generator)  # left, middle, right
        row[:, 1] = self.labels
        there = torch.cat([self.some(0.7), torch.ones(self.n, 1, 1, 1), self.some(0.7)], 1)
        # From here on the unit of length is the height of a digit.
        half = (atlas.amax(3) > 0.3).sum(3)[font, stroke, row] / INK / 2  # [n, 3]: half the width of each digit
        aside = half[:, 1:2] + half + self.uniform(0, 0.2, 3)  # distance from the middle digit's centre
        centre = aside * torch.tensor([-1, 0, 1])
        u, v = self.places()
        u = u[:, None] - centre[:, :, None, None]  # [n, 3, 32, 32]
        grid = torch.stack([u, v[:, None].expand_as(u)], 4) * (2 * INK / GLYPH)
        x = F.grid_sample(atlas[font, stroke, row].flatten(0, 1)[:, None], grid.flatten(0, 1), align_corners=False)
        return (x.view(self.n, 3, SIDE, SIDE) * there).amax(1, keepdim=True)

    def places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return each pixel's position to the right of and below the digit's centre, in heights of a digit:
        [n, 32, 32] each."""
        down, right = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE - 0.5] * 2, indexing="ij")
        bend = 0.024 * self.smooth(4, 2)
        x = right + self.uniform(-0.07, 0.07, 1, 1) + bend[:, 0]
        y = down + self.uniform(-0.05, 0.05, 1, 1) + bend[:, 1]
        angle = self.uniform(-0.15, 0.15, 1, 1)
        slant = self.uniform(-0.15, 0.2, 1, 1)
        high = self.uniform(1.0, 1.4, 1, 1)  # height of the crop: the larger it is, the smaller the digit
        wide = high * self.uniform(0.8, 1.8, 1, 1)
        cos, sin = torch.cos(angle), torch.sin(angle)
        return wide * (x * cos - y * sin + slant * y), high * (x * sin + y * cos)

    def colours(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the colours of the digits and of the ground, [n, 3, 1, 1] each; either may be the lighter one."""
        contrast = 0.14 + 0.42 * self.uniform(0, 1) ** 1.5
        middle = contrast / 2 + 0.05 + self.uniform(0, 1) * (0.85 - contrast)
        sign = 2 * self.some(0.5) - 1
        return self.tint(middle + sign * contrast / 2), self.tint(middle - sign * contrast / 2)

    def tint(self, light: torch.Tensor) -> torch.Tensor:
        """Return a random colour of about this luminance: [n, 3, 1, 1]."""
        cool = 0.02 + self.normal(1, 1, 1) * (0.05 + 0.1 * self.some(0.25))
        red = self.normal(1, 1, 1) * (0.01 + 0.06 * self.some(0.12))
        return light + cool * torch.tensor(COOL).view(1, 3, 1, 1) + red * torch.tensor(RED).view(1, 3, 1, 1)

    def background(self, ground: torch.Tensor, digit: torch.Tensor) -> torch.Tensor:
        """Draw the ground with stains, with edges of plates, frames or bricks, and lines along them: [n, 3, 32, 32]."""
        x = ground + self.uniform(0, 0.06) * self.smooth(4) + self.uniform(0, 0.04) * self.smooth(12)
        down, right = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        for _ in range(3):
            side = torch.randint(4, (self.n, 1, 1, 1), generator=self.generator)
            angle = side * torch.pi / 2 + self.uniform(-0.2, 0.2)
            beyond = right * torch.cos(angle) + down * torch.sin(angle) - self.uniform(0.45, 1)
            line = self.some(0.4) * (16 * (beyond - self.uniform(0.08, 0.3))).clamp(0, 1)
            where = self.some(0.5) * (16 * beyond).clamp(0, 1) * (1 - line)
            alike = self.some(0.4)  # has the digits' colour, as a plate's border often has
            x = over(x, alike * digit + (1 - alike) * self.tint(self.uniform(0.1, 0.9)), where)
        return x

    def photographed(self, x: torch.Tensor) -> torch.Tensor:
        """Light images from one side, blur them, some much more than others, and add noise: [n, 3, 32, 32]."""
        down, right = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        x = x * (1 + self.uniform(-0.2, 0.2) * right + self.uniform(-0.2, 0.2) * down)
        blur = 0.35 * torch.exp(1.55 * self.uniform(0, 1) ** 1.3)
        x = smear(x, blur, blur * self.uniform(0.8, 1.25))
        return x + self.uniform(0, 0.015) * self.smooth(16, 3) + self.uniform(0, 0.01) * self.normal(1, SIDE, SIDE)
