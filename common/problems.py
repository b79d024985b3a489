"""What is wrong with a request, in a form that a person can act on."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

REFUSED = 2
"""The exit code of a command that cannot be carried out: nothing was run."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the key, the rule it breaks, the value, and the remedy."""

    key: str
    rule: str
    value: object
    """None where a value is missing."""
    remedy: str
    given: bool = True
    """Whether a person gave the value in a command or call; otherwise it was found in a file, in code or a machine."""

    def __str__(self) -> str:
        value = "none" if self.value is None else repr(self.value)
        return f"{self.key}: {self.rule}; {'you gave' if self.given else 'found'} {value}. {self.remedy}"


class Refused(Exception):
    """The request cannot be carried out; carries every problem that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        unique = {(problem.key, problem.rule, repr(problem.value), problem.remedy): problem for problem in problems}
        self.problems = tuple(unique.values())  # by text, since a value may be a list
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type[Refused], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)  # Exception pickles its message otherwise


def at_most(key: str, value: int, most: int, what: str, *, instead: str = "") -> list[Problem]:
    """Return a problem where `value` is above `most`.

    The rule is "at most" and `what`; the remedy is "Ask for N or fewer" and `instead`.
    """
    if value <= most:
        return []
    return [Problem(key, f"at most {what}", value, f"Ask for {max(1, most):,} or fewer{instead}.")]


def gather(*checks: Callable[[], Iterable[Problem]]) -> list[Problem]:
    """The problems of all checks: one that cannot even be carried out (it raises Refused) does not hide the others."""
    found: list[Problem] = []
    for check in checks:
        try:
            found += check()
        except Refused as refused:
            found += refused.problems
    return found


def nearest(name: str, known: Iterable[str]) -> str:
    """A remedy that names what `name` was probably meant to be."""
    names = sorted(known)
    folded = {one.casefold(): one for one in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {folded[close[0]]!r}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"Known: {shown}."


def refuse(*errors: object) -> int:
    """Print errors on standard error, a line each, and return the exit code for them."""
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    return REFUSED
