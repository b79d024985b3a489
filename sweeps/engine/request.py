"""The request is the question's sweep as --builtin, --smoke, --data and --set change it."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter, ValidationError

from analysis.numbers.results import REFERENCE
from common.problems import Problem, nearest
from sweeps.engine.options import Options
from sweeps.engine.space import Choice, Dimension, Range
from sweeps.engine.sweep import Sweep
from trainables.core.config import TrialConfig

RESERVED = {"seed": "--seeds", "precision": "--precision"}
"""The options of fields that --set does not take."""
DEFAULT_GRID_POINTS = 3
_NUMBER = r"[0-9.]+(?:[eE][+-]?[0-9]+)?"
_SPANNED = re.compile(rf"({_NUMBER})\s*(?:-|–|\.\.+|;|/|to)\s*({_NUMBER})")
"""How people also write two numbers, or all between them: `100-900`."""
FIRST_SEARCH_SEED = 1001
"""Search seeds lie above the fresh seeds, which are 1, 2, … (at most 1000)."""


@dataclass(frozen=True)
class Compared:
    """Marks a factor, each of whose values has conditions of its own."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Searched:
    """Marks a hyperparameter, which is tuned within each condition."""

    dimension: Dimension


@dataclass(frozen=True)
class Fixed:
    """Marks a field that has one value in all trials."""

    value: Any


Kind = Compared | Searched | Fixed
Fields = dict[str, Kind]
"""The kind of each config field, by name; tables have the factors' columns in this order."""


@dataclass(frozen=True)
class Request:
    """The sweep that a command asks for, after all changes."""

    fields: Mapping[str, Kind]
    hyperparameters: tuple[str, ...]
    """The fields that are tuned, even those that --set pinned: conditions never differ in them."""
    confirm_seeds: tuple[int, ...]
    """The fresh seeds, 1, 2, …, then the question's extra seeds."""
    search_seeds: tuple[int, ...]
    """Those of search trials: none of them is a confirm seed."""
    prescribed: Mapping[str, Any] | None
    """The prescribed config's hyperparameters; None if there is no such config, if --no-prescribed leaves it out, or if
    a fixed field that it states has another value now."""
    variants: Mapping[str, Mapping[str, Any]]
    """The hyperparameters of each variant of the prescribed config, by its name; where the question prescribes none,
    those of the reference, then of its variants. --no-prescribed leaves them out, too."""
    samples: int
    """How many sampled configs each condition tries."""
    grid_points: int
    """How many values a grid takes from each range."""
    draw_seed: int
    """What --search-seed says: it moves the sampled configs and the model's proposals, no trial's own seed."""
    keep_networks: str
    """Whose networks are kept: `none`, those of `chosen` configs, or `all`."""
    network_bytes: int
    """Bytes that the networks of all trials may take together."""

    @cached_property
    def factors(self) -> dict[str, list[Any]]:
        """The values of each compared field."""
        return {name: list(kind.values) for name, kind in self.fields.items() if isinstance(kind, Compared)}

    @cached_property
    def space(self) -> dict[str, Dimension]:
        """The dimension of each searched field."""
        return {name: kind.dimension for name, kind in self.fields.items() if isinstance(kind, Searched)}

    @cached_property
    def fixed(self) -> dict[str, Any]:
        """The value of each fixed field."""
        return {name: kind.value for name, kind in self.fields.items() if isinstance(kind, Fixed)}


def request(
    sweep: Sweep, options: Options, offered: Mapping[str, Sequence[Any]] | None = None
) -> tuple[Request, list[Problem]]:
    """Return the request, and the problems with the form of --data and --set; `preflight` checks the values.

    `offered` has further values of factors (`TrialConfig.offered`).
    """
    fields, stated = _scaled(sweep, options)
    for name, values in (offered or {}).items():
        if isinstance(stated_kind := fields.get(name), Compared):
            fields[name] = Compared(tuple(dict.fromkeys([*values, *stated_kind.values])))
    problems = _set_data(options.data, sweep, fields) if options.data is not None else []
    for word in options.set:
        problem = _set(word, sweep, fields)
        if problem is not None:
            problems.append(problem)
    changed = _prescribed(stated, fields) if options.prescribed else None
    prescribed = None if sweep.prescribed is None else changed
    search_seeds, confirm_seeds = _trial_seeds(sweep, options)
    searched = {name for name, kind in fields.items() if isinstance(kind, Searched)}
    made = Request(
        fields=fields,
        hyperparameters=tuple(sorted(searched | {*sweep.space})),
        confirm_seeds=confirm_seeds if sweep.experiment.has_test else (),
        search_seeds=search_seeds,
        prescribed=prescribed,
        variants={} if changed is None else _variants(sweep, changed, smoke=options.smoke),
        samples=_samples(sweep, options, has_prescribed=prescribed is not None),
        grid_points=options.samples or DEFAULT_GRID_POINTS,
        draw_seed=options.search_seed,
        keep_networks=options.keep_networks,
        network_bytes=round(options.network_mb * 1_000_000),
    )
    return made, problems


def _trial_seeds(sweep: Sweep, options: Options) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the search seeds and the confirm seeds: no seed is used for both, and no extra seed counts as fresh."""
    extra = tuple(dict.fromkeys(sweep.extra_seeds))
    search = _first_without(extra, FIRST_SEARCH_SEED, 1 if options.smoke else sweep.search_seeds)
    count = options.seeds or sweep.fresh_seeds(builtin=options.builtin)
    fresh = _first_without((*extra, *search), 1, min(count, 2) if options.smoke else count)
    return search, (*fresh, *extra)


def _first_without(taken: Collection[int], start: int, count: int) -> tuple[int, ...]:
    """Return the first `count` whole numbers from `start` on that are not taken."""
    return tuple(itertools.islice((seed for seed in itertools.count(start) if seed not in taken), count))


def _samples(sweep: Sweep, options: Options, *, has_prescribed: bool) -> int:
    """Return how many configs are sampled; a smoke run tries at most two, the prescribed config included."""
    samples = options.samples or sweep.samples
    if not options.smoke:
        return samples
    return min(samples, 1 if has_prescribed else 2)


def _prescribed(stated: Mapping[str, Any], fields: Fields) -> dict[str, Any] | None:
    """Return the hyperparameters of a stated config, or None if another field that it states differs."""
    searched = {name: value for name, value in stated.items() if isinstance(fields.get(name), Searched)}
    others = {name: value for name, value in stated.items() if name not in searched}
    holds = all(fields.get(name) == Fixed(value) for name, value in others.items())
    return searched if stated and holds else None


def _variants(sweep: Sweep, stated: Mapping[str, Any], *, smoke: bool) -> dict[str, dict[str, Any]]:
    """Return the hyperparameters of each variant that differs from the stated config as it is asked for.

    What --smoke shortened stays short, and it tries one variant. A reference, which is not prescribed, comes first.
    """
    changes = {} if sweep.variants is None else sweep.variants.changes
    made = {name: {**stated, **own} for name, own in changes.items() if own.keys() <= stated.keys()}
    if smoke and "epochs" in stated:
        made = {name: {**values, "epochs": stated["epochs"]} for name, values in made.items()}
    varied = {name: values for name, values in made.items() if values != stated}
    if smoke:
        varied = dict(list(varied.items())[:1])
    return varied if sweep.prescribed is not None else {REFERENCE: dict(stated), **varied}


def _scaled(sweep: Sweep, options: Options) -> tuple[Fields, dict[str, Any]]:
    """Return the question's fields and the config that it states, both scaled down by --builtin and --smoke."""
    fields: Fields = {name: Compared(tuple(values)) for name, values in sweep.factors.items()}
    fields |= {name: Searched(dimension) for name, dimension in sweep.space.items()}
    fields |= {name: Fixed(value) for name, value in sweep.fixed.items()}
    stated = dict(sweep.stated)
    if options.builtin:
        _change(fields, stated, sweep.builtin)
    if options.smoke:
        _change(fields, stated, _two_epochs(fields))
        _change(fields, stated, sweep.smoke)
        fields = {name: _ends(kind) if isinstance(kind, Compared) else kind for name, kind in fields.items()}
    return fields, stated


def _change(fields: Fields, stated: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Replace fields, in place; where one is left with a single value, the prescribed config takes it too."""
    for name, value in changes.items():
        kind = _kind_of(value)
        if isinstance(kind, Fixed) and isinstance(fields.get(name), Searched):
            kind = Searched(Choice((kind.value,)))  # still a hyperparameter, by which no conditions differ
        _replace(fields, name, kind)
        only = _only_value(kind)
        if name in stated and only is not None:
            stated[name] = only


def _kind_of(value: Any) -> Kind:
    """Return the kind that a value gives a field: a list compares, a dimension is searched, anything else is fixed."""
    if isinstance(value, Choice | Range):
        return Searched(value)
    if isinstance(value, list | tuple):
        return Compared(tuple(value))
    return Fixed(value)


def _only_value(kind: Kind) -> Any:
    """Return the one value that a field can have; None if there are several, or if the field is a factor."""
    if isinstance(kind, Fixed):
        return kind.value
    if isinstance(kind, Searched) and isinstance(kind.dimension, Choice) and len(kind.dimension.values) == 1:
        return kind.dimension.values[0]
    return None


def _replace(fields: Fields, name: str, kind: Kind) -> None:
    """Give a field another kind or value, in place; a field that becomes a factor comes after the other factors."""
    if not isinstance(fields.get(name), type(kind)):
        fields.pop(name, None)
    fields[name] = kind


def _two_epochs(fields: Fields) -> dict[str, Any]:
    """Return the change that shortens trials to two epochs; none if `epochs` is compared or is no field."""
    kind = fields.get("epochs")
    if isinstance(kind, Searched):
        return {"epochs": Choice((2,))}
    return {"epochs": 2} if isinstance(kind, Fixed) else {}


def _ends(kind: Compared) -> Compared:
    """Return the factor with only its first and its last value."""
    return Compared(tuple(dict.fromkeys([kind.values[0], kind.values[-1]])))


def _set_data(data: str, sweep: Sweep, fields: Fields) -> list[Problem]:
    """Carry out --data, in place, which gives a name or path for each data set that the question reads."""
    names = sweep.experiment.config_class().data_fields()
    given = [data] if len(names) == 1 else data.split(",")
    if not names:
        return [Problem("--data", "no option of a question that reads no data", data, "Omit it.")]
    if len(given) != len(names):
        remedy = f"Write --data {','.join(name.upper() for name in names)}."
        return [Problem("--data", f"a data set for each of {', '.join(names)}", data, remedy)]
    for name, value in zip(names, given, strict=True):
        _replace(fields, name, Fixed(value))
    return []


def _set(word: str, sweep: Sweep, fields: Fields) -> Problem | None:
    """Carry out one `key=value` of --set, in place."""
    key, equals, text = word.partition("=")
    config = sweep.experiment.config_class()
    if not equals or not text:
        remedy = "Write for instance --set lr=0.01, and several values with commas and no spaces: lr=0.01,0.1."
        return Problem("--set", "key=value, key=a,b or key=low:high", word, remedy)
    if key in RESERVED:
        return Problem(f"--set {key}", "a field of its own option", word, f"Use {RESERVED[key]}.")
    if key not in config.model_fields:
        return Problem(f"--set {key}", "a field of the question's config", key, nearest_field(key, config))
    if (spanned := _SPANNED.fullmatch(text)) and not _is_valid(config, key, text):
        low, high = spanned.groups()
        remedy = f"Write {key}={low},{high} for these two values, {key}={low}:{high} to search the range between them."
        return Problem(f"--set {key}", "values as a,b or a range as low:high", text, remedy)
    if ":" in text and key not in config.data_fields():
        dimension = _range(config, key, text, sweep.space.get(key))
        if isinstance(dimension, Problem):
            return dimension
        _replace(fields, key, Searched(dimension))
        return None
    values = tuple(typed(config, key, part) for part in text.split(","))
    if key in sweep.space:
        _replace(fields, key, Searched(Choice(values)))
    elif key in sweep.factors or isinstance(fields.get(key), Compared) or len(values) > 1:
        _replace(fields, key, Compared(tuple(dict.fromkeys(values))))
    else:
        _replace(fields, key, Fixed(values[0]))
    return None


def _range(config: type[TrialConfig], key: str, text: str, before: Dimension | None) -> Range | Problem:
    parts = [typed(config, key, part) for part in text.split(":")]
    if len(parts) != 2 or not all(isinstance(part, int | float) for part in parts):
        return Problem(f"--set {key}", "low:high, two numbers", text, f"Write for instance --set {key}=1:10.")
    low, high = parts
    if not low < high:
        return Problem(f"--set {key}", "low:high with low < high", text, f"Write --set {key}={parts[1]}:{parts[0]}.")
    if isinstance(before, Range) and before.log and low <= 0:
        return Problem(f"--set {key}", "searched in the logarithm, so low > 0", text, "Give a positive low end.")
    if isinstance(before, Range):
        return dataclasses.replace(before, low=low, high=high)
    return Range(low, high, integer=all(isinstance(part, int) for part in parts))


def typed(config: type[TrialConfig], key: str, value: Any) -> Any:
    """Return a text or value converted to the field's type, or unchanged if that fails: what checks it reports it."""
    try:
        return _adapter(config, key).validate_python(value)
    except ValidationError:
        return value


def _is_valid(config: type[TrialConfig], key: str, value: Any) -> bool:
    """Return whether a text or value can be converted to the field's type."""
    try:
        _adapter(config, key).validate_python(value)
    except ValidationError:
        return False
    return True


def _adapter(config: type[TrialConfig], key: str) -> TypeAdapter[Any]:
    return TypeAdapter(config.model_fields[key].annotation or str)


def nearest_field(key: str, config: type[TrialConfig]) -> str:
    """Return a remedy that names the field that was probably meant, by its name or by what it is."""
    words = key.replace("_", " ").replace("-", " ").casefold()
    about = {name: (field.description or "").casefold() for name, field in config.model_fields.items()}
    meant = [name for name, text in about.items() if text.endswith(words)]
    if len(meant) == 1:
        return f"Did you mean {meant[0]!r}, {config.model_fields[meant[0]].description}?"
    return nearest(key, config.model_fields)
