"""A command: what it asks for beside the plan and the machine, and how it went."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.report.make import folder_of
from sweeps.engine.options import Options


@dataclass(frozen=True)
class Command:
    """What was asked for, as far as it matters once the plan is made."""

    text: str
    """The line to type to continue this command. It lacks --fresh, which would set aside what has been done, and
    --older-code, which is asked for again only when the code has changed again."""
    folder: Path
    """Where the ledger and the answer lie."""
    artifact_root: Path
    """Where artifacts lie; an absolute path, as workers run in folders of their own."""
    time_budget: float | None = None
    """Minutes after which no further trial is started; None means no limit."""
    smoke: bool = False
    fresh: bool = False
    dry_run: bool = False
    words: tuple[str, ...] = ()
    """The words of the command, --fresh among them; from Python, those that would ask for the same in a terminal."""

    def with_seeds(self, seeds: int) -> str:
        """Return the line to type for the same command with another number of seeds."""
        return shlex.join([*_without(shlex.split(self.text), "--seeds"), "--seeds", str(seeds)])


def start_of(question: str) -> tuple[str, ...]:
    """Return how a command starts that runs a question in a checkout."""
    return "python", f"sweeps/{question}.py"


def command_of(question: str, words: Sequence[str], options: Options, start: Sequence[str] = ()) -> Command:
    """Return the command that was typed with these words, which were read as these options.

    `start` are the words before them, where they are not those of `start_of`: lines to type again start alike.
    """
    kept = [word for word in _without(words, "--older-code") if word != "--fresh"]
    return Command(
        text=shlex.join([*(start or start_of(question)), *kept]),
        folder=folder_of(options.out, question, smoke=options.smoke),
        artifact_root=options.out.resolve() / "artifacts",
        time_budget=options.time_budget,
        smoke=options.smoke,
        fresh=options.fresh,
        dry_run=options.dry_run,
        words=tuple(words),
    )


def _without(words: Sequence[str], option: str) -> list[str]:
    """Return the words of a command line without an option and its value."""
    return [
        word
        for before, word in zip([None, *words], words, strict=False)
        if option not in (before, word) and not word.startswith(f"{option}=")
    ]


@dataclass
class Report:
    """How a command's work on Ray went."""

    error: str | None = None
    """Why the shared work or Tune could not continue; None if nothing stopped them."""
    shared_seconds: float = 0.0
    """Seconds spent on artifacts before the first trial."""
    wall_seconds: float = 0.0
    """Seconds from the start of the shared work to the end of the last trial."""
    floor_seconds: float | None = None
    """T* = shared work + max(longest trial, total work / slots), in seconds: no schedule is faster. None if no trial
    finished."""
    slots: int = 0
    """Trials that ran at a time."""
    workers: set[str] = field(default_factory=set)
    """Every worker that reported, as pid@host."""
