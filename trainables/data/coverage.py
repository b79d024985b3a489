"""Each class of a data set has images to train on and images to test: without, a share of right answers misleads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from common.problems import Problem
from trainables.data.dataset import SplitName
from trainables.data.levels import NAMES

MOST_NAMED = 5


def coverage_problems(
    where: object, classes: Sequence[str], counts: Mapping[SplitName, np.ndarray], remedy: str
) -> list[Problem]:
    """Return a problem for each split of the set at `where` that lacks a class, and one if there is a single class.

    `counts` are the images of each class, [classes]; `remedy` is what to do about a class that a split lacks.
    """
    found = []
    if len(classes) < 2:
        rule = f"{where}: images must be of two classes or more"
        add = "Add another class: there is nothing to tell apart."
        found.append(Problem("data", rule, ", ".join(classes), add, given=False))
    for split, own in counts.items():
        lacking = np.flatnonzero(own == 0)
        if len(lacking):
            named = ", ".join(classes[label] for label in lacking[:MOST_NAMED])
            others = f" and of {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
            rule = f"{where}: each class must have a {NAMES[split]} image"
            found.append(Problem("data", rule, f"none of {named}{others}", remedy, given=False))
    return found
