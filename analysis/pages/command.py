"""`python -m analysis report`, or `labsweep report`: one page of all questions, in HTML and as a PDF."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from analysis.pages.entries import entries
from analysis.pages.paper import report_pdf
from analysis.pages.site import report_html
from analysis.report.make import folder_of
from common.files import write_atomic
from common.problems import Problem, refuse

FOLDER = "report"
"""Where the report lies, in --out."""


@dataclass(frozen=True)
class Options:
    """Write OUT/report/index.html and report.pdf: all questions with their answers, from their ledgers."""

    out: Path = Path("runs")
    """The folder given to the sweeps as --out."""
    smoke: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Report on the ledgers of sweeps that were run with --smoke."""
    pdf: bool = True
    """Leave out the PDF."""


def main(argv: Sequence[str], questions: Sequence[str]) -> int:
    """Write the report and print where it is. Returns 0, or 2 where there is no such folder."""
    options = tyro.cli(Options, args=argv, prog="labsweep report")
    if not options.out.is_dir():
        rule = "a folder that sweeps have filled"
        return refuse(Problem("--out", rule, str(options.out), "Run a sweep first, or name the folder it was given."))
    for path in write_report(options.out, questions, smoke=options.smoke, pdf=options.pdf):
        print(path)
    return 0


def write_report(out: Path, questions: Sequence[str], *, smoke: bool = False, pdf: bool = True) -> list[Path]:
    """Write the report on these questions, whose ledgers lie in `out`, and return its files."""
    folders = {name: folder_of(out, name, smoke=smoke) for name in questions}
    known, made = list(entries(folders)), time.time()
    paths = [out / FOLDER / "index.html"]
    write_atomic(paths[0], report_html(known, folders, made=made).encode())
    if pdf:
        paths.append(out / FOLDER / "report.pdf")
        write_atomic(paths[1], report_pdf(known, folders, out, made=made))
    return paths
