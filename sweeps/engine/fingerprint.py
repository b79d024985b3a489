"""The code that determines what a question's trials compute, and its fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from trainables.artifacts import code
from trainables.core.experiment import Experiment


@dataclass(frozen=True)
class Code:
    """The modules behind a question: those that its experiment imports, and the loop that runs it."""

    modules: Mapping[str, str]
    """SHA-256 of each module without its prose, by name."""

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 (hex) of all modules."""
        return code.fingerprint(self.modules)


def code_of(experiment: type[Experiment[Any]]) -> Code:
    """Return the code of a question, as its files are now."""
    return Code(code.closure(experiment.__module__, "trainables.core.loop"))
