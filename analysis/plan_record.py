"""What the ledger keeps of a command's plan: the engine writes it, and the analysis reads nothing else about a sweep.

A record is frozen once written. Records of ledgers that were made before the draws were counted by condition are
converted when they are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from common.canonical import canonical

UNRECORDED = ""
"""In `PlanRecord.code`, plans that were made before the code was recorded."""
SHOWN = 6
"""How many changed modules are named at most."""


class _Record(BaseModel):
    """A frozen model that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fingerprints(_Record):
    """SHA-256 of the data and artifacts that a condition's trials depend on, by phase."""

    search: str
    confirm: str | None = None
    """None for a question without a confirm step."""


class ChoiceRecord(_Record):
    """A hyperparameter that was one of `values`."""

    values: tuple[Any, ...]
    optional: bool = False
    """Whether some configs do not use it, and hence do not name it."""

    def __contains__(self, value: object) -> bool:
        return value in self.values


class RangeRecord(_Record):
    """A hyperparameter that was a number from `low` to `high`, both included."""

    low: float
    high: float
    optional: bool = False
    """Whether some configs do not use it, and hence do not name it."""

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int | float) and self.low <= value <= self.high


class VariantRecord(_Record):
    """A variant of the prescribed config."""

    name: str
    values: dict[str, Any]
    """Its hyperparameters."""


class DataSetRecord(_Record):
    """A data set that the sweep used."""

    name: str
    builtin: bool
    origin: str
    """Where the data come from, as a phrase for people."""
    made_from: tuple[str, ...]
    """Origins of the data sets that this one was derived from; empty for an original one."""
    classes: tuple[str, ...]
    """Names of the classes in the order of their labels; empty where they are not known."""
    test_images: int | None = None
    duplicates: int | None = None
    """How many of the test images are among the training images of all sets that a trial reads, pixel for pixel; None
    where none were opened, and where it was not counted yet."""
    caveats: tuple[str, ...] = ()
    """Sentences for people that answers on it tell."""


class MeasureRecord(_Record):
    """A measure, as the question declares it in `trainables.core.measures`, where the fields are explained."""

    name: str
    better: Literal["max", "min"]
    kind: Literal["share", "plain"] = "plain"
    label: str = ""
    """For people; a config field in braces, such as `{first}`, stands for the data set that it names."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    tolerance: float | None = None
    of: str | None = None
    images: str | None = None
    strata: str | None = None
    nearest: str | None = None
    without: str | None = None
    error: MeasureRecord | None = None
    """What it misses, 1 − the measure: derived from it, and never in the ledger."""
    splits: tuple[Literal["train", "validation", "test"], ...] = ("train", "validation", "test")
    optional: bool = False


class PlanRecord(_Record):
    """One command's plan. Conditions are named by their keys: the canonical JSON of all that their trials share."""

    question: str
    factors: dict[str, tuple[Any, ...]]
    """The values of each factor, factors and values in the order in which the sweep lists them."""
    hyperparameters: tuple[str, ...]
    """Names of the config fields that were searched, in the order of the tables' columns."""
    select: str
    """What configs are chosen by, such as `max val_accuracy`."""
    report: tuple[str, ...]
    """Metrics, without their split, that stand in the rounded tables beside the selecting one."""
    oracle: bool
    """Whether test data was evaluated in every epoch of the confirm step."""
    epoch_chosen: Literal["last", "best"] = "last"
    """The epoch at which trials are read: the last one, or the best by the selecting metric."""
    data_fields: tuple[str, ...]
    """The config fields that name a data set."""
    conditions: tuple[str, ...]
    search: str
    """The kind of search: `random`, `grid`, `optuna` or `pareto`."""
    scheduler: str
    """`none`, or the early stopping that was used."""
    fingerprints: dict[str, Fingerprints]
    """By condition."""
    space: dict[str, dict[str, ChoiceRecord | RangeRecord]]
    """By condition: the hyperparameters that make a difference there, and what they may be."""
    draws: dict[str, tuple[dict[str, Any], ...]] | None
    """The sampled configs of each condition; None for a model-based search, which proposes them as it goes."""
    search_trials: dict[str, int]
    """How many search trials a condition has, those of finalists on further seeds not counted; 0: its only config was
    confirmed without a search."""
    finalists: int
    """How many configs of a condition run on all search seeds; 0: all of them do."""
    search_seeds: tuple[int, ...]
    confirm_seeds: tuple[int, ...]
    """All seeds of the confirm step, `extra_seeds` included."""
    extra_seeds: tuple[int, ...]
    """Seeds that the question prescribes: their trials are reported by themselves and are in no mean."""
    prescribed: bool
    """Whether the question's prescribed config was asked for."""
    variants: dict[str, tuple[VariantRecord, ...]] = {}
    """The variants of the prescribed config, by condition; most have none."""
    confirm: bool
    """Whether there is a confirm step: not without a test split."""
    data: tuple[DataSetRecord, ...]
    procedure: str = ""
    """How a trial trains, in sentences for people, as the question states it."""
    seen_on_test: dict[str, str] = {}
    """What was decided while looking at test images, as a phrase for people, by the data set that they are of."""
    titles: dict[str, str] = {}
    """What people call config fields whose names would not do in tables; braces as in `MeasureRecord.label`."""
    measures: tuple[MeasureRecord, ...] = ()
    """All that trials measure; none in records that were made before measures were declared."""
    code: tuple[str, ...] = ()
    """Fingerprints of the code whose trials and plans count: the plan's own first, then older ones that are kept, where
    `UNRECORDED` stands for plans that name none. Empty in a plan that was made before this was recorded: all count."""

    @field_validator("factors", mode="before")
    @classmethod
    def _as_dict(cls, factors: Any) -> Any:
        """Read factors as the ledger has them, in pairs; older records have an object, sorted by name."""
        pairs = isinstance(factors, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in factors)
        return dict(factors) if pairs else factors

    @model_validator(mode="before")
    @classmethod
    def _convert(cls, fields: Any) -> Any:
        """Convert a record that counted and listed the draws once for all conditions, and called extra seeds apart."""
        if not isinstance(fields, Mapping) or "apart_seeds" not in fields:
            return fields
        converted = {name: value for name, value in fields.items() if name != "apart_seeds"}
        converted["extra_seeds"] = fields["apart_seeds"]
        converted["space"] = dict.fromkeys(fields["conditions"], fields["space"])
        converted["search_trials"] = dict.fromkeys(fields["conditions"], fields["search_trials"])
        if fields["draws"] is not None:
            converted["draws"] = dict.fromkeys(fields["conditions"], fields["draws"])
        return converted

    @property
    def own_code(self) -> str:
        """The fingerprint of the code that made the plan, or `UNRECORDED`."""
        return self.code[0] if self.code else UNRECORDED

    @property
    def searches(self) -> bool:
        """Whether some condition has search trials."""
        return any(self.search_trials.values())

    def counts(self, earlier: PlanRecord) -> bool:
        """Return whether an earlier plan of the same ledger counts beside this one."""
        return not self.code or earlier.own_code in self.code

    def renamed(self, conditions: Mapping[str, str]) -> PlanRecord:
        """Return the record with other keys for some conditions, given as before and now."""

        def keyed(values: Mapping[str, Any]) -> dict[str, Any]:
            return {conditions.get(key, key): value for key, value in values.items()}

        changed: dict[str, Any] = {
            "conditions": tuple(keyed(dict.fromkeys(self.conditions))),
            "fingerprints": keyed(self.fingerprints),
            "space": keyed(self.space),
            "draws": None if self.draws is None else keyed(self.draws),
            "search_trials": keyed(self.search_trials),
            "variants": keyed(self.variants),
        }
        return self.model_copy(update=changed)

    def to_json(self) -> str:
        """Return canonical JSON: the same text for equal plans, whose factors are in the same order.

        Canonical JSON sorts the keys of objects. Factors are hence written in pairs of name and values.
        """
        return canonical(self.model_dump() | {"factors": list(self.factors.items())})


def made_by(counts: Mapping[str, int], recorded: Mapping[str, Mapping[str, str]], now: Mapping[str, str]) -> str:
    """Return for people how many trials other versions of the code made, and which modules changed since.

    `counts` has trials by fingerprint, `recorded` the digests of a fingerprint's modules where they are known, and
    `now` those of the modules that are compared with.
    """
    return ", ".join(f"{count} ({_changes(recorded.get(code), now)})" for code, count in sorted(counts.items()))


def _changes(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    if before is None:
        return "by an earlier version, whose modules are not recorded"
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    named = [name if name in before and name in now else f"{name} {_fate(name, now)}" for name in changed[:SHOWN]]
    if len(changed) > SHOWN:
        named.append(f"{len(changed) - SHOWN} more")
    return f"changed since: {', '.join(named)}"


def _fate(module: str, now: Mapping[str, str]) -> str:
    return "(new)" if module in now else "(gone)"
