"""Panels wrap within a page's width, say which factor they are of, and start at 0 on demand."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.axes import LABELS, NARROWEST, from_zero, panels_abreast
from analysis.figures.curves import draw_curves, draw_learning
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.paper import WIDEST
from analysis.figures.points import draw_dots, draw_trials
from analysis.figures.style import Words, groups, legend_title

WORDS = Words("A variational autoencoder on two data sets: what the latent dimensions do", "x", "y", "Data: made up.")
LATENT = (2, 4, 8, 16, 32, 64, 128)
LEVEL = 60.0


def table(count: int, *, level: float = LEVEL) -> pd.DataFrame:
    """Return a row for each of two epochs, latent sizes and kinds of layers, with all columns that figures draw."""
    return pd.DataFrame(
        {
            "latent": latent, "fully_connected": dense, "epoch": epoch, "recipe": "chosen", "size": 100 * epoch,
            **{f"{name}_loss{end}": level + shift + i for name in ("val", "train")
               for end, shift in (("", 0), ("_low", -1), ("_high", 1))},
            "difference": level, "low": level - 1, "high": level + 1, "found": "higher",
        }
        for i, latent in enumerate(LATENT[:count]) for dense in (False, True) for epoch in (1, 2)
    )  # fmt: skip


def curves(rows: pd.DataFrame, **more: bool) -> Figure:
    return draw_curves(
        rows, WORDS, columns={"val_loss": "validation"}, across="latent", series=["fully_connected"], **more
    )


def learning(rows: pd.DataFrame, **more: bool) -> Figure:
    splits, measures = {"val": "validation", "train": "training"}, {"loss": "loss, nats"}
    return draw_learning(
        rows, WORDS, measures=measures, splits=splits, across="latent", series=["fully_connected"], **more
    )


def lines(rows: pd.DataFrame, **more: bool) -> Figure:
    return draw_lines(
        rows, WORDS, x="size", columns={"val_loss": "loss"}, series=["fully_connected"], panels="latent", **more
    )


def gaps(rows: pd.DataFrame) -> Figure:
    return draw_gaps(rows, WORDS, x="size", series=["fully_connected"], panels="latent")


def trials(rows: pd.DataFrame, **more: bool) -> Figure:
    return draw_trials(rows, WORDS, x="size", y="val_loss", series=["fully_connected"], across="latent", **more)


KINDS: dict[Callable[..., Figure], int] = {curves: 5, learning: 3, lines: 2, gaps: 5, trials: 3}
"""How many panels of each kind stand side by side."""


def titles(figure: Figure) -> list[str]:
    return [axes.get_title("left") for axes in figure.axes]


@pytest.mark.parametrize("draw", KINDS)
@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_panels_name_their_factor_and_wrap_within_a_page(draw: Callable[..., Figure], count: int) -> None:
    figure = draw(table(count))
    figure.set_dpi(200)
    figure.draw_without_rendering()
    assert figure.get_figwidth() <= WIDEST
    assert [title for title in dict.fromkeys(titles(figure)) if title] == [f"latent {n}" for n in LATENT[:count]]
    tops = {round(axes.get_window_extent().y1) for axes in figure.axes}
    rows = 2 if draw is curves else 1
    assert (len(tops) > rows) == (count > KINDS[draw])
    texts = [axes._left_title for axes in figure.axes if axes.get_title("left")]  # type: ignore[attr-defined]
    texts += [axes.xaxis.label for axes in figure.axes] + [axes.yaxis.label for axes in figure.axes]
    texts += [figure._suptitle, figure._supxlabel, *figure.legends]
    boxes = [box for box in (text.get_window_extent() for text in texts) if box.width > 1]
    panels = [axes.get_window_extent() for axes in figure.axes]
    for box in boxes + panels:
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in [*boxes[i + 1 :], *panels])
    assert min(panel.width for panel in panels) / 200 > 0.8 * NARROWEST
    lowest = [axes for axes in figure.axes if axes.get_xlabel()]
    assert {round(axes.get_window_extent().x0) for axes in lowest} == {round(panel.x0) for panel in panels}
    assert len({axes.get_ylim() for axes in figure.axes}) == 1, "panels are on one scale"


def test_lines_of_panels_are_about_equally_full() -> None:
    assert [panels_abreast(count, 1.4) for count in (1, 2, 4, 5, 7, 9)] == [1, 2, 4, 3, 4, 3]
    assert panels_abreast(3, 10 * WIDEST) == 1
    assert panels_abreast(99, 0.1) <= (WIDEST - LABELS) / NARROWEST, "none is narrower than can be read"


def test_a_legend_names_its_factor_once_or_in_each_entry() -> None:
    rows = table(2)
    legend = lines(rows).legends[0]
    assert legend.get_title().get_text() == "fully connected"
    assert [text.get_text() for text in legend.get_texts()] == ["no", "yes"]
    legend = learning(rows).legends[0]
    assert not legend.get_title().get_text()
    entries = ["fully connected no", "fully connected yes", "validation", "training"]
    assert [text.get_text() for text in legend.get_texts()] == entries
    names = [name for name, _ in groups(rows, ["latent", "fully_connected", "recipe"])]
    assert names[:2] == ["latent 2, fully connected no, chosen config", "latent 2, fully connected yes, chosen config"]
    assert [name for name, _ in groups(rows, {"latent": ""})] == ["2", "4"], "values may speak for themselves"
    assert [legend_title(series) for series in (["latent"], {"latent": ""}, ["a", "b"], ())] == ["latent", "", "", ""]


@pytest.mark.parametrize("draw", [curves, learning, lines, trials])
def test_the_y_axis_starts_at_zero_on_demand(draw: Callable[..., Figure]) -> None:
    assert draw(table(2), zero=True).axes[0].get_ylim()[0] == 0
    low, high = draw(table(2), zero=False).axes[0].get_ylim()
    assert low > 0
    assert high > LEVEL


def test_dots_start_at_zero_unless_told_otherwise() -> None:
    rows = pd.DataFrame({"mining": ["random", "hard"], "near": 0.9, "near_low": 0.89, "near_high": 0.91})
    assert draw_dots(rows, WORDS, x="mining", columns={"near": "Near"}).axes[0].get_ylim()[0] == 0
    assert draw_dots(rows, WORDS, x="mining", columns={"near": "Near"}, zero=False).axes[0].get_ylim()[0] > 0.5


@pytest.mark.parametrize(("level", "cut"), [(-LEVEL, "above"), (0.5, "none")])
def test_an_axis_from_zero_cuts_nothing_off(level: float, cut: str) -> None:
    axes: Axes = lines(table(1, level=level), zero=True).axes[0]
    low, high = axes.get_ylim()
    assert (low < level - 1 and high == 0) if cut == "above" else (low < level - 1 < 0 < high)
    figure = Figure()
    from_zero(figure.subplots(), pd.DataFrame({"nothing": [float("nan")]}))
