"""A sweep states what a question compares, what it searches, and by which measure a config is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from analysis.numbers.results import REFERENCE
from analysis.selection import Objective, objective, ranked_by
from sweeps.engine.space import Dimension
from trainables.core.experiment import Experiment


@dataclass(frozen=True)
class Variants:
    """Changes to the prescribed config, each by itself, which say what its choices bring: an ablation.

    They are confirmed on the fresh seeds that the prescribed config is confirmed on, in one condition or a few. They
    have no search trials, and none is ever chosen. Where the question prescribes no config, they change a `reference`
    of our own making, which is confirmed beside them.
    """

    changes: Mapping[str, Mapping[str, Any]]
    """The hyperparameters that differ from the prescribed ones, by what the variant is called."""
    reference: Mapping[str, Any] | None = None
    """The config that they change where none is prescribed: a value for each hyperparameter."""
    at: Mapping[str, Any] | Sequence[Mapping[str, Any]] = field(default_factory=dict)
    """The condition, by values of factors; of those that are compared, the first nearest one (else the first) is it.
    Several may be given; `analysis.verdicts.ablation` tells of one."""

    @property
    def places(self) -> Sequence[Mapping[str, Any]]:
        """The conditions, as `at` has them."""
        return [self.at] if isinstance(self.at, Mapping) else self.at


@dataclass(frozen=True)
class Sweep:
    """The sweep that `sweeps/<question>.py` defines.

    Factors are compared; hyperparameters (`space`) are tuned within each combination of factors, on validation data.
    """

    experiment: type[Experiment[Any]]
    factors: Mapping[str, Sequence[Any]]
    space: Mapping[str, Dimension]
    excluded: Sequence[Mapping[str, Any]] = ()
    """Combinations of factors' values that are no conditions; of each it is enough to name what they have in common."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Values of further config fields, such as the usual `data`."""
    prescribed: Mapping[str, Any] | None = None
    """The config that the question itself states, if it states one: a value for each hyperparameter, and for those
    fixed fields that belong to it. It keeps its values where --set changes the space. Where --set changes a fixed field
    that it states, it does not run."""
    variants: Variants | None = None
    """What the choices of the prescribed config bring, one at a time."""
    select: str = "max val_accuracy"
    """The direction and the measure by which a config is chosen: one that the experiment declares, or the error of one,
    with `val_` before its name. It counts at the last epoch, or at the epoch that is best by it where the experiment's
    `epoch_chosen` says so."""
    tradeoff: str | None = None
    """The direction and the fact that --search pareto trades the metric for, such as "min parameters"."""
    report: Sequence[str] = ()
    """Further metrics for the tables, named without their split (`first_accuracy`), beside the selection metric."""
    builtin: Mapping[str, Any] = field(default_factory=dict)
    """The fields that --builtin replaces: a list compares, a dimension is searched, any other value is fixed."""
    smoke: Mapping[str, Any] = field(default_factory=dict)
    """The fields that --smoke replaces likewise, where it does not suffice to train for only two epochs."""
    extra_seeds: Sequence[int] = ()
    """Further confirm seeds that the question prescribes; their results are shown separately, and are in no mean."""
    seeds: int = 5
    """Fresh seeds on which each chosen config is confirmed, unless --seeds is given: those of a planned look, 10 where
    a trial is cheap. It is stated, not measured, so that the same command plans the same trials anywhere."""
    builtin_seeds: int | None = None
    """The same with --builtin, where a trial costs otherwise: there a network may be pre-trained for each seed."""
    samples: int = 8
    """How many configs each condition tries, unless --samples is given."""
    search_single: bool = True
    """Whether the only config of a condition runs on search seeds, too. It is confirmed in any case; its score names
    the best condition, which a question may do without where a trial is expensive."""
    search_seeds: int = 3
    """How many seeds each searched config is averaged over, before one is chosen."""
    finalists: int = 0
    """How many of the best configs run on all search seeds, where trials are expensive; the others run on one.

    With 0 every config runs on all of them, unless weak trials are stopped early."""

    def __post_init__(self) -> None:
        for values in self.excluded:
            if unknown := sorted(values.keys() - self.factors.keys()):
                raise ValueError(f"`excluded` names {unknown}, which `factors` does not")
        if self.variants is None:
            return
        if self.prescribed is not None and self.variants.reference is not None:
            raise ValueError("variants change the prescribed config, where there is one: leave out their `reference`")
        stated = "prescribed" if self.variants.reference is None else REFERENCE
        for name, own in self.variants.changes.items():
            if unstated := sorted(own.keys() - self.stated.keys()):
                raise ValueError(f"variant {name!r} changes {unstated}, which `{stated}` does not state")
        if REFERENCE in self.variants.changes:
            raise ValueError(f"no variant is called {REFERENCE!r}, which is what they change")

    @property
    def stated(self) -> Mapping[str, Any]:
        """The config that variants change: the prescribed one, or their own reference; empty where there is none."""
        own = None if self.variants is None else self.variants.reference
        return self.prescribed or own or {}

    @property
    def question(self) -> str:
        """The question's name, which is that of its three files."""
        return self.experiment.question()

    def fresh_seeds(self, *, builtin: bool) -> int:
        """Return on how many fresh seeds a config is confirmed, unless a command says otherwise."""
        return self.seeds if self.builtin_seeds is None or not builtin else self.builtin_seeds

    def keys(self) -> str:
        """Return a line for each field that --set takes, with its meaning and its values, for --help."""
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
        """The objective by which a config is chosen, in terms of what trials report: an error is not among that."""
        return ranked_by(objective(self.select), self.experiment.measures)

    @property
    def traded(self) -> Objective | None:
        """The objective that --search pareto trades for the selection metric, if the question states one."""
        return None if self.tradeoff is None else objective(self.tradeoff)

    @property
    def metric(self) -> str:
        """The selection metric, as trials report it."""
        return self.goal.metric

    @property
    def mode(self) -> Literal["max", "min"]:
        """Whether a larger (max) or a smaller (min) selection metric is better."""
        return self.goal.mode
