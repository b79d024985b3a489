"""Why trials failed, for people: the ledger's column `error` has a whole traceback for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.numbers.results import Results, records

ERRORS = "errors.txt"
"""The file of an answer that has the tracebacks."""
LONGEST = 160
"""Characters of an error that a sentence quotes."""
FRAME = '  File "'
"""What the line of a traceback begins with that says where it was."""


@dataclass(frozen=True)
class Failed:
    """A trial that failed or ran out of memory."""

    config: str
    """What it ran with, as `size=20, lr=0.1, seed=1001`."""
    error: str
    """The whole of what was recorded."""

    @property
    def told(self) -> str:
        """The error and the config, for a sentence."""
        what = headline(self.error).replace("`", "'")
        return f"`{what if len(what) <= LONGEST else what[:LONGEST] + '…'}` with {self.config}"


def failed_trials(results: Results) -> list[Failed]:
    """Return the trials of all conditions that failed or ran out of memory, in the order in which they did."""
    found = []
    for condition in results.conditions:
        for trial in records(condition.trials[condition.trials["status"].isin(["failed", "oom"])]):
            tuned = {name: trial["config"].get(name) for name in results.hyperparameters}
            config = described({**condition.values, **tuned, "seed": trial["seed"]})
            error = trial["error"] if isinstance(trial["error"], str) else "no error was recorded"
            when = 0.0 if pd.isna(trial["finished"]) else float(trial["finished"])
            found.append((when, trial["id"], Failed(config, error)))
    return [failed for _, _, failed in sorted(found, key=lambda one: one[:2])]


def errors_text(failed: Sequence[Failed], faults: Sequence[str]) -> str:
    """Return all errors, each kind once, as a text for people; faults are tracebacks from making the answer."""
    parts = [f"While the answer was made:\n\n{trace.rstrip()}" for trace in faults]
    for first, count in _kinds(failed):
        several = f"{count} trials failed alike, the first" if count > 1 else "1 trial failed,"
        parts.append(f"{several} with {first.config}:\n\n{first.error.rstrip()}")
    return "\n\n\n".join(parts) + "\n"


def _kinds(failed: Sequence[Failed]) -> Iterator[tuple[Failed, int]]:
    """Yield the first trial of each kind of error, and how many there are of that kind."""
    rest = list(failed)
    while rest:
        same = [other for other in rest if alike(rest[0].error, other.error)]
        yield rest[0], len(same)
        rest = [other for other in rest if other not in same]


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
