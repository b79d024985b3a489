"""Answers for tests that look at numbers and words: their figures are drawn, and not written."""

from __future__ import annotations

from pathlib import Path

from analysis.report import make
from analysis.report.answer import Answer


def make_answer(folder: Path, question: str) -> Answer:
    """Make an answer whose figures are drawn but not written to files, which takes most of the time."""
    return make.make_answer(folder, question, formats=())
