"""The report as a PDF, by typst; text is handed over as data, so that nothing in it is read as markup."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.pages.entries import Entry, figures_of
from analysis.pages.site import STATES
from analysis.report.markup import is_numeric
from analysis.words import Block, Bullets, Strong, Text, plain

EPOCH = 0
"""The date that the PDF bears, so that the same answers give the same bytes."""


def report_pdf(entries: Sequence[Entry], folders: Mapping[str, Path], root: Path, *, made: float) -> bytes:
    """Return the report as a PDF. All `folders` lie below `root`. Raises RuntimeError where typst cannot compile it."""
    import typst

    given = {
        "made": time.strftime("Made %Y-%m-%d %H:%M UTC", time.gmtime(made)),
        "questions": [_question(one, folders[one.question], root) for one in entries],
    }
    source = files("analysis.pages").joinpath("report.typ").read_text(encoding="utf-8")
    inputs = {"given": json.dumps(given, ensure_ascii=False)}
    document: bytes = typst.compile(  # type: ignore[call-overload]  # its stub wants the root to be bytes, too
        source.encode(), root=str(root.resolve()), format="pdf", sys_inputs=inputs, timestamp=EPOCH
    )
    return document


def _question(one: Entry, folder: Path, root: Path) -> dict[str, Any]:
    shown: dict[str, Any] = {"title": one.title, "state": STATES[one.state], "told": one.told, "answered": False}
    answer = one.answer
    if answer is None:
        return shown
    figures = figures_of(folder, answer)
    parts = [*answer.appendix, *([answer.compared] if answer.compared is not None else [])]
    return {
        **shown,
        "answered": True,
        "verdict": _blocks(answer.verdict),
        "figures": [
            {"path": f"/{path.resolve().relative_to(root.resolve()).as_posix()}", "caption": answer.captions[name]}
            for name, path in figures.items()
        ],
        "table": _table(answer.table),
        "caption": answer.caption,
        "appendix": [
            {"title": part.title, "tables": [_table(block) for block in part.blocks], "note": part.note}
            for part in parts
        ],
        "sections": [{"name": name, "blocks": _blocks(blocks)} for name, blocks in answer.sections.items()],
        "terms": _blocks(answer.terms),
        "methods": _blocks(answer.methods),
        "warnings": list(answer.warnings),
        "command": str(one.run.get("command", "")),
        "commit": one.commit,
    }


def _blocks(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    return [
        {"kind": "list", "items": [_runs(item) for item in block.items]}
        if isinstance(block, Bullets)
        else {"kind": "paragraph", "runs": _runs(block.text)}
        for block in blocks
    ]


def _runs(text: Text) -> list[dict[str, Any]]:
    return [{"text": plain(run), "strong": isinstance(run, Strong)} for run in text]


def _table(table: pd.DataFrame) -> dict[str, Any]:
    return {
        "head": [str(name) for name in table.columns],
        "right": [is_numeric(table, i) for i in range(len(table.columns))],
        "rows": [[str(cell) for cell in row] for row in table.itertuples(index=False)],
    }
