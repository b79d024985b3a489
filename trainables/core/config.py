"""The config of a trial: its fields, and what the planner asks of it before any trial exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from common.problems import Problem, gather
from trainables.artifacts.store import Artifact
from trainables.core.device import Precision
from trainables.data.readers.download import parted
from trainables.data.sources import Sources

DATA_SET = "names a data set"
DataName = Annotated[str, DATA_SET]
"""The type of a config's fields that name a data set: the trial reads it, and its content enters the trial's id."""


def _size(value: Any, handler: ValidatorFunctionWrapHandler) -> int | str:
    """Return a size. Raises ValidationError with one rule, not one for each kind of value."""
    try:
        size: int | str = handler(value)
    except ValidationError:
        size = 0
    if size != "all" and int(size) < 1:
        raise PydanticCustomError("size", "a whole number above 0, or the word all")
    return size


Size = Annotated[int | Literal["all"], WrapValidator(_size)]
"""The type of a config's fields that say how many images there are, where that may be all."""


class TrialConfig(BaseModel):
    """The fields that every trial has; a question's Config adds data sets, factors and hyperparameters.

    Each field states its unit and range. Tables call it by its name, unless it has a `title`, in which `{first}` stands
    for the data set that the field `first` names. A hyperparameter that some configs do not use has a default, so that
    they need not name it. The methods answer the planner; a question overrides those whose answer differs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(0, ge=0, description="moves the subset, initialisation, order and trained artifacts")
    precision: Precision = Field("fp32", description="arithmetic of networks; parameters stay fp32 in training")

    @classmethod
    def data_fields(cls) -> tuple[str, ...]:
        """Return the names of the fields that name a data set."""
        return tuple(name for name, field in cls.model_fields.items() if DATA_SET in field.metadata)

    def datasets(self) -> tuple[str, ...]:
        """Return the names of the data sets that a trial reads; their fingerprints enter the trial's id."""
        return tuple(getattr(self, name) for name in self.data_fields())

    @classmethod
    def offered(cls, sources: Sources) -> Mapping[str, Sequence[Any]]:
        """Return further values of factors that these sources offer, such as networks whose weights are there.

        They are compared beside those that the sweep states, and before them, unless --set says which are.
        """
        return {}

    def planned_epochs(self) -> int:
        """Return how many epochs the trial runs: the field `epochs`, or 1 where there is none."""
        return int(getattr(self, "epochs", 1))

    def cost(self) -> float:
        """Return the expected duration, in any unit that all configs share: the longest trials start first."""
        return float(self.planned_epochs())

    def stored(self) -> dict[str, Any]:
        """Return the fields as JSON values without the hyperparameters that change nothing: what makes a trial's id."""
        return self.model_dump(mode="json", exclude=set(self.unused()))

    def unused(self) -> frozenset[str]:
        """Return the hyperparameters that change nothing in a trial of this config; tables leave them blank."""
        return frozenset()

    def leaves_network(self) -> bool:
        """Return whether a trial of a question that leaves networks (`LeavesNetwork`) has one; some may not."""
        return True

    def annealed(self) -> bool:
        """Return whether the learning rate falls to 0, so that by design the last epochs are the best.

        Where it does, a best last epoch is no sign that training ended too early.
        """
        return False

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        """Return the shared work that `Experiment.setup` receives, by argument name; none of it from test data."""
        return {}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        """Return the shared work made from test data, which `Experiment.setup` receives only when confirming."""
        return {}

    def problems(self, sources: Sources) -> list[Problem]:
        """Return what is wrong beyond the fields' ranges: sizes against the data, unknown names, missing weights."""
        return []


def config_problems(config: TrialConfig, sources: Sources) -> list[Problem]:
    """Return what the question finds wrong with a config, and what of its data is absent."""
    own = gather(partial(config.problems, sources))
    of_data = gather(*(partial(sources.absent, name) for name in config.datasets()))
    wrong, _ = parted(own)
    return [*own, *(parted(of_data)[1] if wrong else of_data)]  # the question has told of its data in its own words
