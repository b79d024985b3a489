"""What a question's file is given (`Findings`), what it hands back (`Draft`), and what comes of it (`Answer`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from analysis import tables
from analysis.brief import Brief
from analysis.results import Results


class Drawing(NamedTuple):
    """A figure and what to say below it."""

    figure: Figure
    caption: str


@dataclass(frozen=True)
class Findings:
    """What a question's file draws and concludes from; there is at least one reported trial."""

    results: Results
    seeds: pd.DataFrame
    best: pd.DataFrame
    """Rows of `tables.best_config`, those with no reported seed included (`n` is 0)."""
    curves: pd.DataFrame
    differences: pd.DataFrame

    @property
    def reported(self) -> pd.DataFrame:
        """The rows of `best` that have a reported seed."""
        return self.best[self.best["n"] > 0]

    def note(self, *more: str) -> str:
        """What stands on each figure's face: data, seeds, whether it is partial, and `more` sentences."""
        counts = sorted({int(n) for n in self.reported["n"]})
        seeds = "–".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
        fresh = "fresh seeds" if self.results.phase == "confirm" else "seeds"
        images = sorted({int(n) for n in self.reported["test_images"].dropna()})
        tested = f", {images[0]:,} test images" if len(images) == 1 else ""
        partial = tables.progress(self.best)
        same = {key: set(self.best[key]) for key in self.results.factors if key != "data"}
        only = "".join(f"; {key.replace('_', ' ')} {v.pop()}" for key, v in same.items() if len(v) == 1)
        text = [
            f"Data: {self.results.describe_data()}{tested}{only}.",
            f"Mean and 95 % interval over {seeds} {fresh}.",
        ]
        return " ".join([*text, *filter(None, more), *([f"PARTIAL: {partial} trials."] if partial else [])])


@dataclass(frozen=True)
class Draft:
    """What a question's file hands back."""

    title: str
    verdict: str
    """Markdown; numbers with their intervals, n, and which claim they make."""
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
    """By file name."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Further tables, written as CSV, by file name."""
    terms: str = ""
    """What the verdict's numbers claim, and on what: ends it in the files; in a terminal stands the table's note."""


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
