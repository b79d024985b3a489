"""One network for two digit domains, or one for each: what sharing does to either's test error, by train size."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED
from analysis.verdicts import sharing
from analysis.verdicts.sharing import IMAGES, OTHERS, REGIME, SIZE, SMALL, TASKS, seen, shown_sizes, sizes
from analysis.words import counted

COMPARED = (REGIME, SIZE)
CONFIGS = {CHOSEN: "chosen config", PRESCRIBED: "prescribed config"}
"""What the figures call the configs."""
TITLE = "Two digit domains, one network"
UNEVEN = "One network for both makes twice the steps an epoch; its config is chosen by the mean of both accuracies"


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    read, gaps = seen(part, part.reported), sharing.sharing_gaps(part, CONFIGS)
    named = ["data", "network", *part.results.keys, "recipe", "n"]
    measured = [name for name in map(str, read) if name.startswith("test_") and name != "test_configs"]
    verdict = [block for task in TASKS for block in sharing.verdict(part, task, read, gaps)]
    return Draft(
        TITLE,
        [*sharing.headline(part, gaps), *verdict, *sharing.accuracies(part, read), *sharing.whole(read)],
        dict(_drawings(part, f"{TITLE}{part.where}", read, gaps)),
        {"every_network_on_both": read[[*named, *measured]], "sharing": gaps},
        pd.concat(
            [gaps.drop(columns="data"), *(sharing.against_prescribed(part, task) for task in TASKS)], ignore_index=True
        ),
        counted=f"Sizes count {IMAGES}. {UNEVEN}",
    )


def _drawings(part: Findings, title: str, read: pd.DataFrame, gaps: pd.DataFrame) -> Iterator[tuple[str, Drawing]]:
    configs = {name: label for name, label in CONFIGS.items() if name in set(read["recipe"])}
    columns = {
        f"{name}{end}": read[f"test_error{end}"].where(read["recipe"] == name)
        for name in configs
        for end in ("", "_low", "_high", "_interval")
    }
    error = partial(
        draw_lines,
        read.assign(**columns).sort_values("recipe", kind="stable"),
        Words(f"{title}: test error of every network on both sets", IMAGES, part.axis("test_error"), part.note()),
        x=SIZE,
        columns=configs,
        series={"network": ""},
        panels="data",
        percent=True,
        logarithmic=True,
    )
    yield "test_error", Drawing(error, f"Test error of every network on both sets against {IMAGES}.")
    if len(gaps):
        above = part.note("Above 0, sharing hurts; below, it helps.")
        words = Words(f"{title}: does sharing help?", IMAGES, "test error, shared − own, points", above)
        differences = partial(
            draw_gaps, gaps.replace(CONFIGS), words, x=SIZE, series=["data"], panels="recipe", percent=True
        )
        yield "sharing", Drawing(differences, "Test error of one network for both sets minus that of a set's own.")
    curves = seen(part, part.drawn_curves[part.drawn_curves["recipe"] == CHOSEN])
    known = sizes(curves)
    size = SMALL if SMALL in known else known[-1]
    yield "learning_curves", _learning(part, title, curves[curves[SIZE] == size], "chosen configs", size)
    curves = seen(part, part.drawn_curves[part.drawn_curves["recipe"] == PRESCRIBED])
    curves = curves[curves["network"] != OTHERS]
    for size in shown_sizes(curves):
        drawing = _learning(part, title, curves[curves[SIZE] == size], "prescribed config", size)
        yield f"prescribed_curves_{size}", drawing


def _learning(part: Findings, title: str, curves: pd.DataFrame, which: str, size: Any) -> Drawing:
    """Return learning curves on either set; `curves` has a row for each epoch, network and set."""
    shown = f"{which}, {counted(size)} images of each set"
    note = part.note("Training: means over the epoch, of the network in training.", tested=False)
    figure = partial(
        draw_learning,
        curves,
        Words(f"{title}: learning curves, {shown}", "epoch", "", note),
        measures={"error": part.axis("error"), "loss": "cross-entropy"},
        percent=["error"],
        splits={"val": "validation", "train": "training"},
        across="data",
        series={"network": ""},
    )
    return Drawing(figure, f"Learning curves: {shown}.")
