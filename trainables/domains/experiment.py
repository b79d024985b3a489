"""What questions about two data sets of the same classes share: their fields, images and subsets."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import Field

from common.files import Arrays
from common.problems import Problem, Refused, at_most, gather
from common.seeds import seed_of
from trainables.artifacts.store import Artifact
from trainables.core.config import DataName, Size, TrialConfig
from trainables.core.device import Tensors
from trainables.core.experiment import Experiment, Labelled
from trainables.data.dataset import Summary
from trainables.data.sources import Sources
from trainables.data.subsets import class_problems, nested_subset
from trainables.domains.images import DOMAINS, Colour, Domain, Part, domain_images, part_rows, related

EVALUATED = 500
"""Images at a time in evaluation, which fit a processor's cache; and what evaluation costs, in training images."""
WHOLE = 100_000
"""The training images that a whole pool is taken to have in estimates of time: more than MNIST and SVHN have."""
PART_NAMES: dict[Part, str] = {"pool": "training", "validation": "validation", "test": "testing"}


class DomainsConfig(TrialConfig):
    """The fields that questions about two data sets of the same classes have in common."""

    first: DataName = Field(description="name or path of the first data set")
    second: DataName = Field(description="name or path of the second data set")
    colour: Colour = Field(description="gray: luma; colour: grayscale images are repeated to three channels")
    train_size: Size = Field(
        description="training images of each set, class-balanced, nested per seed; all: all that each set has"
    )
    validation: int = Field(
        1_000, gt=0, description="validation images of each set; a fifth of its training split where that is fewer"
    )

    @property
    def expected_size(self) -> int:
        """The training images of each set, in estimates of time."""
        return WHOLE if self.train_size == "all" else self.train_size

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return domain_images(_names(self), sources, "pool", "validation", **_form(self))

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return domain_images(_names(self), sources, "test", **_form(self))

    def problems(self, sources: Sources) -> list[Problem]:
        """Return what keeps the two sets from being compared at this size; each set's own problems come first."""
        found = []
        for field, name in _names(self).items():
            try:
                sources.summary(name)
            except Refused as refused:
                found += [replace(p, key=field) if p.key == "data" else p for p in refused.problems]
        return found or _against_each_other(self, sources)


C = TypeVar("C", bound=DomainsConfig)


class DomainsExperiment(Experiment[C]):
    """An Experiment on two data sets.

    In `train` and `held_out`, by domain, x is [N, C, 32, 32] uint8. Test data is opened at the last epoch only, since
    evaluation on two test sets takes long.
    """

    test_every_epoch = False

    def take(self, images: Mapping[str, Tensors], trained_on: Sequence[Domain] = DOMAINS) -> None:
        """Set `train` (the domains `trained_on`) and `held_out` (both) from the artifacts that `setup` was given."""
        self.train = {domain: self._subset(domain, images[f"{domain}_pool"]) for domain in trained_on}
        given = [split for split in ("validation", "test") if f"first_{split}" in images]
        self.held_out = {
            split: {domain: Labelled(**images[f"{domain}_{split}"]) for domain in DOMAINS} for split in given
        }

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.sources.dataset(self.config.first).classes)

    def _subset(self, domain: Domain, pool: Tensors) -> Labelled:
        # Each domain has a seed of its own: where the sets have the same order, their subsets must still differ.
        seed = seed_of(self.config.seed, domain)
        labels = pool["y"].cpu().numpy()
        size = len(labels) if self.config.train_size == "all" else self.config.train_size
        rows = nested_subset(labels, size, seed)
        return Labelled(**pool).at(torch.from_numpy(rows).to(self.device))


def pooled(parts: Sequence[np.ndarray], about: str = "") -> Arrays:
    """Return the outputs behind a test accuracy that is the mean of several: `accuracy(about)`.

    `parts` say for each of them which images are right, [images] bool.
    """
    strata = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    stem = f"test_{about}_" if about else "test_"
    return {f"{stem}correct": np.concatenate(parts), f"{stem}strata": strata}


def _names(config: DomainsConfig) -> dict[Domain, str]:
    return {"first": config.first, "second": config.second}


def _form(config: DomainsConfig) -> dict[str, Any]:
    return {"colour": config.colour, "validation": config.validation}


def _against_each_other(config: DomainsConfig, sources: Sources) -> list[Problem]:
    """Return what is wrong with the two sets as a pair."""
    found = []
    first, second = sources.summary(config.first), sources.summary(config.second)
    if sources.fingerprint(config.first, "train") == sources.fingerprint(config.second, "train"):
        found.append(Problem("second", "another data set than the first", config.second, "Name two different ones."))
    if first.classes != second.classes:
        rule = f"a set of the same classes as {first.name}: {_listed(first.classes)}"
        remedy = "Name two sets whose classes have the same names and order."
        return [*found, Problem("second", rule, _listed(second.classes), remedy)]
    if config.train_size != "all":
        pools = {name: len(_rows(config, sources, "pool", domain)) for domain, name in _names(config).items()}
        smaller = min(pools, key=lambda name: pools[name])
        beside = f"the {pools[smaller]:,} training images that {smaller} has beside validation"
        instead = " of each set, or with --set train_size=all for all that each has"
        found += class_problems("train_size", config.train_size, first)
        found += at_most("train_size", config.train_size, pools[smaller], beside, instead=instead)
    return [*found, *gather(lambda: _missing_classes(config, sources, {"first": first, "second": second}))]


def _rows(config: DomainsConfig, sources: Sources, part: Part, domain: Domain) -> np.ndarray:
    """Return the positions, in their split, of the images of a part of a set, [n]."""
    position, name = DOMAINS.index(domain), _names(config)[domain]
    start, step = (position, 2) if related(config.first, config.second, sources) else (0, 1)
    return part_rows(sources.dataset(name), part, config.validation, start, step)


def _missing_classes(config: DomainsConfig, sources: Sources, summaries: Mapping[Domain, Summary]) -> Iterator[Problem]:
    """Yield a problem for each part of a set that lacks images of a class."""
    for part, (domain, summary) in itertools.product(PART_NAMES, summaries.items()):
        data = sources.dataset(summary.name)
        own = data.labels("test" if part == "test" else "train")[_rows(config, sources, part, domain)]
        counts = np.bincount(own, minlength=len(data.classes))
        yield from _missing_class(part, domain, summary, counts)


def _missing_class(part: Part, domain: Domain, summary: Summary, counts: np.ndarray) -> list[Problem]:
    """Return a problem where a part of a set lacks images of a class."""
    if counts.all():
        return []
    rule = f"an image of each class of {summary.name} among those for {PART_NAMES[part]}"
    value = f"none of class {summary.classes[int(counts.argmin())]}"
    remedy = "Add images of it, or ask for more; a fifth of a training split is for validation at most."
    return [Problem("validation" if part == "validation" else domain, rule, value, remedy)]


def _listed(classes: Sequence[str]) -> str:
    return ", ".join(classes[:10]) + (", …" if len(classes) > 10 else "")
