"""What a question fills in: a frozen `TrialConfig` and an `Experiment` in plain torch.

`trainables.loop` runs an Experiment from its first epoch to its last, with checkpoints and without Ray; the one
`ray.tune.Trainable` in this module hosts that loop on a cluster. Neither knows any question.
"""

from __future__ import annotations

import traceback
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar, get_args

import torch
from pydantic import BaseModel, ConfigDict, Field

from trainables import importing
from trainables.artifacts.store import Artifact, Store
from trainables.checkpoint import Resumable
from trainables.data.sources import Sources
from trainables.device import Precision, Tensors, device_name, pick_device, pin, tensors
from trainables.files import Arrays
from trainables.problems import Problem
from trainables.seeds import seed_of

with importing():
    import ray
    from ray import tune

if TYPE_CHECKING:
    from trainables.loop import Loop

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


@dataclass(frozen=True)
class Job:
    """What all trials of a sweep share; travels once, through the object store."""

    experiment: type[Experiment[Any]]
    sources: Sources
    folder: Path
    """Absolute; `checkpoints/` and `arrays/` lie in it."""
    artifact_root: Path
    """Absolute; the artifact store, shared by all questions."""
    artifacts: Mapping[str, ray.ObjectRef]
    """Artifact key -> its arrays in the object store."""
    barrier: Any
    """Actor that each fresh worker reports to before its first epoch; see `sweeps.engine.barrier`."""
    threads: int = 1
    report_seconds: float = 1.0
    report_epochs: frozenset[int] = frozenset()
    """Epochs that must be reported by themselves (a scheduler's rungs)."""


class Host(tune.Trainable):  # type: ignore[misc]  # Ray is untyped here
    """Runs any Experiment as a Tune trial; one actor runs many, one after the other.

    `config["trial"]` is a `Task` as a dict. A step is at least one epoch and about `report_seconds` long. Python
    errors are reported as the trial's outcome: retries are for dead workers, not for bugs.
    """

    RESIDENT: ClassVar[int] = 16
    """How many artifacts stay on the device between trials."""

    def setup(self, config: dict[str, Any], job: Job | None = None) -> None:
        assert job is not None  # `tune.with_parameters` passes it; reset_config does not get it again
        self.job = job
        self._resident: OrderedDict[str, Tensors] = OrderedDict()
        self._fresh = True
        self._hardware = device_name()
        pin(job.threads)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._task = new_config["trial"]
        self._let_go()
        return True

    def _let_go(self) -> None:
        """End with a trial; what PyTorch keeps of its memory goes back to the GPU, which others may share."""
        self._loop: Loop | None = None
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()

    def step(self) -> dict[str, Any]:
        if self._fresh:
            self._fresh = False
            ray.get(self.job.barrier.arrive.remote())
        return {"hardware": self._hardware, **self._advance()}

    def _advance(self) -> dict[str, Any]:
        try:
            if self._loop is None:
                self._loop = self._build()
            return self._loop.report(self.job.report_seconds, self.job.report_epochs)
        except torch.OutOfMemoryError as error:
            return self._failed("oom", str(error))
        except torch.AcceleratorError:
            raise  # this process has lost its GPU: Tune starts another, which goes on from the checkpoint
        except Exception:
            return self._failed("failed", traceback.format_exc())

    def _failed(self, status: str, error: str) -> dict[str, Any]:
        outcome: dict[str, Any] = {"status": status, "error": error}
        rows = "[]"
        if self._loop is not None:
            outcome |= {"seconds": self._loop.seconds, "test_openings": self._loop.test_openings}
            rows = self._loop.unreported_json()
        self._let_go()
        return {"done": True, "finished": True, "rows": rows, "outcome": outcome}

    def _build(self) -> Loop:
        from trainables.loop import Loop, Task  # the loop imports this module

        task = Task.model_validate(self._task)
        config = self.job.experiment.config_class().model_validate(task.config)
        wanted = dict(self.job.experiment.artifacts(config, self.job.sources))
        if task.confirm:
            wanted |= self.job.experiment.test_artifacts(config, self.job.sources)
        given = {name: self._tensors(artifact) for name, artifact in wanted.items()}
        return Loop(self.job.experiment, config, self.job.sources, given, task=task, folder=self.job.folder)

    def _tensors(self, artifact: Artifact) -> Tensors:
        key = artifact.key
        if key not in self._resident:
            if key in self.job.artifacts:
                arrays = ray.get(self.job.artifacts[key])
            else:  # it depends on a hyperparameter that the search came up with later
                arrays = Store(self.job.artifact_root).get(artifact, self.job.sources)
            self._resident[key] = tensors(arrays, pick_device())
            while len(self._resident) > self.RESIDENT:
                self._resident.popitem(last=False)
        self._resident.move_to_end(key)
        return self._resident[key]

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        return {}  # ours are found by trial id, which alone survives a new fit()

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        pass
