"""The answer to a question, made from its ledger alone: tables, figures, verdict, manifest.

    answer = make_answer(Path("runs/transfer_sizes"), "transfer_sizes")

The question's own file, `analysis/<question>.py`, names the factors that it compares (`COMPARED`) and has one
function, `answer(part: Findings) -> Draft`: it says what to draw and what to conclude from one part of a ledger.
Everything else is done here, the same for every question. A ledger that is only
partly filled gives a partial answer, marked so. The same ledger gives the same files, byte for byte.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from matplotlib.backend_bases import get_registered_canvas_class

from analysis.figures import style
from analysis.figures.paper import WIDEST, paper
from analysis.findings import Drawing, Findings
from analysis.ledger import Ledger
from analysis.numbers import families, tables
from analysis.numbers.looks import look_at
from analysis.numbers.paired import differences
from analysis.numbers.progress import told
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.report import markup, rounded
from analysis.report.answer import Answer
from analysis.report.brief import make_brief
from analysis.report.columns import SharedTable
from analysis.report.failed import ERRORS, errors_text, failed_trials
from analysis.report.faults import Fault, drafted, drawn
from analysis.report.join import Joined, title_of
from analysis.report.latex import to_latex
from analysis.report.manifest import manifest
from analysis.report.methods import methods
from analysis.report.networks import complete_cards, left_out_networks, lying_in, networks_of, told_networks
from analysis.report.page import page, shown_differences, tables_told
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


def make_answer(
    folder: Path, question: str, *, formats: Sequence[str] = tuple(style.FORMATS), width: float = WIDEST
) -> Answer:
    """Read `folder/ledger.sqlite` and write the answer beside it, its figures in these formats, `width` inches wide.

    The page shows the PNGs. Fonts make PDFs the slowest: they take as long as the other two together.
    An error in the question's file costs the verdict and the figures, or a figure; `Answer.faults` has it.
    Raises LedgerError if there is no ledger or it cannot be read.
    """
    with Ledger(folder, readonly=True) as ledger:
        found = gathered(ledger)
        answer = _without_draft(found, question)
        of_ledger = _tables_of_ledger(answer, found)
        before = {**of_ledger, **_titled_tables(answer, found)}
        _write_changed(folder / "tables", before, {})  # before the question's own file, which may fail, is asked
        told, faults = drafted(found, question)
        networks = networks_of(found)
        cards = complete_cards(found, networks, folder)
    answer = replace(
        answer,
        title=told.title,
        verdict=told.verdict,
        differences=answer.differences if told.differences is None else told.differences,
        warnings=(*warnings_of(found.results, found.best), *left_out_networks(found.results)),
        networks=lying_in(folder, networks),
        networks_note=told_networks(networks, folder),
    )
    own = {f"{name}.csv": markup.to_csv(table) for name, table in told.tables.items()}
    if len(networks):
        own["networks.csv"] = markup.to_csv(networks)
    tables_now = {**of_ledger, **_titled_tables(answer, found), **own}
    _write_changed(folder / "tables", tables_now, before)
    drawings, drawn_files, missed = _draw(told, folder / "figures", question, formats, width)
    faults += missed
    verdict = (*told.verdict, *(fault.paragraph for fault in missed))
    answer = replace(answer, verdict=verdict, terms=told.terms, sections=told.sections, faults=tuple(faults))
    captions = {name: drawing.caption for name, drawing in drawings.items()}
    answer = replace(answer, captions=captions, compared=shown_differences(answer, found))
    files = [*(folder / "tables" / name for name in tables_now), *drawn_files]
    files.append(_write(folder / "verdict.md", f"{answer.text}\n"))
    files.append(_write(folder / "answer.md", page(answer, found, drawings)))
    files += _write_errors(folder / ERRORS, answer, found.results)
    files.append(_write(folder / "manifest.json", manifest(answer, found.results, folder, [*files, *cards])))
    return replace(answer, files=tuple(files))


def _without_draft(found: Findings, question: str) -> Answer:
    """Return all of an answer that does not come from the question's own file."""
    results, best = found.results, found.best
    shaped = rounded.shaped_table(results, best)
    return Answer(
        question=question,
        title=title_of(results),
        table=shaped.table,
        appendix=shaped.appendix,
        best=best,
        differences=found.differences,
        keys=shaped.keys,
        caption=f"{shaped.note} {rounded.caption(results, best)}".strip(),
        verdict=(),
        terms=(),
        methods=methods(results),
        brief=make_brief(results, best),
        files=(),
        partial=told(results),
        warnings=(),
        seeds=found.seeds,
        curves=found.curves,
        searched=found.searched,
        damage=None if results.ledger.damage is None else str(results.ledger.damage),
    )


def _draw(
    told: Joined, folder: Path, question: str, formats: Sequence[str], width: float
) -> tuple[dict[str, Drawing], list[Path], list[Fault]]:
    """Write the figures; return those that can be shown, their files, and what kept others from being drawn."""
    drawings, files, faults = dict(told.drawings), [], []
    for name, drawing in told.drawings.items() if formats else ():
        written = drawn(partial(_save, drawing, folder, name, formats, width), name, question)
        if isinstance(written, Fault):
            faults.append(written)
            del drawings[name]
            for kind in style.FORMATS:
                (folder / f"{name}.{kind}").unlink(missing_ok=True)  # it would be that of an earlier answer
        else:
            files += written
    return drawings, files, faults


def _save(drawing: Drawing, folder: Path, name: str, formats: Sequence[str], width: float) -> list[Path]:
    with paper(width):
        return style.save(drawing.draw(), folder, name, formats)


def gathered(ledger: Ledger) -> Findings:
    """Return all that a question's file draws and concludes from. Raises LedgerError if no run was recorded."""
    results = Results(ledger)
    seeds = by_seed(results)
    look = look_at(results)
    return Findings(
        results=results,
        look=look,
        seeds=seeds,
        best=tables.best_config(results, seeds),
        curves=tables.curves(results),
        differences=families.adjusted(differences(results, seeds), look.level),
        searched=tables.searched(results),
        extra=by_seed(results, extra=True),
    )


def _tables_of_ledger(answer: Answer, found: Findings) -> dict[str, str]:
    """Return the texts of the tables' files in which the question's file has no say, by name."""
    csv, markdown = markup.to_csv, markup.to_markdown
    texts = {
        "best_config.csv": csv(answer.best),
        "best_config.md": f"{markdown(answer.table)}\n{answer.caption}\n\n{tables_told(answer.appendix, level=2)}\n",
        "seeds.csv": csv(found.seeds),
        "curves.csv": csv(found.curves),
        "search.csv": csv(found.searched),
    }
    if len(found.extra):
        texts["apart.csv"] = csv(found.extra)  # the file keeps its name: who reads it, reads answers made before too
    return texts


def _titled_tables(answer: Answer, found: Findings) -> dict[str, str]:
    """Return the texts of the other tables' files: the question's file may give a title, and compare by itself."""
    compared = shown_differences(answer, found)
    name = answer.question.replace("_", "-")
    floats = [to_latex(answer.table, f"{answer.title}. {answer.caption}", name, answer.keys)]
    floats += [_float(answer.title, part, name) for part in answer.appendix if len(part.table)]
    texts = {"best_config.tex": "\n".join(floats), "differences.csv": markup.to_csv(answer.differences)}
    if len(compared.table):
        texts["differences.md"] = tables_told([compared], level=2) + "\n"
        texts["differences.tex"] = _float(answer.title, compared, name)
    return texts


def _float(title: str, part: SharedTable, label: str) -> str:
    """Return a part of an answer with a table as a LaTeX float."""
    what = part.title.lower()
    return to_latex(part.table, f"{title}: {what}. {part.note}".strip(), f"{label}-{what.replace(' ', '-')}", part.keys)


def _write_changed(folder: Path, texts: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Write those files whose texts are not there from `before`, and delete those that are there and in no `texts`."""
    for name, text in texts.items():
        if before.get(name) != text:
            _write(folder / name, text)
    for name in before.keys() - texts.keys():
        (folder / name).unlink()


def _write_errors(path: Path, answer: Answer, results: Results) -> list[Path]:
    """Write the tracebacks of failed trials and of faults, if there are any, and return the file."""
    failed = failed_trials(results)
    if failed or answer.faults:
        return [_write(path, errors_text(failed, [fault.traceback for fault in answer.faults]))]
    path.unlink(missing_ok=True)
    return []


def _write(path: Path, text: str) -> Path:
    write_atomic(path, text.encode())
    return path
