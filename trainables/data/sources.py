"""Where data and weights come from: a small description that travels to every worker.

    sources = Sources(data_dir=Path("data"))
    sources.summary("mnist").train_counts
    sources.train("digits").images            # [1300, 28, 28] uint8

A data set is named (`mnist`, `svhn`, `digits`, …) or is the path of a folder or zip of class folders, or of an `.npz`
with x_train, y_train, x_test and y_test. A new named set is one module and one line in `NAMED`. `mnist_photos` is made
from two others, MNIST and photographs: CIFAR-10's, or with `mnist_photos@NAME` those of any set in colour. Brackets at
the end keep some classes of all that precedes them: `cifar10[0-4]`, `mine.npz[0+2+7-9]`; a path that exists with such
a name is that path.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from common.problems import nearest
from trainables.data.builtin.digits import open_digits
from trainables.data.builtin.house_digits import open_house_digits
from trainables.data.builtin.letters import open_letters
from trainables.data.builtin.textures import open_textures10, open_textures100
from trainables.data.dataset import DataSet, Opener, Split, SplitName, Summary, frozen, refuse
from trainables.data.derived.classes import classes_of, names_classes, parsed
from trainables.data.derived.photos import DigitsOverPhotos
from trainables.data.readers.cifar import open_cifar10, open_cifar100
from trainables.data.readers.folders import open_folder
from trainables.data.readers.mnist import open_mnist
from trainables.data.readers.npz import open_npz
from trainables.data.readers.svhn import open_svhn

__all__ = ["NAMED", "Sources", "Split", "SplitName", "Summary", "default_cache"]

NAMED: dict[str, Opener] = {
    "cifar10": open_cifar10,
    "cifar100": open_cifar100,
    "digits": open_digits,
    "house_digits": open_house_digits,
    "letters": open_letters,
    "mnist": open_mnist,
    "svhn": open_svhn,
    "textures10": open_textures10,
    "textures100": open_textures100,
}
PHOTOS = "mnist_photos"
KNOWN = (*NAMED, PHOTOS)


def default_cache() -> Path:
    """Where downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "labsweep"


@dataclass(frozen=True)
class Sources:
    """Folders in which data and weights are looked for. Paths are made absolute: workers run elsewhere.

    What was read is kept for the process, by folder and name: files must not change under a running sweep.
    """

    data_dir: Path | None = None
    """In torchvision's layout; never written to."""
    weights_dir: Path | None = None
    """Holds state dicts such as `resnet50-11ad3fa6.pth`."""
    cache: Path = field(default_factory=default_cache)
    """Where downloads go."""
    here: Path = field(default_factory=Path.cwd)
    """What relative paths of data sets are relative to."""

    def __post_init__(self) -> None:
        for name in ("data_dir", "weights_dir", "cache", "here"):
            path = getattr(self, name)
            object.__setattr__(self, name, None if path is None else Path(path).expanduser().absolute())

    def dataset(self, name: str) -> DataSet:
        """The data set, opened. Raises Refused where it is unknown, missing or malformed."""
        return _opened(self, name)

    def summary(self, name: str) -> Summary:
        """Facts about a data set, all of whose files are read and checked. Raises Refused."""
        return _summary(self, name)

    def train(self, name: str) -> Split:
        """The training split, read-only. Raises Refused."""
        return _split(self, name, "train")

    def test(self, name: str) -> Split:
        """The test split, read-only. Raises Refused."""
        return _split(self, name, "test")

    def fingerprint(self, name: str, split: SplitName) -> str:
        """SHA-256 of that split's content only: a search must not depend on test data. Raises Refused."""
        return _fingerprint(self, name, split)


@lru_cache(maxsize=8)
def _opened(sources: Sources, name: str) -> DataSet:
    if name in NAMED:
        return NAMED[name](sources.data_dir, sources.cache)
    made, _, photos = name.partition("@")
    if made == PHOTOS and not names_classes(photos):
        photos = photos or "cifar10"
        return DigitsOverPhotos(("mnist", sources.dataset("mnist")), (photos, sources.dataset(photos)))
    path = next((path for path in _candidates(sources, name) if path.exists()), None)
    if path is not None:
        return open_npz(path) if path.suffix == ".npz" else open_folder(path)
    if names_classes(name):
        whole, numbers = parsed(name)
        return classes_of(whole, sources.dataset(whole), numbers)
    looked = ", ".join(map(str, _candidates(sources, name)))
    rule = f"must be one of {', '.join(KNOWN)}, classes of one as in cifar10[0-4], or a path (looked for {looked})"
    raise refuse(rule, name, nearest(name, [*KNOWN, *_beside(sources)]))


def _candidates(sources: Sources, name: str) -> Iterator[Path]:
    yield sources.here / Path(name).expanduser()
    if sources.data_dir is not None:
        yield from (sources.data_dir / f"{name}{end}" for end in ("", ".npz", ".zip"))


def _beside(sources: Sources) -> list[str]:
    """Names that `data_dir` offers."""
    if sources.data_dir is None or not sources.data_dir.is_dir():
        return []
    return [path.name for path in sources.data_dir.iterdir() if path.is_dir() or path.suffix in (".npz", ".zip")]


@lru_cache(maxsize=8)
def _split(sources: Sources, name: str, split: SplitName) -> Split:
    dataset = sources.dataset(name)
    return frozen(Split(dataset.images(split), dataset.labels(split)))


@lru_cache(maxsize=64)
def _fingerprint(sources: Sources, name: str, split: SplitName) -> str:
    return sources.dataset(name).fingerprint(split)


@lru_cache(maxsize=8)
def _summary(sources: Sources, name: str) -> Summary:
    dataset = sources.dataset(name)
    dataset.check()
    counts = {
        split: tuple(np.bincount(dataset.labels(split), minlength=len(dataset.classes)).tolist())
        for split in ("train", "test")
    }
    return Summary(
        name=name,
        classes=dataset.classes,
        builtin=dataset.builtin,
        blocked=dataset.blocked,
        train_counts=counts["train"],
        test_counts=counts["test"],
        shape=dataset.shape,
        origin=dataset.origin,
        made_from=dataset.made_from,
    )
