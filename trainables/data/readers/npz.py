"""A data set in an `.npz` file: x_train, y_train, x_test, y_test, and optionally the names of the classes."""

from __future__ import annotations

import math
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil
from numpy.lib import format

from common.problems import Problem, Refused
from trainables.data.coverage import coverage_problems
from trainables.data.dataset import SPLITS, Arrays, Split, SplitName, refuse
from trainables.data.levels import level_problems, levels_of
from trainables.data.readers.image_files import UNREADABLE
from trainables.data.readers.trees import zip_problems

MAGIC = b"\x93NUMPY"
"""How an .npy begins."""
LACKING = "Number the classes from 0 without gaps, and put images of each into both splits."
NEEDED = ("x_train", "y_train", "x_test", "y_test")


def open_npz(path: Path) -> Arrays:
    """Read a whole file as a data set; nothing is unpickled. Raises Refused with all that is wrong with it."""
    arrays = _read(path)
    problems = [problem for split in SPLITS for problem in _wrong(path, arrays, split)]
    if problems:
        raise Refused(problems)
    # Without names, the highest label tells how many classes there are, but no more than there are training images.
    last = min(int(arrays["y_train"].max()), len(arrays["y_train"]) - 1)
    classes = [_text(name) for name in arrays.get("classes", np.arange(last + 1)).tolist()]
    problems = [problem for split in SPLITS for problem in _out_of_range(path, arrays, split, len(classes))]
    if problems:
        raise Refused(problems)
    splits: dict[SplitName, Split] = {split: _split(arrays, split) for split in SPLITS}
    images: dict[SplitName, np.ndarray] = {
        split: np.bincount(own.labels, minlength=len(classes)) for split, own in splits.items()
    }
    problems = coverage_problems(path, classes, images, LACKING)
    problems += level_problems(path, {split: levels_of(own.images) for split, own in splits.items()})
    if problems:
        raise Refused(problems)
    told = " + ".join(f"{len(splits[split].labels):,}" for split in SPLITS)
    return Arrays(classes, f"{path.name}, {told} images of {len(classes)} classes", splits)


def _read(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays that a data set has. Raises Refused where one is missing or the file is damaged."""
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                rule = f"{path} must hold {', '.join(NEEDED)}"
                raise refuse(rule, "a single array, as in an .npy", "Save all of them with numpy.savez.", given=False)
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
                wanted = _wanted(path, members)
                _check_sizes(path, archive, wanted)
                return {name: _array(archive, info) for name, info in wanted.items()}
    except UNREADABLE as error:
        rule = f"{path} must be a whole .npz file of plain arrays"
        remedy = "It is truncated, damaged or pickled: write it again with numpy.savez."
        raise refuse(rule, str(error) or type(error).__name__, remedy, given=False) from None


def _wanted(path: Path, members: Mapping[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the members that a data set has, by name. Raises Refused where one is missing or cannot be unpacked."""
    missing = [name for name in NEEDED if name not in members]
    if missing:
        rule, remedy = f"{path} must hold {', '.join(NEEDED)}", f"Add {', '.join(missing)} with numpy.savez."
        raise refuse(rule, ", ".join(members), remedy, given=False)
    wanted = {name: members[name] for name in (*NEEDED, "classes") if name in members}
    if problems := list(zip_problems(path, list(wanted.values()), sys.maxsize)):
        raise Refused(problems)
    return wanted


def _check_sizes(path: Path, archive: zipfile.ZipFile, wanted: Mapping[str, zipfile.ZipInfo]) -> None:
    """Raise Refused where an array's header claims another size than it has, or all need more memory than is free.

    Nothing but the headers is unpacked.
    """
    claimed = {name: _claimed(archive, info) for name, info in wanted.items()}
    problems = []
    for name, size in claimed.items():
        if size != wanted[name].file_size:
            rule = f"{path}: {name} must be as large as its header says, {size:,} bytes"
            remedy = "It is damaged: write it again with numpy.savez."
            problems.append(Problem("data", rule, f"{wanted[name].file_size:,} bytes", remedy, given=False))
    free = free_memory()
    if not problems and sum(claimed.values()) > free:
        rule = f"{path} must fit into the memory that is free, {free / 1e9:.1f} GB"
        remedy = "Use fewer or smaller images, or a machine with more memory."
        problems.append(Problem("data", rule, f"{sum(claimed.values()) / 1e9:.1f} GB", remedy, given=False))
    if problems:
        raise Refused(problems)


def free_memory() -> int:
    """Return how many bytes of memory this machine can still give."""
    return int(psutil.virtual_memory().available)


def _claimed(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Return how many bytes an array in the form of an .npy has, by its header. Raises an error of `UNREADABLE`."""
    with archive.open(info) as member:
        version = format.read_magic(member)
        read = format.read_array_header_1_0 if version == (1, 0) else format.read_array_header_2_0
        shape, _, dtype = read(member)
        if dtype.hasobject:
            raise ValueError("an array of Python objects, which are not unpickled")
        return member.tell() + math.prod(shape) * dtype.itemsize


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> np.ndarray:
    with archive.open(info) as member:
        return np.asarray(format.read_array(member, allow_pickle=False))


def _wrong(path: Path, arrays: dict[str, np.ndarray], split: str) -> list[Problem]:
    """Return what is wrong with the types and shapes of a split."""
    x = arrays[f"x_{split}"]
    y = arrays[f"y_{split}"]
    problems = []

    def check(ok: bool, rule: str, value: object, remedy: str) -> None:
        if not ok:
            problems.append(Problem("data", f"{path}: {rule}", value, remedy, given=False))

    check(
        x.dtype == np.uint8,
        f"x_{split} must be uint8, 0 to 255",
        x.dtype.name,
        "Scale to 0 … 255, round and convert with astype(numpy.uint8).",
    )
    form = "[N, H, W], [N, H, W, 3] or [N, H, W, 1]"
    shaped = x.ndim == 3 or (x.ndim == 4 and x.shape[3] in (1, 3))
    check(shaped and x.size > 0, f"x_{split} must be {form}", x.shape, "Put the channels last.")
    check(
        x.shape[1:] == arrays["x_train"].shape[1:],
        f"x_{split} must have images like x_train's",
        x.shape[1:],
        f"Make them {arrays['x_train'].shape[1:]}.",
    )
    check(
        y.dtype.kind in "iu" and y.ndim == 1,
        f"y_{split} must be integers [N]",
        f"{y.dtype.name} {y.shape}",
        "Give one class number for each image.",
    )
    check(
        x.shape[:1] == y.shape[:1],
        f"x_{split} and y_{split} must have one length",
        (x.shape[:1], y.shape[:1]),
        "Drop images without labels and labels without images.",
    )
    names = arrays.get("classes", np.array([""]))
    check(names.ndim == 1, "classes must be names [classes]", names.shape, "Give one name for each class.")
    twice = [name for name, count in Counter(names.ravel().tolist()).items() if count > 1]
    check(not twice, "each class must have a name of its own", _text([*twice, ""][0]), "Give each class another name.")
    return problems


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _out_of_range(path: Path, arrays: dict[str, np.ndarray], split: str, classes: int) -> list[Problem]:
    """Return a problem where a split has labels that number no class."""
    y = arrays[f"y_{split}"]
    outside = y[(y < 0) | (y >= classes)]
    if not outside.size:
        return []
    rule = f"{path}: y_{split} must lie in 0 … {classes - 1}"
    remedy = "Number the classes from 0, each of them with images in the training split."
    return [Problem("data", rule, int(outside[0]), remedy, given=False)]


def _split(arrays: dict[str, np.ndarray], split: str) -> Split:
    images = arrays[f"x_{split}"]
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    return Split(images, arrays[f"y_{split}"].astype(np.int64))
