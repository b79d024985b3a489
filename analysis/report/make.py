"""The answer to a question, made from its ledger alone: tables, figures, verdict, manifest.

    answer = make_answer(Path("runs/transfer_sizes"), "transfer_sizes")

The question's own file, `analysis/<question>.py`, has one function, `answer(findings) -> Draft`: it says what to
draw and what to conclude. Everything else is done here, the same for every question. A ledger that is only
partly filled gives a partial answer, marked so. The same ledger gives the same files, byte for byte.
"""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from matplotlib.backend_bases import get_registered_canvas_class

from analysis import words
from analysis.figures import style
from analysis.findings import Draft, Findings
from analysis.ledger import Ledger
from analysis.numbers import tables
from analysis.numbers.paired import differences
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.report import markup, people
from analysis.report.answer import Answer
from analysis.report.brief import make_brief
from analysis.report.manifest import manifest
from analysis.report.page import PAIRED, page
from analysis.report.terminal import show
from analysis.report.warnings import warnings_of

__all__ = ["folder_of", "make_answer", "prepare", "show"]


def folder_of(out: Path, question: str, *, smoke: bool) -> Path:
    """Where a question's ledger and answer are, under --out; those of a smoke run lie beside it."""
    return out / (f"{question}-smoke" if smoke else question)


def prepare(question: str) -> None:
    """Import what `make_answer` needs: that takes seconds, which a run has while its workers start."""
    importlib.import_module(f"analysis.{question}")
    for kind in style.FORMATS:
        get_registered_canvas_class(kind)


def make_answer(folder: Path, question: str) -> Answer:
    """Read `folder/ledger.sqlite` and write the answer beside it.

    Raises LedgerError if there is no ledger or it cannot be read.
    """
    with Ledger(folder, readonly=True) as ledger:
        found = gathered(ledger)
        results, best = found.results, found.best
        draft = _drafted(found, importlib.import_module(f"analysis.{question}"))
    verdict = "\n\n".join(filter(None, [draft.verdict, draft.terms]))
    answer = Answer(
        question=question,
        title=draft.title,
        table=people.results_table(results, best),
        effort=people.effort_table(results, best),
        best=best,
        differences=found.differences if draft.differences is None else draft.differences,
        keys=len(results.keys) + results.has_prescribed,
        caption=people.caption(results, best),
        text=verdict,
        brief=make_brief(results, best, draft.verdict),
        files=(),
        partial=tables.progress(best),
        warnings=tuple(warnings_of(results, best)),
    )
    files = [*_write_tables(folder / "tables", answer, found, draft), *_draw(folder / "figures", draft)]
    texts = {"verdict.md": f"{verdict}\n", "answer.md": page(answer, found, draft)}
    files += [_write(folder / name, text) for name, text in texts.items()]
    files.append(_write(folder / "manifest.json", manifest(answer, results, folder, files)))
    return replace(answer, files=tuple(files))


def gathered(ledger: Ledger) -> Findings:
    """All that a question's file draws and concludes from. Raises LedgerError if no run was recorded."""
    results = Results(ledger)
    seeds, apart = by_seed(results), by_seed(results, apart=True)
    best, curves = tables.best_config(results, seeds), tables.curves(results)
    return Findings(results, seeds, best, curves, differences(results, seeds), tables.searched(results), apart)


def _drafted(found: Findings, question: ModuleType) -> Draft:
    """What the question's file says, if anything was measured, and the factors it needs (`COMPARED`) were compared."""
    title = found.results.question.replace("_", " ").capitalize()
    if not len(found.seeds):
        return Draft(title, _nothing_yet(found))
    searched = [name for name in getattr(question, "COMPARED", ()) if name not in found.results.keys]
    if searched:
        names = words.listed(name.replace("_", " ") for name in searched)
        return Draft(
            title, f"No comparison: {names} was searched, so its values are not compared.", terms=found.terms()
        )
    draft: Draft = question.answer(found)
    return draft


def _nothing_yet(found: Findings) -> str:
    step = "confirmed on fresh seeds" if found.results.phase == "confirm" else "finished"
    return f"No verdict yet: no trial was {step} ({tables.progress(found.best) or '0/0'} trials have settled)."


def _write_tables(folder: Path, answer: Answer, found: Findings, draft: Draft) -> list[Path]:
    differences = people.differences_table(found.results, answer.differences)
    csv, markdown, latex = markup.to_csv, markup.to_markdown, markup.to_latex
    name = answer.question.replace("_", "-")
    caption, took = f"{answer.title}. {answer.caption}", f"{answer.title}: what it took."
    texts = {
        "best_config.csv": csv(answer.best),
        "best_config.md": f"{markdown(answer.table)}\n{answer.caption}\n\n{markdown(answer.effort)}",
        "best_config.tex": latex(answer.table, caption, name) + latex(answer.effort, took, f"{name}-effort"),
        "seeds.csv": csv(found.seeds),
        "curves.csv": csv(found.curves),
        "search.csv": csv(found.searched),
        "differences.csv": csv(answer.differences),
    }
    if len(differences):
        texts["differences.md"] = markdown(differences)
        texts["differences.tex"] = latex(differences, f"{answer.title}: {PAIRED}", f"{name}-differences")
    if len(found.apart):
        texts["apart.csv"] = csv(found.apart)
    texts |= {f"{name}.csv": csv(table) for name, table in draft.tables.items()}
    return [_write(folder / name, text) for name, text in texts.items()]


def _draw(folder: Path, draft: Draft) -> list[Path]:
    return [path for name, drawing in draft.drawings.items() for path in style.save(drawing.figure, folder, name)]


def _write(path: Path, text: str) -> Path:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path
