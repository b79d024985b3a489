"""Drawn house numbers: the same each time, and hard enough."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.data.builtin import house_digits
from trainables.data.sources import Sources


def test_house_digits_are_the_same_every_time_and_none_is_met_twice() -> None:
    labels = np.arange(200) % 10
    x = house_digits.draw(labels, 5)
    assert (x.shape, x.dtype) == ((200, 32, 32, 3), np.uint8)
    assert np.array_equal(x, house_digits.draw(labels, 5))
    assert len({image.tobytes() for image in np.concatenate([x, house_digits.draw(labels, 6)])}) == 400
    found = Sources().summary("house_digits")
    assert (found.train_counts, found.test_counts, found.builtin) == ((600,) * 10, (200,) * 10, True)


@pytest.mark.slow
def test_house_digits_cannot_be_told_apart_pixel_by_pixel() -> None:
    """Templates cannot read them (below 35 %; `bench.house_digits` has a logistic regression and a CNN)."""
    train = Sources().train("house_digits")
    test = Sources().test("house_digits")

    def centred(images: np.ndarray) -> np.ndarray:
        x = images.reshape(len(images), -1) / 255.0
        return x - x.mean(1, keepdims=True)

    x, z = centred(train.images), centred(test.images)
    templates = np.stack([x[train.labels == label].mean(0) for label in range(10)])
    distances = (z**2).sum(1)[:, None] - 2 * z @ templates.T + (templates**2).sum(1)
    assert 0.08 < (distances.argmin(1) == test.labels).mean() < 0.35
    dark = np.abs(z.reshape(-1, 32, 32, 3).mean(3))[:, 8:24, 8:24].mean()
    assert dark > 0.03, "and there is something to see"
