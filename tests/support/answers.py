"""Answers for tests that look at numbers and words: no figure is drawn."""

from __future__ import annotations

from pathlib import Path

from analysis.report import make
from analysis.report.answer import Answer


def make_answer(folder: Path, question: str) -> Answer:
    """Make an answer without its figures, which take most of the time."""
    return make.make_answer(folder, question, formats=())
