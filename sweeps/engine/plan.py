"""The plan combines conditions, sampled configs and seeds into trials, each with an id made from its content."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal

from pydantic import ValidationError

from common.canonical import canonical
from common.seeds import seed_of
from sweeps.engine.fingerprint import Code
from sweeps.engine.request import Request
from sweeps.engine.space import Dimension, Values, grid, middle, random_configs
from sweeps.engine.sweep import Sweep
from trainables.artifacts.store import Artifact
from trainables.core.config import TrialConfig
from trainables.core.device import Precision
from trainables.core.experiment import LeavesNetwork
from trainables.core.task import Phase, Task
from trainables.data.sources import Sources

DEFAULT_FINALISTS = 3
EXAMINED = 256
"""How many sampled configs show, at least, which hyperparameters a condition uses."""


@dataclass(frozen=True)
class Condition:
    """A combination of factors' values, with the settings that all its trials share."""

    values: Mapping[str, Any]
    """The value of every config field that is neither searched nor the seed."""

    @cached_property
    def key(self) -> str:
        """The values as canonical JSON, by which the ledger names the condition."""
        return canonical(self.values)


@dataclass(frozen=True)
class Draw:
    """Values for the hyperparameters, which a condition tries on one or more seeds."""

    index: int
    """The prescribed config has index 0; samples are numbered from 1, and its variants from −1 downwards."""
    values: Values
    """The hyperparameters that the config uses."""
    prescribed: bool = False
    variant: str = ""
    """What the variant of the prescribed config is called, if it is one."""


@dataclass(frozen=True)
class Plan:
    """All trials that a command asks for, whether or not the ledger has their outcomes already."""

    sweep: Sweep
    request: Request
    sources: Sources
    precision: Precision
    search: str
    scheduler: str
    code: Code
    kept: tuple[str, ...] = ()
    """Fingerprints of older code whose trials in the ledger count, see `PlanRecord.code`."""

    @cached_property
    def defaults(self) -> Values:
        """The defaults of the config's fields that have one."""
        fields = self.sweep.experiment.config_class().model_fields
        return {name: field.get_default() for name, field in fields.items() if not field.is_required()}

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """All combinations of factors that are not excluded, in the order of the factors' values."""
        names = list(self.request.factors)
        tuned = {*self.request.hyperparameters, "seed", *names}
        settings = {**self.defaults, **self.request.fixed, "precision": self.precision}
        settings = {name: value for name, value in settings.items() if name not in tuned}
        combined = (
            dict(zip(names, values, strict=True)) for values in itertools.product(*self.request.factors.values())
        )
        excluded = [values.items() for values in self.sweep.excluded]
        return tuple(
            Condition({**settings, **values})
            for values in combined
            if not any(own <= {**settings, **values}.items() for own in excluded)
        )

    @cached_property
    def samples(self) -> tuple[Values, ...]:
        """The sampled configs: the same in every condition, and more samples only add to them."""
        return tuple(self._drawn_first(self.request.samples))

    def _drawn_first(self, count: int) -> list[Values]:
        names = dict.fromkeys([*self.sweep.space, *self.sweep.experiment.config_class().model_fields])
        seed = seed_of(self.sweep.question, "draws", self.request.draw_seed)
        return random_configs(self.request.space, count, names=list(names), seed=seed)

    def space_of(self, condition: Condition) -> dict[str, Dimension]:
        """Return the dimensions of a condition without those that none of its configs uses."""
        unused = frozenset.intersection(*self._unused_sets(condition))
        return {name: dimension for name, dimension in self.request.space.items() if name not in unused}

    def sometimes_unused(self, condition: Condition) -> frozenset[str]:
        """Return the fields that some config of a condition does not use."""
        return frozenset().union(*self._unused_sets(condition))

    def _unused_sets(self, condition: Condition) -> frozenset[frozenset[str]]:
        """Return the sets of fields that single configs of a condition leave unused."""
        if condition.key not in self._unused:
            configs = [self._config(condition, values) for values in self._examined]
            sets = frozenset(config.unused() for config in configs if config is not None)
            self._unused[condition.key] = sets or frozenset({frozenset()})
        return self._unused[condition.key]

    @cached_property
    def _unused(self) -> dict[str, frozenset[frozenset[str]]]:
        return {}

    @cached_property
    def _examined(self) -> list[Values]:
        """Configs that show what is used: some hyperparameters are only where several others have certain values."""
        space = self.request.space
        ends = [dimension.ends() for dimension in space.values()]
        if math.prod(map(len, ends)) <= EXAMINED:
            corners = [dict(zip(space, values, strict=True)) for values in itertools.product(*ends)]
        else:
            typical = middle(space)
            corners = [typical | {name: value} for name, dimension in space.items() for value in dimension.ends()]
        stated = [] if self.request.prescribed is None else [{**self._usual_values(), **self.request.prescribed}]
        asked = self.request.samples if self.search == "random" else 0
        return [*corners, *stated, *self._drawn_first(max(EXAMINED, asked))]

    def used(self, condition: Condition, values: Values) -> Values:
        """Return the values without those that have no effect in this config."""
        unused = self.unused_in(condition, values)
        return {name: value for name, value in values.items() if name not in unused}

    def unused_in(self, condition: Condition, values: Values) -> frozenset[str]:
        """Return the fields that have no effect in the config of these values; none if the config is not valid."""
        config = self._config(condition, values)
        return frozenset() if config is None else config.unused()

    def _config(self, condition: Condition, values: Values) -> TrialConfig | None:
        """Return the config of these values; None if it is not valid, which preflight reports."""
        try:
            config: TrialConfig = self.sweep.experiment.config_class().model_validate({**condition.values, **values})
        except ValidationError:
            return None
        return config

    def draws_of(self, condition: Condition) -> tuple[Draw, ...]:
        """Return the configs that a condition tries; for a model-based search only those known before it proposes any.

        Draws that differ only in hyperparameters that have no effect count as one.
        """
        if condition.key not in self._draws:
            unique: dict[str, Draw] = {}
            for one in self._drawn(condition):
                own = replace(one, values=self.used(condition, one.values))
                unique.setdefault(canonical(own.values), own)
            self._draws[condition.key] = tuple(unique.values())
        return self._draws[condition.key]

    def variants_of(self, condition: Condition) -> tuple[Draw, ...]:
        """Return the variants of the prescribed config that a condition confirms; most conditions have none."""
        if condition not in self._varied:
            return ()
        prescribed = {canonical(draw.values) for draw in self.draws_of(condition) if draw.prescribed}
        drawn = (
            Draw(-number, self.used(condition, {**self._usual_values(), **values}), variant=name)
            for number, (name, values) in enumerate(self.request.variants.items(), 1)
        )
        return tuple(draw for draw in drawn if canonical(draw.values) not in prescribed)

    @cached_property
    def _varied(self) -> list[Condition]:
        """The conditions in which the variants of the prescribed config run."""
        variants = self.sweep.variants
        if variants is None or not self.request.variants:
            return []

        def distance(condition: Condition, place: Mapping[str, Any]) -> list[float]:
            return [_distance(condition.values.get(name), value) for name, value in place.items()]

        return [min(self.conditions, key=partial(distance, place=place)) for place in variants.places]

    def draws(self) -> list[Draw]:
        """Return the draws of all conditions by index, each with the hyperparameters that any condition uses."""
        merged: dict[int, Draw] = {}
        for condition in self.conditions:
            for own in self.draws_of(condition):
                known = merged.get(own.index, own)
                merged[own.index] = replace(own, values={**known.values, **own.values})
        return [merged[index] for index in sorted(merged)]

    @cached_property
    def _draws(self) -> dict[str, tuple[Draw, ...]]:
        return {}

    def _drawn(self, condition: Condition) -> Iterator[Draw]:
        if self.request.prescribed is not None:
            yield Draw(0, {**self._usual_values(), **self.request.prescribed}, prescribed=True)
        if self.model_based:
            return
        if self.search == "grid":
            configs = grid(self.space_of(condition), self.request.grid_points)
        else:
            configs = iter(self.samples)
        for index, values in enumerate(configs, 1):
            yield Draw(index, values)

    def _usual_values(self) -> Values:
        """Return values for the searched fields: what the question fixes or compares first, else the default."""
        usual = {**self.defaults, **self.sweep.fixed}
        usual |= {name: values[0] for name, values in self.sweep.factors.items()}
        return {name: value for name, value in usual.items() if name in self.request.space}

    @property
    def finalists(self) -> int:
        """How many configs of a condition run on all search seeds; 0 means all of them.

        Early stopping needs finalists: where it ends a config's seeds at different epochs, their mean says nothing.
        """
        return self.sweep.finalists or (DEFAULT_FINALISTS if self.scheduler != "none" else 0)

    @property
    def model_based(self) -> bool:
        """Whether a model proposes configs as others finish, so that they are not known beforehand."""
        return self.search in ("optuna", "pareto")

    def configs_in(self, condition: Condition) -> int:
        """Return how many configs a condition tries."""
        known = len(self.draws_of(condition))
        return self.request.samples + known if self.model_based else known

    def is_searched(self, condition: Condition) -> bool:
        """Return whether a condition has search trials: a question may do without those of an only config."""
        needless = self.configs_in(condition) == 1 and self.sweep.experiment.has_test
        return self.sweep.search_single or not needless

    def search_trials_in(self, condition: Condition) -> int:
        """Return how many search trials a condition runs."""
        seeds = len(self.request.search_seeds)
        configs = self.configs_in(condition) if self.is_searched(condition) else 0
        if not self.finalists:
            return configs * seeds
        return configs + (min(self.finalists, configs) * (seeds - 1) if configs > 1 else 0)

    def confirm_trials_in(self, condition: Condition) -> int:
        """Return how many confirm trials a condition runs at most: of chosen and prescribed config, and of variants."""
        several = self.request.prescribed is not None and self.configs_in(condition) > 1
        return len(self.request.confirm_seeds) * ((2 if several else 1) + len(self.variants_of(condition)))

    @property
    def size(self) -> int:
        """How many trials the whole plan has at most; it has fewer where a condition chooses the prescribed config."""
        return sum(self.search_trials_in(c) + self.confirm_trials_in(c) for c in self.conditions)

    @cached_property
    def network_share(self) -> int:
        """Bytes that each kept network may take: the same whichever trials finish first, and whatever is killed."""
        return self.request.network_bytes // max(1, sum(map(self._networks_in, self.conditions)))

    @property
    def _phases_kept(self) -> tuple[Phase, ...]:
        """The phases whose trials leave their networks."""
        kept: dict[str, tuple[Phase, ...]] = {"none": (), "chosen": ("confirm",)}
        return kept.get(self.request.keep_networks, ("search", "confirm"))

    def _networks_in(self, condition: Condition) -> int:
        """Return how many networks a condition leaves at most."""
        if not issubclass(self.sweep.experiment, LeavesNetwork):
            return 0
        configs = [self._config(condition, values) for values in self._examined]
        if not any(config is not None and config.leaves_network() for config in configs):
            return 0
        counts = {"search": self.search_trials_in(condition), "confirm": self.confirm_trials_in(condition)}
        return sum(counts[phase] for phase in self._phases_kept)

    def task(self, condition: Condition, draw: Draw, seed: int, phase: Phase) -> Task:
        """Return a trial. Raises pydantic's ValidationError if its config is not valid."""
        experiment = self.sweep.experiment
        config = experiment.config_class().model_validate({**condition.values, **draw.values, "seed": seed})
        artifacts = self._artifacts(config, phase)
        return Task(
            config,
            artifacts,
            id=self.id_of(phase, condition.key, config.stored(), self._fingerprint(config, artifacts, phase)),
            question=self.sweep.question,
            phase=phase,
            condition=condition.key,
            draw=draw.index,
            prescribed=draw.prescribed,
            data_fingerprint=self.fingerprint(condition, phase),
            code_fingerprint=self.code.fingerprint,
            stoppable=phase == "search" and seed in self.first_seeds(),
            network_limit=self.network_share if phase in self._phases_kept else 0,
            keep_outputs=phase == "confirm" or not experiment.has_test,
            metric=self.sweep.metric,
            mode=self.sweep.mode,
        )

    def id_of(self, phase: Phase, condition: str, stored: Mapping[str, Any], data: str) -> str:
        """Return the id of a trial: the SHA-256 of all that determines its result beside the code.

        `stored` is its config as the ledger keeps it, `data` the fingerprint of its data and artifacts.
        """
        identity = {
            "question": self.sweep.question,
            "phase": phase,
            "condition": condition,  # a field may be compared in one plan and searched in another
            "config": stored,
            "data": data,
        }
        if self.sweep.experiment.epoch_chosen == "best":
            identity["select"] = self.sweep.select  # it chooses the epoch, too
        return hashlib.sha256(canonical(identity).encode()).hexdigest()

    def data_of(self, config: TrialConfig, phase: Phase) -> str:
        """Return the fingerprint of the data and artifacts that a trial depends on. Raises Refused."""
        return self._fingerprint(config, self._artifacts(config, phase), phase)

    def _artifacts(self, config: TrialConfig, phase: Phase) -> dict[str, Artifact]:
        artifacts = dict(config.artifacts(self.sources))
        return artifacts | dict(config.test_artifacts(self.sources)) if phase == "confirm" else artifacts

    def _fingerprint(self, config: TrialConfig, artifacts: Mapping[str, Artifact], phase: Phase) -> str:
        """Return the SHA-256 of the data and artifacts that a trial depends on; test data count only if it confirms."""
        splits: tuple[Literal["train", "test"], ...] = ("train", "test") if phase == "confirm" else ("train",)
        names = config.datasets()
        data = {f"{name}/{split}": self.sources.fingerprint(name, split) for name in names for split in splits}
        content = {"data": data, "artifacts": {name: artifact.key for name, artifact in artifacts.items()}}
        return hashlib.sha256(canonical(content).encode()).hexdigest()

    def fingerprint(self, condition: Condition, phase: Phase) -> str:
        """Return the fingerprint of the data and artifacts that a condition depends on, whatever the seed.

        It differs where data sets or artifacts have the same names but other contents.
        """
        key = (condition.key, phase)
        if key not in self._fingerprints:
            values = {**middle(self.request.space), **middle(self.sweep.space), **condition.values}
            config = self.sweep.experiment.config_class().model_validate(values)
            self._fingerprints[key] = self.data_of(config, phase)
        return self._fingerprints[key]

    @cached_property
    def _fingerprints(self) -> dict[tuple[str, Phase], str]:
        return {}

    def first_seeds(self) -> tuple[int, ...]:
        """Return the search seeds on which every config runs; only finalists, if there are any, run on the others."""
        return self.request.search_seeds[:1] if self.finalists else self.request.search_seeds

    def artifacts(self) -> dict[str, Artifact]:
        """Return every artifact that some trial of the plan may need, by key."""
        typical = Draw(1, middle(self.request.space))
        search: list[tuple[Phase, int]] = [("search", seed) for seed in self.request.search_seeds]
        confirm: list[tuple[Phase, int]] = [("confirm", seed) for seed in self.request.confirm_seeds]
        trials = [
            (condition, draw, own)
            for condition in self.conditions
            for draws, own in (
                (self.draws_of(condition) or (typical,), [*(search if self.is_searched(condition) else ()), *confirm]),
                (self.variants_of(condition), confirm),  # no variant is searched
            )
            for draw in draws
        ]
        return {
            artifact.key: artifact
            for condition, draw, own in trials
            for phase, seed in own
            for artifact in self.task(condition, draw, seed, phase).artifacts.values()
        }

    def datasets(self) -> dict[str, tuple[str, ...]]:
        """Return the names of all data sets of the plan, each with those that a trial on it reads beside it."""
        experiment = self.sweep.experiment
        values = [middle(self.request.space) | dict(c.values) for c in self.conditions]
        read = [experiment.config_class().model_validate(v).datasets() for v in values]
        beside: dict[str, dict[str, None]] = {}
        for names in read:
            for name in names:
                beside.setdefault(name, {}).update(dict.fromkeys(other for other in names if other != name))
        return {name: tuple(others) for name, others in beside.items()}


def _distance(value: Any, wanted: Any) -> float:
    """Return how far a factor's value is from a wanted one: of numbers their difference, else whether they differ."""
    numbers = all(isinstance(one, int | float) for one in (value, wanted))
    return abs(value - wanted) if numbers else float(value != wanted)
