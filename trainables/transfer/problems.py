"""What keeps a network from being transferred between two data sets, or a sample from being drawn."""

from __future__ import annotations

from common.problems import Problem, at_most
from trainables.data.sources import Sources
from trainables.data.subsets import class_problems


def pair_problems(source: str, target: str, sources: Sources) -> list[Problem]:
    """Return a problem where both sets show the same images.

    They do if their content is equal, or if they share classes of one set that both are made from. Raises Refused where
    a set cannot be read.
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


def sample_problems(target: str, sources: Sources, size: int, validation: int) -> list[Problem]:
    """Return what keeps a stratified sample of `size` images, and `validation` others, from being drawn."""
    data, left = sources.summary(target), sources.pool_left(target, validation)
    found = [*class_problems("train_size", size, data), *class_problems("validation", validation, data)]
    if sources.dataset(target).blocks() is not None:
        left -= len(data.classes)  # what is split leaves an image of each class, none of which validates
    beside = f"the {left:,} of {sum(data.train_counts):,} training images of {data.name} that validation leaves"
    less = ", or for less validation with --set validation=N"
    found += at_most("train_size", size, left, beside, instead=less)
    if min(data.train_counts) < 2:
        rule = f"two images of each class of {data.name}: one to learn from and one left"
        found.append(Problem("target", rule, data.name, "Leave the smallest classes out, or add images."))
    return found


def neighbour_problems(k: int, size: int) -> list[Problem]:
    """Return a problem where a sample of `size` images has fewer than k."""
    return at_most("k", k, size, f"the {size:,} images of the sample")
