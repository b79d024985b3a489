"""Characters rendered in 21 fonts with thin, plain and thick strokes, from which letters and digits are drawn.

The fonts (DejaVu, STIX, Computer Modern) come with matplotlib, so nothing is downloaded.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

FONTS = (
    *(f"DejaVuSans{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique", "Mono", "Mono-Bold", "Mono-Oblique")),
    *(f"DejaVuSerif{style}" for style in ("", "-Bold", "-Italic", "-BoldItalic")),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmb10", "cmss10", "cmtt10", "cmti10", "cmmi10"),
)
GLYPH = 48
"""Side of a rendered glyph, in pixels."""
INK = 36
"""Longer side of the character in it, in pixels."""


@cache
def glyphs(characters: tuple[str, ...]) -> torch.Tensor:
    """Render every character in every font, thin, plain and thick: [fonts, 3, characters, GLYPH, GLYPH] in 0 … 1."""
    plain = torch.from_numpy(np.stack([[_glyph(font, character) for character in characters] for font in FONTS]))
    x = plain.flatten(0, 1)[:, None].float() / 255
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    thin = -F.max_pool2d(-x, (2, 2), stride=1, padding=1)[..., :GLYPH, :GLYPH]
    thin = torch.maximum(thin, 0.5 * x)  # hairlines fade but stay
    return torch.cat([thin, x, thick], 1).view(len(FONTS), len(characters), 3, GLYPH, GLYPH).transpose(1, 2)


def _glyph(font: str, character: str) -> np.ndarray:
    """Render a character in the centre, its longer side INK pixels: [GLYPH, GLYPH] uint8."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (4 * GLYPH, 4 * GLYPH))
    ImageDraw.Draw(image).text((GLYPH, GLYPH), character, fill=255, font=_font(font))
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
