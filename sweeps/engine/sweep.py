"""A question's sweep: what is compared, what is searched, and by which measure one config is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.selection import Objective, objective
from sweeps.engine.space import Dimension
from trainables.core.experiment import Experiment


@dataclass(frozen=True)
class Sweep:
    """What `sweeps/<question>.py` states.

    Factors are compared; hyperparameters (`space`) are tuned within each combination of factors, on validation data.
    """

    experiment: type[Experiment[Any]]
    factors: Mapping[str, Sequence[Any]]
    space: Mapping[str, Dimension]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Other fields of the config, such as the default `data`."""
    prescribed: Mapping[str, Any] | None = None
    """The recipe the question itself states, if it states one: a value for each hyperparameter, and for those fixed
    fields that belong to it. It keeps its own values where --set changes what is searched; where --set changes a fixed
    field that it states, there is no such row."""
    select: str = "max val_accuracy"
    """Direction and metric, at the last epoch."""
    tradeoff: str | None = None
    """Direction and fact of what --search pareto trades the metric for, such as "min parameters"."""
    report: Sequence[str] = ()
    """Further metrics for the tables, without their split (`first_accuracy`), beside the one that selects."""
    builtin: Mapping[str, Any] = field(default_factory=dict)
    """What --builtin changes: factors' values (a list), fixed fields, and dimensions of the space."""
    smoke: Mapping[str, Any] = field(default_factory=dict)
    """What --smoke changes further, likewise, where two epochs are not all that takes time."""
    extra_seeds: Sequence[int] = ()
    """Further seeds to confirm on that a question prescribes; their results stand by themselves, in no mean."""
    samples: int = 8
    """Configs tried in each condition, unless --samples says otherwise."""
    search_seeds: int = 3
    """Seeds each searched config is averaged over, before one is chosen."""
    finalists: int = 0
    """Where a trial is dear: each config runs on one search seed, only the best `finalists` on all of them."""

    @property
    def question(self) -> str:
        """The name that the three files share."""
        return self.experiment.__module__.rpartition(".")[2]

    def keys(self) -> str:
        """What --set takes, a line each, for --help: what a field is, and its values."""
        lines = []
        for name, about in self.experiment.config_class().model_fields.items():
            if name in ("seed", "precision"):  # these have options of their own
                continue
            if name in self.factors:
                values = f"compared: {', '.join(map(str, self.factors[name]))}"
            elif name in self.space:
                values = f"searched: {self.space[name]}"
            else:
                value = self.fixed.get(name, about.get_default())
                values = "as the data allow" if value is None else str(value)
            lines.append(f"  {name}: {about.description or 'a setting'} ({values})")
        return "\n".join(lines)

    @property
    def goal(self) -> Objective:
        """What selects."""
        return objective(self.select)

    @property
    def traded(self) -> Objective | None:
        """What `tradeoff` says."""
        return None if self.tradeoff is None else objective(self.tradeoff)

    @property
    def metric(self) -> str:
        """The validation metric that selects."""
        return self.goal.metric

    @property
    def mode(self) -> Literal["max", "min"]:
        """Whether more of it is better."""
        return self.goal.mode
