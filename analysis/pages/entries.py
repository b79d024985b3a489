"""What the report shows of each question: its answer, how far it is, and the command that made it."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import analysis
from analysis.ledger import LedgerError
from analysis.report.answer import Answer
from analysis.report.make import make_answer
from analysis.words import Paragraph, plain, ranged

State = Literal["answered", "partial", "faulty", "unreadable", "not run"]


@dataclass(frozen=True)
class Entry:
    """A question as the report shows it."""

    question: str
    asks: str
    """What it asks, in a line."""
    state: State
    answer: Answer | None = None
    """None where it was not run, or its ledger cannot be read."""
    trouble: str = ""
    """Why the ledger cannot be read."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """The last command that filled the ledger: `command`, `finished`, `environment`."""
    data: Sequence[Mapping[str, Any]] = ()
    """Each data set: `name` and `origin`."""

    @property
    def title(self) -> str:
        """Return what the page is headed by."""
        return self.answer.title if self.answer is not None else self.question.replace("_", " ").capitalize()

    @property
    def told(self) -> str:
        """Return the answer in a sentence, or why there is none."""
        if self.answer is None:
            return self.trouble or "It has not been run yet."
        first = next((block for block in self.answer.verdict if isinstance(block, Paragraph)), None)
        return "".join(map(plain, first.text)) if first is not None else "The ledger has no finished condition yet."

    @property
    def seeds(self) -> str:
        """Return how many fresh seeds the rows of the table have: `5`, `3 to 5`."""
        return ranged(self.answer.best["n"]) if self.answer is not None and len(self.answer.best) else ""

    @property
    def commit(self) -> str:
        """Return the commit of the code that ran."""
        return str(self.run.get("environment", {}).get("commit") or "unknown")


def entries(folders: Mapping[str, Path], *, png: bool = True) -> Iterable[Entry]:
    """Yield each question's entry, in order; `folders` has where its ledger would lie.

    Answers are made anew, since their ledgers may have grown; figures only where they are older than the ledger.
    """
    for question, folder in folders.items():
        asks = asked(question)
        ledger = folder / "ledger.sqlite"
        if not ledger.exists():
            yield Entry(question, asks, "not run")
            continue
        try:
            answer = make_answer(folder, question, formats=("png",) if png and _grown(folder) else ())
        except LedgerError as error:
            yield Entry(question, asks, "unreadable", trouble=str(error))
            continue
        made = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        state: State = "faulty" if answer.faults else "partial" if answer.partial else "answered"
        yield Entry(question, asks, state, answer, run=made["runs"][-1], data=made["data"])


def asked(question: str) -> str:
    """Return the first line of the docstring of a question's file; the file is read and not imported."""
    path = Path(next(iter(analysis.__path__))) / f"{question}.py"
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


def figures_of(folder: Path, answer: Answer) -> dict[str, Path]:
    """Return the PNGs of an answer's figures by name, those drawn before included, in the answer's order."""
    paths = {name: folder / "figures" / f"{name}.png" for name in answer.captions}
    return {name: path for name, path in paths.items() if path.exists()}


def _grown(folder: Path) -> bool:
    """Return whether the ledger is newer than some figure, or there is none."""
    drawn = [path.stat().st_mtime for path in (folder / "figures").glob("*.png")]
    ledger = max(path.stat().st_mtime for path in folder.glob("ledger.sqlite*"))
    return not drawn or min(drawn) < ledger
