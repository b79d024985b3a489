"""Drawn textures: two sets without a class in common, whose colours give nothing away."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from trainables.data.sources import Sources
from trainables.data.textures import TEXTURES10, TEXTURES100, draw


def test_no_class_is_in_both_sets() -> None:
    names = [texture.name for texture in (*TEXTURES10, *TEXTURES100)]
    assert len(names) == len(set(names)) == 110


@pytest.mark.parametrize(("name", "classes", "train", "test"), [("textures10", 10, 12_000, 2_000)])
def test_a_set_says_what_it_is_before_anything_is_drawn(name: str, classes: int, train: int, test: int) -> None:
    summary = Sources().summary(name)
    assert summary.builtin
    assert summary.origin.startswith("built-in:")
    assert set(summary.train_counts) == {train // classes}
    assert set(summary.test_counts) == {test // classes}
    assert Sources().fingerprint(name, "train") != Sources().fingerprint(name, "test")


def test_drawing_depends_on_the_seed_alone_and_no_two_images_are_alike() -> None:
    labels = np.arange(40) % 10
    one, again, other = draw(TEXTURES10, labels, 1), draw(TEXTURES10, labels, 1), draw(TEXTURES10, labels, 2)
    assert one.shape == (40, 32, 32, 3)
    assert one.dtype == np.uint8
    assert np.array_equal(one, again)
    assert len({image.tobytes() for image in [*one, *other]}) == 80


def test_every_texture_of_the_larger_set_can_be_drawn_and_varies_within_an_image() -> None:
    images = draw(TEXTURES100, np.arange(100), 3)
    assert (images.std((1, 2)).max(1) > 2).all()


def test_colour_and_brightness_do_not_give_the_class_away() -> None:
    labels = np.arange(1_000) % 10
    images = draw(TEXTURES10, labels, 4).reshape(1_000, -1, 3)
    moments = np.concatenate([images.mean(1), images.std(1)], 1) / 255
    model = LogisticRegression(max_iter=500).fit(moments[:700], labels[:700])
    assert model.score(moments[700:], labels[700:]) < 0.35, "chance is 0.1; contrast tells a little"
