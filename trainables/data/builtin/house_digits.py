"""Built-in `house_digits`: drawn stand-ins for SVHN's crops, coloured digits on clutter with neighbours intruding.

Three digits of one font stand in a row, of which the crop shows the middle one; they are bent, slanted, given a
shadow and an outline, put on a stained ground with edges and lines, lit from one side, blurred and made noisy.
Colours are those of SVHN's photographs: more or less bluish or brownish greys, and a few vivid ones.

As hard as they should be (`python -m bench.house_digits --seeds 2`, all 2,000 test images): a logistic regression on
pixels reads 12.0 % after 783 images and 13.7 % after 5,000; a small CNN 69 to 71 % after 783 and 91.4 to 92.0 % after
5,000, in gray and in colour.
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
from trainables.data.dataset import DataSet, Split, SplitName, frozen, recipe_digest

CLASSES = tuple("0123456789")
COUNTS: dict[SplitName, int] = {"train": 600, "test": 200}
COOL, RED = ((-0.46, 0.06, 0.89), (0.77, -0.47, 0.43))  # directions of colour: the principal ones of SVHN's crops
BATCH = 1_000
VERSION = 1  # raised by hand when other images are drawn


class HouseDigits(DataSet):
    """10 classes, 600 training and 200 test images of each, 32×32 RGB, drawn when first asked for."""

    classes = CLASSES
    origin = "built-in: house numbers' digits drawn in 20 fonts on clutter, 6,000 + 2,000"
    builtin = True
    shape = (SIDE, SIDE, 3)

    def labels(self, split: SplitName) -> np.ndarray:
        return np.tile(np.arange(len(CLASSES)), COUNTS[split])

    def images(self, split: SplitName) -> np.ndarray:
        return _drawn(split).images

    def fingerprint(self, split: SplitName) -> str:
        """Of how the split is drawn, so that nobody need draw it to know whether it changed."""
        versions = [f"{name} {version(name)}" for name in ("torch", "pillow", "matplotlib")]
        return recipe_digest(f"house_digits {VERSION} {split} {COUNTS[split]}", *versions)

    def check(self) -> None:
        pass  # nothing is read


def open_house_digits(data_dir: Path | None, cache_dir: Path) -> HouseDigits:
    """The data set; needs neither folder."""
    return HouseDigits()


def _seed(split: SplitName) -> int:
    return seed_of("house_digits", split)


@cache
def _drawn(split: SplitName) -> Split:
    labels = HouseDigits().labels(split)
    return frozen(Split(draw(labels, _seed(split)), labels))


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """One image for each label, [N, 32, 32, 3] uint8; the same for the same labels and seed."""
    generator = torch.Generator().manual_seed(seed)
    parts = np.array_split(labels, -(-len(labels) // BATCH))
    return np.concatenate([_Painter(generator, torch.from_numpy(part)).paint() for part in parts])


class _Painter(Brush):
    """Draws a batch of n images; colours are RGB in 0 … 1, lengths in pixels, unless said otherwise."""

    def __init__(self, generator: torch.Generator, labels: torch.Tensor) -> None:
        super().__init__(generator, len(labels))
        self.labels = labels

    def paint(self) -> np.ndarray:
        """[n, 32, 32, 3] uint8."""
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
        """How much of each pixel belongs to the digit or to its neighbours: [n, 1, 32, 32] in 0 … 1."""
        atlas = glyphs(CLASSES)[:-1]  # the last font, cmmi10, has old-style figures
        font, stroke = (torch.randint(n, (self.n, 1), generator=self.generator) for n in atlas.shape[:2])
        row = torch.randint(len(CLASSES), (self.n, 3), generator=self.generator)  # left, middle, right
        row[:, 1] = self.labels
        there = torch.cat([self.some(0.7), torch.ones(self.n, 1, 1, 1), self.some(0.7)], 1)
        # From here on the unit is the height of a digit.
        half = (atlas.amax(3) > 0.3).sum(3)[font, stroke, row] / INK / 2  # [n, 3] of their widths
        aside = half[:, 1:2] + half + self.uniform(0, 0.2, 3)  # from the middle digit's centre
        centre = aside * torch.tensor([-1, 0, 1])
        u, v = self.places()
        u = u[:, None] - centre[:, :, None, None]  # [n, 3, 32, 32]
        grid = torch.stack([u, v[:, None].expand_as(u)], 4) * (2 * INK / GLYPH)
        x = F.grid_sample(atlas[font, stroke, row].flatten(0, 1)[:, None], grid.flatten(0, 1), align_corners=False)
        return (x.view(self.n, 3, SIDE, SIDE) * there).amax(1, keepdim=True)

    def places(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Where each pixel lies, right and down of the digit's centre in heights of a digit: [n, 32, 32] each."""
        down, right = torch.meshgrid(*[(torch.arange(SIDE) + 0.5) / SIDE - 0.5] * 2, indexing="ij")
        bend = 0.024 * self.smooth(4, 2)
        x = right + self.uniform(-0.07, 0.07, 1, 1) + bend[:, 0]
        y = down + self.uniform(-0.05, 0.05, 1, 1) + bend[:, 1]
        angle, slant = self.uniform(-0.15, 0.15, 1, 1), self.uniform(-0.15, 0.2, 1, 1)
        high = self.uniform(1.0, 1.4, 1, 1)  # of the crop: larger is a smaller digit
        wide = high * self.uniform(0.8, 1.8, 1, 1)
        cos, sin = torch.cos(angle), torch.sin(angle)
        return wide * (x * cos - y * sin + slant * y), high * (x * sin + y * cos)

    def colours(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the digits and of the ground, [n, 3, 1, 1] each: either may be the lighter one."""
        contrast = 0.14 + 0.42 * self.uniform(0, 1) ** 1.5
        middle = contrast / 2 + 0.05 + self.uniform(0, 1) * (0.85 - contrast)
        sign = 2 * self.some(0.5) - 1
        return self.tint(middle + sign * contrast / 2), self.tint(middle - sign * contrast / 2)

    def tint(self, light: torch.Tensor) -> torch.Tensor:
        """A colour of about this luminance: [n, 3, 1, 1]."""
        cool = 0.02 + self.normal(1, 1, 1) * (0.05 + 0.1 * self.some(0.25))
        red = self.normal(1, 1, 1) * (0.01 + 0.06 * self.some(0.12))
        return light + cool * torch.tensor(COOL).view(1, 3, 1, 1) + red * torch.tensor(RED).view(1, 3, 1, 1)

    def background(self, ground: torch.Tensor, digit: torch.Tensor) -> torch.Tensor:
        """The ground with stains, edges of plates, frames or bricks, and lines along them: [n, 3, 32, 32]."""
        x = ground + self.uniform(0, 0.06) * self.smooth(4) + self.uniform(0, 0.04) * self.smooth(12)
        down, right = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        for _ in range(3):
            side = torch.randint(4, (self.n, 1, 1, 1), generator=self.generator)
            angle = side * torch.pi / 2 + self.uniform(-0.2, 0.2)
            beyond = right * torch.cos(angle) + down * torch.sin(angle) - self.uniform(0.45, 1)
            line = self.some(0.4) * (16 * (beyond - self.uniform(0.08, 0.3))).clamp(0, 1)
            where = self.some(0.5) * (16 * beyond).clamp(0, 1) * (1 - line)
            alike = self.some(0.4)  # of the digits' colour, as a plate's border
            x = over(x, alike * digit + (1 - alike) * self.tint(self.uniform(0.1, 0.9)), where)
        return x

    def photographed(self, x: torch.Tensor) -> torch.Tensor:
        """Lit from one side, blurred, some much more than others, and noisy: [n, 3, 32, 32]."""
        down, right = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        x = x * (1 + self.uniform(-0.2, 0.2) * right + self.uniform(-0.2, 0.2) * down)
        blur = 0.35 * torch.exp(1.55 * self.uniform(0, 1) ** 1.3)
        x = smear(x, blur, blur * self.uniform(0.8, 1.25))
        return x + self.uniform(0, 0.015) * self.smooth(16, 3) + self.uniform(0, 0.01) * self.normal(1, SIDE, SIDE)
