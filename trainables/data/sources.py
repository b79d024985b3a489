"""Where data come from: a small description that is sent to every worker.

    sources = Sources(data_dir=Path("data"))
    sources.summary("mnist").train_counts
    sources.train("digits").images            # [1287, 28, 28] uint8

A data set is given by its name (`mnist`, `svhn`, `digits`, …) or by the path of a folder or zip of class folders, or of
an `.npz` with x_train, y_train, x_test and y_test. A new named set takes one module and one line below.
`mnist_photos` is made from two sets, MNIST and photographs: those of CIFAR-10, or with `mnist_photos@NAME` those of any
set in colour. Brackets after a name or path keep some of its classes only: `cifar10[0-4]`, `mine.npz[0+2+7-9]`; but a
path that exists under such a name is opened as that path.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from common.problems import Problem, nearest
from trainables.data.builtin.digits import open_digits
from trainables.data.builtin.house_digits import open_house_digits
from trainables.data.builtin.letters import open_letters
from trainables.data.builtin.textures import open_textures10, open_textures100
from trainables.data.dataset import (
    SPLITS,
    DataSet,
    OfficialOpener,
    Opener,
    Split,
    SplitName,
    Summary,
    array_digest,
    frozen,
    refuse,
    text_digest,
)
from trainables.data.derived.classes import classes_of, names_classes, parsed
from trainables.data.derived.photos import DigitsOverPhotos
from trainables.data.readers.cifar import open_cifar10, open_cifar100
from trainables.data.readers.folders import open_folder
from trainables.data.readers.mnist import open_mnist
from trainables.data.readers.npz import open_npz
from trainables.data.readers.svhn import open_svhn
from trainables.data.subsets import pool_left

__all__ = ["NAMED", "Sources", "Split", "SplitName", "Summary", "default_cache"]

BUILTIN: dict[str, Opener] = {
    "digits": open_digits,
    "house_digits": open_house_digits,
    "letters": open_letters,
    "textures10": open_textures10,
    "textures100": open_textures100,
}
OFFICIAL: dict[str, OfficialOpener] = {
    "cifar10": open_cifar10,
    "cifar100": open_cifar100,
    "mnist": open_mnist,
    "svhn": open_svhn,
}
NAMED = sorted([*BUILTIN, *OFFICIAL])
PHOTOS = "mnist_photos"
KNOWN = (*NAMED, PHOTOS)


def default_cache() -> Path:
    """Return the folder in which downloads are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "labsweep"


@dataclass(frozen=True)
class Sources:
    """The folders in which data and weights are looked for. Paths are made absolute, since workers run elsewhere.

    What was read is kept for as long as the process lives, so files must not change during a sweep.
    """

    data_dir: Path | None = None
    """Folder of data sets in torchvision's layout; nothing is ever written to it."""
    weights_dir: Path | None = None
    """Folder of state dicts such as `resnet50-11ad3fa6.pth`."""
    cache: Path = field(default_factory=default_cache)
    """Folder into which data sets are downloaded."""
    here: Path = field(default_factory=Path.cwd)
    """Folder to which relative paths of data sets are relative."""
    download: bool = True
    """Whether what is absent is downloaded. Where it is not, `absent` has it: of an official data set all is known but
    its labels and images."""

    def __post_init__(self) -> None:
        for name in ("data_dir", "weights_dir", "cache", "here"):
            path = getattr(self, name)
            object.__setattr__(self, name, None if path is None else Path(path).expanduser().absolute())

    def dataset(self, name: str) -> DataSet:
        """Open a data set. Raises Refused where it is unknown, missing or malformed."""
        return _opened(self, name)

    def summary(self, name: str) -> Summary:
        """Return facts about a data set, after reading and checking all of its files. Raises Refused."""
        return _summary(self, name)

    def absent(self, name: str) -> list[Problem]:
        """Return what would have to be downloaded for a data set (`readers.download.Absent`). Raises Refused."""
        return self.dataset(name).absent()

    def train(self, name: str) -> Split:
        """Return the training split, read-only. Raises Refused."""
        return _split(self, name, "train")

    def test(self, name: str) -> Split:
        """Return the test split, read-only. Raises Refused."""
        return _split(self, name, "test")

    def fingerprint(self, name: str, split: SplitName) -> str:
        """Return a SHA-256 that depends on that split's content only, since a search must not depend on test data, and
        on how validation may be cut off it. Raises Refused."""
        return _fingerprint(self, name, split)

    def duplicates(self, name: str, beside: Iterable[str] = ()) -> int:
        """Return how many test images stand in the training split too, or in that of a set `beside` it, pixel for pixel
        once decoded. Raises Refused."""
        return _duplicates(self, name, tuple(beside))

    def pool_left(self, name: str, validation: int) -> int:
        """Return how many training images a set has to train on beside `validation` others; 0 or less: too few.

        They are fewer than all others where neighbours share a source. Raises Refused.
        """
        return _pool_left(self, name, validation)


def forget() -> None:
    """Forget what was read, so that files are read again: a notebook's process lives while they change."""
    for cached in (_opened, _split, _fingerprint, _duplicates, _pool_left, _summary):
        cached.cache_clear()


@lru_cache(maxsize=8)
def _opened(sources: Sources, name: str) -> DataSet:
    if name in OFFICIAL:
        return OFFICIAL[name](sources.data_dir, sources.cache, sources.download)
    if name in BUILTIN:
        return BUILTIN[name](sources.data_dir, sources.cache)
    made, _, photos = name.partition("@")
    if made == PHOTOS and not names_classes(photos):
        photos = photos or "cifar10"
        return DigitsOverPhotos(("mnist", sources.dataset("mnist")), (photos, sources.dataset(photos)))
    candidates = _candidates(sources, name)
    path = next((path for path in candidates if path.exists()), None)
    if path is not None:
        return open_npz(path) if path.suffix == ".npz" else open_folder(path)
    if names_classes(name):
        whole, numbers = parsed(name)
        return classes_of(whole, sources.dataset(whole), numbers)
    looked = ", ".join(map(str, candidates))
    rule = f"must be one of {', '.join(KNOWN)}, classes of one as in cifar10[0-4], or a path (looked for {looked})"
    raise refuse(rule, name, nearest(name, [*KNOWN, *_beside(sources)]))


def _candidates(sources: Sources, name: str) -> list[Path]:
    """Return the paths at which a data set of this name may lie. Raises Refused where the name can be none."""
    try:
        found = [sources.here / Path(name).expanduser()]
        if sources.data_dir is not None:
            found += [sources.data_dir / f"{name}{end}" for end in ("", ".npz", ".zip")]
        for path in found:
            path.exists()
    except (OSError, RuntimeError) as error:  # too long, in a folder that is closed, or below the home of nobody
        if names_classes(name):
            return []  # many classes make a long name
        rule = f"a name, or a path that can be looked at ({getattr(error, 'strerror', None) or error})"
        raise refuse(rule, name, "Mend the path, or the rights of the folder that it is in.") from None
    return found


def _beside(sources: Sources) -> list[str]:
    """Return the names of what could be data sets in `data_dir`."""
    if sources.data_dir is None or not sources.data_dir.is_dir():
        return []
    return [path.name for path in sources.data_dir.iterdir() if path.is_dir() or path.suffix in (".npz", ".zip")]


@lru_cache(maxsize=8)
def _split(sources: Sources, name: str, split: SplitName) -> Split:
    dataset = sources.dataset(name)
    return frozen(Split(dataset.images(split), dataset.labels(split)))


@lru_cache(maxsize=64)
def _fingerprint(sources: Sources, name: str, split: SplitName) -> str:
    dataset = sources.dataset(name)
    content = dataset.fingerprint(split)
    blocks = dataset.blocks() if split == "train" else None
    return content if blocks is None else text_digest(content, f"blocks {array_digest(blocks)}")


@lru_cache(maxsize=64)
def _duplicates(sources: Sources, name: str, beside: tuple[str, ...]) -> int:
    own = sources.dataset(name)
    others = [sources.dataset(other) for other in beside if other != name]
    counted = own.known_duplicates is None
    if not counted and all(other.known_duplicates is not None for other in others):
        return own.known_duplicates or 0  # of verified or drawn sets, none has images of another
    known = {digest for one in (*([own] if counted else []), *others) for digest in one.digests("train")}
    return sum(digest in known for digest in own.digests("test"))


@lru_cache(maxsize=64)  # a plan asks many times
def _pool_left(sources: Sources, name: str, validation: int) -> int:
    dataset = sources.dataset(name)
    if dataset.absent():  # the most there can be; where neighbours share a source, only its labels tell
        return max(0, dataset.size("train") - validation)
    return pool_left(dataset.labels("train"), validation, dataset.blocks())


@lru_cache(maxsize=8)
def _summary(sources: Sources, name: str) -> Summary:
    dataset = sources.dataset(name)
    dataset.check()
    counts = {split: tuple(dataset.class_counts(split).tolist()) for split in SPLITS}
    return Summary(
        name=name,
        classes=dataset.classes,
        builtin=dataset.builtin,
        train_counts=counts["train"],
        test_counts=counts["test"],
        shape=dataset.shape,
        origin=dataset.origin,
        made_from=dataset.made_from,
        caveats=dataset.caveats,
    )
