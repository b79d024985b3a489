"""What keeps a network from being transferred between two data sets, and a sample of a size from being drawn."""

from __future__ import annotations

from common.problems import Problem
from trainables.data.dataset import Summary
from trainables.data.sources import Sources


def pair_problems(source: str, target: str, sources: Sources) -> list[Problem]:
    """Whether both show the same: one content, or classes in common of the set that both are made from.

    Raises Refused where one cannot be read.
    """
    rule = "other images than the source's"
    if sources.fingerprint(source, "train") == sources.fingerprint(target, "train"):
        return [Problem("target", rule, target, "Name two different sets, or different classes of one.")]
    first, second = (sources.summary(name) for name in (source, target))
    origins = [{summary.name, *summary.made_from[:1]} for summary in (first, second)]
    shared = [name for name in second.classes if name in first.classes]
    if origins[0] & origins[1] and shared:
        value = f"{target}, which has {', '.join(shared[:5])} of it too"
        return [Problem("target", rule, value, "Name classes that the source does not have.")]
    return []


def sample_problems(data: Summary, size: int, validation: int) -> list[Problem]:
    """Whether the training split has a stratified sample of so many images, and so many left to validate."""
    images, classes, found = sum(data.train_counts), len(data.classes), []
    if size < classes:
        rule = f"at least an image of each of the {classes} classes of {data.name}"
        found.append(Problem("train_size", rule, size, f"Ask for {classes} or more."))
    if validation < classes:
        rule = f"at least an image of each of the {classes} classes of {data.name}"
        found.append(Problem("validation", rule, validation, f"Ask for {classes} or more."))
    if size + validation > images:
        rule = f"at most the {images:,} training images of {data.name}, less {validation:,} for validation"
        remedy = f"Ask for {max(1, images - validation):,} or fewer, or for less validation with --set validation=N."
        found.append(Problem("train_size", rule, size, remedy))
    if min(data.train_counts) < 2:
        rule = f"two images of each class of {data.name}: one to learn from and one left"
        found.append(Problem("target", rule, data.name, "Leave the smallest classes out, or add images."))
    return found


def neighbour_problems(k: int, size: int) -> list[Problem]:
    """Whether there are so many neighbours."""
    if k <= size:
        return []
    return [Problem("k", f"at most the {size:,} images of the sample", k, f"Ask for {size:,} or fewer.")]
