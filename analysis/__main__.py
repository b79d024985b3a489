"""`python -m analysis transfer_sizes` makes an answer again, from the ledger alone, without torch or Ray.
With `--trials` it lists the trials instead. `python -m analysis report` writes one page of all questions.

Several questions may be named; without a name it is all that have a ledger. A fault in the file of one question, or in
its ledger, costs no other question's answer.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

import analysis
from analysis.figures.paper import NARROWEST, WIDEST
from analysis.figures.style import FORMATS
from analysis.ledger import LedgerError
from analysis.pages.command import main as report
from analysis.report.make import folder_of, make_answer, show
from analysis.report.terminal import standard_output
from analysis.report.trials import show_trials
from common.problems import Problem, nearest, refuse

FAULTY = 1
_FLAG = tyro.conf.arg(help_behavior_hint="")
"""For --help: that an option which takes no value is off by default goes without saying."""


@dataclass(frozen=True)
class Options:
    """Make the tables, figures and verdict of questions again, from their ledgers."""

    question: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="[QUESTION ...]", help_behavior_hint="")
    ] = ()
    """The questions' names, such as transfer_sizes; all that have a ledger by default."""
    out: Path = Path("runs")
    """The folder given to the sweep as --out; the ledger is in OUT/QUESTION."""
    smoke: Annotated[bool, _FLAG] = False
    """Use the ledger of a sweep that was run with --smoke."""
    png_only: Annotated[bool, _FLAG] = False
    """Write figures as PNG alone, which takes less than half of the time."""
    figure_width: float = WIDEST
    """Inches of the figures: 6.5 for a page, 3.3 for a column, in which titles are left out."""
    trials: Annotated[bool, _FLAG] = False
    """List all trials instead: config, seed, phase, status, selecting measure, seconds, worker and error. Where the
    output is piped, as tab-separated lines."""


def questions() -> list[str]:
    """Return the names of all questions: the modules at this package's top that have a function `answer`.

    They are read and not imported: a fault in one of them is its own.
    """
    modules = sorted(Path(next(iter(analysis.__path__))).glob("*.py"))
    return [path.stem for path in modules if re.search(r"^def answer\(", path.read_text(), re.MULTILINE)]


def main(argv: list[str] | None = None) -> int:
    """Make and print answers.

    Returns 0, 1 where the file of a question has a fault or some of its ledger is damaged, or 2 for an unknown question
    or a ledger that cannot be read.
    """
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["report"]:
        return report(words[1:], questions())
    options = tyro.cli(Options, args=words, prog="python -m analysis", config=(tyro.conf.FlagCreatePairsOff,))
    known = questions()
    unknown = [name for name in options.question if name not in known]
    if unknown:
        rule = "must be one that has an analysis"
        return refuse(*(Problem("question", rule, name, nearest(name, known)) for name in unknown))
    if not NARROWEST <= options.figure_width < math.inf:
        rule = f"inches, {NARROWEST:g} or more"
        return refuse(Problem("--figure-width", rule, options.figure_width, "Give 6.5 for a page, 3.3 for a column."))
    folders = {name: folder_of(options.out, name, smoke=options.smoke) for name in options.question or known}
    if not options.question:
        folders = {name: folder for name, folder in folders.items() if (folder / "ledger.sqlite").exists()}
    if not folders:
        return refuse(f"{options.out}: no ledger there; run a sweep first, or name its folder with --out")
    formats = ("png",) if options.png_only else tuple(FORMATS)
    return max(
        _list(name, folder) if options.trials else _answer(name, folder, formats, options.figure_width)
        for name, folder in folders.items()
    )


def _list(question: str, folder: Path) -> int:
    """Print the trials of one question."""
    try:
        show_trials(question, folder, standard_output())
    except LedgerError as error:
        return refuse(error)
    return 0


def _answer(question: str, folder: Path, formats: Sequence[str], width: float) -> int:
    """Make and print the answer to one question."""
    try:
        answer = make_answer(folder, question, formats=formats, width=width)
    except LedgerError as error:
        return refuse(error)
    show(answer, standard_output())
    return FAULTY if answer.faults or answer.damage else 0


if __name__ == "__main__":
    sys.exit(main())
