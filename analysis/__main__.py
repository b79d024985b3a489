"""`python -m analysis transfer_sizes` makes an answer again, from the ledger alone, without torch or Ray."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import analysis
from analysis.figures.style import FORMATS
from analysis.ledger import LedgerError
from analysis.report.make import folder_of, make_answer, show
from analysis.report.terminal import standard_output
from common.problems import Problem, nearest, refuse


@dataclass(frozen=True)
class Options:
    """Make the tables, figures and verdict of a question again, from its ledger."""

    question: Annotated[str, tyro.conf.Positional]
    """The question's name, such as transfer_sizes."""
    out: Path = Path("runs")
    """The folder given to the sweep as --out; the ledger is in OUT/QUESTION."""
    smoke: bool = False
    """Use the ledger of a sweep that was run with --smoke."""
    png_only: bool = False
    """Write figures as PNG alone, which takes less than half of the time."""


def questions() -> list[str]:
    """Return the names of all questions: the modules at this package's top that have a function `answer`."""
    modules = [module.name for module in pkgutil.iter_modules(analysis.__path__) if not module.ispkg]
    candidates = [name for name in modules if not name.startswith("_")]
    return [name for name in candidates if hasattr(importlib.import_module(f"analysis.{name}"), "answer")]


def main(argv: list[str] | None = None) -> int:
    """Make and print an answer. Returns 0, or 2 for an unknown question or a ledger that cannot be read."""
    options = tyro.cli(Options, args=argv, prog="python -m analysis")
    known = questions()
    if options.question not in known:
        remedy = nearest(options.question, known)
        return refuse(Problem("question", "must be one that has an analysis", options.question, remedy))
    folder = folder_of(options.out, options.question, smoke=options.smoke)
    formats = ("png",) if options.png_only else tuple(FORMATS)
    try:
        show(make_answer(folder, options.question, formats=formats), standard_output())
    except LedgerError as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
