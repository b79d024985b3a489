"""Why trials failed, for people: the ledger's column `error` has a whole traceback for each of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FRAME = '  File "'
"""What the line of a traceback begins with that says where it was."""


def headline(error: str) -> str:
    """Return the line of a traceback, or of another text, that says what was wrong: `ValueError: no such head`."""
    lines = error.strip().splitlines() or [""]
    after = 1 + max((i for i, line in enumerate(lines) if line.startswith(FRAME)), default=-1)
    return next((line for line in lines[after:] if line and not line.startswith(" ")), lines[-1])


def alike(first: str, second: str) -> bool:
    """Return whether two errors are the same but for numbers, or of one kind and raised on the same line of code."""
    if _without_numbers(headline(first)) == _without_numbers(headline(second)):
        return True
    places = [[line for line in error.splitlines() if line.startswith(FRAME)][-1:] for error in (first, second)]
    kinds = [headline(error).partition(":")[0] for error in (first, second)]
    return bool(places[0]) and places[0] == places[1] and kinds[0] == kinds[1]


def described(values: Mapping[str, Any]) -> str:
    """Return values as `--set` takes them: `size=20, lr=0.1`."""
    return ", ".join(f"{name}={value}" for name, value in values.items() if value is not None)


def _without_numbers(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+", "#", text)
