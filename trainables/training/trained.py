"""The network that a trial of one question trains, as an artifact of another question.

    class Config(TrialConfig):                                   # of the question that uses the network
        def encoder(self) -> TrainedNetwork:
            return trained_network(Autoencoding, self, epochs=self.encoder_epochs)

`self.encoder().artifact(sources)` stands among the config's `artifacts`, `self.encoder().problems(sources)` among its
`problems`, and `self.config.encoder().module(encoder, self.sources)` is the module, from what `setup` was given. The
weights are those that a trial of that config leaves, to the last bit. They are trained once, whoever asks first.
`curve` tells how the training went.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
import torch
from pydantic import ValidationError
from torch import nn

from common.files import Arrays
from common.problems import Problem, Refused, gather, nearest
from trainables.artifacts.store import Artifact
from trainables.core.config import TrialConfig, config_problems
from trainables.core.device import Tensors, pick_device, tensors
from trainables.core.experiment import Experiment, LeavesNetwork
from trainables.core.loop import Loop
from trainables.core.measures import Measure
from trainables.core.network_files import whole_state
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.nets.restored import restored
from trainables.training.links import LINK, Begin, before_end, trained_on

LINKS = 4
"""How many links a long training has at most: a killed process loses a quarter, and the disk keeps few states."""
CLASSES, BY_EPOCH = "number of classes", "by epoch: "
"""Among the arrays of the artifact, beside the state dict; the second begins the names of what training recorded. No
part of a module has a blank in its name."""
SETUP, PART = "setup.", "part."
"""Before the names of what the training needs: artifacts for `setup`, and parts that the network has borrowed."""


def trained_network(
    experiment: type[Experiment[Any]], asking: TrialConfig, *, best_by: str = "accuracy", **values: Any
) -> TrainedNetwork:
    """Return the network that a trial of `experiment` leaves; `asking` is the config of the question that uses it.

    The trial's config has `values`, and the asking config's where their fields have the same names: seed and precision
    always, so that each seed has a network of its own unless `seed=0` is given. An experiment that is read at its best
    epoch is read at the one that is best by the measure `best_by`.
    """
    fields = experiment.config_class().model_fields.keys() & type(asking).model_fields.keys()
    taken = {name: getattr(asking, name) for name in sorted(fields - values.keys())}
    return TrainedNetwork(experiment, taken, values, best_by)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that a trial of `experiment` leaves, whether or not it has been trained already."""

    experiment: type[Experiment[Any]]
    taken: Mapping[str, Any]
    """The config's values that are those of the question that asks."""
    given: Mapping[str, Any]
    """Its other values."""
    best_by: str = "accuracy"

    @cached_property
    def config(self) -> TrialConfig:
        """The config of the trial. Raises Refused where it is not valid."""
        try:
            config: TrialConfig = self.experiment.config_class().model_validate({**self.taken, **self.given})
        except ValidationError as error:
            raise Refused(self._invalid(error)) from None
        return config

    def problems(self, sources: Sources) -> list[Problem]:
        """Return what is wrong with the config, what of its data is absent, and why no network can be had from it."""
        return gather(self._problems) or [self._renamed(one) for one in config_problems(self.config, sources)]

    def artifact(self, sources: Sources) -> Artifact:
        """Return the artifact, of which `module` makes the network. Raises Refused.

        It is trained as a trial of its question is, in parts that are kept. No test data is opened. Its computation
        raises ValueError where training diverges, and what the experiment raises.
        """
        if found := gather(self._problems):
            raise Refused(found)
        config, name = self.config, self.experiment.question()
        spec = {
            "experiment": f"{name}.{self.experiment.__name__}",
            "config": config.stored(),
            "data": {own: sources.fingerprint(own, "train") for own in config.datasets()},
            "epochs": config.planned_epochs(),
        }
        task = Task(config)
        if self.experiment.epoch_chosen == "best":
            spec["best_by"] = self.best_by
            task = Task(config, metric=f"val_{self.best_by}", mode=self._known[self.best_by].better)
        begin = partial(_begin, self.experiment, task)
        needs = {f"{SETUP}{own}": artifact for own, artifact in config.artifacts(sources).items()}
        length = max(LINK, -(-config.planned_epochs() // LINKS))
        before = before_end(f"{name}_training", spec, begin, needs, seed=config.seed, length=length)
        borrowed = self._leaving.borrowed(config, sources).parts
        parts = {f"{PART}{part}": artifact for part, artifact in borrowed.items()}
        return Artifact(f"{name}_network", spec, partial(_network, begin), {**needs, **before, **parts})

    def module(self, arrays: Tensors, sources: Sources) -> nn.Module:
        """Return the network in evaluation mode, where its arrays lie, as `LeavesNetwork.build` makes it.

        It has copies of the arrays, and may be trained further. Raises Refused where the weights of a pre-trained
        backbone are not there.
        """
        state = {name: value for name, value in arrays.items() if name != CLASSES and not name.startswith(BY_EPOCH)}
        built = self._leaving.build(self.config, int(arrays[CLASSES]))
        return restored(built, state, self._leaving.borrowed(self.config, sources).pretrained, sources.weights_dir)

    @staticmethod
    def curve(arrays: Tensors, name: str) -> torch.Tensor:
        """Return what its training recorded in each epoch, such as `val_accuracy`: [epochs] float64."""
        return arrays[BY_EPOCH + name]

    @property
    def _leaving(self) -> type[LeavesNetwork]:
        return cast(type[LeavesNetwork], self.experiment)  # `_problems` says so where it is none

    @property
    def _known(self) -> dict[str, Measure]:
        """The measures that may choose an epoch, by name."""
        return {measure.name: measure for measure in self.experiment.measures if "validation" in measure.splits}

    def _problems(self) -> Iterator[Problem]:
        """Yield what is wrong whatever the data. Raises Refused where the config is not valid."""
        if not issubclass(self.experiment, LeavesNetwork):
            rule = "an experiment whose trials leave networks"
            yield self._problem("network", rule, self.experiment.__name__, "Derive it from LeavesNetwork, too.")
        if self.experiment.epoch_chosen == "best" and self.best_by not in self._known:
            rule = "a measure that is declared on validation data, since it chooses the epoch"
            yield self._problem("best_by", rule, self.best_by, nearest(self.best_by, self._known))
        if not self.config.leaves_network():
            yield self._problem("network", "a config that leaves a network", self.config.stored(), "Ask for another.")

    def _invalid(self, error: ValidationError) -> Iterator[Problem]:
        """Yield a problem for each value that the config does not take."""
        fields = self.experiment.config_class().model_fields
        for one in error.errors():
            name = str(one["loc"][0]) if one["loc"] else "config"
            if one["type"] == "missing":
                remedy = f"Give it to trained_network({self.experiment.__name__}, …), or have a field of that name."
                yield self._problem(name, "a value", None, remedy)
            elif one["type"] == "extra_forbidden":
                yield self._problem(name, "a field of its Config", name, nearest(name, fields))
            else:
                about = fields[name].description if name in fields else None
                rule = f"{one['msg']}, for the network of {self.experiment.question()}"
                yield self._renamed(Problem(name, rule, one["input"], f"{name} is {about or 'a setting'}."))

    def _renamed(self, problem: Problem) -> Problem:
        """Return a problem under a key that the user knows: the asking question's field, or whose field it is."""
        if problem.key in self.given:
            return replace(problem, key=f"{self.experiment.question()}: {problem.key}")
        return problem

    def _problem(self, key: str, rule: str, value: object, remedy: str) -> Problem:
        return Problem(f"{self.experiment.question()}: {key}", rule, value, remedy, given=False)


class _Trial:
    """A trial as a training of which a chain is made."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop

    def train_epoch(self, number: int, seed: int) -> None:
        """Train and validate for an epoch; the seed is the config's. Raises ValueError where training diverges."""
        self.loop.advance()
        if self.loop.status == "diverged":
            config = self.loop.task.stored_config
            raise ValueError(f"{self.loop.experiment.question()}: no network is left, {self.loop.error}; {config}")

    def state_dict(self) -> dict[str, Any]:
        return self.loop.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.loop.load_state_dict(state)


def _begin(
    experiment: type[Experiment[Any]], task: Task, link: Artifact, sources: Sources, needs: Mapping[str, Arrays]
) -> _Trial:
    return _Trial(Loop(experiment, task, sources, _named(SETUP, needs, pick_device())))


def _network(
    begin: Begin[_Trial], artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]
) -> Arrays:
    """End the training, and return the state dict of the network, its number of classes, and each epoch's measures."""
    trial = trained_on(begin, artifact.spec["config"]["seed"], artifact.spec["epochs"], artifact, sources, needs)
    experiment = trial.loop.experiment
    if not isinstance(experiment, LeavesNetwork) or (network := experiment.network()) is None:
        raise ValueError(f"{type(experiment).__name__}.network() is None, and leaves_network() says there is one")
    state = whole_state(type(experiment), experiment.config, network, _named(PART, needs, torch.device("cpu")))
    rows = trial.loop.rows
    recorded = {name for row in rows for name in row} - {"seconds"}  # which would differ each time
    curves = {BY_EPOCH + name: np.array([row.get(name, np.nan) for row in rows]) for name in sorted(recorded)}
    weights = {name: tensor.numpy() for name, tensor in state.items()}
    return {**weights, CLASSES: np.array(len(network.classes)), **curves}


def _named(prefix: str, needs: Mapping[str, Arrays], device: torch.device) -> dict[str, Tensors]:
    """Return the needs whose names begin with the prefix, without it, as tensors."""
    own = {name: arrays for name, arrays in needs.items() if name.startswith(prefix)}
    return {name.removeprefix(prefix): tensors(arrays, device) for name, arrays in own.items()}
