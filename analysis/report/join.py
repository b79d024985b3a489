"""The answers to a ledger's parts, joined to one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType

import pandas as pd

from analysis.findings import Draft, Drawing, Findings, by_part, parts
from analysis.numbers.progress import progress
from analysis.numbers.results import Results
from analysis.words import Block, Paragraph, heading, listed


@dataclass(frozen=True)
class Joined:
    """What a question's file says of all parts of a ledger."""

    title: str
    verdict: tuple[Block, ...]
    terms: tuple[Paragraph, ...] = ()
    """What the verdict's numbers claim, and on which data; none before anything is measured."""
    drawings: Mapping[str, Drawing] = field(default_factory=dict)
    """Figures by file name."""
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """The question's own tables by file name."""
    sections: Mapping[str, tuple[Block, ...]] = field(default_factory=dict)
    """Further sections of the page, by heading."""
    differences: pd.DataFrame | None = None
    """The differences that the question compares, where it chooses them itself."""


def title_of(results: Results) -> str:
    """Return the title of an answer to which its question's file has given none."""
    return heading(results.question).capitalize()


def joined(whole: Findings, question: ModuleType) -> Joined:
    """Answer every part of a ledger by `question.answer`, compared over the factors `question.COMPARED`."""
    title = title_of(whole.results)
    if not len(whole.seeds):
        return Joined(title, (_nothing_yet(whole),))
    if searched := [heading(name) for name in question.COMPARED if name not in whole.results.keys]:
        text = f"No comparison: {listed(searched)} was searched, so its values are not compared."
        return Joined(title, (Paragraph((text,)),), _terms(whole))
    whole = by_part(whole, question.COMPARED)
    drafts = [(part.suffix, question.answer(part)) for part in parts(whole, question.COMPARED)]
    if not drafts:
        text = "No verdict yet: no chosen config is confirmed on fresh seeds."
        return Joined(title, (Paragraph((text,)),), _terms(whole))
    return _joined(whole, drafts)


def _joined(whole: Findings, drafts: Sequence[tuple[str, Draft]]) -> Joined:
    closing = dict.fromkeys(paragraph for _, draft in drafts for paragraph in draft.closing)
    differences = [draft.differences for _, draft in drafts if draft.differences is not None]
    return Joined(
        title=drafts[0][1].title,
        verdict=(*(block for _, draft in drafts for block in draft.verdict), *closing),
        terms=_terms(whole, (draft.counted for _, draft in drafts)),
        drawings={f"{name}{suffix}": made for suffix, draft in drafts for name, made in draft.drawings.items()},
        tables={f"{name}{suffix}": made for suffix, draft in drafts for name, made in draft.tables.items()},
        sections=_sections(draft for _, draft in drafts),
        differences=pd.concat(differences, ignore_index=True) if differences else whole.differences,
    )


def _sections(drafts: Iterable[Draft]) -> dict[str, tuple[Block, ...]]:
    """Return the sections of all parts by heading."""
    found: dict[str, tuple[Block, ...]] = {}
    for draft in drafts:
        for name, blocks in draft.sections.items():
            found[name] = (*found.get(name, ()), *blocks)
    return found


def _terms(whole: Findings, counted: Iterable[str] = ()) -> tuple[Paragraph, ...]:
    return (Paragraph((whole.terms(". ".join(filter(None, dict.fromkeys(counted)))),)),)


def _nothing_yet(whole: Findings) -> Paragraph:
    step = "confirmed on fresh seeds" if whole.results.phase == "confirm" else "finished"
    n = progress(whole.results)
    return Paragraph((f"No verdict yet: no trial was {step} ({n.ended}/{n.planned} trials have ended).",))
