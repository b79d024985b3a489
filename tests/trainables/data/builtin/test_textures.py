"""Drawn textures: the same each time, and told apart by their patterns alone."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from trainables.data.builtin import textures
from trainables.data.builtin.patterns import Canvas
from trainables.data.builtin.textures import SETS, TEXTURES10, TEXTURES100, Texture, draw
from trainables.data.sources import Sources

EVERY = [pytest.param(texture, id=texture.name) for texture in (*TEXTURES10, *TEXTURES100)]


def content(pattern: Any) -> Any:
    """Return what a pattern is made of, so that two patterns that paint the same are equal."""
    if isinstance(pattern, partial):
        return (pattern.func, *map(content, pattern.args))
    return pattern


def test_the_sets_have_10_and_100_classes_and_none_in_common() -> None:
    assert (len(TEXTURES10), len(TEXTURES100)) == (10, 100)
    both = [*TEXTURES10, *TEXTURES100]
    assert len({texture.name for texture in both}) == 110
    assert len({content(texture.pattern) for texture in both}) == 110


def test_the_same_images_are_drawn_every_time_and_none_twice() -> None:
    labels = np.random.default_rng(0).permutation(np.arange(300) % 10)
    x = draw(TEXTURES10, labels, 5)
    assert (x.shape, x.dtype) == ((300, 32, 32, 3), np.uint8)
    assert np.array_equal(x, draw(TEXTURES10, labels, 5))
    assert len({image.tobytes() for image in np.concatenate([x, draw(TEXTURES10, labels, 6)])}) == 600
    alone = draw(TEXTURES10, np.full(30, 3), 5)
    assert np.array_equal(alone, x[labels == 3]), "whatever other classes are drawn"


def test_nothing_is_drawn_before_images_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("images are drawn")

    monkeypatch.setattr(textures, "_drawn", refuse)
    sources = Sources()
    few, many = sources.summary("textures10"), sources.summary("textures100")
    assert (few.train_counts, few.test_counts) == ((1_200,) * 10, (200,) * 10)
    assert (many.train_counts, many.test_counts) == ((120,) * 100, (20,) * 100)
    assert few.shape == many.shape == (32, 32, 3)
    assert few.builtin
    assert few.origin.startswith("built-in:")
    assert len({SETS[name].fingerprint(split) for name in SETS for split in ("train", "test")}) == 4  # type: ignore[arg-type]


@pytest.mark.parametrize("texture", EVERY)
def test_every_pattern_is_seen_and_as_likely_mirrored(texture: Texture) -> None:
    """Slants to the left are as frequent as slants to the right: the product of the slopes averages out."""
    painted = texture.pattern(Canvas(torch.Generator().manual_seed(0), 64, texture.period))
    assert painted.shape == (64, 32, 32)
    assert painted.min() >= 0
    assert painted.max() <= 1
    assert painted.std((1, 2)).median() > 0.1
    down, right = torch.gradient(painted, dim=(1, 2))
    slant = (down * right).mean((1, 2))
    assert abs(slant.mean()) < 4 * slant.std() / 8


def test_neither_colours_nor_places_tell_the_class() -> None:
    """Templates are right about as often as guesses among ten classes; `bench.textures` has a logistic regression."""
    labels = np.arange(2_000) % 10
    train, test = (draw(TEXTURES10, labels, seed).reshape(2_000, 32 * 32, 3) / 255 for seed in (1, 2))
    for looked_at in (lambda x: x.mean(1), lambda x: x.reshape(len(x), -1)):
        x, z = looked_at(train), looked_at(test)
        templates = np.stack([x[labels == label].mean(0) for label in range(10)])
        distances = (templates**2).sum(1) - 2 * z @ templates.T
        assert 0.06 < (distances.argmin(1) == labels).mean() < 0.17
