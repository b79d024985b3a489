"""A long training as a chain of artifacts, each a few epochs that go on from the one before.

    last = chain("source_training", spec, begin, needs, seed=seed)
    network = Artifact("source_network", spec, averaged, {"before": last})

A process that is killed loses one link at most, and each link is computed once for all trials.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch

from common.files import Arrays
from trainables.artifacts.store import Artifact
from trainables.core.device import pick_device
from trainables.data.sources import Sources
from trainables.training.supervised import Training

LINK = 5
"""Epochs of one link."""

Begin = Callable[[Artifact, Sources, Mapping[str, Arrays]], Training]
"""Returns a training of which no epoch has run, from a link's `spec` and the arrays of its `needs`. It is a
module-level function or a partial of one, since it travels to other processes."""


def chain(
    kind: str, spec: Mapping[str, Any], begin: Begin, needs: Mapping[str, Artifact], *, seed: int, light: bool = False
) -> Artifact:
    """Return the last link of a training of `spec["epochs"]` epochs; it needs the one before as `before`, and so on.

    A link holds the state of the training after it. `seed` moves order and augmentation; like all that `begin` reads,
    it must follow from `spec` and `needs`, which make up the links' addresses. `needs` are what every link needs.
    """
    epochs = spec["epochs"]
    before: dict[str, Artifact] = {}
    for end in [*range(LINK, epochs, LINK), epochs]:
        link = Artifact(kind, {**spec, "end": end}, partial(_link, begin, seed), {**needs, **before}, light=light)
        before = {"before": link}
    return link


def averaged(artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    """Compute an artifact that needs a last link as `before`: the state dict of the average that it ended with.

    The average is that of a standardisation and the network: see `Training.average`.
    """
    average = _unpacked(needs["before"])["average"]
    state = {name.removeprefix("module."): value for name, value in average.items() if name.startswith("module.")}
    return {name: value.cpu().numpy() for name, value in state.items()}


def _link(
    begin: Begin, seed: int, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]
) -> Arrays:
    """Train from where the link before ended to `end`."""
    training = begin(artifact, sources, needs)
    done = 0
    if before := artifact.needs.get("before"):
        training.load_state_dict(_unpacked(needs["before"]))
        done = before.spec["end"]
    for epoch in range(done + 1, artifact.spec["end"] + 1):
        training.train_epoch(epoch, seed)
    buffer = io.BytesIO()
    torch.save(training.state_dict(), buffer)
    return {"state": np.frombuffer(buffer.getvalue(), np.uint8)}


def _unpacked(arrays: Arrays) -> dict[str, Any]:
    state: dict[str, Any] = torch.load(
        io.BytesIO(arrays["state"].tobytes()), map_location=pick_device(), weights_only=True
    )
    return state
