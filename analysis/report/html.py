"""Parts of an answer in HTML, for notebooks: text, tables of text, and figures within the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from analysis.report.markup import is_numeric
from analysis.words import Block, Bullets, Strong, Text, plain


def blocks_to_html(blocks: Sequence[Block]) -> Iterable[str]:
    """Yield blocks as paragraphs and lists."""
    for block in blocks:
        if isinstance(block, Bullets):
            yield f"<ul>{''.join(f'<li>{text_to_html(item)}</li>' for item in block.items)}</ul>"
        else:
            yield paragraph(block.text)


def paragraph(text: Text) -> str:
    """Return a text as a paragraph; line breaks in it stay."""
    return f"<p>{text_to_html(text)}</p>"


def text_to_html(text: Text) -> str:
    """Return a text, with what HTML would take for markup escaped."""
    runs = (f"<strong>{escape(run.text)}</strong>" if isinstance(run, Strong) else escape(plain(run)) for run in text)
    return "".join(runs).replace("\n", "<br>")


def table_to_html(table: pd.DataFrame) -> str:
    """Return a table of text; columns of numbers are aligned at the right."""
    aligned = ["right" if is_numeric(table, i) else "left" for i in range(len(table.columns))]
    head = "".join(_cell("th", name, side) for name, side in zip(table.columns, aligned, strict=True))
    rows = (
        "".join(_cell("td", value, side) for value, side in zip(row, aligned, strict=True))
        for row in table.itertuples(index=False)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def figure(path: Path, name: str) -> str:
    """Return a PNG as part of the page, which then needs no other file."""
    data = base64.b64encode(path.read_bytes()).decode()
    style = "max-width: 100%; width: 40em"
    return f'<img alt="{escape(name)}" title="{escape(name)}" style="{style}" src="data:image/png;base64,{data}">'


def _cell(tag: str, value: object, side: str) -> str:
    return f'<{tag} style="text-align: {side}">{escape(str(value))}</{tag}>'
