"""The answer as it was made: tables, text, and where its files lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from analysis.report.brief import Brief
from analysis.report.markup import blocks_to_markdown
from analysis.words import Block, Claim, Paragraph, claims_of


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
    """Differences between conditions, paired by seed."""
    keys: int
    """How many of their first columns name the condition."""
    caption: str
    verdict: tuple[Block, ...]
    terms: tuple[Paragraph, ...]
    """What the verdict's numbers claim; in a terminal the brief's note stands for it."""
    brief: Brief
    """What else a terminal shows, on one screen."""
    files: tuple[Path, ...]
    partial: str | None
    """`n/N` trials, if some are missing."""
    warnings: tuple[str, ...]

    @property
    def claims(self) -> list[Claim]:
        """Every number with an interval that the verdict states, or that its words rest on."""
        return list(claims_of(self.verdict))

    @property
    def text(self) -> str:
        """The verdict and its terms in Markdown."""
        return blocks_to_markdown([*self.verdict, *self.terms])
