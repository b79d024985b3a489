"""Points that are written as their classes stand where they are, dark enough to be read, and within their axes."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import to_rgb

from analysis.figures.planes import DARKEST, Plane, draw_planes
from analysis.figures.style import Words

WORDS = Words("A title", "", "", "Data: made up.")


def plane(title: str, count: int, scale: float = 1.0) -> Plane:
    places = scale * np.random.default_rng(0).standard_normal((count, 2))
    return Plane(title, places, np.arange(count) % 12, "first", "second")


def test_each_point_is_written_as_its_class_where_it_is_and_can_be_read_without_colour() -> None:
    one, other = plane("autoencoder", 40), plane("classifier", 30, scale=100)
    figure = draw_planes([one, other], WORDS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["autoencoder", "classifier"]
    for axes, own in zip(figure.axes, (one, other), strict=True):
        assert [text.get_text() for text in axes.texts] == [str(label) for label in own.labels]
        np.testing.assert_allclose([text.get_position() for text in axes.texts], own.places)
        (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
        assert left < own.places[:, 0].min() < own.places[:, 0].max() < right
        assert bottom < own.places[:, 1].min() < own.places[:, 1].max() < top
        luminance = [np.dot((0.30, 0.59, 0.11), to_rgb(text.get_color())) for text in axes.texts]
        assert max(luminance) <= DARKEST + 1e-9
        assert axes.get_xlabel() == "first"


def test_a_single_plane_leaves_no_empty_axes() -> None:
    assert len(draw_planes([plane("autoencoder", 5)], WORDS).axes) == 1
    assert len(draw_planes([plane(name, 5) for name in "abc"], WORDS).axes) == 3
