"""An image file: what its header says, and its pixels as people see them: upright, in front of a white page."""

from __future__ import annotations

import contextlib
import io
import lzma
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from tokenize import TokenError

from PIL import ExifTags, Image, UnidentifiedImageError

ENDINGS = frozenset(
    (
        *(".png", ".gif", ".webp", ".tif", ".tiff"),
        *(".jpg", ".jpeg", ".jfif", ".jpe"),
        *(".bmp", ".dib", ".ppm", ".pgm", ".pbm", ".pnm"),
    )
)
UNREADABLE = (
    *(OSError, EOFError, ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, MemoryError, RuntimeError),
    *(struct.error, zlib.error, lzma.LZMAError, zipfile.BadZipFile, TokenError, Image.DecompressionBombError),
)
"""What the readers of zips, arrays and images raise where a file is damaged; the formats are many, and none lists its
errors. RuntimeError includes what they have not implemented."""
FORMATS = ("PNG", "JPEG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM")
"""Formats that are read, whatever a file is called: Pillow runs other programs to read some of the others."""
MOST_PIXELS = 89_478_485
"""Pixels of an image from which on Pillow warns of an attack."""
_GRAY = ("1", "L", "LA")
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image upright that was saved with this orientation."""
_SIDEWAYS = (5, 6, 7, 8)
_MAY_BE_TURNED = (b"eXIf", b"Raw profile type exif", b"XML:com.adobe.xmp")
"""What is found in a PNG that names an orientation."""
_DEEP = re.compile(r";(16|32)[BLN]")
"""How Pillow calls numbers of more than 8 bits a channel; `BGR;16` are 16 bits for a whole pixel."""
_BITS_PER_SAMPLE = 258


class Unfit(ValueError):
    """An image is sound but not of a kind that is read."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded."""

    size: tuple[int, int]
    """(width, height) once it is upright."""
    gray: bool
    transparent: bool
    """Whether it has an alpha channel or a colour that is transparent, if only in principle."""
    turned: bool
    """Whether its file says that it is to be turned or mirrored."""


def read_header(content: bytes) -> Header:
    """Return what the header of an image file says. Raises an error of `UNREADABLE`.

    Pillow keeps the high byte of colours of 16 bits, whatever their range: those of a sensor with 12 bits would be
    nearly black. So they are refused, as gray images of more than 8 bits are.
    """
    with _opened(content) as image:
        if image.width * image.height > MOST_PIXELS:
            told = f"{image.width}×{image.height} pixels, {image.width * image.height / 1e6:.0f} million"
            raise Unfit(told, f"Scale it to {MOST_PIXELS / 1e6:.0f} million or fewer.")
        if _is_deep(image):
            raise Unfit(
                "more than 8 bits a channel", "Scale it to 0 … 255 over the range in use, and save it with 8 bits."
            )
        if image.format != "MPO" and getattr(image, "is_animated", False):  # an MPO is a photograph with a preview
            raise Unfit("several images in one file", "Save each of them as a file of its own.")
        turn = _orientation(image, content)
        size = image.size[::-1] if turn in _SIDEWAYS else image.size
        return Header(size, image.mode in _GRAY, image.has_transparency_data, turn in _TURNS)


def decode(content: bytes, *, gray: bool) -> Image.Image:
    """Return an image of mode L or RGB, upright; what is transparent shows white. Raises an error of `UNREADABLE`.

    A page is white in nearly every program that shows images. What lies under transparent pixels is often black, so
    that a shape drawn in the alpha channel would be lost.
    """
    with _opened(content) as image:
        turn = _TURNS.get(_orientation(image, content))
        shown: Image.Image = image if turn is None else image.transpose(turn)
        if image.has_transparency_data:
            page = Image.new("RGBA", shown.size, "white")
            page.alpha_composite(shown.convert("RGBA"))
            shown = page
        return shown.convert("L" if gray else "RGB")


@contextlib.contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    """Open an image without Pillow's warnings: of many pixels, which are refused, and of damaged notes beside them."""
    with warnings.catch_warnings(action="ignore"):
        try:
            opened = Image.open(io.BytesIO(content), formats=FORMATS)
        except UnidentifiedImageError:  # its message names an object in memory
            raise Unfit(f"none of the formats {', '.join(FORMATS)}", "Replace or remove that file.") from None
        with opened as image:
            yield image


def _is_deep(image: Image.Image) -> bool:
    if image.mode.startswith(("I", "F")):
        return True
    if hasattr(image, "tag_v2"):
        return bool(max(image.tag_v2.get(_BITS_PER_SAMPLE, (8,))) > 8)
    tiles = getattr(image, "tile", [])
    if image.format == "PPM":  # a decoder that scales is told the highest value
        return any(tile.codec_name != "raw" and tile.args[-1] > 255 for tile in tiles)
    return any(_DEEP.search(str(tile.args)) for tile in tiles)


def _orientation(image: Image.Image, content: bytes) -> int:
    """Return how the image is to be turned, 1 … 8; 1 where its file does not say, or says it in a damaged block."""
    if image.format == "TIFF":
        return 1  # Pillow turns it on decoding
    if image.format == "PNG" and not any(mark in content for mark in _MAY_BE_TURNED):
        return 1  # Pillow would decode it to look for a block behind the pixels
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except (SyntaxError, ValueError, TypeError, KeyError):
        return 1


def remedy_for(error: Exception) -> str:
    """Return what to do about an image that raised an error of `UNREADABLE`."""
    return error.remedy if isinstance(error, Unfit) else "Replace or remove that file."
