"""Transfer by train size: lowest test error, the epochs to it, and learning curves, against train size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.gaps import bars_overlap, draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.verdicts import laws
from analysis.verdicts.prescribed import config_text
from analysis.words import (
    DIFFERS,
    Directions,
    Paragraph,
    Strong,
    Text,
    enumerated,
    join,
    listed,
    missing,
    outcomes,
    text,
)

COMPARED = BACKBONE, SIZE = ("backbone", "train_size")
TITLE = "Transfer by train size"
IMAGES = "training images"
CHANGED = Directions("falls", "rises", "is not shown to change")
ANNEALED = "The learning rate falls to 0 over the epochs asked for; epochs to the best may depend on how many they are."


def answer(part: Findings) -> Draft:
    """Return the question's figures and its verdict."""
    compared = _compared(part)
    annealed = any(part.results.facts[trial].get("annealed") for trial in part.chosen_seeds["trial"])
    return Draft(
        TITLE,
        [_headline(part), *_sizes(part, compared), *_prescribed(part, compared), *_backbones(part)],
        dict(_drawings(part)),
        differences=compared,
        closing=[Paragraph((ANNEALED,))] if annealed else [],
        sections=laws.section(part, SIZE, BACKBONE, IMAGES),
        counted="Sizes count training labels",
    )


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    best = part.reported
    title = f"{TITLE}{part.where}"
    series = [name for name in part.results.series(SIZE) if name == BACKBONE]
    panels = "recipe" if part.results.has_prescribed else ""
    error = partial(
        draw_lines,
        best,
        Words(f"{title}: test error of the new output layer", IMAGES, part.axis("test_error"), part.note()),
        x=SIZE,
        columns={"oracle_error": "lowest over the epochs (oracle)", "test_error": "at the last epoch"},
        series=series,
        panels=panels,
        percent=True,
    )
    yield "test_error", Drawing(error, f"Test error against the number of {IMAGES}.")
    pairs: pd.DataFrame = part.differences[part.differences["factor"] == BACKBONE]
    if len(pairs) and bars_overlap(part.chosen, "test_error", [SIZE]):
        words = Words(f"{title}: backbones compared", IMAGES, "test error, points", part.note("Paired by seed."))
        named = pairs.assign(pair=[f"{row['to']} − {row['from']}" for row in records(pairs)])
        gaps = partial(draw_gaps, named, words, x=SIZE, series={"pair": ""}, percent=True)
        yield "differences", Drawing(gaps, f"Differences of test error between backbones, by {IMAGES}.")
    still = "↑ training ended while most seeds still improved." if (best["rising"] > best["n"] / 2).any() else ""
    epochs = partial(
        draw_lines,
        best,
        Words(f"{title}: epochs to the best", IMAGES, "epochs", part.note(still)),
        x=SIZE,
        columns={
            "peak_epoch": "best test accuracy (oracle)",
            "oracle_epoch": f"test accuracy within {part.near} of it (oracle)",
            "best_epoch": f"validation accuracy within {part.near} of its best",
        },
        series=series,
        panels=panels,
        rising="best_epoch",
    )
    yield "epochs_to_best", Drawing(epochs, f"Epochs to the best against the number of {IMAGES}.")
    columns = {"test_error": "test", "val_error": "validation", "train_error": "training"}
    drawn = [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]
    known = part.drawn_curves
    table = known.reindex(columns=list(dict.fromkeys([*known, *drawn])))  # none may have been evaluated
    if len(table):
        note = part.note("Training: all training images after the epoch, without dropout.")
        words = Words(f"{title}: learning curves", "epoch", part.axis("error"), note)
        rows = [*series, panels] if panels else series
        learning = partial(
            draw_curves, table, words, columns=columns, across=SIZE, series=rows, marks=best, percent=True
        )
        yield "learning_curves", Drawing(learning, "Learning curves of each condition's configs, training included.")

    yield from laws.drawing(part, title, SIZE, BACKBONE, IMAGES)


def _place(part: Findings) -> str:
    """Return on which data and with which settings, where other parts have others."""
    data = [part.setting(name) for name in part.results.data_fields if name in part.shared]
    return f" on {listed(data)}{part.where}" if data else part.where


def _headline(part: Findings) -> Paragraph:
    """Return in a sentence how low the error gets with the largest set."""
    rows = records(part.chosen[part.chosen[SIZE] == part.chosen[SIZE].max()])
    told = (
        text("{} at its lowest (oracle) and {} at the last epoch, with {}", *levels, str(row[BACKBONE]))
        for row in rows
        for levels in [[part.level(row, column) for column in ("oracle_error", "test_error")]]
    )
    return Paragraph(text("With {} {}{} the test error is {}.", rows[0][SIZE], IMAGES, _place(part), join("; ", told)))


def _sizes(part: Findings, compared: pd.DataFrame) -> Iterator[Paragraph]:
    """Yield what more images did for each backbone: the smallest and the largest set, and each step between.

    The question's own measures come first: the lowest test error over the epochs, and the epoch at which it is reached.
    """
    for backbone, rows in part.chosen.groupby(BACKBONE, sort=False):
        ends = _ends(rows)
        heads = {c.values[BACKBONE]: c.facts.get("head", "new layer") for c in part.results.conditions}
        found = text(
            "{}{} ({}): the lowest test error over the epochs (oracle: only test data can name it) is {} {}, first"
            " reached {} on average. Without test data, what can be had is the error at the last epoch of the config"
            " chosen on validation: {}. Validation comes within {} of its best after {} epochs, test (oracle) after"
            " {}.",
            Strong(str(backbone)),
            _place(part),
            heads[backbone],
            _levels(part, ends, "oracle_error"),
            IMAGES,
            _epochs(ends, "peak_epoch", "at epoch "),
            _levels(part, ends, "test_error"),
            part.near,
            _epochs(ends, "best_epoch"),
            _epochs(ends, "oracle_epoch"),
        )
        yield Paragraph(found + _steps(part, compared, str(backbone), CHOSEN) + _mixed(part, compared, rows))


def _prescribed(part: Findings, compared: pd.DataFrame) -> Iterator[Paragraph]:
    """Yield the same of the prescribed config, with which sizes compare at one training."""
    prescribed = part.reported[part.reported["recipe"] == PRESCRIBED]
    for backbone, rows in prescribed.groupby(BACKBONE, sort=False):
        ends = _ends(rows)
        found = text(
            "{}{} with the prescribed config, the same at every size ({}): the lowest test error over the epochs"
            " (oracle) is {} {}, first reached {} on average; at the last epoch it is {}.",
            Strong(str(backbone)),
            _place(part),
            config_text(part, ends[0]),
            _levels(part, ends, "oracle_error"),
            IMAGES,
            _epochs(ends, "peak_epoch", "at epoch "),
            _levels(part, ends, "test_error"),
        )
        yield Paragraph(found + _steps(part, compared, str(backbone), PRESCRIBED))


def _mixed(part: Findings, compared: pd.DataFrame, rows: pd.DataFrame) -> Text:
    """Return between which sizes the chosen config changes too, and these steps at one config, which are of size alone.

    Trials of the search have run either config at both sizes, unless it was drawn by a model.
    """
    configs = [{name: row[name] for name in part.results.hyperparameters} for row in records(rows)]
    sizes = list(rows[SIZE])
    steps = [(a, b) for (a, x), (b, y) in pairwise(zip(sizes, configs, strict=True)) if not _same(x, y)]
    if not steps:
        return ()
    told = listed(f"{a} to {b}" for a, b in steps)
    start = text(" From {} the chosen config changes too, so these steps are not of size alone", told)
    own = compared[(compared["recipe"] == CHOSEN) & (compared[BACKBONE] == rows[BACKBONE].iloc[0])]
    alone = [_alone(part, row) for row in records(own) if (row["from"], row["to"]) in steps]
    searched = join("; ", alone)
    if searched:
        seeds = "on validation images and search seeds, by which the configs were chosen (no test data)"
        searched = text(". At one config, {}, the error changes {}", seeds, searched)
    beside = part.reported["recipe"].eq(PRESCRIBED).any()
    compare = "compare them with the steps at the prescribed config" if beside else ""
    if not compare and not searched:
        compare = "the ledger has none at one config"
    return start + (text(": {}", compare) if compare else ()) + searched + (".",)


def _alone(part: Findings, row: Mapping[str, Any]) -> Text:
    """Return a step at either of the configs that were chosen at its ends."""
    found = [text("{} with that of {}, n = {}", gap, size, gap.n) for size, gap in part.at_one_config(row)]
    return text("from {} to {} by {}", row["from"], row["to"], enumerated(found)) if found else ()


def _same(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether two configs are the same; None in one table is NaN in another."""
    return all(first[name] == second[name] or (missing(first[name]) and missing(second[name])) for name in first)


def _ends(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the smallest and the largest size, which may be one."""
    return records(rows.iloc[[0, -1]] if len(rows) > 1 else rows)


def _levels(part: Findings, ends: Sequence[Mapping[str, Any]], column: str) -> Text:
    return enumerated(text("{} with {}", part.level(row, column), row[SIZE]) for row in ends)


def _epochs(ends: Sequence[Mapping[str, Any]], column: str, before: str = "") -> str:
    """Return means over the seeds, rounded to whole epochs."""
    return before + listed(f"{row[column]:.0f}".replace("nan", "–") for row in ends)


def _compared(part: Findings) -> pd.DataFrame:
    """Return all differences: of chosen configs, and from each size to the next with the prescribed one."""
    sizes = dict.fromkeys(part.reported.loc[part.reported["recipe"] == PRESCRIBED, SIZE])
    steps = [part.compare(SIZE, *pair, "test_error", PRESCRIBED) for pair in pairwise(sizes)]
    return part.family([part.differences, *steps])


def _steps(part: Findings, compared: pd.DataFrame, backbone: str, recipe: str) -> Text:
    """Return how the error at the last epoch changes from each size to the next."""
    rows = compared[(compared["factor"] == SIZE) & (compared["recipe"] == recipe)]
    steps = [part.difference(row) for row in records(rows[rows[BACKBONE] == backbone])]
    changes = outcomes(steps, CHANGED, lambda step: f"{step.before} to {step.after}", link="from")
    return text(" Paired by seed, the error at the last epoch {} images.", changes) if steps else ()


def _backbones(part: Findings) -> Iterator[Paragraph]:
    """Yield how each two backbones differ at equal size."""
    pairs: pd.DataFrame = part.differences[part.differences["factor"] == BACKBONE]
    for (first, second), rows in pairs.groupby(["from", "to"], sort=False):
        compared = outcomes(map(part.difference, records(rows)), DIFFERS, lambda gap: str(gap.where[SIZE]))
        told = "{} against {}{}, paired by seed: the test error {} images."
        yield Paragraph(text(told, Strong(str(second)), str(first), _place(part), compared))
