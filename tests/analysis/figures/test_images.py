"""A grid of images shows the images it is given, names them, marks them without colour too, and fits a page."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.paper import WIDEST
from analysis.figures.style import Words
from analysis.verdicts.embedding import retrieved

WORDS = Words("A title", "", "", "Data: made up.")
LONG = "mnist_photos@cifar10 queries, nearest in mnist_photos@cifar10"


def grid(rows: int = 2, columns: int = 3, *shape: int, title: str = "", kind: type = np.uint8) -> ImageGrid:
    draw = np.random.default_rng(0)
    size = (rows, columns, *(shape or (8, 8)))
    images = draw.integers(0, 256, size, dtype=np.uint8) if kind is np.uint8 else draw.random(size)
    return ImageGrid(images, [f"row {i}" for i in range(rows)], [f"c{i}" for i in range(columns)], title)


def texts(figure: Figure, axes: int = 0) -> list[str]:
    return [text.get_text() for text in figure.axes[axes].texts]


def laid(figure: Figure) -> Figure:
    """As it is saved: 200 dots an inch."""
    figure.set_dpi(200)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3)])
@pytest.mark.parametrize("kind", [np.uint8, float])
def test_a_grid_shows_gray_and_coloured_images_under_the_names_of_rows_and_columns(
    shape: tuple[int, ...], kind: type
) -> None:
    own = grid(2, 3, *shape, kind=kind)
    figure = draw_images([own], WORDS)
    mosaic = figure.axes[0].images[0].get_array()
    expected = own.images if kind is np.uint8 else np.rint(255 * own.images)
    expected = expected if expected.ndim == 5 else expected[..., None]
    for row, column in np.ndindex(2, 3):
        top, left = row * 9, column * 9
        assert (mosaic[top : top + 8, left : left + 8] == expected[row, column]).all()
    assert (mosaic[8] == 255).all(), "images stand apart"
    assert texts(figure) == ["row 0", "row 1", "c0", "c1", "c2"]
    assert not figure.legends
    assert not figure.axes[0].patches, "nothing is marked"


def test_right_and_wrong_are_told_apart_without_colour_and_unmarked_images_have_no_frame() -> None:
    own = grid()
    marked = ImageGrid(
        own.images, own.rows, own.columns, right=np.array([[np.nan, 1, 0], [np.nan, 0, 1]]),
        written=np.array([["", "", "9"], ["", "4", ""]]), apart=1,
    )  # fmt: skip
    figure = draw_images([marked], WORDS, right="same class", wrong="another class")
    frames = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert [frame.get_linestyle() != "solid" for frame in frames] == [False, True, True, False]
    assert frames[1].get_linewidth() > frames[0].get_linewidth()
    assert [int(frame.get_x() + 0.5) for frame in frames] == [11, 20, 11, 20], "a gap follows the first column"
    assert texts(figure)[:2] == ["9", "4"]
    assert [entry.get_text() for entry in figure.legends[0].get_texts()] == ["same class", "another class"]


def test_lines_are_drawn_over_their_image_and_cut_off_at_its_edge() -> None:
    own, lines = grid(2, 3), np.full((2, 3, 1, 2, 2), np.nan)
    lines[1, 2, 0] = [[0, 0.5], [2, 0.5]]  # leaves the image to the right
    (axes,) = draw_images([ImageGrid(own.images, own.rows, own.columns, lines=lines)], WORDS).axes
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xydata(), [[17.5, 12.5], [33.5, 12.5]])
    (edge,) = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert (edge.get_x(), edge.get_y(), edge.get_width()) == (17.5, 8.5, 8)
    box = line.get_clip_box()
    assert box is not None
    np.testing.assert_allclose(axes.transData.inverted().transform(box.get_points())[:, 0], [17.5, 25.5])


@pytest.mark.parametrize("images", [np.zeros((2, 3, 8)), np.zeros((1, 1, 8, 8, 2)), np.zeros((1, 1, 8, 8), dtype=int)])
def test_other_arrays_than_images_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 or floats from 0 to 1"):
        draw_images([ImageGrid(images, ["a"] * len(images), ["b"] * images.shape[1])], WORDS)


@pytest.mark.parametrize(
    ("grids", "abreast"),
    [
        ([grid(5, 7, title=LONG)] * 2, 2),
        ([grid(5, 12, title=LONG)] * 2, 1),
        ([grid(2, 2, title=f"latent {n}, fully connected no") for n in range(7)], 4),
        ([grid(1, 40)], 1),
        ([ImageGrid(grid().images, ["squeezenet1_1", "b"], ["second nearest", "the reconstruction", "c"])], 1),
    ],
    ids=["abreast", "below each other", "seven", "forty columns", "long names"],
)
def test_grids_wrap_within_a_page_and_nothing_overlaps_or_leaves_the_figure(
    grids: list[ImageGrid], abreast: int
) -> None:
    figure = laid(draw_images(grids, WORDS))
    assert figure.get_figwidth() == WIDEST
    assert len(figure.axes) == len(grids)
    lines = [round(axes.get_window_extent().y1) for axes in figure.axes]
    assert lines.count(lines[0]) == abreast
    for axes in figure.axes:
        title = axes._left_title.get_window_extent()  # type: ignore[attr-defined]
        boxes = [text.get_window_extent() for text in axes.texts]
        for box in [*boxes, axes.get_window_extent(), *([title] if title.width else [])]:
            assert box.x0 >= 0
            assert box.y0 >= figure._supxlabel.get_window_extent().y1
            assert box.x1 <= figure.bbox.x1 + 1
            assert box.y1 <= figure._suptitle.get_window_extent().y0 + 1
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])
        assert not title.width or max(box.y1 for box in boxes) <= title.y0 + 1


def test_what_was_retrieved_is_a_grid_whose_queries_are_unmarked() -> None:
    draw = np.random.default_rng(0)
    arrays = {
        "sheet_query": draw.integers(0, 256, (2, 2, 8, 8, 1), dtype=np.uint8),
        "sheet_query_label": np.array([[4, 5], [4, 5]]),
        "sheet_neighbour": draw.integers(0, 256, (2, 2, 3, 8, 8, 1), dtype=np.uint8),
        "sheet_neighbour_label": np.array([[[4, 4, 9], [5, 5, 5]], [[1, 4, 4], [5, 2, 5]]]),
    }
    there, back = retrieved(arrays, ["there", "back"])
    assert (there.title, back.title) == ("there", "back")
    assert (list(there.rows), list(there.columns)) == (["4", "5"], ["query", "1", "2", "3"])
    assert there.right is not None
    np.testing.assert_array_equal(there.right, [[np.nan, 1, 1, 0], [np.nan, 1, 1, 1]])
    assert back.written is not None
    assert back.written.tolist() == [["", "1", "", ""], ["", "", "2", ""]]
    assert (back.images[1, 0] == arrays["sheet_query"][1, 1]).all()
    assert (back.images[1, 3] == arrays["sheet_neighbour"][1, 1, 2]).all()
