"""Text as Markdown; tables of text as Markdown, and tables of numbers as CSV, not rounded."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.words import Block, Bullets, Strong, Text, plain


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


def is_numeric(table: pd.DataFrame, column: int) -> bool:
    """Return whether a column of text reads as numbers, which are aligned at the right."""
    cells: Sequence[str] = [str(cell) for cell in table.iloc[:, column]]
    return all(cell[:1] in "0123456789–−+[N" or cell.startswith("< ") for cell in cells)


def to_csv(table: pd.DataFrame) -> str:
    """Return a table in full precision; floats read back to the same bits."""
    return table.to_csv(index=False, lineterminator="\n")
