"""Built-in `textures10` and `textures100`: drawn stand-ins for CIFAR-10 and CIFAR-100 that have no class in common.

A texture covers the whole image or a thing before a blurred ground; something else may lie over it; it is lit from one
side, blurred and made noisy. Only the pattern tells the class: colours, contrast, place and angle are drawn alike for
all classes, and the scale varies within each. A mirror image is as likely as the image, and a shift does not change the
class.

How hard they are (`python -m bench.textures` with seeds 1 and 2, accuracy on all 2,000 test images of `textures10`): a
logistic regression on the pixels of 5,000 images reaches 13 %; CNNs of 4,549, 17,512 and 47,900 parameters reach 81 to
87, 92 and 96 % with 10,000 images and ten epochs. With 100 images a CNN from scratch reaches 35 to 39 %, and a logistic
regression on the embedding of a narrow VGG trained on `textures100` 65 to 68 %; with 1,000 images they reach 79 to 84 %
and 74 to 75 %, and ten nearest neighbours in that embedding 70 to 72 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import product
from pathlib import Path

import numpy as np
import torch

from common.seeds import seed_of
from trainables.data.builtin import patterns
from trainables.data.builtin.brush import SIDE, Brush, over, smear
from trainables.data.builtin.patterns import Canvas, Finish, Layout, Pattern, Shape
from trainables.data.dataset import DataSet, Split, SplitName, frozen, text_digest

BATCH = 200  # images of a class that are drawn at once, so that they fit the processor's cache
VERSION = 1  # raised by hand when other images are drawn


@dataclass(frozen=True)
class Texture:
    """One class of a texture set."""

    name: str
    pattern: Pattern
    period: tuple[float, float]
    """Shortest and longest period, in pixels."""


def _finished(name: str, quantity: Pattern, finish: Finish, period: tuple[float, float]) -> Texture:
    """Return the texture whose pattern is a finish applied to a quantity."""
    return Texture(name, lambda canvas: finish(canvas, quantity(canvas)), period)


FINE, MEDIUM, COARSE = (5.0, 9.0), (6.0, 11.0), (9.0, 14.0)
PATHS: dict[str, Pattern] = {
    "zigzags": patterns.zigzag,
    "circles": patterns.circular,
    "spirals": patterns.spiral,
    "rays": patterns.radial,
    "marble": patterns.marbled,
}
PROFILES: dict[str, Finish] = {
    "thin lines": patterns.lines,
    "bars": patterns.bars,
    "double lines": patterns.double_lines,
    "ramps": patterns.ramps,
}
SHAPES: dict[str, Shape] = {
    "squares": patterns.box(0.27, 0.27),
    "lozenges": patterns.lozenge,
    "crosses": patterns.cross,
    "triangles": patterns.triangle,
    "dashes": patterns.box(0.12, 0.4),
    "stars": patterns.star,
    "crescents": patterns.crescent,
    "hooks": patterns.hook,
}
LAYOUTS: dict[str, Layout] = {
    "in rows": patterns.rows,
    "staggered": patterns.staggered,
    "scattered": patterns.scattered,
}
FILLINGS: dict[str, Finish] = {"filled": patterns.filled, "outlined": patterns.outlined}
NOISES: dict[str, Pattern] = {
    "blobs": patterns.blobs,
    "grain": patterns.grain,
    "rosettes of 3 waves": partial(patterns.rosettes, 3),
    "rosettes of 5 waves": partial(patterns.rosettes, 5),
}
FINISHES: dict[str, Finish] = {
    "soft": patterns.soft,
    "hard": patterns.hard,
    "ridged": patterns.ridged,
    "spotted": patterns.spotted,
}
METRICS: dict[str, Shape] = {"round": torch.hypot, "city-block": torch.add, "square": torch.maximum}
CELLS: dict[str, Callable[[Shape, Canvas], torch.Tensor]] = {
    "walls": patterns.walls,
    "domes": patterns.domes,
    "mosaic": patterns.mosaic,
}

TEXTURES10 = (
    _finished("stripes", patterns.straight, patterns.bars, FINE),
    Texture("checks", patterns.checks, MEDIUM),
    _finished("dots", partial(patterns.repeated, patterns.disc, patterns.staggered), patterns.filled, MEDIUM),
    _finished(
        "rings", partial(patterns.repeated, patterns.disc, patterns.staggered), patterns.thickly_outlined, MEDIUM
    ),
    Texture("bricks", patterns.bricks, FINE),
    Texture("cells", partial(patterns.walls, torch.hypot), MEDIUM),
    Texture("plaid", partial(patterns.crossed, 90, patterns.bars), MEDIUM),
    _finished("waves", patterns.wavy, patterns.bars, FINE),
    Texture("clouds", patterns.clouds, COARSE),
    Texture("scales", patterns.scales, MEDIUM),
)
TEXTURES100 = (
    *(_finished(f"{a}, {b}", PATHS[a], PROFILES[b], FINE) for a, b in product(PATHS, PROFILES)),
    *(
        Texture(f"{profile} crossed at {degrees}°", partial(patterns.crossed, degrees, PROFILES[profile]), MEDIUM)
        for degrees, profile in product((40, 65), PROFILES)
    ),
    *(
        _finished(f"{a}, {b}, {c}", partial(patterns.repeated, SHAPES[a], LAYOUTS[b]), FILLINGS[c], COARSE)
        for a, b, c in product(SHAPES, LAYOUTS, FILLINGS)
    ),
    *(_finished(f"{a}, {b}", NOISES[a], FINISHES[b], MEDIUM) for a, b in product(NOISES, FINISHES)),
    *(
        Texture(f"{metric} cells, {kind}", partial(CELLS[kind], METRICS[metric]), MEDIUM)
        for metric, kind in product(METRICS, CELLS)
        if (metric, kind) != ("round", "walls")  # the cells of `textures10`
    ),
)


class Textures(DataSet):
    """Textures of some classes, equally many of each, 32×32 RGB, drawn when first asked for."""

    builtin = True
    known_duplicates = 0
    shape = (SIDE, SIDE, 3)

    def __init__(self, name: str, textures: Sequence[Texture], counts: dict[SplitName, int]) -> None:
        """Take the set's name, its classes, and how many images each class has in each split."""
        self.name = name
        self.textures = tuple(textures)
        self.counts = counts
        self.classes = tuple(texture.name for texture in textures)
        total = " + ".join(f"{count * len(textures):,}" for count in counts.values())
        self.origin = f"built-in: {len(textures)} kinds of textures drawn in any colours, {total}"

    def labels(self, split: SplitName) -> np.ndarray:
        return np.tile(np.arange(len(self.classes)), self.counts[split])

    def images(self, split: SplitName) -> np.ndarray:
        return _drawn(self.name, split).images

    def images_of(self, classes: np.ndarray, split: SplitName) -> np.ndarray:
        """Return the images of some classes only; no others are drawn, since no class depends on another."""
        labels = self.labels(split)
        return draw(self.textures, labels[np.isin(labels, classes)], seed_of(self.name, split))

    def fingerprint(self, split: SplitName) -> str:
        """Return the digest of how the split is drawn, so that it need not be drawn to know whether it changed."""
        which = f"{self.name} {VERSION} {split} {self.counts[split]}"
        return text_digest(which, *self.classes, f"torch {version('torch')}")

    def check(self) -> None:
        pass  # there are no files


SETS = {
    "textures10": Textures("textures10", TEXTURES10, {"train": 1_200, "test": 200}),
    "textures100": Textures("textures100", TEXTURES100, {"train": 120, "test": 20}),
}


def open_textures10(data_dir: Path | None, cache_dir: Path) -> Textures:
    """Open the data set, which needs neither folder."""
    return SETS["textures10"]


def open_textures100(data_dir: Path | None, cache_dir: Path) -> Textures:
    """Open the data set, which needs neither folder."""
    return SETS["textures100"]


@cache
def _drawn(name: str, split: SplitName) -> Split:
    labels = SETS[name].labels(split)
    return frozen(Split(draw(SETS[name].textures, labels, seed_of(name, split)), labels))


def draw(textures: Sequence[Texture], labels: np.ndarray, seed: int) -> np.ndarray:
    """Draw one image for each label, [N, 32, 32, 3] uint8; the same images for the same labels and seed."""
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for label, texture in enumerate(textures):
        own = np.flatnonzero(labels == label)
        generator = torch.Generator().manual_seed(seed_of(seed, texture.name))
        for start in range(0, len(own), BATCH):
            rows = own[start : start + BATCH]
            images[rows] = _Painter(generator, len(rows)).paint(texture)
    return images


class _Painter(Brush):
    """Draws a batch of n images of one class; colours are RGB in 0 … 1 and lengths are in pixels."""

    def paint(self, texture: Texture) -> np.ndarray:
        """Draw the batch: [n, 32, 32, 3] uint8."""
        canvas = Canvas(self.generator, self.n, texture.period)
        pattern = texture.pattern(canvas)[:, None]
        drawn, ground = self.colours()
        x = over(ground * (1 + self.uniform(0, 0.1) * self.smooth(4)), drawn, pattern)
        x = over(x, self.surroundings(), 1 - self.extent())
        x = self.covered(x)
        x = self.photographed(x)
        return np.ascontiguousarray((x.clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).numpy())

    def colours(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the colours of the pattern and of its ground, [n, 3, 1, 1] each; either may be the lighter one."""
        contrast = 0.2 + 0.45 * self.uniform(0, 1) ** 1.2
        middle = contrast / 2 + 0.05 + self.uniform(0, 1) * (0.9 - contrast)
        sign = 2 * self.some(0.5) - 1
        return self.tint(middle + sign * contrast / 2), self.tint(middle - sign * contrast / 2)

    def tint(self, light: torch.Tensor) -> torch.Tensor:
        """Return a random colour of about this luminance: [n, 3, 1, 1]."""
        hue = self.normal(3, 1, 1)
        return light + 0.1 * (hue - hue.mean(1, keepdim=True))

    def surroundings(self) -> torch.Tensor:
        """Draw what lies beside the textured thing: two blurred colours, [n, 3, 32, 32]."""
        first = self.tint(self.uniform(0.1, 0.9))
        second = self.tint(self.uniform(0.1, 0.9))
        return over(first, second, torch.sigmoid(3 * self.smooth(5))) + self.uniform(0, 0.08) * self.smooth(14)

    def extent(self) -> torch.Tensor:
        """Return where the texture lies, on all of the crop or on a thing with a bent outline: [n, 1, 32, 32] in
        0 … 1."""
        down, right = torch.meshgrid(*[torch.arange(SIDE) + 0.5 - SIDE / 2] * 2, indexing="ij")
        x, y = right + self.uniform(-4, 4), down + self.uniform(-4, 4)
        radius = self.uniform(9, 17) + 1.5 * self.smooth(4)
        size = (x.abs() / radius) ** 3 + (y.abs() / (radius * torch.exp(self.uniform(-0.25, 0.25)))) ** 3
        return torch.maximum(1 - self.some(0.5), torch.sigmoid(8 * (1 - size)))

    def covered(self, x: torch.Tensor) -> torch.Tensor:
        """Lay a bar or a patch of another colour over some of the images: [n, 3, 32, 32]."""
        down, right = torch.meshgrid(*[torch.arange(SIDE) + 0.5] * 2, indexing="ij")
        angle = self.uniform(0, torch.pi)
        dx, dy = right - self.uniform(0, SIDE), down - self.uniform(0, SIDE)
        u, v = dx * torch.cos(angle) + dy * torch.sin(angle), dy * torch.cos(angle) - dx * torch.sin(angle)
        beyond = torch.maximum(u.abs() - self.uniform(1, 5), v.abs() - self.uniform(3, 20))
        return over(x, self.tint(self.uniform(0.1, 0.9)), self.some(0.4) * (0.5 - beyond).clamp(0, 1))

    def photographed(self, x: torch.Tensor) -> torch.Tensor:
        """Light images from one side, blur them, some much more than others, and add noise: [n, 3, 32, 32]."""
        down, right = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
        x = x * (1 + self.uniform(-0.25, 0.25) * right + self.uniform(-0.25, 0.25) * down)
        blur = 0.35 * torch.exp(self.uniform(0, 1) ** 1.5)
        x = smear(x, blur, blur)
        return x + self.uniform(0, 0.03) * self.normal(3, SIDE, SIDE) + self.uniform(0, 0.03) * self.smooth(16, 3)
