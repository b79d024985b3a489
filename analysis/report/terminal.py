"""An answer in the terminal, on one screen: no cell and no word is broken."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text as RichText

from analysis.report.answer import Answer
from analysis.report.cells import INTERVAL
from analysis.report.columns import in_blocks
from analysis.report.markup import is_numeric
from analysis.words import Bullets, Claim, Paragraph, Strong, Text, plain

PIPED_WIDTH = 100
"""Columns where standard output is no terminal, unless COLUMNS says otherwise."""
TEXT_WIDTH = 100
"""Longer lines of running text are hard to read."""
_GLUE = "\N{NO-BREAK SPACE}"
_INTERVAL = (INTERVAL, INTERVAL.replace(" ", "_"))
"""In a heading, and while it must not be broken."""


def standard_output() -> Console:
    """Return a console as wide as the terminal, or as COLUMNS, or 100 columns."""
    piped = not sys.stdout.isatty() and not os.environ.get("COLUMNS", "").isdecimal()
    return Console(width=PIPED_WIDTH if piped else None)


def show(answer: Answer, console: Console) -> None:
    """Print an answer: its table in brief, the verdict, its caveats, and where the files lie."""
    brief = answer.brief
    partial = f"  PARTIAL: {answer.partial} trials" if answer.partial else ""
    say((Strong(f"{answer.title}{partial}"),), console)
    say((f"{brief.shared}.",), console)
    console.print()
    for heading, frame, gap in layout(brief.table, brief.keys, console.width, brief.further):
        if heading:
            say((Strong(heading),), console)
        console.print(table(frame, gap))
        console.print()
    for line in brief.note.split("\n"):
        say((line,), console, style="dim")
    say((brief.cost,), console)
    for block in answer.verdict:
        if isinstance(block, Paragraph):
            console.print()
            say(block.text, console)
        for item in block.items if isinstance(block, Bullets) else ():
            say(("- ", *item), console, indent="  ")
    for warning in answer.warnings:
        say((f"! {warning}",), console, style="yellow", indent="  ")
    console.print()
    for line in [*_files(answer.files), *([answer.networks_note.replace("`", "")] if answer.networks_note else [])]:
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def say(text: Text, console: Console, *, style: str = "", indent: str = "") -> None:
    """Print a text in lines that break at spaces; a claim stays whole, and a number with its unit.

    `indent` stands before all lines but the first.
    """
    whole, glued = RichText(style=style), ""
    for run in text:
        words = plain(run)
        whole.append(words, "bold" if isinstance(run, Strong) else "")
        glued += words.replace(" ", _GLUE) if isinstance(run, Claim) else words.replace(" %", f"{_GLUE}%")
    width, at = min(console.width, TEXT_WIDTH), 0
    lines = textwrap.wrap(glued, width - len(indent), break_long_words=False, break_on_hyphens=False)
    for number, line in enumerate(lines):
        at = glued.index(line, at)
        before = indent if number else ""
        console.print(RichText(before) + whole[at : at + len(line)], highlight=False, soft_wrap=True)
        at += len(line)


def layout(frame: pd.DataFrame, keys: int, width: int, further: int = 0) -> Iterator[tuple[str, pd.DataFrame, int]]:
    """Yield tables to print one after another, (heading, table, gap between columns), none of them wider than `width`.

    One table if it fits; else one for each value of the first of several keys; else, if there are any, the same
    without its `further` last columns; else its columns in blocks, each after the keys.
    """
    names = [str(name) for name in frame]
    for grouped in range(max(1, keys)):
        rest = frame[names[grouped:]]
        gap = next((gap for gap in (2, 1) if _needed(rest, gap) <= width), None)
        if gap is None:
            continue
        if not grouped:
            yield "", rest, gap
            return
        for values, rows in frame.groupby(names[:grouped], sort=False):
            yield " ".join(map(str, values)), rest.loc[rows.index], gap
        return
    if further:
        yield from layout(frame[names[:-further]], keys, width)
        return
    for block in in_blocks(frame, keys, lambda names: _needed(frame[[*names]], 1) <= width):
        yield "", block, 1


def table(frame: pd.DataFrame, gap: int = 2) -> Table:
    """Return a table of text as rich draws it: its cells on one line, its headings broken between words."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, gap - 1, 0, 0))
    for i, name in enumerate(map(str, frame.columns)):
        width = _width(frame, name)
        heading = "\n".join(textwrap.wrap(name.replace(*_INTERVAL), width)).replace(*_INTERVAL[::-1])
        made.add_column(heading, width=width, justify="right" if is_numeric(frame, i) else "left")
    for row in frame.itertuples(index=False):
        made.add_row(*map(str, row))
    return made


def _needed(frame: pd.DataFrame, gap: int) -> int:
    return sum(_width(frame, str(name)) + gap for name in frame) - gap


def _width(frame: pd.DataFrame, name: str) -> int:
    """Return the width of a column in characters."""
    return max(map(len, [*name.replace(*_INTERVAL).split(), *map(str, frame[name])]))


def _files(paths: Sequence[Path]) -> Iterator[str]:
    """Yield a line for the folder and one for each folder in it; files that differ in their suffix share a name."""
    if not paths:
        return
    root = min((path.parent for path in paths), key=lambda folder: len(folder.parts))
    yield f"Files in {root}/"
    for folder in dict.fromkeys(path.parent for path in paths):
        kinds: dict[str, list[str]] = {}
        for path in paths:
            if path.parent == folder:
                kinds.setdefault(path.stem, []).append(path.suffix[1:])
        together: dict[tuple[str, ...], list[str]] = {}
        for stem, suffixes in kinds.items():
            together.setdefault(tuple(suffixes), []).append(stem)
        listed = [
            f"{', '.join(stems)} ({', '.join(suffixes)})"
            if len(suffixes) > 1
            else ", ".join(f"{stem}.{suffixes[0]}" for stem in stems)
            for suffixes, stems in together.items()
        ]
        place = f"{folder.relative_to(root)}/  " if folder != root else ""
        yield f"  {place}{'; '.join(listed)}"
