"""Drawn letters: every glyph is there, and the same images are drawn each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.support.data import sources
from trainables.data.builtin.glyphs import FONTS, glyphs
from trainables.data.builtin.letters import CLASSES, draw


def test_every_letter_of_every_font_is_drawn_and_its_strokes_grow() -> None:
    atlas = glyphs(CLASSES)  # [fonts, strokes, classes, H, W]
    assert atlas.shape[:3] == (len(FONTS), 3, len(CLASSES))
    ink = atlas.sum((3, 4))
    assert ink.min() > 20
    assert (ink[:, 0] <= ink[:, 1]).all()
    assert (ink[:, 1] < ink[:, 2]).all()
    plain = atlas[:, 1].flatten(2)
    for font in plain:  # no font lacks a glyph: the box drawn for one would appear twice
        assert len({letter.numpy().tobytes() for letter in font}) >= len(CLASSES) - 8  # o and O, s and S, …


def test_drawings_of_a_letter_differ() -> None:
    images = draw(np.zeros(64, np.int64), seed=0)
    assert images.shape == (64, 28, 28)
    assert images.dtype == np.uint8
    assert len({image.tobytes() for image in images}) == 64


def test_letters_are_drawn_the_same_each_time_and_differ_between_splits(tmp_path: Path) -> None:
    labels = np.arange(52)
    assert np.array_equal(draw(labels, 3), draw(labels, 3))
    assert not np.array_equal(draw(labels, 3), draw(labels, 4))
    assert draw(labels, 3).reshape(52, -1).max(1).min() > 150  # every letter is there, and bright
    where = sources(tmp_path)
    assert where.summary("letters").classes == CLASSES
    assert where.summary("letters").train_counts == (200,) * 52
    assert where.fingerprint("letters", "train") != where.fingerprint("letters", "test")
