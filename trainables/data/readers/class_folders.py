"""Which files of a tree are images of which class and split, and that none is left out without a word."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from common.problems import Problem, Refused
from trainables.data.readers.image_files import ENDINGS
from trainables.data.readers.trees import Tree

LAYOUT = "Lay it out as train/<class>/*.png and test/<class>/*.png, or as <class>/*.png alone."
MANY = 1_000
"""Files that are no images, after which a folder is taken to be no data set, and is looked into no further."""
EXAMPLES = 3
DOCUMENTS = frozenset(
    ("", ".txt", ".md", ".rst", ".pdf", ".html", ".csv", ".tsv", ".json", ".yaml", ".yml", ".toml", ".xml", ".bib")
)
"""How files end that may lie beside class folders, as a README does, though not in one."""

Members = dict[str, list[str]]
"""Names of the files of each class, in order."""


@dataclass(frozen=True)
class Layout:
    """The files of a data set."""

    splits: tuple[Members, ...]
    """The training and the test files by class, or all files where they are not split yet."""
    documents: int
    """How many files beside the class folders are not read."""


@dataclass(frozen=True)
class _Found:
    """What lies in a tree."""

    images: list[PurePosixPath] = field(default_factory=list)
    others: list[PurePosixPath] = field(default_factory=list)
    empty: list[PurePosixPath] = field(default_factory=list)
    unreadable: list[PurePosixPath] = field(default_factory=list)


def laid_out(tree: Tree) -> Layout:
    """Return which files are whose. Raises Refused where there are other images or files in class folders, too."""
    found = _found(tree)
    found.images.sort()
    depth = _outer_folders(found.images)
    split_names = {path.parts[depth].lower() for path in found.images if len(path.parts) == depth + 3}
    is_split = {"train", "test"} <= split_names
    if is_split:
        splits = tuple(_by_class(found.images, depth, split) for split in ("train", "test"))
    else:
        splits = (_by_class(found.images, depth, None),)
    problems = list(_wrong(tree, splits, split_names))
    in_classes = [path for path in found.others if _is_in_class(path, depth, splits, is_split=is_split)]
    documents = [path for path in found.others if path not in in_classes and path.suffix.lower() in DOCUMENTS]
    problems += _left_out(tree, found, splits, {*found.others} - {*documents})
    if problems:
        raise Refused(problems)
    return Layout(splits, len(documents))


def _found(tree: Tree) -> _Found:
    """Return what lies in a tree. Raises Refused as soon as it is found to be no data set."""
    found = _Found()
    for entry in tree.entries():
        path = PurePosixPath(entry.name)
        if entry.kind == "file":
            (found.images if path.suffix.lower() in ENDINGS else found.others).append(path)
        else:
            (found.empty if entry.kind == "empty folder" else found.unreadable).append(path)
        if len(found.others) + len(found.empty) + len(found.unreadable) > MANY:
            told = f"more than {MANY:,} other files and folders, such as {path}"
            raise Refused([_problem(tree, "must hold class folders of images alone", told, LAYOUT)])
    return found


def _outer_folders(images: list[PurePosixPath]) -> int:
    """Return how many more folders everything lies in, as in many archives."""
    depth = 0
    while _is_outer({path.parts[depth].lower() for path in images if len(path.parts) >= depth + 3}, images, depth):
        depth += 1
    return depth


def _is_outer(names: set[str], images: list[PurePosixPath], depth: int) -> bool:
    return len(names) == 1 and not names & {"train", "test"} and all(len(path.parts) >= depth + 3 for path in images)


def _by_class(paths: list[PurePosixPath], outer: int, split: str | None) -> Members:
    """Return the files of a split, or of everything, by class, sorted by name."""
    depth = outer + (1 if split else 0)
    members: Members = {}
    for path in paths:
        inside = split is None or path.parts[outer].lower() == split
        if inside and len(path.parts) == depth + 2:
            members.setdefault(path.parts[depth], []).append(str(path))
    return dict(sorted(members.items()))


def _is_in_class(path: PurePosixPath, outer: int, splits: tuple[Members, ...], *, is_split: bool) -> bool:
    """Return whether a file lies in a class folder, at whatever depth."""
    parts = path.parts[outer:]
    if is_split:
        return len(parts) > 2 and parts[0].lower() in ("train", "test")
    return len(parts) > 1 and parts[0] in splits[0]


def _wrong(tree: Tree, splits: tuple[Members, ...], split_names: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the classes and splits."""
    if len(splits) == 2 and not splits[0].keys() >= splits[1].keys():
        missing = _list(splits[1].keys() - splits[0])
        yield _problem(tree, "must have every class of test/ in train/", missing, LAYOUT)
    if len(splits) == 1 and {"train", "test"} & split_names:
        yield _problem(tree, "must have both train/ and test/, or neither", _list(split_names), LAYOUT)
    elif len(splits[0]) < 2:
        yield _problem(tree, "must hold folders of images of two classes or more", _counted(splits[0]), LAYOUT)
    elif len(splits) == 1 and min(map(len, splits[0].values())) < 2:
        yield _problem(tree, "must hold classes of two or more images", _counted(splits[0]), LAYOUT)


def _left_out(tree: Tree, found: _Found, splits: tuple[Members, ...], others: set[PurePosixPath]) -> Iterator[Problem]:
    """Yield a problem for each kind of things that would not be read."""
    read = {file for members in splits for files in members.values() for file in files}
    unread = [path for path in found.images if str(path) not in read]
    third = [path for path in unread if len(splits) == 2 and _is_of_a_third_split(path, read)]
    elsewhere = [path for path in unread if path not in third]
    alone = f"must have class folders of images alone ({', '.join(sorted(ENDINGS))})"
    third_remedy = "Validation is drawn from train/: put them there, or away."
    kinds = [
        (third, "must have train/ and test/ alone", ("image", "images"), third_remedy),
        (elsewhere, "must have every image in a class folder, no deeper and no higher", ("image", "images"), LAYOUT),
        (sorted(others), alone, ("other file", "other files"), "Convert them, or put them elsewhere."),
        (sorted(found.empty), "must have no empty class", ("empty folder", "empty folders"), "Fill or remove it."),
        (sorted(found.unreadable), "must be readable throughout", ("entry", "entries"), "Mend the link or the rights."),
    ]
    for paths, rule, nouns, remedy in kinds:
        if paths:
            named = ", ".join(map(str, paths[:EXAMPLES])) + (", …" if len(paths) > EXAMPLES else "")
            yield _problem(tree, rule, f"{len(paths):,} {nouns[len(paths) > 1]}: {named}", remedy)


def _is_of_a_third_split(path: PurePosixPath, read: set[str]) -> bool:
    """Return whether an image lies as deep as those that are read, so under a folder beside train/ and test/."""
    return len(path.parts) == len(PurePosixPath(next(iter(read))).parts)


def _problem(tree: Tree, rule: str, found: str, remedy: str) -> Problem:
    return Problem("data", f"{tree.path} {rule}", found, remedy, given=False)


def _counted(members: Members) -> str:
    return _list(f"{name} ({len(files)})" for name, files in members.items())


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
