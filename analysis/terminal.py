"""An answer in the terminal: wide tables come in blocks, so that no cell is broken."""

from __future__ import annotations

import pandas as pd
from rich import box
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table

from analysis.drafts import Answer
from analysis.formats import is_numeric


def show(answer: Answer, console: Console) -> None:
    """Print an answer: tables, verdict, what to beware of, and where the files lie."""
    partial = f"  PARTIAL: {answer.partial} trials" if answer.partial else ""
    for frame, title in ((answer.table, f"{answer.title}{partial}"), (answer.effort, "What it took")):
        for columns in _fitting(frame, answer.keys, console.width):
            console.print(_rich(frame[columns], title))
            title = ""
    console.print(answer.caption, style="dim", highlight=False)
    console.print()
    console.print(Markdown(answer.text), width=min(console.width, 110))
    for warning in answer.warnings:
        console.print(f"! {warning}", style="yellow", highlight=False)
    console.print()
    for folder in dict.fromkeys(path.parent for path in answer.files):
        names: dict[str, list[str]] = {}
        for path in answer.files:
            if path.parent == folder:
                names.setdefault(path.stem, []).append(path.suffix[1:])
        listed = "  ".join(f"{stem}.{'|'.join(kinds)}" for stem, kinds in names.items())
        console.print(f"{folder}/  {listed}", highlight=False, soft_wrap=True)


def _fitting(frame: pd.DataFrame, keys: int, width: int) -> list[list[str]]:
    """Columns in blocks that fit a terminal's width, each after the key columns."""
    names = [str(name) for name in frame]
    needed = {name: _width(frame, name) + 3 for name in names}  # 3: padding and the gap
    room = width - 1 - sum(needed[name] for name in names[:keys])
    blocks: list[list[str]] = [[]]
    for name in names[keys:]:
        if blocks[-1] and sum(needed[other] for other in blocks[-1]) + needed[name] > room:
            blocks.append([])
        blocks[-1].append(name)
    return [[*names[:keys], *block] for block in blocks]


def _width(frame: pd.DataFrame, name: str) -> int:
    """Characters a column takes: its cells stay on one line, its heading breaks between words."""
    return max(map(len, [*name.replace("[95 %]", "[95_%]").split(), *map(str, frame[name])]))


def _rich(frame: pd.DataFrame, title: str) -> Table:
    table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for i, name in enumerate(frame.columns):
        table.add_column(str(name), width=_width(frame, str(name)), overflow="fold")
        table.columns[i].justify = "right" if is_numeric(frame, i) else "left"
    for row in frame.itertuples(index=False):
        table.add_row(*map(str, row))
    return table
