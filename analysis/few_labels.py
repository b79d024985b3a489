"""Few labels: test accuracy by labels and start of the encoder, training curves, and what pre-training is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from analysis.figures.clocks import draw_clocks
from analysis.figures.curves import draw_curves
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, REFERENCE
from analysis.verdicts import labels
from analysis.verdicts.shortage import FIRST, LABELS, PRETRAINED, SCRATCH, START, Shortage

COMPARED = (LABELS, START)
TITLE = "Few labels"
COUNTED = "labelled images"
SPLITS = {"train": "training", "test": "test"}
CLOCKS = {"epoch": "epoch", "steps": "optimiser steps", "seconds": "seconds as they were, evaluation included"}


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    found = Shortage(part)
    told = (labels.accuracies, labels.pretraining, labels.baselines, labels.memorised, labels.fixed)
    tables = {"overfitting": found.overfitting, "worth": found.worth, "baselines": found.against_baselines}
    return Draft(
        TITLE,
        [labels.headline(found), *(block for tell in told for block in tell(found))],
        dict(_drawings(part, found)),
        {name: table for name, table in tables.items() if len(table)},
        differences=found.between_starts,
        counted="Sizes count labelled training images",
    )


def _drawings(part: Findings, found: Shortage) -> Iterator[tuple[str, Drawing]]:
    title = f"{TITLE}{part.where}"
    words = Words(f"{title}: test error", COUNTED, part.axis("test_error"), part.note())
    error = partial(
        draw_lines, found.readers, words, x="count", columns={"test_error": ""}, series={"reader": ""}, percent=True
    )
    yield "test_error", Drawing(error, f"Test error against the number of {COUNTED}, with networks and without.")
    few, most = found.labels[0], found.labels[-1]
    yield from _trained(part, found, "all_labels", CHOSEN, {LABELS: most, START: SCRATCH}, ("epoch", "steps"))
    kinds = (("fixed", REFERENCE, "settings fixed beforehand"), ("first", FIRST, "the first of the training set"))
    for name, recipe, what in kinds:
        where = {LABELS: few, START: SCRATCH}
        yield from _trained(part, found, f"{name}_scratch", recipe, where, ("epoch", "steps"), what)
        yield from _trained(part, found, f"{name}_starts", recipe, {LABELS: few}, ("steps", "seconds"), what)
    words = Words(f"{title}: learning curves", "epoch", part.axis("error"), part.note())
    own = part.drawn_curves[part.drawn_curves["recipe"] == CHOSEN]
    columns = {"train_error": "training", "val_error": "validation", "test_error": "test"}
    curves = partial(draw_curves, own, words, columns=columns, across=LABELS, series={START: ""}, percent=True)
    yield "learning_curves", Drawing(curves, f"Learning curves of the chosen configs by {COUNTED} and start.")


def _trained(
    part: Findings, found: Shortage, name: str, recipe: str, where: Mapping[str, Any], clocks: Sequence[str],
    what: str = "",
) -> Iterator[tuple[str, Drawing]]:  # fmt: skip
    """Yield a figure of loss, error and accuracy, training and test, against clocks, if there are such trials."""
    table = found.timed(recipe, where)
    if table.empty:
        return
    several = START not in where
    count = found.count(where[LABELS])
    told = ", ".join(filter(None, [f"{count:,} labels", "by start" if several else where[START], what]))
    note = "Pre-training comes before these steps and seconds." if several and {PRETRAINED} & set(table[START]) else ""
    words = Words(f"{TITLE}{part.where}: {told}", "", "", part.note(note))
    measures = {"loss": "loss", "error": part.axis("error"), "accuracy": part.axis("accuracy")}
    figure = partial(
        draw_clocks, table, words, measures=measures, splits=SPLITS, clocks={clock: CLOCKS[clock] for clock in clocks},
        series={START: ""} if several else (), percent=("error", "accuracy"), zero=("error",),
    )  # fmt: skip
    yield name, Drawing(figure, f"Loss, error and accuracy in training and on test images: {told}.")
