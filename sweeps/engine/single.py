"""A single trial of a sweep: the one that a plan would make of these values, with the same id."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from analysis.words import listed
from common.problems import Problem, Refused
from sweeps.engine.fingerprint import code_of
from sweeps.engine.hardware import Machine, Session, hardware_problems, machine_of
from sweeps.engine.options import Options
from sweeps.engine.plan import Draw, Plan
from sweeps.engine.preflight import (
    download,
    duplicate_problems,
    folder_problems,
    precision_of,
    precision_problems,
    remedy,
    sources_of,
)
from sweeps.engine.request import Compared, Fixed, Kind, Request, Searched, nearest_field, request, typed
from sweeps.engine.space import Choice, middle
from sweeps.engine.sweep import Sweep
from trainables.core.config import TrialConfig, config_problems
from trainables.core.task import Phase
from trainables.core.trial import Trial
from trainables.data.readers.download import parted

FIRST_SEED = 1
"""The first confirm seed; it is the seed where none is given."""


@dataclass(frozen=True)
class _Given:
    """The request in which every field has one value, and what is wrong with the values."""

    asked: Request
    seed: Any
    absent: tuple[str, ...]
    """Fields that need a value and have none; in `asked` another stands for it."""
    problems: tuple[Problem, ...]


def single_trial(
    sweep: Sweep, values: Mapping[str, Any], options: Options, problems: list[Problem], *, confirm: bool
) -> Trial:
    """Return the trial of these values. Raises Refused with these and all other problems."""
    found = [*problems, *hardware_problems(options), *folder_problems(options), *precision_problems(sweep, options)]
    asked, wrong = request(sweep, options)
    given = _given(sweep, asked, values)
    found += [*wrong, *given.problems]
    sources = sources_of(options)
    plan = Plan(sweep, given.asked, sources, precision_of(sweep, options), "random", "none", code_of(sweep.experiment))
    condition = plan.conditions[0]
    tuned = {name: dimension.at(0) for name, dimension in given.asked.space.items()}
    unused = plan.unused_in(condition, tuned)
    found += [_absent(sweep, asked, name) for name in given.absent if name not in unused]
    stored = {name: value for name, value in tuned.items() if name not in unused}
    try:
        config = sweep.experiment.config_class().model_validate({**condition.values, **stored, "seed": given.seed})
    except ValidationError as error:
        found += _invalid(sweep, error)
    else:
        found += _of_data(config, plan, options, confirm)
    found, absent = parted(found)
    if found:
        raise Refused(found)
    if absent:
        download(absent)
        if found := _of_data(config, plan, options, confirm):
            raise Refused(found)
    phase: Phase = "confirm" if confirm else "search"
    return Trial(
        sweep.experiment,
        plan.task(condition, Draw(1, stored), config.seed, phase),
        sources,
        options.out.resolve() / "artifacts",
        threads=threads_of(machine_of(options)),
        gpu=options.gpus > 0,
    )


def _of_data(config: TrialConfig, plan: Plan, options: Options, confirm: bool) -> list[Problem]:
    return [*config_problems(config, plan.sources), *(duplicate_problems(plan, options) if confirm else [])]


def threads_of(machine: Machine) -> int:
    """Return how many threads a trial computes with where a sweep has this machine."""
    several = 1 if machine.trials_per_gpu == "auto" else machine.trials_per_gpu
    return Session(machine, machine.cores, dashboard=None, temporary=Path(), trials_per_gpu=several).threads


def _given(sweep: Sweep, asked: Request, values: Mapping[str, Any]) -> _Given:
    config = sweep.experiment.config_class()
    known = {name: typed(config, name, _plain(values[name])) for name in config.model_fields if name in values}
    known = {name: value for name, value in known.items() if not _is_nan(value)}
    seed = known.pop("seed", FIRST_SEED)
    problems = [
        Problem(name, "a field of the question's config", value, nearest_field(name, config))
        for name, value in values.items()
        if name not in config.model_fields
    ]
    if "precision" in known:
        value = known.pop("precision")
        problems.append(Problem("precision", "an option, not a value", value, f"Give it as precision={value!r}."))
    fields: dict[str, Kind] = {name: Fixed(value) for name, value in known.items() if name not in asked.fields}
    absent = []
    for name, kind in asked.fields.items():
        options = _values(kind)
        if name not in known and len(options) != 1:
            absent.append(name)
        fields[name] = _only(kind, known.get(name, options[0]))
    return _Given(replace(asked, fields=fields), seed, tuple(absent), tuple(problems))


def _values(kind: Kind) -> list[Any]:
    """Return the values that a field can have; of a range, one that stands for all."""
    if isinstance(kind, Fixed):
        return [kind.value]
    if isinstance(kind, Compared):
        return list(kind.values)
    if isinstance(kind.dimension, Choice):
        return list(kind.dimension.values)
    return [*middle({"": kind.dimension}).values(), *kind.dimension.ends()]


def _only(kind: Kind, value: Any) -> Kind:
    """Return the same kind of field, with a single value."""
    if isinstance(kind, Compared):
        return Compared((value,))
    return Searched(Choice((value,))) if isinstance(kind, Searched) else Fixed(value)


def _absent(sweep: Sweep, asked: Request, name: str) -> Problem:
    kind = asked.fields[name]
    if isinstance(kind, Compared):
        return Problem(name, "a value, since it is compared", None, f"The sweep has {listed(map(str, kind.values))}.")
    searched = kind.dimension if isinstance(kind, Searched) else "no values"
    return Problem(name, "a value, since it is searched", None, f"The sweep searches {searched}.")


def _invalid(sweep: Sweep, error: ValidationError) -> list[Problem]:
    found = []
    for one in error.errors():
        name = str(one["loc"][0]) if one["loc"] else "config"
        known = name in sweep.experiment.config_class().model_fields
        about = remedy(sweep, name) if known else "Change one of its values."
        found.append(Problem(name, one["msg"], None if one["type"] == "missing" else one["input"], about))
    return found


def _plain(value: Any) -> Any:
    """Return a number of NumPy, as tables hold, as one of Python."""
    return value.item() if hasattr(value, "item") else value


def _is_nan(value: Any) -> bool:
    """Return whether a table has no value here: a hyperparameter that its config does not use."""
    return isinstance(value, float) and math.isnan(value)
