"""Figures of images, points and pairs show what they are given, and say it without colour too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.maps import draw_matrix, draw_scatter
from analysis.figures.points import draw_dots, draw_trials
from analysis.figures.style import Words

WORDS = Words("A title", "x", "y", "Data: made up.")


def texts(figure: Figure, axes: int = 0) -> list[str]:
    return [text.get_text() for text in figure.axes[axes].texts]


def test_a_scatter_marks_groups_and_writes_a_class_twice_where_its_groups_are_apart() -> None:
    table = pd.DataFrame(
        {"x": x + dx, "y": 0.1 * dx, "class": name, "domain": domain}
        for name, domain, x in ((3, "a", 0), (3, "b", 0.2), (7, "a", 20), (7, "b", 40)) for dx in (0.0, 0.1, 0.2)
    )  # fmt: skip
    figure = draw_scatter(table, WORDS, colour="class", mark="domain")
    assert sorted(texts(figure)) == ["3", "7", "7"]
    solid, hollow = figure.axes[0].collections
    assert len(solid.get_offsets()) == len(hollow.get_offsets()) == 6
    assert len(solid.get_facecolors()) == 6
    assert len(hollow.get_facecolors()) == 0, "groups differ in more than the shape of the mark"
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["a", "b"]
    assert "Data: made up." in figure._supxlabel.get_text()
    strewn = table.assign(x=[0.0, 20, 40, 60, 80, 100] * 2)
    assert texts(draw_scatter(strewn, WORDS, colour="class", mark="domain")) == [], "there is no middle to name"


def test_a_matrix_writes_its_numbers_and_frames_the_diagonal() -> None:
    values = np.array([[0.25, 1.5], [np.nan, 0.5]])
    figure = draw_matrix(values, WORDS, rows=[0, 1], columns=[0, 1], unit="distance")
    assert texts(figure) == ["0.25", "1.50", "–", "0.50"]
    assert len(figure.axes[0].patches) == 2
    dark, light = figure.axes[0].texts[0].get_color(), figure.axes[0].texts[1].get_color()
    assert (dark, light) == ("white", "black"), "ink must stand out"


def test_dots_are_the_means_of_the_table_and_are_not_joined() -> None:
    rows = [("random", "gray", 0.4), ("hard", "gray", 0.6), ("hard", "colour", 0.7)]
    table = pd.DataFrame(
        {"mining": mining, "colour": colour, "near": mean, "near_low": mean - 0.1, "near_high": np.nan,
         "far": mean / 2, "far_low": np.nan, "far_high": np.nan} for mining, colour, mean in rows
    )  # fmt: skip
    columns = {"near": "Near", "far": "Far"}
    chance = {"near": 0.1, "far": 0.2}
    drawn = {"x": "mining", "columns": columns, "series": ["colour"], "chance": chance}
    figure = draw_dots(table, WORDS, **drawn, percent=True)
    near, far = figure.axes
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Near", "Far"]
    gray, colour = (container.lines[0] for container in near.containers)
    assert list(gray.get_ydata()) == [40, 60]
    assert list(colour.get_ydata()) == [70]
    assert {line.get_linestyle() for line in (gray, colour)} == {"None"}
    assert list(far.containers[0].lines[0].get_ydata()) == [20, 30]
    assert [list(axes.lines[-1].get_ydata()) for axes in figure.axes] == [[10, 10], [20, 20]], "each its own chance"
    assert near.get_ylim() == far.get_ylim()
    assert near.get_ylim()[0] == 0
    assert near.get_ylim()[1] > 70
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["colour gray", "colour colour", "chance"]
    assert not draw_dots(table[:2], WORDS, x="mining", columns=columns).legends
    plain = draw_dots(table.assign(far=-table["far"]), WORDS, **drawn).axes
    assert list(plain[1].containers[0].lines[0].get_ydata()) == [-0.2, -0.3], "no share, and drawn though negative"
    assert plain[1].get_ylim()[0] < -0.3


def test_titles_of_dots_stay_on_their_panels() -> None:
    name = "mnist_photos@cifar10"
    table = pd.DataFrame(
        {"mining": ["random", "hard"], **{f"{a}{end}": 0.93 for a in "pq" for end in ("", "_low", "_high")}}
    )
    figure = draw_dots(table, WORDS, x="mining", columns=dict.fromkeys("pq", f"{name} queries in {name}"))
    figure.set_dpi(200)
    figure.draw_without_rendering()
    for axes in figure.axes:
        title = axes._left_title  # type: ignore[attr-defined]
        assert "\n" in title.get_text()
        assert title.get_window_extent().x1 <= axes.get_window_extent().x1
    assert figure._suptitle.get_window_extent().y0 >= title.get_window_extent().y1


@pytest.mark.parametrize(("last", "scale"), [(0.4, "linear"), (5.0, "log")])
def test_trials_stand_in_panels_and_wide_ranges_on_a_logarithmic_scale(last: float, scale: str) -> None:
    table = pd.DataFrame(
        {"margin": margin, "colour": colour, "mining": mining, "val": 0.5}
        for margin in (0.1, last) for colour, mining in (("gray", "hard"), ("gray", "random"), ("colour", "hard"))
    )  # fmt: skip
    figure = draw_trials(table, WORDS, x="margin", y="val", series=["mining"], across="colour", percent=True)
    assert [axes.get_xscale() for axes in figure.axes] == [scale, scale]
    drawn = [[len(line.get_xdata()) for line in axes.lines] for axes in figure.axes]
    assert drawn == [[2, 2], [2]]
    assert set(figure.axes[0].lines[0].get_ydata()) == {50}
