"""Archives and arrays that cannot be read in full are refused at once, by name, before anything large is unpacked."""

from __future__ import annotations

import io
import random
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format
from PIL import Image

from common.problems import Refused
from tests.support.data import arrays, refused, sources
from trainables.data.readers import npz
from trainables.data.readers.image_files import UNREADABLE, decode, read_header

SECONDS = 30.0
"""What is refused by its headers takes milliseconds; what is unpacked or decoded first takes minutes."""
METHOD = (b"PK\x01\x02", 10), (b"PK\x03\x04", 8)
"""Where a zip says how a member is packed: in its list, and before the member."""


def zip_of(path: Path, *, prefix: str = "", method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a zip of two class folders of six images each."""
    rng = np.random.default_rng(4)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12):
            buffer = io.BytesIO()
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(buffer, "PNG")
            info = zipfile.ZipInfo(f"{prefix}{'ab'[number % 2]}/{number}.png")
            info.compress_type = method
            archive.writestr(info, buffer.getvalue())
    return path


def with_method(path: Path, method: int) -> None:
    """Let a zip say that its members are packed by another method."""
    content = bytearray(path.read_bytes())
    for mark, offset in METHOD:
        at = -1
        while (at := content.find(mark, at + 1)) >= 0:
            content[at + offset] = method
    path.write_bytes(content)


@pytest.mark.parametrize("prefix", ["./", "./pets/", "pets//"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_are_read_whatever_the_usual_way_of_naming_and_packing(
    tmp_path: Path, prefix: str, method: int
) -> None:
    zip_of(tmp_path / "pets.zip", prefix=prefix, method=method)
    summary = sources(tmp_path).summary("pets.zip")
    assert (summary.classes, sum(summary.train_counts)) == (("a", "b"), 10)


@pytest.mark.parametrize("method", [9, 93, 95, 98])
def test_other_ways_of_packing_are_refused_by_name(tmp_path: Path, method: int) -> None:
    """Deflate64 as Windows packs large folders, Zstandard, XZ and PPMd."""
    with_method(zip_of(tmp_path / "pets.zip"), method)
    said = refused(sources(tmp_path), "pets.zip")
    assert "packed by a usual method (stored, deflated, bzip2, LZMA); found 'a/0.png and 11 more'" in said


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_is_refused_by_name(tmp_path: Path, method: int) -> None:
    path = zip_of(tmp_path / "pets.zip", method=method)
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("b/3.png")
    content = bytearray(path.read_bytes())
    for offset in range(50, 60):
        content[member.header_offset + 30 + len(member.filename) + offset] ^= 0x55
    path.write_bytes(content)
    assert "pets.zip: b/3.png must be one whole image" in refused(sources(tmp_path), "pets.zip")


def test_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "pets.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("./a/0.png", b"which of them?")
    assert "members must have different names; found './a/0.png'" in refused(sources(tmp_path), "pets.zip")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """Nearly five gigabytes of zeros in five megabytes; packing them once and copying the bytes makes the test fast."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/00.png", bytes(100 << 20))
    content, end = packed.getvalue(), packed.getvalue().index(b"PK\x01\x02")
    local, listed = content[:end], content[end : content.index(b"PK\x05\x06")]
    body, directory = bytearray(), bytearray()
    for i in range(48):
        name = f"{'ab'[i % 2]}/{i:02d}.png".encode()
        directory += listed[:42] + len(body).to_bytes(4, "little") + name
        body += local.replace(b"a/00.png", name)
    tail = b"PK\x05\x06" + bytes(4) + 2 * (48).to_bytes(2, "little")
    tail += len(directory).to_bytes(4, "little") + len(body).to_bytes(4, "little") + bytes(2)
    (tmp_path / "bomb.zip").write_bytes(bytes(body) + bytes(directory) + tail)
    begun = time.monotonic()
    said = refused(sources(tmp_path), "bomb.zip")
    assert time.monotonic() - begun < SECONDS
    assert "must unpack to 1 GiB or to 200 times its size at most; found '5.0 GB from 4.9 MB'" in said


def test_an_image_of_169_megapixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    for number in range(4):
        path = tmp_path / "scans" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), number).save(path)
    Image.new("1", (13_000, 13_000)).save(tmp_path / "scans" / "a" / "0.png", compress_level=1)
    said = refused(sources(tmp_path), "scans")
    assert "a/0.png must be one whole image" in said
    assert "'13000×13000 pixels, 169 million'. Scale it to 89 million or fewer." in said


@pytest.mark.parametrize("content", [b"", b"no image at all", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n"])
def test_what_is_called_an_image_and_is_none(content: bytes) -> None:
    """PostScript is a program, which Pillow would run."""
    with pytest.raises(ValueError, match="none of the formats PNG, JPEG"):
        read_header(content)


def claiming(shape: tuple[int, ...]) -> bytes:
    """Return an .npy of a hundred bytes, whose header claims images of this shape."""
    buffer = io.BytesIO()
    format.write_array_header_1_0(buffer, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return buffer.getvalue() + bytes(100)


def rewritten(path: Path, content: bytes, name: str = "x_train.npy") -> None:
    """Write an .npz of which one member has another content."""
    whole = io.BytesIO()
    np.savez(whole, **arrays())
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(path, "w") as other:
        for member in archive.namelist():
            other.writestr(member, content if member == name else archive.read(member))


def truncated(path: Path) -> None:
    np.savez(path, **arrays())
    path.write_bytes(path.read_bytes()[:-50])


def damaged(path: Path) -> None:
    np.savez(path, **arrays())
    content = bytearray(path.read_bytes())
    content[500] ^= 0x55
    path.write_bytes(content)


def packed_otherwise(path: Path) -> None:
    np.savez_compressed(path, **arrays())
    with_method(path, 9)


def renamed(path: Path) -> None:
    np.save(path.with_suffix(".npy"), arrays()["x_train"])
    path.with_suffix(".npy").rename(path)


ARRAYS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a header that claims 732 GiB": (
        lambda path: rewritten(path, claiming((1_000_000, 1024, 768))),
        "x_train must be as large as its header says, 786,432,000,128 bytes; found '228 bytes'",
    ),
    "a header that claims less": (
        lambda path: rewritten(path, claiming((1, 8, 8))),
        "x_train must be as large as its header says, 192 bytes; found '228 bytes'",
    ),
    "an array alone": (renamed, "must hold x_train, y_train, x_test, y_test; found 'a single array, as in an .npy'"),
    "text": (lambda path: path.write_text("x_train"), "must be a whole .npz file of plain arrays"),
    "nothing": (lambda path: path.touch(), "must be a whole .npz file of plain arrays"),
    "a member that is no array": (lambda path: rewritten(path, b"no array"), "a whole .npz file of plain arrays"),
    "a cut file": (truncated, "must be a whole .npz file of plain arrays"),
    "a damaged member": (damaged, "found \"Bad CRC-32 for file 'x_train.npy'\""),
    "members packed otherwise": (packed_otherwise, "packed by a usual method"),
}


@pytest.mark.parametrize("what", ARRAYS)
def test_arrays_that_cannot_be_read_in_full_are_refused(tmp_path: Path, what: str) -> None:
    make, told = ARRAYS[what]
    make(tmp_path / "mine.npz")
    begun = time.monotonic()
    said = refused(sources(tmp_path), "mine.npz")
    assert time.monotonic() - begun < SECONDS
    assert told in said
    assert str(tmp_path / "mine.npz") in said


def test_arrays_that_do_not_fit_into_memory_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "mine.npz", **arrays())
    monkeypatch.setattr(npz, "free_memory", lambda: 7_000)
    said = refused(sources(tmp_path), "mine.npz")
    assert "must fit into the memory that is free, 0.0 GB; found '0.0 GB'. Use fewer or smaller images" in said


def test_an_npz_that_is_packed_is_read(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "mine.npz", **arrays())
    assert np.array_equal(sources(tmp_path).train("mine.npz").images, arrays()["x_train"])


@pytest.mark.parametrize("name", ["/", "~", "/etc", "/usr", "/proc"])
def test_folders_that_are_no_data_set_are_refused_without_being_walked(name: str) -> None:
    begun = time.monotonic()
    said = refused(sources(Path("/")), name)
    assert time.monotonic() - begun < SECONDS
    assert "folder" in said
    assert "train/<class>" in said


@pytest.mark.parametrize(
    ("name", "told"), [("a" * 300, "File name too long"), ("a/" * 3000, "too long"), ("~nobody-of-this-name/x", "home")]
)
def test_a_path_that_can_be_none_is_refused(tmp_path: Path, name: str, told: str) -> None:
    assert told in refused(sources(tmp_path, data_dir=tmp_path), name)


def test_a_class_number_without_end_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **arrays())
    assert "named in brackets" in refused(sources(tmp_path), f"mine.npz[{'9' * 5000}]")
    assert "has 3 classes" in refused(sources(tmp_path), "mine.npz[0-999999999]")
    assert "has 3 classes" in refused(sources(tmp_path), f"mine.npz[{'+'.join(map(str, range(100)))}]")


def test_damaged_files_of_all_formats_are_told_and_never_end_in_another_error(tmp_path: Path) -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 4), np.uint8))
    chance, contents = random.Random(0), []
    for mode, kind in (("RGBA", "PNG"), ("P", "PNG"), ("RGB", "JPEG"), ("P", "GIF"), ("L", "BMP"), ("RGB", "PPM")):
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, kind)
        contents.append(buffer.getvalue())
    told = 0
    for _ in range(300):
        content = bytearray(chance.choice(contents))
        for _ in range(chance.choice([1, 2, 8])):
            content[chance.randrange(min(len(content), 200))] = chance.randrange(256)
        try:
            header = read_header(bytes(content))
            if header.size[0] * header.size[1] < 1_000_000:
                decode(bytes(content), gray=header.gray)
        except UNREADABLE:
            told += 1
    assert told > 50


def test_damaged_zips_and_arrays_are_told_and_never_end_in_another_error(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "whole.npz", **arrays())
    zip_of(tmp_path / "whole.zip")
    chance, told = random.Random(1), 0
    for number in range(120):
        end = "npz" if number % 2 else "zip"
        content = bytearray((tmp_path / f"whole.{end}").read_bytes())
        for _ in range(chance.choice([1, 2, 8])):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (tmp_path / f"{number}.{end}").write_bytes(content)
        try:
            sources(tmp_path).summary(f"{number}.{end}")
        except Refused:
            told += 1
    assert told > 60
