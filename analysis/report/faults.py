"""A fault in a question's own file costs its verdict and figures, or one figure, but no table and no other answer."""

from __future__ import annotations

import importlib
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from analysis.findings import Findings
from analysis.ledger import LedgerError
from analysis.report import markup, rounded
from analysis.report.failed import ERRORS
from analysis.report.join import Joined, joined, title_of
from analysis.words import Paragraph

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Fault:
    """An error in a question's file, and what it cost."""

    told: str
    """A sentence for the verdict: what is missing, where the error is, and which it is."""
    traceback: str

    @property
    def paragraph(self) -> Paragraph:
        """The sentence, as the verdict has it."""
        return Paragraph((self.told,))


def drafted(found: Findings, question: str) -> tuple[Joined, list[Fault]]:
    """Return what a question's file says of a ledger, or that it has a fault.

    Raises LedgerError or sqlite3.Error where the ledger is at fault.
    """
    try:
        told = joined(found, importlib.import_module(f"analysis.{question}"))
        _put_into_words(told, found)
    except (LedgerError, sqlite3.Error):
        raise
    except Exception as error:
        fault = _fault("No verdict and no figures", error, question)
        return Joined(title_of(found.results), (fault.paragraph,)), [fault]
    return told, []


def drawn(draw: Callable[[], list[Path]], name: str, question: str) -> list[Path] | Fault:
    """Draw and write a figure; return its files, or the fault that kept it from being drawn."""
    try:
        return draw()
    except Exception as error:
        return _fault(f"No figure {name}", error, question)


def _put_into_words(told: Joined, found: Findings) -> None:
    """Make all texts of a draft, so that an error in it shows here."""
    markup.blocks_to_markdown([*told.verdict, *told.terms])
    if told.differences is not None:
        rounded.differences_table(found.results, told.differences)
    for table in told.tables.values():
        markup.to_csv(table)
    for drawing in told.drawings.values():
        str(drawing.caption)


def _fault(lost: str, error: Exception, question: str) -> Fault:
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    told = f"{lost}: {_place(error, question)}: {what}. {ERRORS} has the traceback. Mend it, then type"
    return Fault(f"{told} `python -m analysis {question}`.", "".join(traceback.format_exception(error)))


def _place(error: Exception, question: str) -> str:
    """Return file and line of an error: in the question's own file, if it went through that, else where it arose."""
    if isinstance(error, SyntaxError) and error.filename:
        return _line(error.filename, error.lineno or 0)
    frames = list(_frames(error.__traceback__))
    own = [place for module, place in frames if module == f"analysis.{question}"]
    return own[-1] if own else frames[-1][1]


def _frames(trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Yield module and place of each frame, the outermost first."""
    while trace is not None:
        frame = trace.tb_frame
        yield str(frame.f_globals.get("__name__")), _line(frame.f_code.co_filename, trace.tb_lineno)
        trace = trace.tb_next


def _line(file: str, number: int) -> str:
    path = Path(file)
    return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}, line {number}"
