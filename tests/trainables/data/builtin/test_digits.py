"""The built-in handwritten digits."""

from __future__ import annotations

from pathlib import Path

from tests.support.data import sources


def test_digits_are_split_by_position(tmp_path: Path) -> None:
    where = sources(tmp_path)
    summary = where.summary("digits")
    assert summary.builtin
    assert summary.blocked
    assert (sum(summary.train_counts), sum(summary.test_counts)) == (1300, 497)
    assert summary.shape == (28, 28)
    images = where.train("digits").images
    assert images[:, :4].max() == images[:, :, -4:].max() == 0
    assert images.max() == 255
