"""What is wrong with a request, in a form that a person can act on."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: the key, the rule it breaks, the value found, and the remedy."""

    key: str
    rule: str
    value: object
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.rule}; found {self.value!r}. {self.remedy}"


class Refused(Exception):
    """The request cannot be carried out; carries every problem that was found, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
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
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"Did you mean {close[0]!r}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"Known: {shown}."
