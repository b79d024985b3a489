"""The options as keyword arguments, for `SWEEP.run(seeds=3, set={"train_size": [100, 300]})`, and back to words."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from common.problems import Problem, nearest
from sweeps.engine.options import Options

COMMAND_LINE_ONLY = {"dry_run": "Type it in a terminal: python sweeps/QUESTION.py --dry-run."}
"""Options without an answer, by name, with the remedy."""


def options_of(given: Mapping[str, Any]) -> tuple[Options, list[Problem]]:
    """Return the options that keyword arguments give, and the problems with them, as `parse` does for words."""
    kinds = {name: kind for name, kind in typing.get_type_hints(Options).items() if name not in COMMAND_LINE_ONLY}
    values: dict[str, Any] = {}
    found: list[Problem] = []
    for name, value in given.items():
        if name in COMMAND_LINE_ONLY:
            found.append(Problem(name, "an option of the command line alone", value, COMMAND_LINE_ONLY[name]))
        elif name not in kinds:
            found.append(Problem(name, "an option of every sweep", value, nearest(name, kinds)))
        elif name == "set":
            values[name], wrong = settings(value)
            found += wrong
        else:
            adapter: TypeAdapter[Any] = TypeAdapter(kinds[name])
            try:
                values[name] = adapter.validate_python(value)
            except ValidationError as error:
                default = getattr(Options, name)
                remedy = "Omit it." if default is None else f"Omit it for the default, {default}."
                found.append(Problem(name, error.errors()[0]["msg"], value, remedy))
    options = Options(**values)
    return options, found + options.problems()


def settings(given: Any) -> tuple[tuple[str, ...], list[Problem]]:
    """Return the words of --set for a mapping, or for such words themselves, and the problems with them.

    A value stands for itself; several in a list are compared or, for a hyperparameter, allowed; a range is a text as in
    a terminal: `"1e-4:1e-1"`.
    """
    if isinstance(given, str):
        return (given,), []
    if not isinstance(given, Mapping):
        words = tuple(given) if isinstance(given, Iterable) else (given,)
        wrong = [word for word in words if not isinstance(word, str)]
        rule = "a mapping from fields to values, or texts key=value"
        return tuple(word for word in words if isinstance(word, str)), [
            Problem("set", rule, word, 'Write for instance set={"lr": 0.01}.') for word in wrong
        ]
    pairs, found = [], []
    for name, value in given.items():
        text = _text(value)
        if text is None:
            remedy = f'Write set={{"{name}": [1, 2]}}, or "low:high" for a range.'
            found.append(Problem(f"set {name}", "a number, a text, a truth value, or a list of them", value, remedy))
        else:
            pairs.append(f"{name}={text}")
    return tuple(pairs), found


def _text(value: Any) -> str | None:
    """Return a value as --set reads it; None for what is neither a plain value nor a list of them."""
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays, and pandas's columns
        value = value.tolist()
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list | tuple | range):
        texts = [_text(one) for one in value if not isinstance(one, list | tuple | range)]
        return ",".join(text for text in texts if text is not None) if len(texts) == len(value) else None
    return None


def words_of(options: Options) -> list[str]:
    """Return the words of a command line that reads as these options."""
    words: list[str] = []
    for field in dataclasses.fields(options):
        value, name = getattr(options, field.name), field.name.replace("_", "-")
        if value == field.default:
            continue
        if field.name == "set":
            words += ["--set", *value]
        elif isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no-{name}")
        else:
            words += [f"--{name}", str(value)]
    return words
