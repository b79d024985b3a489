"""The answer to a question, made from its ledger alone: tables, figures, verdict, manifest.

    answer = make_answer(Path("runs/transfer_sizes"), "transfer_sizes")

The question's own file, `analysis/<question>.py`, has one function, `answer(findings) -> Draft`: it says what to
draw and what to conclude. Everything else is done here, the same for every question. A ledger that is only
partly filled gives a partial answer, marked so. The same ledger gives the same files, byte for byte.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pandas as pd
from matplotlib.backend_bases import get_registered_canvas_class

from analysis import formats, markup, style, tables
from analysis.brief import make_brief
from analysis.drafts import Answer, Draft, Findings
from analysis.ledger import Ledger
from analysis.measures import by_seed
from analysis.paired import differences
from analysis.results import CHOSEN, Results
from analysis.terminal import show

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
        table=formats.results_table(results, best),
        effort=formats.effort_table(results, best),
        best=best,
        differences=found.differences if draft.differences is None else draft.differences,
        keys=len(results.keys) + results.has_prescribed,
        caption=formats.caption(results, best),
        text=verdict,
        brief=make_brief(results, best, draft.verdict),
        files=(),
        partial=tables.progress(best),
        warnings=tuple(_warnings(results, best)),
    )
    files = [*_write_tables(folder / "tables", answer, found, draft), *_draw(folder / "figures", draft)]
    texts = {"verdict.md": f"{verdict}\n", "answer.md": _page(answer, found, draft)}
    files += [_write(folder / name, text) for name, text in texts.items()]
    files.append(_write(folder / "manifest.json", _manifest(answer, results, folder, files)))
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
        names = formats.listed(name.replace("_", " ") for name in searched)
        return Draft(
            title, f"No comparison: {names} was searched, so its values are not compared.", terms=found.terms()
        )
    draft: Draft = question.answer(found)
    return draft


def _nothing_yet(found: Findings) -> str:
    step = "confirmed on fresh seeds" if found.results.phase == "confirm" else "finished"
    return f"No verdict yet: no trial was {step} ({tables.progress(found.best) or '0/0'} trials have settled)."


def _warnings(results: Results, best: pd.DataFrame) -> list[str]:
    used = results.trials[results.trials["phase"] == results.phase]
    own = best[best["recipe"] == CHOSEN]
    notes = []
    before, now = _seeds_at_first(results), int(own["n"].max()) if len(own) else 0
    if 0 < before < now:
        notes.append(f"{now} seeds, after an answer on {before}: who adds until it pleases has too narrow intervals.")
    if (kinds := used["hardware"].nunique()) > 1:
        notes.append(f"The reported trials ran on {kinds} kinds of hardware; manifest.json names them.")
    if (versions := used["code_fingerprint"].nunique()) > 1:
        notes.append(f"The reported trials were made by {versions} versions of the code; see manifest.json.")
    if results.left_out:
        notes.append(f"{_trials(results.left_out)} on other content of the same data or weights: left out.")
    if failed := int(own["failed"].sum()):
        notes.append(f"{_trials(failed)} failed; the ledger's column `error` says why.")
    if diverged := int(own["diverged"].sum()):
        notes.append(f"{_trials(diverged)} diverged or collapsed; a mean over seeds that holds one is NaN.")
    if rising := int(((best["n"] > 0) & (best["rising"] > best["n"] / 2)).sum()):
        rows = "1 row" if rising == 1 else f"{rising} rows"
        notes.append(f"In {rows} training ended while most seeds still rose: allow more epochs (↑).")
    if lost := results.unreadable:
        each, reason = "the first: " if len(lost) > 1 else "", next(iter(lost.values()))
        notes.append(f"Image variance leaves out {_trials(len(lost))} without readable arrays; {each}{reason}.")
    return notes


def _seeds_at_first(results: Results) -> int:
    """The fewest seeds that stood in a table of a complete run which shares conditions with the last one, or 0."""
    same = [run["plan"] for run in results.runs if run["outcome"] == "complete"]
    return min(
        (
            len({*plan["confirm_seeds"]} - {*plan.get("apart_seeds", [])})
            for plan in same
            if set(plan["conditions"]) & set(results.plan["conditions"])
        ),
        default=0,
    )


def _to_go_on(results: Results, best: pd.DataFrame) -> str:
    """The newest command of each plan that lacks trials; together they complete what the tables show."""
    newest = {str(key): run["command"] for run in results.runs for key in run["plan"]["conditions"]}
    unfinished = best.loc[best["recipe"] == CHOSEN, "unfinished"]  # a row a condition, in their order
    lacking = [c.key for c, trials in zip(results.conditions, unfinished, strict=True) if trials]
    return " and ".join(f"`{command}`" for command in dict.fromkeys(newest[key] for key in lacking))


def _trials(count: int) -> str:
    return f"{count} trial" if count == 1 else f"{count} trials"


def _write_tables(folder: Path, answer: Answer, found: Findings, draft: Draft) -> list[Path]:
    differences = formats.differences_table(found.results, answer.differences)
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
        texts["differences.tex"] = latex(differences, f"{answer.title}: {_PAIRED}", f"{name}-differences")
    if len(found.apart):
        texts["apart.csv"] = csv(found.apart)
    texts |= {f"{name}.csv": csv(table) for name, table in draft.tables.items()}
    return [_write(folder / name, text) for name, text in texts.items()]


def _draw(folder: Path, draft: Draft) -> list[Path]:
    return [path for name, drawing in draft.drawings.items() for path in style.save(drawing.figure, folder, name)]


_PAIRED = "paired by seed; `apart` where the 95 % interval excludes 0, not widened for the number of comparisons."


def _page(answer: Answer, found: Findings, draft: Draft) -> str:
    """The whole answer as one Markdown page."""
    parts = [f"# {answer.title}"]
    if answer.partial:
        parts.append(f"**Partial: {answer.partial} trials.** To go on: {_to_go_on(found.results, answer.best)}")
    parts.append(answer.text)
    parts += [f"![{d.caption}](figures/{name}.png)\n\n*{d.caption}*" for name, d in draft.drawings.items()]
    parts += ["## Best configs", markup.to_markdown(answer.table), answer.caption]
    parts += ["## What it took", markup.to_markdown(answer.effort)]
    if len(answer.differences):
        differences = markup.to_markdown(formats.differences_table(found.results, answer.differences))
        parts += ["## Differences", differences, f"Differences are {_PAIRED}"]
    if answer.warnings:
        parts += ["## Beware", "\n".join(f"- {warning}" for warning in answer.warnings)]
    run = found.results.runs[-1]
    commit = run["environment"].get("commit") or "unknown"
    made = [f"- `{run['command']}` at commit {commit}; `manifest.json` has versions and hardware."]
    for name, data in found.results.data.items():
        sources = f", made from {formats.listed(data['made_from'])}" if data.get("made_from") else ""
        made.append(f"- Data {name}: {data['origin']}{sources}")
    parts += ["## Made by", "\n".join(made)]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _manifest(answer: Answer, results: Results, folder: Path, files: list[Path]) -> str:
    content = {
        "question": answer.question,
        "partial": answer.partial,
        "warnings": answer.warnings,
        "data": list(results.data.values()),
        "runs": [
            {**{k: v for k, v in run.items() if k not in ("plan", "started", "finished")},
             "started": _clock(run["started"]), "finished": _clock(run["finished"])}
            for run in results.runs
        ],
        "plan": results.plan,
        "trials": {
            column: {str(value): int(n) for value, n in sorted(results.trials[column].value_counts().items())}
            for column in ("phase", "status", "hardware", "code_fingerprint", "precision")
        },
        "test_openings": int(results.trials["test_openings"].sum()),
        "files": {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"


def _clock(seconds: float | None) -> str | None:
    """A time of the ledger in UTC."""
    known = seconds is not None and not pd.isna(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if known else None


def _write(path: Path, text: str) -> Path:
    """Write a file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path
