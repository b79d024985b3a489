"""Drawn `letters`: A–Z and a–z in 21 fonts, bent, thinned, thickened and blurred; white on black, 28×28.

The fonts (DejaVu, STIX, Computer Modern) are those that matplotlib ships, so nothing is downloaded. Glyphs
are rendered once; each image is then a random affine map of one of them, drawn in batches.
"""

from __future__ import annotations

import string
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from trainables.data.dataset import DataSet, Split, SplitName, frozen
from trainables.seeds import seed_of

CLASSES = tuple(string.ascii_uppercase + string.ascii_lowercase)
FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique", "Mono", "Mono-Bold", "Mono-Oblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmtt10", "cmti10", "cmmi10"),
)
GLYPH = 48  # side of a rendered glyph, of which the letter itself takes INK
INK = 36
COUNTS: dict[SplitName, int] = {"train": 200, "test": 50}


class Letters(DataSet):
    """52 classes, 200 training and 50 test images of each, drawn when first asked for."""

    classes = CLASSES
    origin = "built-in: letters A–Z and a–z drawn in 21 fonts, 10,400 + 2,600"
    builtin = True
    shape = (28, 28)

    def labels(self, split: SplitName) -> np.ndarray:
        return np.tile(np.arange(len(CLASSES)), COUNTS[split])

    def images(self, split: SplitName) -> np.ndarray:
        return _drawn(split).images

    def check(self) -> None:
        pass  # nothing is read


def open_letters(data_dir: Path | None, cache_dir: Path) -> Letters:
    """The data set; needs neither folder."""
    return Letters()


@cache
def _drawn(split: SplitName) -> Split:
    labels = np.tile(np.arange(len(CLASSES)), COUNTS[split])
    return frozen(Split(draw(labels, seed_of("letters", split)), labels))


def draw(labels: np.ndarray, seed: int) -> np.ndarray:
    """One image for each label, [N, 28, 28] uint8; the same for the same labels and seed."""
    generator = torch.Generator().manual_seed(seed)
    atlas = glyphs()
    batches = [
        _batch(atlas, torch.from_numpy(part), generator) for part in np.array_split(labels, -(-len(labels) // 4096))
    ]
    return np.asarray(torch.cat(batches).numpy())


def _batch(atlas: torch.Tensor, labels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """labels [N] -> images [N, 28, 28] uint8."""

    def uniform(low: float, high: float) -> torch.Tensor:
        return low + (high - low) * torch.rand(len(labels), generator=generator)

    fonts = torch.randint(atlas.shape[0], (len(labels),), generator=generator)
    strokes = torch.randint(atlas.shape[1], (len(labels),), generator=generator)
    x = atlas[fonts, strokes, labels][:, None]  # [N, 1, GLYPH, GLYPH]
    angle, shear = uniform(-0.35, 0.35), uniform(-0.4, 0.4)
    wide, high = uniform(0.75, 1.35), uniform(0.9, 1.25)  # of the field seen: larger is a smaller letter
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


@cache
def glyphs() -> torch.Tensor:
    """Every letter in every font, thin, plain and thick: [fonts, 3, classes, GLYPH, GLYPH] in 0 … 1."""
    plain = torch.from_numpy(np.stack([[_glyph(font, letter) for letter in CLASSES] for font in FONTS]))
    x = plain.flatten(0, 1)[:, None].float() / 255
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-x, (2, 2), stride=1, padding=1)[..., :GLYPH, :GLYPH]
    thin = torch.maximum(thin, 0.5 * x)  # hairlines fade but stay
    return torch.cat([thin, x, thick], 1).view(len(FONTS), len(CLASSES), 3, GLYPH, GLYPH).transpose(1, 2)


def _glyph(font: str, letter: str) -> np.ndarray:
    """A letter, centred, its longer side INK pixels: [GLYPH, GLYPH] uint8."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (4 * GLYPH, 4 * GLYPH))
    ImageDraw.Draw(image).text((GLYPH, GLYPH), letter, fill=255, font=_font(font))
    ink = image.crop(image.getbbox())
    scale = INK / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.BOX)
    canvas = Image.new("L", (GLYPH, GLYPH))
    canvas.paste(ink, ((GLYPH - ink.width) // 2, (GLYPH - ink.height) // 2))
    return np.asarray(canvas)


@cache
def _font(name: str):  # type: ignore[no-untyped-def]
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf", 2 * GLYPH)
