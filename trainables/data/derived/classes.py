"""Some classes of a data set as a set of their own: `cifar10[0-4]`, `textures100[0+2+7-9]`.

The brackets after the name or path of any set hold the numbers of the classes to keep, from 0. `+` and the comma mean
the same, but --set and --data would take a comma for the end of the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from common.problems import Problem, Refused
from trainables.data.dataset import DataSet, SplitName, refuse, text_digest

_ITEM = "[0-9]{1,18}(-[0-9]{1,18})?"  # longer ones are no numbers to Python
NUMBERS = re.compile(rf"(?P<base>.+)\[(?P<items>{_ITEM}([+,]{_ITEM})*)\]", re.DOTALL)


def names_classes(name: str) -> bool:
    """Return whether the name of a set has brackets, closed or not, that could hold classes."""
    return "[" in name or "]" in name


def parsed(name: str) -> tuple[str, list[range]]:
    """Parse `cifar10[0+7-9]` into the set's name and [range(0, 1), range(7, 10)]. Raises Refused if it is malformed."""
    match = NUMBERS.fullmatch(name)
    if match is None:
        rule = "classes of a set are named in brackets after it, as in cifar10[0-4] or cifar10[0+2+7-9]"
        raise refuse(rule, name, "Write them so, or check the path: there is no file or folder of this name.")
    ends = [[int(end) for end in item.split("-")] for item in re.split("[+,]", match["items"])]
    ranges = [range(end[0], end[-1] + 1) for end in ends]
    for end in (end for end, numbers in zip(ends, ranges, strict=True) if not numbers):
        raise refuse("a range of classes runs from low to high", f"{end[0]}-{end[1]}", f"Write {end[1]}-{end[0]}.")
    return match["base"], ranges


def classes_of(name: str, base: DataSet, ranges: Iterable[range]) -> DataSet:
    """Return the set of those classes of `base`, whose name is `name`. Raises Refused with all that is wrong."""
    count = len(base.classes)
    found: list[Problem] = []
    kept: set[int] = set()
    for numbers in ranges:
        if numbers[-1] >= count:
            remedy = f"Name classes from 0 to {count - 1}."
            found.append(
                Problem("data", f"{name} has {count} classes, the last of them {count - 1}", numbers[-1], remedy)
            )
            continue
        for number in sorted(kept.intersection(numbers)):
            found.append(Problem("data", f"each class of {name} named once", number, "Leave it out the second time."))
        kept.update(numbers)
    if not found and len(kept) < 2:
        found.append(Problem("data", f"two or more classes of {name}", listed(kept), "Name another one too."))
    if found:
        raise Refused(found)
    return Classes(name, base, sorted(kept))


def listed(numbers: Iterable[int]) -> str:
    """Return numbers as they are written in brackets, in order and with ranges where possible: 0-2+5."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return "+".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


class Classes(DataSet):
    """The images of some classes of a set, in its order; the classes are numbered from 0 again."""

    def __init__(self, name: str, base: DataSet, kept: list[int]) -> None:
        """Take the set, its name and the numbers of the classes to keep, ascending."""
        self._base = base
        self._kept = np.array(kept)
        self.classes = tuple(base.classes[number] for number in kept)
        self.origin = f"{base.origin}; of its {len(base.classes)} classes only {listed(kept)}"
        self.builtin = base.builtin
        self.known_duplicates = 0 if base.known_duplicates == 0 else None  # else which are of these classes?
        self.caveats = base.caveats
        self.made_from = base.made_from or (name,)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._base.shape

    def labels(self, split: SplitName) -> np.ndarray:
        labels = self._base.labels(split)
        return np.searchsorted(self._kept, labels[np.isin(labels, self._kept)])

    def blocks(self) -> np.ndarray | None:
        blocks = self._base.blocks()
        return None if blocks is None else blocks[np.isin(self._base.labels("train"), self._kept)]

    def class_counts(self, split: SplitName) -> np.ndarray:
        counts: np.ndarray = self._base.class_counts(split)[self._kept]
        return counts

    def images(self, split: SplitName) -> np.ndarray:
        return self._base.images_of(self._kept, split)

    def digests(self, split: SplitName) -> list[bytes]:
        kept = np.isin(self._base.labels(split), self._kept)
        return [digest for digest, own in zip(self._base.digests(split), kept, strict=True) if own]

    def fingerprint(self, split: SplitName) -> str:
        """Return the digest of the whole set's fingerprint and of the classes that were kept."""
        return text_digest(self._base.fingerprint(split), f"classes {listed(self._kept.tolist())}")

    def check(self) -> None:
        self._base.check()

    def absent(self) -> list[Problem]:
        return self._base.absent()
