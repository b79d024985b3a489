"""Transfer by train size: test error and epochs to the best against train size, and learning curves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import records
from analysis.words import DIFFERS, Directions, Paragraph, Strong, Text, enumerated, listed, outcomes, text

COMPARED = BACKBONE, SIZE = ("backbone", "train_size")
TITLE = "Transfer by train size"
IMAGES = "training images"
CHANGED = Directions("falls", "rises", "is not shown to change")
ANNEALED = "The learning rate falls to 0 over the epochs asked for; epochs to the best may depend on how many they are."


def answer(part: Findings) -> Draft:
    """Return the question's figures and its verdict."""
    annealed = any(part.results.facts[trial].get("annealed") for trial in part.chosen_seeds["trial"])
    return Draft(
        TITLE,
        [*_sizes(part), *_backbones(part)],
        dict(_drawings(part)),
        closing=[Paragraph((ANNEALED,))] if annealed else [],
        counted="Sizes count training labels",
    )


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    best = part.reported
    title = f"{TITLE}{part.where}"
    series = [name for name in part.results.series(SIZE) if name in (BACKBONE, "recipe")]
    error = partial(
        draw_lines,
        best,
        Words(f"{title}: test error of the new output layer", IMAGES, part.axis("test_error"), part.note()),
        x=SIZE,
        columns={"test_error": "at the last epoch", "oracle_error": "lowest over the epochs (oracle)"},
        series=series,
        percent=True,
    )
    yield "test_error", Drawing(error, f"Test error against the number of {IMAGES}.")
    still = "↑ training ended while most seeds still rose." if (best["rising"] > best["n"] / 2).any() else ""
    epochs = partial(
        draw_lines,
        best,
        Words(f"{title}: epochs to the best", IMAGES, f"epochs to within {part.near} of the best", part.note(still)),
        x=SIZE,
        columns={"best_epoch": "of validation accuracy", "oracle_epoch": "of test accuracy (oracle)"},
        series=series,
        rising=True,
    )
    yield "epochs_to_best", Drawing(epochs, f"Epochs to the best against the number of {IMAGES}.")
    columns = {"test_error": "test", "val_error": "validation"}
    drawn = [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]
    table = part.curves.reindex(columns=list(dict.fromkeys([*part.curves, *drawn])))  # none may have been evaluated
    if len(table):
        words = Words(f"{title}: learning curves of the chosen configs", "epoch", part.axis("error"), part.note())
        learning = partial(
            draw_curves, table, words, columns=columns, across=SIZE, series=series, marks=best, percent=True
        )
        yield "learning_curves", Drawing(learning, "Learning curves of each condition's chosen config.")


def _place(part: Findings) -> str:
    """Return on which data and with which settings, where other parts have others."""
    data = [part.setting(name) for name in part.results.data_fields if name in part.shared]
    return f" on {listed(data)}{part.where}" if data else part.where


def _sizes(part: Findings) -> Iterator[Paragraph]:
    """Yield what more images did for each backbone: the smallest and the largest set, and each step between."""
    for backbone, rows in part.chosen.groupby(BACKBONE, sort=False):
        ends = records(rows.iloc[[0, -1]] if len(rows) > 1 else rows)
        heads = {c.values[BACKBONE]: c.facts.get("head", "new layer") for c in part.results.conditions}
        epochs = listed(f"{row['best_epoch']:.0f} ({row['oracle_epoch']:.0f})".replace("nan", "–") for row in ends)
        found = text(
            "{}{} ({}): the test error is {} {}; the lowest over the epochs (oracle) is {}. Validation comes within {}"
            " of its best after {} epochs (oracle in brackets).",
            Strong(str(backbone)),
            _place(part),
            heads[backbone],
            enumerated(text("{} with {}", part.level(row, "test_error"), row[SIZE]) for row in ends),
            IMAGES,
            enumerated((part.level(row, "oracle_error"),) for row in ends),
            part.near,
            epochs,
        )
        yield Paragraph(found + _steps(part, str(backbone)))


def _steps(part: Findings, backbone: str) -> Text:
    """Return how the error changes from each size to the next."""
    rows = records(part.differences[part.differences["factor"] == SIZE])
    steps = [part.difference(row) for row in rows if row[BACKBONE] == backbone]
    changes = outcomes(steps, CHANGED, lambda step: f"{step.before} to {step.after}", link="from")
    return text(" Paired by seed, the error {} images.", changes) if steps else ()


def _backbones(part: Findings) -> Iterator[Paragraph]:
    """Yield how each two backbones differ at equal size."""
    pairs: pd.DataFrame = part.differences[part.differences["factor"] == BACKBONE]
    for (first, second), rows in pairs.groupby(["from", "to"], sort=False):
        compared = outcomes(map(part.difference, records(rows)), DIFFERS, lambda gap: str(gap.where[SIZE]))
        told = "{} against {}{}, paired by seed: the test error {} images."
        yield Paragraph(text(told, Strong(str(second)), str(first), _place(part), compared))
