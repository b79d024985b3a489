"""The plan: conditions × sampled configs × seeds, each a validated config with an id made from its content."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from analysis.ledger import Entry
from analysis.plan_record import ChoiceRecord, DataSetRecord, Fingerprints, PlanRecord, RangeRecord
from common.canonical import canonical
from sweeps.engine.request import Request
from sweeps.engine.space import Choice, Dimension, Values, draw, grid
from sweeps.engine.sweep import Sweep
from trainables.artifacts.store import Artifact
from trainables.core.config import TrialConfig
from trainables.core.device import Precision
from trainables.data.sources import Sources

Phase = Literal["search", "confirm"]
DEFAULT_FINALISTS = 3


@dataclass(frozen=True)
class Condition:
    """One combination of factors, with the settings that all its trials share."""

    values: Mapping[str, Any]
    """Every config field that is neither searched nor the seed."""

    @cached_property
    def key(self) -> str:
        """Canonical JSON, as it stands in the ledger."""
        return canonical(self.values)


@dataclass(frozen=True)
class Draw:
    """One configuration of the hyperparameters, tried in a condition on one or more seeds."""

    index: int
    """0 is the prescribed recipe, or vacant; samples count from 1."""
    values: Values
    prescribed: bool = False


@dataclass(frozen=True)
class Trial:
    """One run of the Experiment: what the ledger calls it, its config, and what it is expected to cost."""

    entry: Entry
    config: TrialConfig
    cost: float
    artifacts: Mapping[str, Artifact]

    @property
    def id(self) -> str:
        return self.entry.id

    @property
    def confirm(self) -> bool:
        """Whether it opens test data."""
        return self.entry.phase == "confirm"


@dataclass(frozen=True)
class Plan:
    """Everything a command asks for, before it is known what the ledger has already."""

    sweep: Sweep
    request: Request
    sources: Sources
    precision: Precision
    search: str
    scheduler: str
    code_fingerprint: str

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """In the order of the factors' values."""
        names, fields = list(self.request.factors), self.sweep.experiment.config_class().model_fields
        tuned = {*self.request.hyperparameters, "seed", *names}
        defaults = {name: field.get_default() for name, field in fields.items() if name not in tuned}
        settings = {**defaults, **self.request.fixed, "precision": self.precision}
        settings = {name: value for name, value in settings.items() if name not in tuned}
        return tuple(
            Condition({**settings, **dict(zip(names, values, strict=True))})
            for values in itertools.product(*self.request.factors.values())
        )

    @cached_property
    def draws(self) -> tuple[Draw, ...]:
        """The configs that every condition tries; for a model-based search only those that precede its own."""
        space, recipe = self.request.space, self.request.prescribed
        fields = self.sweep.experiment.config_class().model_fields
        usual = {name: field.get_default() for name, field in fields.items() if not field.is_required()}
        usual |= {**self.sweep.fixed, **{name: values[0] for name, values in self.sweep.factors.items()}}
        searched = {name: value for name, value in usual.items() if name in space}
        first = [Draw(0, {**searched, **recipe}, prescribed=True)] if recipe is not None else []
        if self.model_based:
            return tuple(first)
        if self.search == "grid":
            configs: Iterator[Values] = grid(space, self.request.grid_points)
        else:
            configs = (draw(space, self.sweep.question, index) for index in range(1, self.request.samples + 1))
        every = [*first, *(Draw(index, values) for index, values in enumerate(configs, 1))]
        unique = {canonical(d.values): d for d in reversed(every)}
        return tuple(sorted(unique.values(), key=lambda d: d.index))

    @property
    def finalists(self) -> int:
        """How many configs of a condition run on all search seeds; 0: all of them.

        Early stopping needs them: a config whose seeds were stopped at different epochs has no mean to go by.
        """
        return self.sweep.finalists or (DEFAULT_FINALISTS if self.scheduler != "none" else 0)

    @property
    def model_based(self) -> bool:
        """Whether configs are proposed as others finish, so that they are not known beforehand."""
        return self.search in ("optuna", "pareto")

    @property
    def configs_per_condition(self) -> int:
        """How many configs each condition tries."""
        if self.model_based:
            return self.request.samples + len(self.draws)
        return len(self.draws)

    @property
    def search_trials(self) -> int:
        """How many search trials each condition runs."""
        seeds, configs = len(self.request.search_seeds), self.configs_per_condition
        if not self.finalists:
            return configs * seeds
        return configs + (min(self.finalists, configs) * (seeds - 1) if configs > 1 else 0)

    @property
    def confirm_trials(self) -> int:
        """How many confirm trials each condition runs at most: the chosen config, and the prescribed one if another."""
        several = self.request.prescribed is not None and self.configs_per_condition > 1
        return len(self.request.confirm_seeds) * (2 if several else 1)

    @property
    def size(self) -> int:
        """How many trials the whole plan has (fewer where the prescribed recipe is the one chosen)."""
        return len(self.conditions) * (self.search_trials + self.confirm_trials)

    def trial(self, condition: Condition, draw: Draw, seed: int, phase: Phase) -> Trial:
        """A trial; raises pydantic's ValidationError where a value is out of its range."""
        experiment = self.sweep.experiment
        config = experiment.config_class().model_validate({**condition.values, **draw.values, "seed": seed})
        artifacts = self._artifacts(config, phase)
        fingerprint = self._fingerprint(config, artifacts, phase)
        content = config.model_dump(mode="json")
        identity = {
            "question": self.sweep.question,
            "phase": phase,
            "condition": condition.key,  # the same config can be a factor's value here and a draw there
            "config": content,
            "data": fingerprint,
        }
        entry = Entry(
            id=hashlib.sha256(canonical(identity).encode()).hexdigest(),
            question=self.sweep.question,
            phase=phase,
            condition=condition.key,
            draw=draw.index,
            prescribed=draw.prescribed,
            config=content,
            seed=seed,
            precision=self.precision,
            data_fingerprint=self.fingerprint(condition, phase),
            code_fingerprint=self.code_fingerprint,
        )
        return Trial(entry, config, config.cost(), artifacts)

    def _artifacts(self, config: TrialConfig, phase: Phase) -> dict[str, Artifact]:
        artifacts = dict(config.artifacts(self.sources))
        return artifacts | dict(config.test_artifacts(self.sources)) if phase == "confirm" else artifacts

    def _fingerprint(self, config: TrialConfig, artifacts: Mapping[str, Artifact], phase: Phase) -> str:
        """SHA-256 over the data and the artifacts that a trial stands on; of test data only in confirmation."""
        splits: tuple[Literal["train", "test"], ...] = ("train", "test") if phase == "confirm" else ("train",)
        names = config.datasets()
        data = {f"{name}/{split}": self.sources.fingerprint(name, split) for name in names for split in splits}
        stands_on = {"data": data, "artifacts": {name: artifact.key for name, artifact in artifacts.items()}}
        return hashlib.sha256(canonical(stands_on).encode()).hexdigest()

    def fingerprint(self, condition: Condition, phase: Phase) -> str:
        """What all trials of a condition stand on, whatever their seed: tells contents of the same name apart."""
        key = (condition.key, phase)
        if key not in self._fingerprints:
            question, space = self.sweep.question, self.sweep.space
            values = {**draw(self.request.space, question, 1), **draw(space, question, 1), **condition.values}
            config = self.sweep.experiment.config_class().model_validate(values)
            self._fingerprints[key] = self._fingerprint(config, self._artifacts(config, phase), phase)
        return self._fingerprints[key]

    @cached_property
    def _fingerprints(self) -> dict[tuple[str, Phase], str]:
        return {}

    def first_seeds(self) -> tuple[int, ...]:
        """Seeds that every config is searched on; where there are finalists, the others are theirs alone."""
        return self.request.search_seeds[:1] if self.finalists else self.request.search_seeds

    def artifacts(self) -> dict[str, Artifact]:
        """Every artifact that some trial of the plan may need, by key."""
        sample = self.draws or (Draw(1, draw(self.request.space, self.sweep.question, 1)),)
        phases: list[tuple[Phase, tuple[int, ...]]] = [
            ("search", self.request.search_seeds),
            ("confirm", self.request.confirm_seeds),
        ]
        return {
            artifact.key: artifact
            for condition, d in itertools.product(self.conditions, sample)
            for phase, seeds in phases
            for seed in seeds
            for artifact in self.trial(condition, d, seed, phase).artifacts.values()
        }

    def record(self) -> PlanRecord:
        """Return what the ledger keeps of the plan, for the analysis."""
        keys = [condition.key for condition in self.conditions]
        return PlanRecord(
            question=self.sweep.question,
            factors={name: tuple(values) for name, values in self.request.factors.items()},
            hyperparameters=tuple(self.request.hyperparameters),
            select=self.sweep.select,
            report=tuple(self.sweep.report),
            oracle=self.sweep.experiment.test_every_epoch,
            data_fields=self.sweep.experiment.config_class().data_fields(),
            conditions=tuple(keys),
            search=self.search,
            scheduler=self.scheduler,
            fingerprints={condition.key: self._fingerprints_of(condition) for condition in self.conditions},
            space={name: _recorded(dimension) for name, dimension in self.request.space.items()},
            draws=None if self.model_based else dict.fromkeys(keys, tuple(d.values for d in self.draws)),
            search_trials=dict.fromkeys(keys, self.configs_per_condition * len(self.first_seeds())),
            finalists=self.finalists if self.configs_per_condition > 1 else 0,
            search_seeds=self.request.search_seeds,
            confirm_seeds=self.request.confirm_seeds,
            extra_seeds=tuple(self.sweep.apart_seeds),
            prescribed=self.request.prescribed is not None,
            confirm=self.sweep.experiment.has_test,
            data=tuple(
                DataSetRecord(
                    name=s.name, builtin=s.builtin, origin=s.origin, made_from=s.made_from, classes=tuple(s.classes)
                )
                for s in map(self.sources.summary, self.datasets())
            ),
        )

    def _fingerprints_of(self, condition: Condition) -> Fingerprints:
        has_test = self.sweep.experiment.has_test
        return Fingerprints(
            search=self.fingerprint(condition, "search"),
            confirm=self.fingerprint(condition, "confirm") if has_test else None,
        )

    def datasets(self) -> tuple[str, ...]:
        """Names of all data sets of the plan."""
        experiment = self.sweep.experiment
        values = [draw(self.request.space, self.sweep.question, 1) | dict(c.values) for c in self.conditions]
        configs = [experiment.config_class().model_validate(v) for v in values]
        return tuple(dict.fromkeys(name for config in configs for name in config.datasets()))


def _recorded(dimension: Dimension) -> ChoiceRecord | RangeRecord:
    if isinstance(dimension, Choice):
        return ChoiceRecord(values=dimension.values)
    return RangeRecord(low=dimension.low, high=dimension.high)
