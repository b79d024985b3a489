"""What runs a trial: a question fills in an `Experiment` in plain torch.

`core.loop` runs an Experiment from its first epoch to its last, with checkpoints and without Ray; `core.host` hosts
that loop on a cluster. Neither knows any question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import torch

from common.files import Arrays
from common.seeds import seed_of
from trainables.core.checkpoint import Resumable
from trainables.core.config import TrialConfig
from trainables.data.sources import Sources

Metrics = dict[str, float]
EvalSplit = Literal["validation", "test"]

C = TypeVar("C", bound=TrialConfig)


@dataclass(frozen=True)
class Labelled:
    """Labelled images, or what stands for them."""

    x: torch.Tensor
    """[N, …]"""
    y: torch.Tensor
    """[N] int64"""

    def at(self, rows: torch.Tensor) -> Labelled:
        """Return those at the positions `rows` [n] int64."""
        return Labelled(self.x[rows], self.y[rows])


class Experiment(Resumable, ABC, Generic[C]):
    """One trial of a question, in plain torch.

    The loop calls `setup` once, then for each epoch `train_epoch`, `evaluate("validation")` and, when confirming,
    `evaluate("test")`. All randomness comes from `generator(name)` or torch's global generator, which the loop seeds
    by (seed, epoch): an interrupted trial therefore resumes exactly, with no generator state to store.
    """

    has_test: ClassVar[bool] = True
    """Whether the question ends in test data; without it there is no confirm step."""
    test_every_epoch: ClassVar[bool] = True
    """Whether confirming opens test data in each epoch, for the oracle and test curves, or at the last one only."""
    rests_on: ClassVar[Mapping[str, str]] = {}
    """By X: the data set whose held-out labels are behind the metric `X_accuracy`. Metrics that are not named here rest
    on the sets that were trained on."""

    def __init__(self, config: C, sources: Sources, device: torch.device) -> None:
        self.config = config
        self.sources = sources
        self.device = device
        self.epoch = 0
        """The epoch under way, from 1; 0 during `setup`."""
        self.train: Mapping[str, Labelled] = {}
        """What the trial trains on, by the config's field that names the data set. `setup` sets it."""
        self.held_out: Mapping[str, Mapping[str, Labelled]] = {}
        """By split ("validation", and "test" when confirming), then likewise. `setup` sets it."""

    @classmethod
    def config_class(cls) -> type[C]:
        """Return the Config that `Experiment[Config]` was given."""
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, TrialConfig):
                    return argument  # type: ignore[return-value]  # the type variable's value at run time
        raise TypeError(f"{cls.__name__} must be declared as Experiment[ItsConfig]")

    # What a question fills in.

    @abstractmethod
    def setup(self, *args: Any, **artifacts: Any) -> None:
        """Build networks, optimiser and data; set `train` and `held_out`, from which the loop counts labels.

        Each artifact comes as a keyword argument: its name is its key in the config's `artifacts` or `test_artifacts`,
        its value its tensors by name, on the device. A question names those it needs: `def setup(self, train:
        Tensors, test: Tensors | None = None)`. (`*args` only tells type checkers that it may; nothing is passed so.)
        """

    @abstractmethod
    def train_epoch(self) -> Metrics:
        """Make one pass over the training data.

        Return training metrics (`loss`, …), recorded as `train_…`, and `steps`, the number of optimiser steps.
        """

    @abstractmethod
    def evaluate(self, split: EvalSplit) -> Metrics:
        """Return metrics on held-out data, recorded as `val_…` or `test_…`. "test" comes only when confirming.

        A metric `X_accuracy` is a share of images, shown in per cent and as an error too; so is `X_error`. Other
        measures have names that end otherwise: a reconstruction's is `distance` or `loss`.
        """

    def facts(self) -> dict[str, Any]:
        """Return constants of the trial worth a column: the head's name, … (JSON values)."""
        return {}

    def outputs(self) -> Arrays:
        """Return arrays that figures need and scalars cannot carry, after the last epoch.

        `test_correct` [images] bool says which images `test_accuracy` counts as right (`test_X_correct` of
        `test_X_accuracy`). Where that is a mean over parts of unequal size, `test_strata` [images] int numbers them.
        """
        return {}

    # What it may use.

    def generator(self, name: str) -> torch.Generator:
        """Return a CPU generator for the stream `name` of this epoch, fresh at each call."""
        return torch.Generator().manual_seed(seed_of(self.config.seed, name, self.epoch))

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context of mixed precision, if the config asks for it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")
