"""The report: one HTML file with an index of all questions and a page for each, which needs no other file or host."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from analysis.pages.entries import Entry, figures_of
from analysis.report import html
from analysis.report.markup import is_numeric
from analysis.words import Block, heading

STATES = {
    "answered": "answered",
    "partial": "partial",
    "faulty": "answered, with a fault",
    "unreadable": "ledger unreadable",
    "not run": "not run",
}


def report_html(entries: Sequence[Entry], folders: Mapping[str, Path], *, made: float) -> str:
    """Return the whole report; `folders` has where each answer lies, and `made` is the time to print, in seconds."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "blocks": _blocks,
        "table": _table,
        "heading": heading,
        "picture": _picture,
        "state": STATES.__getitem__,
    }
    known = [one for one in entries if one.state in ("answered", "partial", "faulty")]
    text: str = environment.from_string(_part("report.html")).render(
        entries=entries,
        answered=len(known),
        figures={one.question: figures_of(folders[one.question], one.answer) for one in known if one.answer},
        captions={one.question: one.answer.captions for one in known if one.answer},
        style=Markup(_part("report.css")),
        script=Markup(_part("report.js")),
        made=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(made)),
    )
    return text


@cache
def _part(name: str) -> str:
    return files("analysis.pages").joinpath(name).read_text(encoding="utf-8")


def _blocks(blocks: Sequence[Block]) -> Markup:
    return Markup("\n".join(html.blocks_to_html(blocks)))


def _table(table: pd.DataFrame, caption: str = "") -> Markup:
    """Return a table of text whose columns can be sorted; what reads as numbers is aligned at the right."""
    numeric = [is_numeric(table, i) for i in range(len(table.columns))]
    head = [
        Markup('<th scope="col"{}><button type="button">{}</button></th>').format(_side(right), str(name))
        for name, right in zip(table.columns, numeric, strict=True)
    ]
    rows = [
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(_side(right), str(cell))
                for cell, right in zip(row, numeric, strict=True)
            )
        )
        for row in table.itertuples(index=False)
    ]
    told = Markup("<caption>{}</caption>").format(caption) if caption else Markup("")
    parts = told, Markup("").join(head), Markup("").join(rows)
    whole = Markup(
        '<div class="wide"><table class="sortable">{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    )
    return whole.format(*parts)


def _side(right: bool) -> Markup:
    return Markup(' class="number"') if right else Markup("")


def _picture(path: Path, told: Any) -> Markup:
    """Return a PNG within the page; `told` says what it shows."""
    data = base64.b64encode(path.read_bytes()).decode()
    return Markup('<img loading="lazy" alt="{}" src="data:image/png;base64,{}">').format(told, data)
