"""The code that this process runs, as it was when it was imported: a notebook's process lives while files change.

Trials run in processes of their own, which import what the files say by then. So a sweep after an edit would plan and
answer by the old code, and train by the new.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from weakref import WeakKeyDictionary

from common.problems import Problem
from sweeps.engine.fingerprint import code_of
from sweeps.engine.sweep import Sweep
from trainables.artifacts import code

PACKAGES = (*code.OURS, "analysis", "sweeps")
"""Packages whose modules are noted, beside that of a question."""
_SOURCES: WeakKeyDictionary[ModuleType, bytes] = WeakKeyDictionary()
"""The source of each module, as it was when it was noted."""


def note_imports(sweep: Sweep) -> None:
    """Note the sources of those modules that were imported since the last time."""
    packages = {*PACKAGES, sweep.experiment.__module__.partition(".")[0]}
    for name, module in [*sys.modules.items()]:
        path = getattr(module, "__file__", None)
        if name.partition(".")[0] in packages and path is not None and module not in _SOURCES:
            with suppress(OSError):  # of a module in an archive
                _SOURCES[module] = Path(path).read_bytes()


@contextmanager
def imports_noted(sweep: Sweep) -> Iterator[None]:
    """Note what is imported meanwhile, such as the file of the answer, however it ends."""
    try:
        yield
    finally:
        note_imports(sweep)


def edit_problems(sweep: Sweep) -> list[Problem]:
    """Return a problem if the code of a sweep was edited after this process imported it; prose does not count."""
    edited = edited_modules(behind(sweep))
    if not edited:
        return []
    rule = "as this process imported it, since trials run in processes that import it anew"
    return [Problem("the code", rule, f"edited since: {', '.join(edited)}", "Restart the kernel, then run this again.")]


def behind(sweep: Sweep) -> dict[str, str]:
    """Return the SHA-256 of each module behind a sweep and its answer, as its files are now, by name."""
    question = sweep.question
    files = {**code.closure(f"sweeps.{question}"), **code.closure(f"analysis.{question}")}
    return dict(sorted({**files, **code_of(sweep.experiment).modules}.items()))


def edited_modules(modules: Mapping[str, str]) -> list[str]:
    """Return those of the modules, whose SHA-256 is given as it is now, that this process runs with other code."""
    sources = {name: _SOURCES.get(module) for name in modules if (module := sys.modules.get(name)) is not None}
    return [name for name, source in sources.items() if source is not None and code.digest(source) != modules[name]]
