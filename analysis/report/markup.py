"""Text as Markdown; tables of text as Markdown and LaTeX (booktabs), and tables of numbers as CSV, not rounded."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import pandas as pd

from analysis.words import Block, Bullets, Strong, Text, plain

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$", "→": r"$\rightarrow$",
    "↑": r"$\uparrow$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "…": r"\dots{}",
}  # fmt: skip


def blocks_to_markdown(blocks: Sequence[Block]) -> str:
    """Return blocks as Markdown, without a line break at the end."""
    texts = []
    for block in blocks:
        if isinstance(block, Bullets):
            texts.append("\n".join(f"- {_markdown(item)}" for item in block.items))
        else:
            texts.append(_markdown(block.text))
    return "\n\n".join(texts)


def _markdown(text: Text) -> str:
    return "".join(f"**{run.text}**" if isinstance(run, Strong) else plain(run) for run in text)


def to_markdown(table: pd.DataFrame) -> str:
    """Return a table of text in Markdown, aligned for people who read the source."""
    cells = [[str(c) for c in table.columns], *(list(map(str, row)) for row in table.itertuples(index=False))]
    cells = [[cell.replace("|", r"\|") for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    numeric = [is_numeric(table, i) for i in range(len(widths))]
    rule = "|" + "|".join("-" * (w + 1) + (":" if n else "-") for w, n in zip(widths, numeric, strict=True)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """Return a table of text as a LaTeX float; the document needs the package booktabs."""
    columns = "".join("r" if is_numeric(table, i) else "l" for i in range(len(table.columns)))
    rows = [" & ".join(map(escape, map(str, row))) + r" \\" for row in table.itertuples(index=False)]
    names = " & ".join(_stacked(str(name)) for name in table.columns) + r" \\"
    head = [
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
    ]
    body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", names, r"\midrule", *rows, r"\bottomrule"]
    return "\n".join([*head, *body, r"\end{tabular}", r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    """Return text with the characters that mean something to LaTeX, or that it lacks, replaced."""
    return "".join(_LATEX.get(character, character) for character in text)


def is_numeric(table: pd.DataFrame, column: int) -> bool:
    """Return whether a column of text reads as numbers, which are aligned at the right."""
    cells: Sequence[str] = [str(cell) for cell in table.iloc[:, column]]
    return all(cell[:1] in "0123456789–−+N" for cell in cells)


def _stacked(text: str) -> str:
    """Return a heading over several lines, so that columns are about as narrow as their cells."""
    lines = [escape(line) for line in textwrap.wrap(text, 10, break_long_words=False)]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r" \\ ".join(lines) + "}"


def to_csv(table: pd.DataFrame) -> str:
    """Return a table in full precision; floats read back to the same bits."""
    return table.to_csv(index=False, lineterminator="\n")
