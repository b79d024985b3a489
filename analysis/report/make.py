"""The answer to a question, made from its ledger alone: tables, figures, verdict, manifest.

    answer = make_answer(Path("runs/transfer_sizes"), "transfer_sizes")

The question's own file, `analysis/<question>.py`, names the factors that it compares (`COMPARED`) and has one
function, `answer(part: Findings) -> Draft`: it says what to draw and what to conclude from one part of a ledger.
Everything else is done here, the same for every question. A ledger that is only
partly filled gives a partial answer, marked so. The same ledger gives the same files, byte for byte.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib.backend_bases import get_registered_canvas_class

from analysis.figures import style
from analysis.findings import Findings
from analysis.ledger import Ledger
from analysis.numbers import tables
from analysis.numbers.paired import differences
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.report import markup, rounded
from analysis.report.answer import Answer
from analysis.report.brief import make_brief
from analysis.report.join import Joined, joined
from analysis.report.manifest import manifest
from analysis.report.page import PAIRED, page
from analysis.report.terminal import show
from analysis.report.warnings import warnings_of
from common.files import write_atomic

__all__ = ["folder_of", "make_answer", "prepare", "show"]


def folder_of(out: Path, question: str, *, smoke: bool) -> Path:
    """Return where a question's ledger and answer lie under --out; those of a smoke run lie beside them."""
    return out / (f"{question}-smoke" if smoke else question)


def prepare(question: str) -> None:
    """Import what `make_answer` needs: that takes seconds, which a run has while its workers start."""
    importlib.import_module(f"analysis.{question}")
    for kind in style.FORMATS:
        get_registered_canvas_class(kind)


def make_answer(folder: Path, question: str, *, formats: Sequence[str] = tuple(style.FORMATS)) -> Answer:
    """Read `folder/ledger.sqlite` and write the answer beside it, its figures in these formats.

    The page shows the PNGs. Fonts make PDFs the slowest: they take as long as the other two together.
    Raises LedgerError if there is no ledger or it cannot be read.
    """
    with Ledger(folder, readonly=True) as ledger:
        found = gathered(ledger)
        told = joined(found, importlib.import_module(f"analysis.{question}"))
    results, best = found.results, found.best
    answer = Answer(
        question=question,
        title=told.title,
        table=rounded.results_table(results, best),
        effort=rounded.effort_table(results, best),
        best=best,
        differences=found.differences if told.differences is None else told.differences,
        keys=len(results.keys) + results.has_prescribed,
        caption=rounded.caption(results, best),
        verdict=told.verdict,
        terms=told.terms,
        brief=make_brief(results, best),
        files=(),
        partial=tables.progress(best),
        warnings=tuple(warnings_of(results, best)),
        seeds=found.seeds,
        curves=found.curves,
        searched=found.searched,
    )
    files = _write_tables(folder / "tables", answer, found, told)
    if formats:
        for name, drawing in told.drawings.items():
            files += style.save(drawing.draw(), folder / "figures", name, formats)
    files.append(_write(folder / "verdict.md", f"{answer.text}\n"))
    files.append(_write(folder / "answer.md", page(answer, found, told.drawings)))
    files.append(_write(folder / "manifest.json", manifest(answer, results, folder, files)))
    return replace(answer, files=tuple(files))


def gathered(ledger: Ledger) -> Findings:
    """Return all that a question's file draws and concludes from. Raises LedgerError if no run was recorded."""
    results = Results(ledger)
    seeds = by_seed(results)
    return Findings(
        results=results,
        seeds=seeds,
        best=tables.best_config(results, seeds),
        curves=tables.curves(results),
        differences=differences(results, seeds),
        searched=tables.searched(results),
        extra=by_seed(results, extra=True),
    )


def _write_tables(folder: Path, answer: Answer, found: Findings, told: Joined) -> list[Path]:
    compared = rounded.differences_table(found.results, answer.differences)
    csv, markdown, latex = markup.to_csv, markup.to_markdown, markup.to_latex
    name = answer.question.replace("_", "-")
    caption, effort = f"{answer.title}. {answer.caption}", f"{answer.title}: effort."
    texts = {
        "best_config.csv": csv(answer.best),
        "best_config.md": f"{markdown(answer.table)}\n{answer.caption}\n\n{markdown(answer.effort)}",
        "best_config.tex": latex(answer.table, caption, name) + latex(answer.effort, effort, f"{name}-effort"),
        "seeds.csv": csv(found.seeds),
        "curves.csv": csv(found.curves),
        "search.csv": csv(found.searched),
        "differences.csv": csv(answer.differences),
    }
    if len(compared):
        texts["differences.md"] = markdown(compared)
        texts["differences.tex"] = latex(compared, f"{answer.title}: {PAIRED}", f"{name}-differences")
    if len(found.extra):
        texts["apart.csv"] = csv(found.extra)  # the file keeps its name: who reads it, reads answers made before too
    texts |= {f"{name}.csv": csv(table) for name, table in told.tables.items()}
    return [_write(folder / name, text) for name, text in texts.items()]


def _write(path: Path, text: str) -> Path:
    write_atomic(path, text.encode())
    return path
