"""`python -m trainables predict`: what it prints for files, folders and images of any form, and what it refuses."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import trainables
from tests.conftest import ROOT
from tests.trainables.domains.test_domains import JOINT, PAIR
from tests.trainables.domains.test_domains import sources as domains
from tests.trainables.networks import test_load
from tests.trainables.networks.test_load import copied, cut, kept, network, replace_weights, trained
from tests.trainables.test_cifar_transfer import sources as transfer
from trainables import __main__ as program
from trainables.__main__ import main
from trainables.data.sources import Sources
from trainables.digit_pair import DigitPair
from trainables.joint_embedding import JointEmbedding

__all__ = ["copied", "domains", "network", "transfer"]
Shown = tuple[str, dict[str, float]]


@pytest.fixture(scope="module", autouse=True)
def _one_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    test_load.STORE = tmp_path_factory.mktemp("artifacts")


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths of tests are long; a row is then a line nevertheless."""
    monkeypatch.setattr(program, "PIPED_WIDTH", 400)


@pytest.fixture
def photo(transfer: Sources, tmp_path: Path) -> Path:
    """A test image of the network's data set, as a file."""
    path = tmp_path / "photo.png"
    Image.fromarray(transfer.test("source.npz").images[0]).save(path)
    return path


def predicted(capsys: pytest.CaptureFixture[str], *words: object) -> list[Shown]:
    """Run the command, and return for each image its name and the percentages of the classes shown."""
    code = main(["predict", *map(str, words)])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    rows = [line for line in told.out.splitlines() if re.search(r"\d\.\d", line)]
    return [_read(row) for row in rows]


def _read(row: str) -> Shown:
    name, *shares = (cell.strip() for cell in row.split("│")[1:-1])
    return Path(name).name, {label: float(share) for label, share in zip(shares[::2], shares[1::2], strict=True)}


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> list[str]:
    """Run the command, check that it was refused, and return the lines that say why."""
    code = main(["predict", *map(str, words)])
    told = capsys.readouterr()
    assert (code, told.out) == (2, "")
    assert "Traceback" not in told.err
    lines = told.err.splitlines()
    for line in lines:
        assert re.fullmatch(r"error: \S+: .+; (you gave|found) .+\. .+\.", line), "key: rule; value. Remedy."
    return lines


# What it prints.


def test_a_file_has_its_classes_with_the_networks_own_probabilities(
    network: Path, photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = trainables.load(network)
    logits = loaded(torch.from_numpy(np.array(Image.open(photo)))[None])
    shares, order = (100 * logits.softmax(1)[0]).sort(descending=True)
    expected = {loaded.card.classes[int(label)]: float(share) for label, share in zip(order, shares, strict=True)}
    ((name, found),) = predicted(capsys, network, photo, "--top", 5)
    assert name == "photo.png"
    assert [*found] == [*expected], "the most probable first"
    assert found == pytest.approx(expected, abs=0.051), "a decimal of a per cent"
    ((_, found),) = predicted(capsys, network, photo)
    assert [*found] == [*expected][:3]


def test_a_folder_is_searched_for_images_and_each_has_a_row(
    network: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "deeper/c.bmp"):
        Image.open(photo).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    assert [name for name, _ in predicted(capsys, network, folder)] == ["a.jpg", "b.png", "c.bmp"]
    both = predicted(capsys, network, photo, folder, photo)
    assert [name for name, _ in both] == ["photo.png", "a.jpg", "b.png", "c.bmp"], "an image named twice has one row"
    assert both[0][1] == both[2][1], "a PNG loses nothing"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("size", [(1, 1), (7, 90), (32, 32), (301, 200)])
def test_gray_and_colour_images_of_any_size_are_read(
    network: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, size: tuple[int, int]
) -> None:
    other = tmp_path / ("other.tif" if mode == "CMYK" else "other.png")
    Image.open(photo).resize(size).convert(mode).save(other)
    ((_, found),) = predicted(capsys, network, other, "--top", 5)
    assert sum(found.values()) == pytest.approx(100, abs=0.3)


def test_a_gray_image_is_read_as_the_same_in_colour(
    network: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gray = Image.open(photo).convert("L")
    gray.save(tmp_path / "gray.png")
    gray.convert("RGB").save(tmp_path / "colour.png")
    first, second = predicted(capsys, network, tmp_path / "gray.png", tmp_path / "colour.png")
    assert first[1] == second[1]


def test_a_network_of_two_sets_reads_an_image_as_one_of_each(
    domains: Sources, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, outcome = trained(DigitPair, PAIR, domains, tmp_path)
    assert main(["predict", str(kept(tmp_path, outcome)), str(photo)]) == 0
    told = capsys.readouterr().out
    assert "read as" in told
    assert "gray.npz" in told
    assert "coloured.npz" in told


# What it refuses.


def test_a_path_that_does_not_exist(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone = tmp_path / "gone.png"
    (line,) = refused(capsys, network, gone)
    assert line == f"error: images: an image or a folder that exists; you gave '{gone}'. Mend the path."


NO_IMAGES: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text("no image"),
    "nothing": lambda path: path.write_bytes(b""),
    "a truncated image": lambda path: path.write_bytes(path.read_bytes()[:-400]),
    "16 bits": lambda path: Image.fromarray(np.zeros((8, 8), np.uint16)).save(path),
}


@pytest.mark.parametrize("what", NO_IMAGES)
@pytest.mark.parametrize("in_folder", [False, True])
def test_what_is_no_image(
    network: Path, photo: Path, capsys: pytest.CaptureFixture[str], what: str, in_folder: bool
) -> None:
    NO_IMAGES[what](photo)
    (line,) = refused(capsys, network, photo.parent if in_folder else photo)
    assert f"{photo} must be one whole image of 8 bits a channel" in line
    assert line.endswith("save it with 8 bits." if what == "16 bits" else "Replace or remove that file.")


def test_a_folder_without_images(network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    (line,) = refused(capsys, network, tmp_path / "empty")
    assert "a folder with images (.bmp, " in line


def test_no_image_and_no_class(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images, top = sorted(refused(capsys, network, "--top", 0), key=lambda line: "--top" in line)
    assert "an image or a folder of images" in images
    assert "--top: 1 or more" in top


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (cut, "must be whole"),
    "without a checksum": (lambda folder: (folder / "weights.safetensors.sha256").unlink(), "must be whole"),
    "of other weights": (replace_weights, "must have the SHA-256 that card.json names"),
    "without weights": (lambda folder: (folder / "weights.safetensors").unlink(), "must have weights.safetensors"),
    "without a card": (lambda folder: (folder / "card.json").unlink(), "must be a folder with a card.json"),
    "of a card that is none": (lambda folder: (folder / "card.json").write_bytes(b"\xff"), "must be the card"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_network(copied: Path, photo: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    damage, rule = DAMAGED[what]
    damage(copied)
    (line,) = refused(capsys, copied, photo)
    assert line.startswith("error: network: ")
    assert rule in line


def test_a_network_that_is_a_file_or_not_there(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (photo, tmp_path / "gone"):
        (line,) = refused(capsys, path, photo)
        assert "must be a folder with a card.json" in line


def test_a_network_that_tells_no_classes(
    domains: Sources, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, outcome = trained(JointEmbedding, JOINT, domains, tmp_path)
    (line,) = refused(capsys, kept(tmp_path, outcome), photo)
    assert "a network that tells classes apart" in line


@pytest.mark.slow
def test_the_process_tells_all_at_once_and_exits_with_2(copied: Path, photo: Path, tmp_path: Path) -> None:
    cut(copied)
    photo.write_text("no image")
    words = [sys.executable, "-m", "trainables", "predict", str(copied), str(photo), str(tmp_path / "gone")]
    done = subprocess.run(words, cwd=ROOT, env={**os.environ, "COLUMNS": "100"}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[:2] for line in done.stderr.splitlines()] == [
        ["error", " network"],
        ["error", " images"],
        ["error", " images"],
    ]
