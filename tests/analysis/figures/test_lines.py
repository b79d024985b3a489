"""Words on a figure stay on it, clear of each other and within their panels, and say what its marks mean."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from analysis.figures.curves import draw_curves
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.maps import draw_scatter
from analysis.figures.style import Words, fitted

NOTE = (
    "Data: mnist, mnist_photos@cifar10. Shown: semi-hard mining on colour images, seed 1; 120 test images. Axes and"
    " areas mean nothing. PARTIAL: 9/72 trials."
)
WORDS = Words("mnist_photos@cifar10 → house_digits@cifar10: methods compared", "x", "y", NOTE)
LONG = "mnist_photos@cifar10 queries in mnist_photos@cifar10"


def laid(figure: Figure) -> Figure:
    """As it is saved: 200 dots an inch."""
    figure.set_dpi(200)
    figure.draw_without_rendering()
    return figure


def box(artist: Artist) -> Bbox:
    return artist.get_window_extent()


def inside(figure: Figure, artist: Artist) -> bool:
    own = box(artist)
    return bool(own.x0 >= 0 and own.y0 >= 0 and own.x1 <= figure.bbox.x1 and own.y1 <= figure.bbox.y1)


def gaps(*names: str, low: float = 0.01, title: str = WORDS.title) -> Figure:
    table = pd.DataFrame(
        {"size": size, "pair": name, "difference": 0.02, "low": low, "high": 0.03, "n": 4,
         "found": "higher" if low > 0 else "not shown to differ"}
        for size in (100, 1_000) for name in names
    )  # fmt: skip
    return draw_gaps(table, Words(title, "x", "y", NOTE), x="size", series=["pair"], percent=True)


@pytest.mark.parametrize("title", ["cifar100 → cifar10: methods compared", WORDS.title])
@pytest.mark.parametrize(
    "names",
    [
        ("own − finetune", "own − knn", "finetune − knn"),
        ("digits",),
        ("mnist_photos@cifar10", "house_digits@cifar10"),
        ("without stages", "without shrinkage", "without tuning", "without replay", "without average"),
    ],
)
def test_a_legend_stands_beside_the_title_and_both_on_the_figure(title: str, names: tuple[str, ...]) -> None:
    figure = laid(gaps(*names, title=title))
    (legend,) = figure.legends
    heading, note = figure._suptitle, figure._supxlabel
    assert not box(legend).overlaps(box(heading))
    assert all(inside(figure, artist) for artist in (legend, heading, note))
    assert box(legend).y0 >= box(figure.axes[0]).y1, "nothing is written over the axes"
    assert [entry.get_text() for entry in legend.get_texts()] == list(names)


@pytest.mark.parametrize("across", [1, 2, 5])
def test_curves_keep_title_legend_and_note_apart(across: int) -> None:
    table = pd.DataFrame(
        {"budget": budget, "epoch": epoch, **{f"{split}_error{end}": 0.1 for split in ("val", "train")
         for end in ("", "_low", "_high")}} for budget in range(across) for epoch in (1, 2, 3)
    )  # fmt: skip
    columns = {"val_error": "validation", "train_error": "training"}
    figure = laid(draw_curves(table, WORDS, columns=columns, across="budget"))
    assert not box(figure.legends[0]).overlaps(box(figure._suptitle))
    assert inside(figure, figure._supxlabel)


def test_the_note_of_a_map_ends_on_it() -> None:
    table = pd.DataFrame(
        {"x": x, "y": x % 2, "class": x, "domain": domain}
        for x in range(4) for domain in ("mnist", "mnist_photos@cifar10")
    )  # fmt: skip
    figure = laid(draw_scatter(table, WORDS, colour="class", mark="domain"))
    assert inside(figure, figure._supxlabel)
    assert figure._supxlabel.get_text().split() == NOTE.split(), "and loses nothing"
    assert not box(figure.legends[0]).overlaps(box(figure._suptitle))


def test_titles_of_panels_are_no_wider_than_these() -> None:
    table = pd.DataFrame(
        {"size": size, "data": f"{LONG}, {i}", **{f"error{end}": 0.1 for end in ("", "_low", "_high")}}
        for size in (100, 500) for i in range(2)
    )  # fmt: skip
    figure = laid(draw_lines(table, WORDS, x="size", columns={"error": "error"}, panels="data"))
    for i, axes in enumerate(figure.axes):
        title = axes._left_title  # type: ignore[attr-defined]
        assert box(title).x1 <= box(axes).x1
        assert title.get_text().split() == f"data {LONG}, {i}".split()


def test_lines_are_fitted_by_their_width_and_a_word_that_is_too_long_is_broken() -> None:
    assert fitted("i " * 40, 2, size=9).count("\n") < fitted("W " * 40, 2, size=9).count("\n")
    path = "/data/with/no/space/to/break/a/line/at.npz"
    broken = fitted(f"Data: {path}", 1, size=9)
    assert max(map(len, broken.split("\n"))) < 20
    assert broken.replace("\n", "") == f"Data:{path}"
    assert fitted("", 1, size=9) == ""


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (0.01, ""),
        (-0.01, "Hollow: not shown to differ from 0, by Holm's method."),
        (math.nan, "Hollow: not shown to differ from 0, by Holm's method. No bar: no interval."),
    ],
)
def test_differences_say_what_a_hollow_mark_and_a_lacking_bar_mean(low: float, said: str) -> None:
    note = " ".join(gaps("own − knn", low=low)._supxlabel.get_text().split())
    assert note == f"{NOTE} {said}".strip()


def test_the_highest_mark_is_whole() -> None:
    table = pd.DataFrame({"size": [100, 500], "kept": 0.4, "kept_low": 0.39, "kept_high": 0.4})
    axes = draw_lines(table, WORDS, x="size", columns={"kept": "source"}, percent=True).axes[0]
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] > 41
