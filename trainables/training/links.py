"""A long training as a chain of artifacts, each a few epochs that go on from the one before.

    last = chain("source_training", spec, begin, needs, seed=seed)
    network = Artifact("source_network", spec, averaged, {"before": last})

A process that is killed loses one link at most, and each link is computed once for all trials.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.data.sources import Sources

LINK = 5
"""Epochs of one link."""


class Trains(Protocol):
    """A training that goes on from its own state, such as `training.supervised.Training`."""

    def train_epoch(self, number: int, seed: int) -> object:
        """Train for the epoch of this number, from 1."""

    def state_dict(self) -> dict[str, Any]:
        """Return all that training changes."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state that `state_dict` returned; its tensors are on the CPU."""


T = TypeVar("T", bound=Trains)
Begin = Callable[[Artifact, Sources, Mapping[str, Arrays]], T]
"""Returns a training of which no epoch has run, from a link's `spec` and the arrays of its `needs`. It is a
module-level function or a partial of one, since it travels to other processes."""


def chain(
    kind: str,
    spec: Mapping[str, Any],
    begin: Begin[Trains],
    needs: Mapping[str, Artifact],
    *,
    seed: int,
    light: bool = False,
) -> Artifact:
    """Return the last link of a training of `spec["epochs"]` epochs; it needs the one before as `before`, and so on.

    A link holds the state of the training after it. `seed` moves order and augmentation; like all that `begin` reads,
    it must follow from `spec` and `needs`, which make up the links' addresses. `needs` are what every link needs.
    """
    before = before_end(kind, spec, begin, needs, seed=seed, light=light)
    last = {**spec, "end": spec["epochs"]}
    return Artifact(kind, last, partial(_link, begin, seed), {**needs, **before}, light=light)


def before_end(
    kind: str,
    spec: Mapping[str, Any],
    begin: Begin[Trains],
    needs: Mapping[str, Artifact],
    *,
    seed: int,
    length: int = LINK,
    light: bool = False,
) -> dict[str, Artifact]:
    """Return the last but one link of a chain, as `before`: what an artifact needs whose computation ends the training.

    A training that is no longer than a link has none.
    """
    before: dict[str, Artifact] = {}
    for end in range(length, spec["epochs"], length):
        link = Artifact(kind, {**spec, "end": end}, partial(_link, begin, seed), {**needs, **before}, light=light)
        before = {"before": link}
    return before


def trained_on(
    begin: Begin[T], seed: int, end: int, artifact: Artifact, sources: Sources, needs: Mapping[str, Arrays]
) -> T:
    """Return the training of an artifact after epoch `end`, trained from where the link that it needs ended."""
    training = begin(artifact, sources, needs)
    done = 0
    if before := artifact.needs.get("before"):
        training.load_state_dict(_unpacked(needs["before"]))
        done = before.spec["end"]
    for epoch in range(done + 1, end + 1):
        training.train_epoch(epoch, seed)
    return training


def averaged(artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    """Compute an artifact that needs a last link as `before`: the state dict of the average that it ended with.

    The average is that of a standardisation and the network: see `Training.average`.
    """
    average = _unpacked(needs["before"])["average"]
    state = {name.removeprefix("module."): value for name, value in average.items() if name.startswith("module.")}
    return {name: value.numpy() for name, value in state.items()}


def _link(
    begin: Begin[Trains], seed: int, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]
) -> Arrays:
    training = trained_on(begin, seed, artifact.spec["end"], artifact, sources, needs)
    buffer = io.BytesIO()
    torch.save(training.state_dict(), buffer)
    return {"state": np.frombuffer(buffer.getvalue(), np.uint8)}


def _unpacked(arrays: Arrays) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(io.BytesIO(arrays["state"].tobytes()), map_location="cpu", weights_only=True)
    return state
