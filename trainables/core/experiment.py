"""What a question fills in: a frozen `TrialConfig` and an `Experiment` in plain torch.

`core.loop` runs an Experiment from its first epoch to its last, with checkpoints and without Ray; `core.host` hosts
that loop on a cluster. Neither knows any question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field

from common.files import Arrays
from common.problems import Problem
from common.seeds import seed_of
from trainables.artifacts.store import Artifact
from trainables.core.checkpoint import Resumable
from trainables.core.device import Precision
from trainables.data.sources import Sources

Metrics = dict[str, float]
EvalSplit = Literal["validation", "test"]
DATA_SET = "names a data set"
DataName = Annotated[str, DATA_SET]
"""The type of a config's fields that name a data set: the trial reads it, and its content enters the trial's id."""


class TrialConfig(BaseModel):
    """What every trial has; a question's Config adds data sets, factors and hyperparameters, with units and ranges."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(0, ge=0, description="moves the subset, initialisation, order and trained artifacts")
    precision: Precision = Field("fp32", description="arithmetic of networks; parameters stay fp32 in training")

    @classmethod
    def data_fields(cls) -> tuple[str, ...]:
        """Fields that name a data set."""
        return tuple(name for name, field in cls.model_fields.items() if DATA_SET in field.metadata)


C = TypeVar("C", bound=TrialConfig)


class Collapsed(Exception):
    """An Experiment raises this where training has degenerated beyond use, though its numbers are still finite."""


class Experiment(Resumable, ABC, Generic[C]):
    """One trial of a question, in plain torch.

    The loop calls `setup` once, then for each epoch `epoch`, `evaluate("validation")` and, when confirming,
    `evaluate("test")`. All randomness comes from `generator(name)` or torch's global generator, which the loop seeds
    by (seed, epoch): hence an interrupted trial resumes exactly, with no generator state to store.
    """

    has_test: ClassVar[bool] = True
    """Whether the question ends in test data; without it there is no confirm step."""
    test_every_epoch: ClassVar[bool] = True
    """Whether confirming opens test data in each epoch, for the oracle and test curves, or at the last one only."""

    def __init__(self, config: C, sources: Sources, device: torch.device) -> None:
        self.config = config
        self.sources = sources
        self.device = device
        self.epoch_number = 0
        """The epoch under way, from 1; 0 during `setup`."""

    # What the engine asks of the class, before any trial exists.

    @classmethod
    def config_class(cls) -> type[C]:
        """The Config that `Experiment[Config]` was given."""
        for base in getattr(cls, "__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and issubclass(argument, TrialConfig):
                    return argument  # type: ignore[return-value]  # the type variable's value at run time
        raise TypeError(f"{cls.__name__} must be declared as Experiment[ItsConfig]")

    @classmethod
    def datasets(cls, config: C) -> tuple[str, ...]:
        """Names of the data sets that a trial reads; their fingerprints enter the trial's id."""
        return tuple(getattr(config, name) for name in config.data_fields())

    @classmethod
    def artifacts(cls, config: C, sources: Sources) -> Mapping[str, Artifact]:
        """Shared work that `setup` receives, by argument name. None of it may come from test data."""
        return {}

    @classmethod
    def test_artifacts(cls, config: C, sources: Sources) -> Mapping[str, Artifact]:
        """Shared work made from test data; `setup` receives it only when confirming."""
        return {}

    @classmethod
    def problems(cls, config: C, sources: Sources) -> list[Problem]:
        """What is wrong with a config beyond its fields' ranges: sizes against the data, names, missing weights."""
        return []

    @classmethod
    def unused(cls, config: C) -> Collection[str]:
        """Hyperparameters that change nothing in a trial of this config: tables leave them blank."""
        return ()

    @classmethod
    def annealed(cls, config: C) -> bool:
        """Whether the learning rate falls to 0, so that the last epochs are the best by design, no sign of too few."""
        return False

    @classmethod
    def epochs(cls, config: C) -> int:
        """How many epochs the config asks for."""
        return int(getattr(config, "epochs", 1))

    @classmethod
    def cost(cls, config: C) -> float:
        """Expected duration in any unit that is the same for all configs: longest trials go first."""
        return float(cls.epochs(config))

    # What a question fills in.

    setup: Callable[..., None]
    """`setup(self, **artifacts)`: build networks, optimiser and data. Each artifact comes as a keyword argument, its
    name from `artifacts` or `test_artifacts`, its value its tensors by name, on the device."""

    @abstractmethod
    def epoch(self) -> Metrics:
        """One pass; returns training metrics (`loss`, …), recorded as `train_…`, and `steps`, the optimiser's."""

    @abstractmethod
    def evaluate(self, split: EvalSplit) -> Metrics:
        """Metrics on held-out data, recorded as `val_…` or `test_…`. "test" comes only when confirming.

        A metric `X_accuracy` is a share of images, shown in per cent and as an error too; so is `X_error`. Other
        measures have names that end otherwise: a reconstruction's is `distance` or `loss`.
        """

    def facts(self) -> dict[str, Any]:
        """Constants of the trial worth a column: the head's name, … (JSON values).

        `train_labels`, `validation_labels` and `test_labels` count the labels it was given; `test_X_labels` those
        behind the metric `test_X_accuracy`, where these are others.
        """
        return {}

    def outputs(self) -> Arrays:
        """Arrays that figures need and scalars cannot carry, after the last epoch.

        `test_correct` [images] bool says which images `test_accuracy` counts as right (`test_X_correct` of
        `test_X_accuracy`). Where that is a mean over parts of unequal size, `test_strata` [images] int numbers them.
        """
        return {}

    # What it may use.

    def generator(self, name: str) -> torch.Generator:
        """A CPU generator for the stream `name` of this epoch, fresh at each call."""
        return torch.Generator().manual_seed(seed_of(self.config.seed, name, self.epoch_number))

    def autocast(self) -> AbstractContextManager[Any]:
        """Mixed precision as the config asks for."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")
