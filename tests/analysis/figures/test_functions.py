"""Functions with what was measured of them, and phase portraits: what is drawn, and what is told of what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.figures.functions import draw_functions
from analysis.figures.paper import paper
from analysis.figures.portraits import Portrait, draw_portraits
from analysis.figures.style import Words

WORDS = Words("Title", "x", "y", "A note.")


def functions(top: float) -> Figure:
    x = np.linspace(0, 2, 21)
    lines = pd.concat(
        pd.DataFrame({"x": x, "y": power * x, "rule": f"{power} x", "kind": "odd" if power % 2 else "even"})
        for power in (1, 2, 3)
    )
    marks = lines[lines["x"].isin([x[5], x[20]])]
    return draw_functions(
        lines, marks, WORDS, series="rule", panels="kind", level=(1.0, "one"), top=top
    )  # fmt: skip


@pytest.mark.parametrize(("top", "above"), [(7.0, ""), (5.0, " 1 mark lies above 5."), (3.0, " 2 marks lie above 3.")])
def test_marks_that_are_cut_off_are_counted(top: float, above: str) -> None:
    figure = functions(top)
    assert figure._supxlabel.get_text() == f"A note.{above}"  # type: ignore[attr-defined]
    odd, even = figure.axes
    assert [text.get_text() for text in odd.get_legend().get_texts()] == ["1 x", "3 x"]
    assert [text.get_text() for text in even.get_legend().get_texts()] == ["2 x"]
    assert odd.get_title("left") == "odd"
    assert odd.get_ylim() == even.get_ylim()


@pytest.mark.parametrize(("width", "abreast"), [(6.5, 5), (3.3, 2)])
def test_portraits_stand_in_lines_on_one_scale(width: float, abreast: int) -> None:
    paths = np.full((4, 2, 2), np.nan)
    paths[:2] = [[[1, 0], [0, 0.2]], [[0, 1], [0.2, 0]]]  # after two steps they are not known
    with paper(width):
        figure = draw_portraits([Portrait(paths, f"rule {i}", "circles") for i in range(13)], WORDS, half=1.5)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == 13
    assert {axes.get_xlim() for axes in shown} == {(-1.5, 1.5)}
    assert sum(bool(axes.get_ylabel()) for axes in shown) == -(-13 // abreast), "a label for each line"
    assert shown[-1].texts[0].get_text() == "circles"
