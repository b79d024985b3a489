"""The sweep as it is asked for: the question's own, changed by --builtin, --smoke, --data and --set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from common.problems import Problem, nearest
from sweeps.engine.options import Options
from sweeps.engine.space import Choice, Dimension, Range
from sweeps.engine.sweep import Sweep
from trainables.core.config import TrialConfig

RESERVED = {"seed": "--seeds", "precision": "--precision"}


@dataclass(frozen=True)
class Request:
    """Factors, space and fixed fields after all changes; `Sweep` says what they mean."""

    factors: Mapping[str, Sequence[Any]]
    space: Mapping[str, Dimension]
    fixed: Mapping[str, Any]
    hyperparameters: tuple[str, ...]
    """Fields that are tuned, whether or not --set pinned them: they never tell conditions apart."""
    confirm_seeds: tuple[int, ...]
    search_seeds: tuple[int, ...]
    prescribed: Mapping[str, Any] | None
    """The recipe's hyperparameters; None where there is no recipe, or something else that it states was changed."""
    samples: int
    """Configs tried in each condition."""
    grid_points: int
    """Values that a grid takes from each range."""


DEFAULT_GRID_POINTS = 3
FIRST_SEARCH_SEED = 1001
"""Confirm seeds are 1, 2, … (at most 1000), search seeds lie above: none is ever used for both."""


def request(sweep: Sweep, options: Options) -> tuple[Request, list[Problem]]:
    """The request and what is wrong with the words of --set; values are checked in `preflight`."""
    factors, space, fixed, stated = _scaled(sweep, options)
    seeds, search_seeds, samples = options.seeds, sweep.search_seeds, options.samples or sweep.samples
    if options.smoke:
        seeds, search_seeds = min(seeds, 2), 1
    problems = _read(options.data, sweep, factors, fixed) if options.data is not None else []
    for word in options.set:
        problem = _apply(word, sweep, factors, space, fixed)
        if problem is not None:
            problems.append(problem)
    kept = {name: value for name, value in stated.items() if name in space}
    whole = all(fixed.get(name) == value for name, value in stated.items() if name not in kept)
    prescribed = kept if stated and whole and options.prescribed else None
    if options.smoke:  # two configs to choose between, the prescribed one among them
        samples = min(samples, 2 if prescribed is None else 1)
    confirm_seeds = tuple(dict.fromkeys([*range(1, seeds + 1), *sweep.apart_seeds]))
    made = Request(
        factors=factors,
        space=space,
        fixed=fixed,
        hyperparameters=tuple(sorted({*sweep.space, *space})),
        confirm_seeds=confirm_seeds if sweep.experiment.has_test else (),
        search_seeds=tuple(range(FIRST_SEARCH_SEED, FIRST_SEARCH_SEED + search_seeds)),
        prescribed=prescribed,
        samples=samples,
        grid_points=options.samples or DEFAULT_GRID_POINTS,
    )
    return made, problems


def _scaled(
    sweep: Sweep, options: Options
) -> tuple[dict[str, list[Any]], dict[str, Dimension], dict[str, Any], dict[str, Any]]:
    """Factors, space, fixed fields and prescribed recipe, scaled down by --builtin and --smoke.

    The recipe goes along where these leave a field but one value.
    """
    factors = {name: list(values) for name, values in sweep.factors.items()}
    space, fixed, recipe = dict(sweep.space), dict(sweep.fixed), dict(sweep.prescribed or {})
    changes = dict(sweep.builtin) if options.builtin else {}
    if options.smoke:
        factors = {name: [values[0], values[-1]] if len(values) > 1 else values for name, values in factors.items()}
        changes |= {"epochs": Choice((2,))} if "epochs" in space else {"epochs": 2} if "epochs" in fixed else {}
        changes |= sweep.smoke
    for name, value in changes.items():
        if isinstance(value, Choice | Range):
            space[name] = value
            only = value.values[0] if isinstance(value, Choice) and len(value.values) == 1 else None
        elif isinstance(value, list | tuple):
            factors[name] = list(value) if not options.smoke or len(value) == 1 else [value[0], value[-1]]
            only = None
        else:
            fixed[name] = only = value
        if name in recipe and only is not None:
            recipe[name] = only
    return factors, space, fixed, recipe


def _read(data: str, sweep: Sweep, factors: dict[str, list[Any]], fixed: dict[str, Any]) -> list[Problem]:
    """Carry out --data, in place: a name or path for each data set that the question reads."""
    fields = sweep.experiment.config_class().data_fields()
    names = [data] if len(fields) == 1 else data.split(",")
    if len(names) != len(fields):
        rule = f"a data set for each of {', '.join(fields)}" if fields else "no option of a question that reads no data"
        remedy = f"Write --data {','.join(name.upper() for name in fields)}." if fields else "Omit it."
        return [Problem("--data", rule, data, remedy)]
    for field, name in zip(fields, names, strict=True):
        factors.pop(field, None)
        fixed[field] = name
    return []


def _apply(
    word: str,
    sweep: Sweep,
    factors: dict[str, list[Any]],
    space: dict[str, Dimension],
    fixed: dict[str, Any],
) -> Problem | None:
    """Carry out one `key=value` of --set, in place."""
    key, equals, text = word.partition("=")
    config = sweep.experiment.config_class()
    if not equals or not text:
        return Problem("--set", "key=value, key=a,b or key=low:high", word, "Write for instance --set lr=0.01.")
    if key in RESERVED:
        return Problem(f"--set {key}", "a field of its own option", word, f"Use {RESERVED[key]}.")
    if key not in config.model_fields:
        return Problem(f"--set {key}", "a field of the question's config", key, nearest(key, config.model_fields))
    tuned = key in sweep.space
    if ":" in text and key not in config.data_fields():
        dimension = _range(config, key, text, sweep.space.get(key))
        if isinstance(dimension, Problem):
            return dimension
        factors.pop(key, None)
        fixed.pop(key, None)
        space[key] = dimension
        return None
    values = [_typed(config, key, part) for part in text.split(",")]
    if tuned:
        space[key] = Choice(tuple(values))
        return None
    space.pop(key, None)  # an earlier word may have made a range of it
    if key in sweep.factors or key in factors or len(values) > 1:
        fixed.pop(key, None)
        factors[key] = list(dict.fromkeys(values))
    else:
        fixed[key] = values[0]
    return None


def _range(config: type[TrialConfig], key: str, text: str, before: Dimension | None) -> Range | Problem:
    parts = [_typed(config, key, part) for part in text.split(":")]
    if len(parts) != 2 or not all(isinstance(part, int | float) for part in parts):
        return Problem(f"--set {key}", "low:high, two numbers", text, f"Write for instance --set {key}=1:10.")
    low, high = parts
    if not low < high:
        return Problem(f"--set {key}", "low:high with low < high", text, f"Write --set {key}={parts[1]}:{parts[0]}.")
    log = isinstance(before, Range) and before.log
    if log and low <= 0:
        return Problem(f"--set {key}", "searched in the logarithm, so low > 0", text, "Give a positive low end.")
    if isinstance(before, Range):
        return dataclasses.replace(before, low=low, high=high)
    return Range(low, high, log=log, integer=all(isinstance(part, int) for part in parts))


def _typed(config: type[TrialConfig], key: str, text: str) -> Any:
    """The text as the field's type where it can be read so; as it stands otherwise (validation will name it)."""
    adapter: TypeAdapter[Any] = TypeAdapter(config.model_fields[key].annotation or str)
    try:
        return adapter.validate_python(text)
    except ValidationError:
        return text
