"""Curves against several clocks: each panel has its own x values and all lines."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures.clocks import draw_clocks
from analysis.figures.style import Words


def curves() -> pd.DataFrame:
    rows = [
        {"start": start, "epoch": epoch, "steps": 25.0 * epoch, "seconds": pace * epoch, "n": 5, **measures}
        for start, pace in (("scratch", 2.0), ("frozen", 0.5))
        for epoch in (1, 2, 3)
        for measures in [
            {
                f"{split}_{measure}{end}": level / epoch
                for split, level in (("train", 0.2), ("test", 0.4))
                for measure in ("loss", "error")
                for end in ("", "_low", "_high")
            }
        ]
    ]
    return pd.DataFrame(rows)


def test_each_clock_has_a_column_and_each_measure_a_row() -> None:
    figure = draw_clocks(
        curves(),
        Words("title", "", "", "note"),
        measures={"loss": "loss", "error": "error, %"},
        splits={"train": "training", "test": "test"},
        clocks={"steps": "steps", "seconds": "seconds"},
        series={"start": ""},
        percent=["error"],
        zero=["error"],
    )
    loss_steps, loss_seconds, error_steps, error_seconds = figure.axes
    assert [axes.get_xlabel() for axes in (error_steps, error_seconds)] == ["steps", "seconds"]
    assert [axes.get_ylabel() for axes in (loss_steps, error_steps)] == ["loss", "error, %"]
    assert all(len(axes.lines) == 4 for axes in figure.axes), "two starts, training and test"
    xs = [list(np.asarray(line.get_xdata())) for line in loss_seconds.lines]
    assert xs == [[2.0, 4.0, 6.0]] * 2 + [[0.5, 1.0, 1.5]] * 2
    assert list(np.asarray(error_steps.lines[1].get_ydata())) == [40.0, 20.0, 40 / 3], "in per cent"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["scratch", "frozen", "training", "test"]
    assert error_steps.get_ylim()[0] == 0
    assert {axes.get_xscale() for axes in figure.axes} == {"linear"}


def test_a_clock_that_spans_much_is_logarithmic_and_shares_need_not_begin_at_0() -> None:
    table = curves().assign(steps=lambda own: own["epoch"] ** 3)
    clocks = {"steps": "steps", "seconds": "seconds"}
    words = Words("title", "", "", "note")
    splits = {"train": "training"}
    figure = draw_clocks(table, words, measures={"error": "error, %"}, splits=splits, clocks=clocks, percent=["error"])
    assert [axes.get_xscale() for axes in figure.axes] == ["log", "linear"]
    assert figure.axes[0].get_ylim()[0] > 0
