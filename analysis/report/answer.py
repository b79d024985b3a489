"""The answer as it was made: tables, text, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.report.brief import Brief


@dataclass(frozen=True)
class Answer:
    """What was made, and where."""

    question: str
    title: str
    table: pd.DataFrame
    """Best config and result of each condition, as text."""
    effort: pd.DataFrame
    """Epochs, steps, labels and trials of each condition, as text."""
    best: pd.DataFrame
    """Both, as numbers, in full precision."""
    differences: pd.DataFrame
    """Between conditions, paired by seed."""
    keys: int
    """How many of their first columns name the condition."""
    caption: str
    text: str
    """The verdict, in Markdown."""
    brief: Brief
    """The answer on one screen."""
    files: tuple[Path, ...]
    partial: str | None
    """`n/N` trials, if some are missing."""
    warnings: tuple[str, ...]
