"""Image files as cameras, scanners and drawing programs write them: transparency, depth, orientation."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support.data import refused, sources
from trainables.data.readers.image_files import decode, read_header
from trainables.networks.predict import read_image

CLASSES = ("cat", "dog")


def drawn(root: Path, name: str, save: Callable[[Path, int], object], end: str = ".png") -> str:
    """Save ten images in two class folders, with the number of each."""
    for number in range(10):
        folder = root / name / CLASSES[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        save(folder / f"{number}{end}", number)
    return name


def square(alpha: int = 255, hidden: int = 0) -> np.ndarray:
    """Return an image [32, 32, 4] that is black all over, and opaque in a square alone.

    Its first pixel hides another colour, so that files of one picture may differ.
    """
    x = np.zeros((32, 32, 4), np.uint8)
    x[8:24, 8:24, 3] = alpha
    x[0, 0, :3] = hidden
    return x


def upper_half_white(height: int = 64, width: int = 64, edge: int = 255) -> Image.Image:
    x = np.zeros((height, width, 3), np.uint8)
    x[: height // 2] = 255
    x[0] = edge  # so that files differ
    return Image.fromarray(x)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def turned(image: Image.Image, kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, kind, exif=exif)


def png(pixels: np.ndarray, colour: int, *blocks: tuple[bytes, bytes], bits: int = 16) -> bytes:
    """Return a PNG of pixels [H, W, C], with blocks that stand behind them."""

    def block(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2" if bits == 16 else ">u1").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", head), (b"IDAT", zlib.compress(rows)), *blocks, (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(block(*part) for part in parts)


# Transparency.


def test_a_shape_in_the_alpha_channel_is_black_on_white_and_the_origin_says_so(tmp_path: Path) -> None:
    drawn(tmp_path, "shapes", lambda path, n: Image.fromarray(square(hidden=n)).save(path))
    where = sources(tmp_path)
    images = where.train("shapes").images
    inside = np.zeros((32, 32), bool)
    inside[8:24, 8:24] = True
    assert (images[:, inside] == 0).all()
    assert (images[:, ~inside] == 255).all()
    assert "what is transparent in 10 of them is shown white" in where.summary("shapes").origin


def by_colour() -> Image.Image:
    image = Image.fromarray(np.where(square()[..., 3:] == 255, 0, 7).astype(np.uint8).repeat(3, 2))
    image.info["transparency"] = (7, 7, 7)
    return image


TRANSPARENT: dict[str, tuple[str, Callable[[], Image.Image]]] = {
    "gray and alpha": ("PNG", lambda: Image.fromarray(square()).convert("LA")),
    "a palette": ("PNG", lambda: Image.fromarray(square()).convert("P")),
    "a transparent colour": ("PNG", by_colour),
    "GIF": ("GIF", lambda: Image.fromarray(square())),
    "WebP": ("WEBP", lambda: Image.fromarray(square())),
    "TIFF": ("TIFF", lambda: Image.fromarray(square())),
}


@pytest.mark.parametrize("what", TRANSPARENT)
def test_transparency_of_every_kind_shows_white(what: str) -> None:
    kind, image = TRANSPARENT[what]
    content = saved(image(), kind, **({"lossless": True} if kind == "WEBP" else {}))
    header = read_header(content)
    assert header.transparent
    assert header.gray == (what == "gray and alpha")
    x = np.asarray(decode(content, gray=True))
    assert (x[8:24, 8:24] == 0).all()
    assert x.sum() == 255 * (32 * 32 - 16 * 16)


def test_half_transparent_black_is_gray_and_an_opaque_alpha_channel_changes_nothing() -> None:
    assert decode(saved(Image.fromarray(square(128)), "PNG"), gray=True).getpixel((16, 16)) == 127
    x = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    x[..., 3] = 255
    assert np.array_equal(np.asarray(decode(saved(Image.fromarray(x), "PNG"), gray=False)), x[..., :3])


def test_transparency_is_laid_on_white_before_an_image_is_scaled(tmp_path: Path) -> None:
    drawn(tmp_path, "shapes", lambda path, n: Image.fromarray(square()).resize((32 + n, 32), 0).save(path))
    images = sources(tmp_path).train("shapes").images
    assert (images[:, 0, 0] == 255).all()
    assert (images[:, 112, 112] == 0).all()


# Depth.


@pytest.mark.parametrize(("colour", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_a_png_of_16_bits_a_channel_is_refused_in_gray_and_colour_alike(
    tmp_path: Path, colour: int, channels: int
) -> None:
    """Those of a sensor with 12 bits would have no value above 15."""
    x = np.random.default_rng(0).integers(0, 4096, (8, 8, channels))
    drawn(tmp_path, "raw", lambda path, _: path.write_bytes(png(x, colour)))
    said = refused(sources(tmp_path), "raw")
    assert "0.png must be one whole image of 8 bits a channel; found 'more than 8 bits a channel'" in said
    assert "Scale it to 0 … 255" in said


def test_other_formats_of_more_than_8_bits_are_refused_and_those_of_fewer_read() -> None:
    deep = b"P6 2 1 4095\n" + np.array([[0, 5, 4095] * 2], ">u2").tobytes()
    tiff = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 7)
    entries = [(256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 3, 98), (262, 3, 1, 2), (273, 4, 1, 104), (277, 3, 1, 3)]
    tiff += b"".join(struct.pack("<HHII", *entry) for entry in [*entries, (279, 4, 1, 6)]) + struct.pack("<I", 0)
    tiff += struct.pack("<HHH", 16, 16, 16) + struct.pack("<HHH", 4095, 5, 0)
    gray = saved(Image.fromarray(np.full((2, 2), 4095, np.uint16)), "PNG")
    for content in (deep, tiff, gray, saved(Image.fromarray(np.ones((2, 2), np.float32)), "TIFF")):
        with pytest.raises(ValueError, match="more than 8 bits"):
            read_header(content)
    shallow = b"P6 2 1 15\n" + bytes([0, 5, 15] * 2)
    assert decode(shallow, gray=False).getpixel((0, 0)) == (0, 85, 255)
    assert decode(saved(upper_half_white().convert("1"), "PNG"), gray=True).getpixel((0, 0)) == 255


def test_a_bitmap_of_16_bits_a_pixel_has_five_or_six_a_channel() -> None:
    head = struct.pack("<2sIHHI", b"BM", 70, 0, 0, 66)
    head += struct.pack("<IiiHHIIiiII", 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0) + struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    assert decode(head + struct.pack("<HH", 0xFFFF, 0), gray=False).getpixel((0, 0)) == (255, 255, 255)
    assert not read_header(head + struct.pack("<HH", 0xFFFF, 0)).turned


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
def test_several_images_in_one_file_are_refused_not_dropped(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), (80 * i, 0, 0)) for i in range(3)]
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
    drawn(tmp_path, "films", lambda path, _: path.write_bytes(content), f".{kind.lower()}")
    said = refused(sources(tmp_path), "films")
    assert "several images in one file" in said
    assert "Save each of them as a file of its own." in said


def test_a_photograph_with_a_preview_in_its_file_is_one_image() -> None:
    first, preview = upper_half_white(), Image.new("RGB", (8, 8))
    content = saved(first, "MPO", save_all=True, append_images=[preview])
    assert read_header(content).size == (64, 64)


# Orientation.


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_image_that_was_saved_upside_down_is_read_upright(tmp_path: Path, kind: str) -> None:
    """Where images of one size stay as they are, too."""

    def save(path: Path, number: int) -> None:
        path.write_bytes(turned(upper_half_white(edge=20 * number), kind, 3))

    drawn(tmp_path, "phone", save, f".{kind.lower()}")
    images = sources(tmp_path).train("phone").images
    assert images.shape == (8, 64, 64, 3)
    assert (images[:, 5] < 5).all()
    assert (images[:, 40] > 250).all(), "the lower half is white"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sizes_are_those_of_upright_images(kind: str, orientation: int) -> None:
    content = turned(upper_half_white(40, 64), kind, orientation)
    header, image = read_header(content), decode(content, gray=True)
    assert header.size == image.size == ((40, 64) if orientation > 4 else (64, 40))
    corners = [image.getpixel(at) for at in ((2, 2), (image.width - 3, 2), (2, image.height - 3))]
    white = {1: "110", 2: "110", 3: "001", 4: "001", 5: "101", 6: "010", 7: "010", 8: "101"}[orientation]
    assert "".join("1" if isinstance(one, int) and one > 127 else "0" for one in corners) == white


def test_images_that_lie_and_stand_have_one_size_once_upright(tmp_path: Path) -> None:
    def save(path: Path, number: int) -> None:
        size, turn = ((40, 64), 1) if number % 3 else ((64, 40), 6)
        lying = upper_half_white(*size, edge=20 * number)
        path.write_bytes(turned(lying, "JPEG", turn))

    drawn(tmp_path, "phone", save, ".jpg")
    assert sources(tmp_path).summary("phone").shape == (40, 64, 3), "neither scaled nor cropped"


def test_an_orientation_behind_the_pixels_of_a_png_counts(tmp_path: Path) -> None:
    exif = struct.pack("<2sHIHHHIIH", b"II", 42, 8, 1, 0x0112, 3, 1, 6, 0) + bytes(4)
    x = np.zeros((4, 6, 3), np.uint8)
    assert read_header(png(x, 2, (b"eXIf", exif), bits=8)).size == (4, 6)
    assert decode(png(x, 2, (b"eXIf", exif), bits=8), gray=False).size == (4, 6)
    assert read_header(png(x, 2, (b"eXIf", b"damaged"), bits=8)).size == (6, 4)


def of_bytes_alone(folder: Path, rows: list[int]) -> str:
    """Return the fingerprint that images of 64×64 in colour had when only the bytes of their files entered it."""
    digest = hashlib.sha256(f"{CLASSES} {(64, 64, 3)} False".encode())
    for number in rows:
        content = (folder / CLASSES[number % 2] / f"{number}.png").read_bytes()
        digest.update(f"{number % 2} {hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def test_what_is_read_otherwise_than_before_has_another_fingerprint(tmp_path: Path) -> None:
    """A ledger from before would count as if it were of these pixels; other sets keep theirs."""
    drawn(tmp_path, "plain", lambda path, n: upper_half_white(edge=n).save(path))
    drawn(tmp_path, "shapes", lambda path, n: Image.fromarray(square(hidden=n)).resize((64, 64), 0).save(path))
    drawn(tmp_path, "phone", lambda path, n: path.write_bytes(turned(upper_half_white(edge=n), "PNG", 3)))
    for name, same in {"plain": True, "shapes": False, "phone": False}.items():
        files = sources(tmp_path).dataset(name)._files["test"]  # type: ignore[attr-defined]
        rows = [int(Path(file).stem) for _, file in files]
        assert (sources(tmp_path).fingerprint(name, "test") == of_bytes_alone(tmp_path / name, rows)) == same


def test_a_kept_network_is_shown_images_as_it_was_trained_on_them(tmp_path: Path) -> None:
    shape, phone = tmp_path / "shape.png", tmp_path / "phone.jpg"
    Image.fromarray(square()).save(shape)
    phone.write_bytes(turned(upper_half_white(), "JPEG", 3))
    seen = read_image(shape, (32, 32))
    assert (seen[0, 8:24, 8:24] == 0).all()
    assert (seen[0, :8] == 255).all()
    assert (read_image(phone, None)[0, :30] < 10).all()
    assert seen.dtype == torch.uint8
