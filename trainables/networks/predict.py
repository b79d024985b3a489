"""Predictions of a kept network for image files: a table of classes with probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import tyro
from PIL import Image, ImageOps
from rich.table import Table
from rich.text import Text

from common.problems import Problem, Refused
from trainables.core.network_files import Card
from trainables.data.readers.image_files import ENDINGS, UNREADABLE, decode, read_header, remedy_for
from trainables.networks.load import KEY, Loaded, load

AT_ONCE = 256
"""Images that are in memory at a time."""


@dataclass(frozen=True)
class Options:
    """Print the classes that a network sees in images, with their probabilities."""

    network: Annotated[Path, tyro.conf.Positional]
    """A folder in runs/QUESTION/networks."""
    images: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="IMAGE [IMAGE ...]", help_behavior_hint="")
    ]
    """Files of images, and folders that are searched for them."""
    top: int = 3
    """How many classes to print, the most probable first."""
    weights_dir: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The folder with the weights of a pre-trained backbone, as the sweep was given it."""


class Prediction(NamedTuple):
    """What one head of a network sees in an image."""

    path: Path
    head: str
    """Empty for a network with one head."""
    probabilities: torch.Tensor
    """[classes]"""


def predictions(options: Options) -> Table:
    """Return a table with a row for each image, and for each head where there are several.

    Raises Refused with all that is wrong, with the network and with each file.
    """
    problems: list[Problem] = []
    if options.top < 1:
        problems.append(Problem("--top", "1 or more", options.top, "Omit it for 3."))
    network = _network(options, problems)
    files = list(dict.fromkeys(_files(options.images, problems)))
    found: list[Prediction] = []
    for start in range(0, len(files), AT_ONCE):
        images = dict(_read(files[start : start + AT_ONCE], network, problems))
        if network is not None and images:
            found += _predicted(network, images)
    if problems or network is None:
        raise Refused(problems)
    return _table(network.card, options.top, found)


def _network(options: Options, problems: list[Problem]) -> Loaded | None:
    try:
        network = load(options.network, weights_dir=options.weights_dir)
    except Refused as refused:
        problems += refused.problems
        return None
    if network.card.classes:
        return network
    remedy = "It maps images to embeddings: trainables.load gives them in Python."
    problems.append(Problem(KEY, "a network that tells classes apart", str(options.network), remedy))
    return None


def _files(given: Sequence[Path], problems: list[Problem]) -> Iterator[Path]:
    """Yield the files that were named and the images in the folders that were, in order."""
    if not given:
        problems.append(Problem("images", "an image or a folder of images", None, "Name one after the network."))
    for path in (path.expanduser() for path in given):
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
            if not inside:
                rule = f"a folder with images ({', '.join(sorted(ENDINGS))})"
                problems.append(Problem("images", rule, str(path), "Name another folder, or an image."))
            yield from inside
        elif path.exists():
            yield path
        else:
            problems.append(Problem("images", "an image or a folder that exists", str(path), "Mend the path."))


def _read(
    files: Sequence[Path], network: Loaded | None, problems: list[Problem]
) -> Iterator[tuple[Path, torch.Tensor]]:
    """Yield the images that can be read, [1, H, W] or [1, H, W, 3] uint8."""
    size = network.card.size if network is not None else None
    for path in files:
        try:
            yield path, read_image(path, size)
        except UNREADABLE as error:
            rule = f"{path} must be one whole image of 8 bits a channel"
            problems.append(Problem("images", rule, str(error), remedy_for(error), given=False))


def read_image(path: Path, size: tuple[int, int] | None) -> torch.Tensor:
    """Return an image [1, H, W] or [1, H, W, 3] uint8 as a data set of images of this `size` would have it.

    It is scaled to (height, width) and cropped to its middle. Raises an error of `UNREADABLE`.
    """
    content = path.read_bytes()
    upright = decode(content, gray=read_header(content).gray)
    if size is not None and upright.size != size[::-1]:
        upright = ImageOps.fit(upright, size[::-1], Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(upright))[None]


def _predicted(network: Loaded, images: Mapping[Path, torch.Tensor]) -> Iterator[Prediction]:
    prepared = torch.cat([network.prepared(image) for image in images.values()])
    probabilities = network.of_prepared(prepared).softmax(-1)  # [N, classes] or [N, heads, classes]
    heads = network.card.heads
    for path, own in zip(images, probabilities, strict=True):
        for head, row in zip(heads or ("",), own if heads else own[None], strict=True):
            yield Prediction(path, head, row)


def _table(card: Card, top: int, found: Sequence[Prediction]) -> Table:
    shown = min(top, len(card.classes))
    table = Table(title=Text(f"{card.question}, seed {card.seed}"), title_justify="left")
    table.add_column("image", overflow="fold")
    if card.heads:
        table.add_column("read as")
    for rank in range(1, shown + 1):
        table.add_column("class" if rank == 1 else f"{rank}.")
        table.add_column("%", justify="right")
    for path, head, probabilities in found:
        cells = [str(path)]
        if card.heads:
            cells.append(card.data[head].name if head in card.data else head)
        for share, label in zip(*probabilities.topk(shown), strict=True):
            cells += [card.classes[int(label)], f"{100 * float(share):.1f}"]
        table.add_row(*map(Text, cells))
    return table
