"""The answer as it was made: tables, text, and where its files lie."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.report import html
from analysis.report.brief import Brief
from analysis.report.columns import SharedTable
from analysis.report.faults import Fault
from analysis.report.markup import blocks_to_markdown
from analysis.report.spoken import spoken
from analysis.words import Block, Claim, Paragraph, Strong, claims_of, heading


@dataclass(frozen=True, repr=False)
class Answer:
    """What was made, and where; in a notebook it shows itself as a page."""

    question: str
    title: str
    table: pd.DataFrame
    """Best config and result of each condition, as text, in few columns."""
    appendix: tuple[SharedTable, ...]
    """What does not fit there: configs, further numbers, epochs, steps, labels and trials of each condition."""
    best: pd.DataFrame
    """All of it, as numbers, in full precision."""
    differences: pd.DataFrame
    """Differences between conditions, paired by seed."""
    keys: int
    """How many of the table's first columns name the condition."""
    caption: str
    verdict: tuple[Block, ...]
    terms: tuple[Paragraph, ...]
    """What the verdict's numbers claim; in a terminal the brief's note stands for it."""
    methods: tuple[Paragraph, ...]
    """How it was arrived at: training, search, choice, confirmation."""
    brief: Brief
    """What else a terminal shows, on one screen."""
    files: tuple[Path, ...]
    partial: str | None
    """`n/N` trials, if some are missing."""
    warnings: tuple[str, ...]
    sections: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
    """Further sections of the page by heading, from the question's own file."""
    networks: pd.DataFrame = field(default_factory=pd.DataFrame)
    """A row for each kept network: condition, config, seed, measures, and its `folder`, for `trainables.load`."""
    networks_note: str = ""
    """Where they lie and how to use one; empty where none were kept."""
    seeds: pd.DataFrame = field(default_factory=pd.DataFrame)
    """A row for each reported trial; `trial` is its id in the ledger."""
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    """A row for each epoch of each reported config, over its seeds."""
    searched: pd.DataFrame = field(default_factory=pd.DataFrame)
    """A row for each search trial."""
    captions: Mapping[str, str] = field(default_factory=dict)
    """What each figure shows, by its name, in their order."""
    compared: SharedTable | None = None
    """The differences that people are shown, as text."""
    faults: tuple[Fault, ...] = ()
    """Errors in the question's own file, which the verdict tells."""
    damage: str | None = None
    """What is damaged in the ledger, whose other trials alone are shown, as a warning tells."""

    @property
    def differences_shown(self) -> pd.DataFrame:
        """The rows of `differences` that people are shown: all if they are few, else those of the verdict."""
        return spoken(self.differences, self.claims)

    @property
    def claims(self) -> list[Claim]:
        """Every number with an interval that the verdict states, or that its words rest on."""
        return list(claims_of(self.verdict))

    @property
    def text(self) -> str:
        """The verdict and its terms in Markdown."""
        return blocks_to_markdown([*self.verdict, *self.terms])

    @property
    def figures(self) -> dict[str, Path]:
        """The figures' files by name: PNGs, or another format where no PNG was written."""
        found: dict[str, Path] = {}
        for path in self.files:
            if path.parent.name == "figures" and (path.suffix == ".png" or path.stem not in found):
                found[path.stem] = path
        return found

    def __repr__(self) -> str:
        partial = f", partial: {self.partial} trials" if self.partial else ""
        folder = f", in {self.files[-1].parent}" if self.files else ""
        return f"<Answer to {self.question}: {len(self.best)} rows{partial}{folder}>"

    def _repr_html_(self) -> str:
        return "\n".join(self._html())

    def _html(self) -> Iterator[str]:
        partial = f"  PARTIAL: {self.partial} trials" if self.partial else ""
        yield html.paragraph((Strong(f"{self.title}{partial}"),))
        yield html.paragraph((f"{self.brief.shared}.",))
        yield html.table_to_html(self.table)
        yield html.paragraph((f"{self.caption}\n{self.brief.cost}",))
        yield from html.blocks_to_html(self.verdict)
        if self.networks_note:
            yield html.paragraph((self.networks_note.replace("`", ""),))
        for warning in self.warnings:
            yield html.paragraph((f"! {warning}",))
        for name, path in self.figures.items():
            if path.suffix == ".png":
                yield html.figure(path, heading(name))
