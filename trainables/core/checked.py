"""What an experiment hands over besides its measures, `facts` and `outputs`, is checked in the worker.

The ledger, in another process, could not write a wrong value: the whole sweep would end, not the one trial.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from common.files import Arrays
from common.problems import Problem

FACT = "None, a bool, a number, a text, or lists and dicts of these, with texts as keys"
OUTPUT = "a NumPy array of bools, numbers or texts, named like a variable"
NUMBERS = (bool, int, float, np.bool_, np.integer, np.float16, np.float32)
RESERVED = ("file", "allow_pickle")
"""Names that np.savez takes for options of its own."""


def checked_facts(question: str, facts: Any) -> dict[str, Any]:
    """Return what `facts()` returned. Raises ValueError, with all that is wrong, where the ledger cannot keep it."""
    call = f"{question}: facts()"
    if not isinstance(facts, Mapping):
        raise ValueError(
            str(Problem(call, "a dict of facts by name", _shown(facts), "Return {} where there are none.", given=False))
        )
    wrong = [
        Problem(f"{call}{where}", FACT, _shown(value), _remedy(value), given=False)
        for where, value in _no_json(facts, "")
    ]
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))
    return dict(facts)


def checked_outputs(question: str, outputs: Any) -> Arrays:
    """Return what `outputs()` returned. Raises ValueError, with all that is wrong, where a file cannot keep it."""
    call = f"{question}: outputs()"
    if not isinstance(outputs, Mapping):
        raise ValueError(
            str(
                Problem(
                    call, "a dict of arrays by name", _shown(outputs), "Return {} where there are none.", given=False
                )
            )
        )
    wrong = [
        Problem(f"{call}[{name!r}]", OUTPUT, _shown(array), _remedy(array), given=False)
        for name, array in outputs.items()
        if not _is_name(name) or not isinstance(array, np.ndarray) or array.dtype.kind not in "biufcUS"
    ]
    if wrong:
        raise ValueError("\n".join(map(str, wrong)))
    return dict(outputs)


def _no_json(value: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield what JSON cannot hold, with its place in a fact, such as `['seen'][2]`."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if _is_text(key):
                yield from _no_json(part, f"{where}[{key!r}]")
            else:
                yield f"{where}: a key", key
    elif isinstance(value, list | tuple):
        for position, part in enumerate(value):
            yield from _no_json(part, f"{where}[{position}]")
    elif not (value is None or isinstance(value, NUMBERS) or _is_text(value)):
        yield where, value


def _is_text(value: Any) -> bool:
    """Return whether this is a text that a file can hold, as one with half a surrogate pair is not."""
    return isinstance(value, str) and value == value.encode("utf-8", "replace").decode()


def _is_name(name: Any) -> bool:
    return isinstance(name, str) and name.isidentifier() and name not in RESERVED


def _shown(value: Any) -> str:
    """Return a wrong value for people: its type and, unless it is an array or a tensor, its beginning."""
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype}"
    kind = type(value).__name__
    return kind if hasattr(value, "detach") else f"{kind}: {reprlib.repr(value)}"


def _remedy(value: Any) -> str:
    """Return how to make what can be kept of a wrong value."""
    if hasattr(value, "detach"):
        return "Return value.item() of one number, value.cpu().numpy() of an array."
    if isinstance(value, set | frozenset):
        return "Return sorted(value), or len(value)."
    if isinstance(value, np.ndarray):
        return "Return value.tolist() as a fact, an array of numbers as an output."
    return "Convert it, or leave it out."
