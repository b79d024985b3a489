"""Figures fit the paper, are legible there, and tell series apart without colour."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

import analysis.__main__ as command
from analysis.figures.curves import draw_curves
from analysis.figures.frontier import PALE, Published, accuracy_by_parameters
from analysis.figures.functions import draw_functions
from analysis.figures.gaps import bars_overlap, draw_gaps
from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.maps import draw_matrix, draw_scatter
from analysis.figures.matrices import Matrix, draw_matrices
from analysis.figures.paper import NARROWEST, WIDEST, figure_width, paper
from analysis.figures.points import draw_dots
from analysis.figures.portraits import Portrait, draw_portraits
from analysis.figures.style import Words
from tests.analysis.figures import test_panels
from tests.analysis.figures.test_panels import table

WORDS = Words("What the latent dimensions do", "training images of each set", "test error, %", "Data: made up.")
SMALLEST = 7.0
"""Points of the smallest letters."""


def frontier() -> Figure:
    rows = pd.DataFrame(
        {"parameters": size, "recipe": recipe, "n": 3, "test_accuracy": 0.8, "test_accuracy_low": 0.7,
         "test_accuracy_high": 0.9} for size in (5_000, 50_000) for recipe in ("chosen", "prescribed")
    )  # fmt: skip
    trials = pd.DataFrame({"parameters": [5_000, 6_000], "val_accuracy": [0.75, 0.76]})
    published = [Published(22_110, 0.874, "22,110, one best epoch", "t"), Published(78_000, 0.85, "ResNet-8", "t")]
    return accuracy_by_parameters(rows, trials, WORDS, target=0.85, published=published)


def matrix(classes: int = 20) -> Figure:
    values = np.linspace(0, 99.9, classes**2).reshape(classes, classes)
    names = [f"class {i}" for i in range(classes)]
    return draw_matrix(values, WORDS, rows=names, columns=names, unit="%", decimals=1)


def images() -> Figure:
    grid = ImageGrid(
        np.zeros((4, 7, 8, 8)), [str(i) for i in range(4)], [str(i) for i in range(7)], "A title",
        right=np.ones((4, 7)), written=np.full((4, 7), "3"),
    )  # fmt: skip
    return draw_images([grid, grid], WORDS)


def scatter() -> Figure:
    return draw_scatter(
        pd.DataFrame({"x": [0, 1, 2, 3], "y": [0, 1, 0, 1], "class": [0, 1, 0, 1], "domain": ["a", "a", "b", "b"]}),
        WORDS, colour="class", mark="domain",
    )  # fmt: skip


def matrices() -> Figure:
    return draw_matrices([Matrix(np.eye(6), "one", "rows", "columns")] * 5, WORDS)


def dots() -> Figure:
    rows = pd.DataFrame(
        {"mining": mining, "colour": colour, **{f"{c}{end}": 0.5 for c in "abcd" for end in ("", "_low", "_high")}}
        for mining in ("random", "semi-hard", "hard", "classifier") for colour in ("gray", "colour")
    )  # fmt: skip
    return draw_dots(rows, WORDS, x="mining", columns=dict.fromkeys("abcd", "Queries in a gallery"), series=["colour"])


def functions() -> Figure:
    lines = pd.DataFrame(
        {"x": x, "y": x**power, "rule": f"negative momentum, {power}", "kind": f"kind {power % 2}"}
        for power in range(5) for x in (0.1, 0.5, 1.0, 2.0)
    )  # fmt: skip
    return draw_functions(lines, lines, WORDS, series="rule", panels="kind", level=(1.0, "kept"), top=3)


def portraits() -> Figure:
    paths = np.ones((3, 2, 2))
    return draw_portraits([Portrait(paths, "negative momentum, alternating", "stays at a distance")] * 7, WORDS)


DRAWN: dict[str, Callable[[], Figure]] = {
    **{kind.__name__: lambda kind=kind: kind(table(5)) for kind in test_panels.KINDS},
    **{kind.__name__: kind for kind in (frontier, matrix, images, scatter, matrices, dots, functions, portraits)},
}  # fmt: skip


def texts(figure: Figure) -> Iterator[Text]:
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            yield text


@pytest.mark.parametrize("width", [WIDEST, 3.3])
@pytest.mark.parametrize("kind", DRAWN)
def test_a_figure_is_as_wide_as_the_paper_at_most_and_its_letters_are_legible(kind: str, width: float) -> None:
    with paper(width):
        figure = DRAWN[kind]()
    figure.set_dpi(200)
    figure.draw_without_rendering()
    assert figure.get_figwidth() <= width
    assert min(text.get_fontsize() for text in texts(figure)) >= SMALLEST
    assert (figure._suptitle is not None) == (width == WIDEST), "a caption says it in a column"
    assert figure._supxlabel.get_text(), "the note stays"
    boxes = [axes.xaxis.label.get_window_extent() for axes in figure.axes if axes.get_xlabel()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
    for legend in figure.legends:
        assert legend.get_window_extent().x1 <= figure.bbox.x1 + 1
    assert figure_width() == WIDEST, "the next figure is a page wide again"


@pytest.mark.parametrize("kind", ["curves", "learning", "lines", "gaps", "trials", "dots", "frontier"])
def test_series_are_told_apart_without_colour(kind: str) -> None:
    figure = DRAWN[kind]()
    (legend,) = figure.legends
    looks = []
    for entry in legend.legend_handles:
        assert isinstance(entry, Line2D)
        looks.append((entry.get_marker(), entry.get_linestyle(), entry.get_markerfacecolor() == "white"))
    assert len(set(looks)) == len(looks)
    for axes in figure.axes:
        drawn = {(line.get_color(), line.get_marker(), str(line.get_linestyle())) for line in axes.lines}
        by_look: dict[tuple[str, str], set[str]] = {}
        for colour, marker, dash in drawn:
            if marker not in ("None", "", "_", "|", 2, 3):
                by_look.setdefault((str(marker), dash), set()).add(str(colour))
        assert all(len(colours) == 1 for colours in by_look.values())


def test_search_trials_look_in_the_legend_as_they_do_on_the_axes() -> None:
    figure = frontier()
    (entry,) = [
        handle for handle, text in zip(figure.legends[0].legend_handles, figure.legends[0].get_texts(), strict=True)
        if text.get_text().startswith("search trial")
    ]  # fmt: skip
    assert isinstance(entry, Line2D)
    (drawn,) = [line for line in figure.axes[0].lines if line.get_color() == PALE]
    assert (entry.get_color(), entry.get_alpha()) == (drawn.get_color(), drawn.get_alpha())


def test_two_seeds_are_drawn_as_two_curves_and_more_as_a_band() -> None:
    rows = pd.DataFrame(
        {"size": 100, "epoch": epoch, "n": 2, "seed": seed, "val_error": value, "val_error_low": 0.01,
         "val_error_high": 0.99}
        for seed, value in ((np.nan, 0.3), (1, 0.2), (2, 0.4)) for epoch in (1, 2, 3)
    )  # fmt: skip
    columns = {"val_error": "validation"}
    few = draw_curves(rows, WORDS, columns=columns, across="size")
    assert len([line for line in few.axes[0].lines if len(line.get_xdata())]) == 3
    assert not [
        band for band in few.axes[0].collections if len(band.get_paths()) and len(band.get_paths()[0].vertices) > 3
    ]
    note = " ".join(few._supxlabel.get_text().split())
    assert "Thin lines: each seed." in note
    assert "bands" not in note
    many = draw_curves(rows[rows["seed"].isna()].assign(n=5), WORDS, columns=columns, across="size")
    assert len(many.axes[0].lines) == 1
    assert "95 % bands: new seeds" in many._supxlabel.get_text().replace("\n", " ")


def test_an_axis_of_shares_ends_at_a_hundred_per_cent() -> None:
    rows = pd.DataFrame(
        {"size": 100, "epoch": [1, 2], "n": 5, **{f"val_error{e}": [0.98, 0.9] for e in ("", "_low", "_high")}}
    )
    axes = draw_curves(rows, WORDS, columns={"val_error": "v"}, across="size", percent=True).axes[0]
    assert 98 < axes.get_ylim()[1] < 103


def test_a_matrix_of_many_classes_writes_what_fits() -> None:
    assert matrix(4).axes[0].texts[1].get_text() == "6.7"
    assert matrix(20).axes[0].texts[1].get_text() == "0", "decimals are left out first"
    assert not matrix(40).axes[0].texts
    small = draw_matrix(np.full((20, 20), 0.15), WORDS, rows=range(20), columns=range(20), unit="distance")
    assert not small.axes[0].texts, "0 would be wrong"


def test_bars_overlap_where_they_share_some_height_at_one_place() -> None:
    rows = pd.DataFrame({"size": [1, 1, 2, 2], "e_low": [0, 2, 0, 5], "e_high": [1, 3, 1, 6]})
    assert not bars_overlap(rows, "e", ["size"])
    assert bars_overlap(rows.assign(e_high=[2, 3, 1, 6]), "e", ["size"])
    assert not bars_overlap(rows.assign(e_high=[np.nan, 3, 1, 6]), "e", ["size"])


def test_a_difference_without_series_is_drawn_too() -> None:
    rows = pd.DataFrame({"size": [1, 2], "difference": [0.1, 0.2], "low": 0.1, "high": 0.2, "found": "higher"})
    assert not draw_gaps(rows, WORDS, x="size").legends


@pytest.mark.parametrize("width", ["0", "-3.3", "nan", "inf", "2.4"])
def test_a_width_that_no_figure_can_have_is_refused(width: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["transfer_sizes", "--figure-width", width]) == 2
    said = capsys.readouterr().err
    assert "--figure-width" in said
    assert f"{NARROWEST:g} or more" in said
    assert "3.3 for a column" in said
    with pytest.raises(ValueError, match="at least"), paper(0):
        pass
