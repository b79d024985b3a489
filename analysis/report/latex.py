r"""Tables of text in LaTeX, no wider than the text of an article (`\textwidth` of 345 pt, 10 pt letters)."""

from __future__ import annotations

import functools
import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.ft2font import FT2Font, LoadFlags

from analysis.numbers.results import records
from analysis.report.cells import INTERVAL
from analysis.report.columns import MOST, in_blocks
from analysis.report.markup import is_numeric

NEEDED = r"% needs \usepackage{array, booktabs}"
TEXT_WIDTH = 345.0
"""Points of `\\textwidth` in an article of 10 pt letters."""
_SIZE = 8.5
"""Points of the letters of cmr10 that are as wide as those of cmr8, in which `\\footnotesize` is set."""
_GAP = 8.0
"""Points between two columns."""
_SPARE = 2.0
"""Points of a table's width that are left free: what a width of a column is rounded to."""
TEXT_HEIGHT = 540.0
"""Points of `\\textheight` there, a little less: what a float may be high."""
_LINE, _CAPTION_LINE, _RULES = 9.5, 12.0, 24.0
"""Points of a line of a table, of its caption, and of a table's rules and the gap below it."""
_RAGGED = 1.2
"""How many times the width that a text needs it takes in lines that end between words."""
_NARROW = 10
"""Letters after which a heading goes on in another line."""
_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$", "→": r"$\rightarrow$",
    "↑": r"$\uparrow$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "…": r"\dots{}",
}  # fmt: skip


def to_latex(table: pd.DataFrame, caption: str, label: str, keys: int = 1) -> str:
    """Return a table of text as a LaTeX float, which says in a comment what packages it needs.

    What is too wide is parted into tables below each other, each after the `keys` first columns, or into several floats
    where a page would not hold them; in what is then still too wide, text breaks into lines.
    """
    numeric = {name: is_numeric(table, i) for i, name in enumerate(map(str, table))}

    def fits(names: Sequence[str]) -> bool:
        return len(names) <= MOST and sum(_least(table, name, numeric[name]) + _GAP for name in names) <= _room()

    caption_lines = 3 + width_of(caption) * 10 / 8 // TEXT_WIDTH
    room = TEXT_HEIGHT - _CAPTION_LINE * caption_lines
    floats: list[list[str]] = [[]]
    left = room
    for block in in_blocks(table, keys, fits):
        for piece, height in _pieces(block, numeric, room):
            if floats[-1] and height > left:
                floats.append([])
                left = room
            floats[-1].append(_tabular(piece, numeric))
            left -= height
    return "\n".join(
        _float("\n\n\\bigskip\n".join(tabulars), caption if number == 1 else "Continued.",
               label if number == 1 else f"{label}-{number}")
        for number, tabulars in enumerate(floats, 1)
    )  # fmt: skip


def _pieces(table: pd.DataFrame, numeric: Mapping[str, bool], room: float) -> Iterator[tuple[pd.DataFrame, float]]:
    """Yield a table in as many pieces as there must be for each to be no higher than `room`, with their heights."""
    widths, names = _widths(table, numeric), list(map(str, table))
    head = _RULES + _LINE * max(len(_lines(name)) for name in names)
    start, height = 0, head
    for i, row in enumerate(records(table)):
        needed = [_RAGGED * width_of(str(row[name])) / width for name, width in widths.items() if width is not None]
        own = _LINE * max([1, *map(math.ceil, needed)])
        if i > start and height + own > room:
            yield table.iloc[start:i], height
            start, height = i, head
        height += own
    yield table.iloc[start:], height


def _float(content: str, caption: str, label: str) -> str:
    head = [
        NEEDED,
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}\medskip",
    ]
    return "\n".join([*head, content, r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    """Return text with the characters that mean something to LaTeX, or that it lacks, replaced.

    A bracket at its start would belong to the end of the line before it.
    """
    escaped = "".join(_ESCAPED.get(character, character) for character in text)
    return "{[}" + escaped[1:] if escaped.startswith("[") else escaped


def width_of(text: str) -> float:
    r"""Return the width of a line in points, as `\footnotesize` sets it in Computer Modern."""
    return sum(map(_advance, text))


def _widths(table: pd.DataFrame, numeric: Mapping[str, bool]) -> dict[str, float | None]:
    """Return how many points wide each column is in which text breaks; None for the others."""
    names = list(map(str, table))
    whole = {name: _natural(table, name) for name in names}
    least = {name: _least(table, name, numeric[name]) for name in names}
    spare = max(0.0, _room() - _GAP * len(names) - sum(least.values()))
    wish = sum(whole.values()) - sum(least.values())
    return {
        name: least[name] + spare * (whole[name] - least[name]) / wish
        if wish > spare and whole[name] > least[name]
        else None
        for name in names
    }


def _tabular(table: pd.DataFrame, numeric: Mapping[str, bool]) -> str:
    names = list(map(str, table))
    columns = [
        ("r" if numeric[name] else "l") if width is None else rf">{{\raggedright\arraybackslash}}p{{{width:.0f}pt}}"
        for name, width in _widths(table, numeric).items()
    ]
    rows = [" & ".join(map(escape, map(str, row))) + r" \\" for row in table.itertuples(index=False)]
    heads = " & ".join(_stacked(name, "r" if numeric[name] else "l") for name in names) + r" \\"
    begin = rf"\begin{{tabular}}{{@{{}}{''.join(columns)}@{{}}}}"
    return "\n".join([begin, r"\toprule", heads, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"])


def _room() -> float:
    return TEXT_WIDTH - _SPARE + _GAP  # there is no gap after the last column


def _natural(table: pd.DataFrame, name: str) -> float:
    """Return how wide a column is whose cells do not break."""
    return max(map(width_of, [*_lines(name), *map(str, table[name])]))


def _least(table: pd.DataFrame, name: str, numeric: bool) -> float:
    """Return how wide a column must be: numbers do not break, text does between words."""
    if numeric:
        return _natural(table, name)
    words: Iterable[str] = (word for cell in map(str, table[name]) for word in cell.split())
    return max(map(width_of, [*_lines(name), *words]))


def _lines(heading: str) -> list[str]:
    whole = heading.replace(INTERVAL, INTERVAL.replace(" ", "_"))
    lines = textwrap.wrap(whole, _NARROW, break_long_words=False) or [""]
    return [line.replace(INTERVAL.replace(" ", "_"), INTERVAL) for line in lines]


def _stacked(heading: str, side: str) -> str:
    """Return a heading over several lines, so that columns are about as narrow as their cells."""
    lines = r" \\ ".join(map(escape, _lines(heading)))
    return rf"\shortstack[{side}]{{{lines}}}" if r"\\" in lines else lines


@functools.cache
def _font() -> FT2Font:
    font = FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf"))
    font.set_size(_SIZE, 72)
    return font


@functools.cache
def _advance(character: str) -> float:
    """Return how far a letter moves the next one, in points; one that the font lacks, as far as it is high."""
    if not _font().get_char_index(ord(character)):
        return _SIZE
    advance: float = _font().load_char(ord(character), LoadFlags.NO_HINTING).linearHoriAdvance / 2**16
    return advance
