r"""Tables of text in LaTeX, no wider than the text of an article (`\textwidth` of 345 pt, 10 pt letters)."""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.ft2font import FT2Font, LoadFlags

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
_ROWS = 24
"""Rows, of all tables below each other, that a page holds for sure, each of two lines."""
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

    blocks = in_blocks(table, keys, fits)
    tall = len(blocks) * len(table) > _ROWS
    step = _ROWS // 2 if tall and len(blocks) > 1 else max(1, len(table))
    pieces = [block.iloc[start : start + step] for block in blocks for start in range(0, max(1, len(table)), step)]
    tabulars = [_tabular(piece, numeric) for piece in pieces]
    if not tall:
        return _float("\n\n\\bigskip\n".join(tabulars), caption, label)
    first, *others = tabulars
    further = [_float(other, "Continued.", f"{label}-{number}") for number, other in enumerate(others, 2)]
    return "\n".join([_float(first, caption, label), *further])


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


def _tabular(table: pd.DataFrame, numeric: dict[str, bool]) -> str:
    names = list(map(str, table))
    whole = {name: _natural(table, name) for name in names}
    least = {name: _least(table, name, numeric[name]) for name in names}
    spare = _room() - _GAP * len(names) - sum(least.values())
    wish = sum(whole.values()) - sum(least.values())
    columns = []
    for name in names:
        broken = wish > max(spare, 0) and whole[name] > least[name]
        width = least[name] + max(spare, 0) * (whole[name] - least[name]) / (wish or 1)
        plain = "r" if numeric[name] else "l"
        columns.append(rf">{{\raggedright\arraybackslash}}p{{{width:.0f}pt}}" if broken else plain)
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
