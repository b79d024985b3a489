"""Transfer by train size: test error and epochs to the best against train size, and learning curves."""

from __future__ import annotations

import pandas as pd

from analysis import figures
from analysis.drafts import Draft, Drawing, Findings
from analysis.figures import Words
from analysis.formats import listed
from analysis.results import CHOSEN, records

COMPARED = (SIZE,) = ("train_size",)
TITLE = "Transfer by train size"


def answer(found: Findings) -> Draft:
    """The question's three figures and its verdict."""
    best, series = found.reported, found.results.series(SIZE)
    images, to_best = "training images", "epochs to within 0.1 point of the best"
    still = "↑ training ended while most seeds still rose." if (best["rising"] > best["n"] / 2).any() else ""
    error = figures.lines(
        best,
        Words(f"{TITLE}: test error of the new output layer", images, "test error, %", found.note()),
        x=SIZE,
        columns={"test_error": "at the last epoch", "oracle_error": "lowest over the epochs (oracle)"},
        series=series,
        percent=True,
    )
    epochs = figures.lines(
        best,
        Words(f"{TITLE}: epochs to the best", images, to_best, found.note(still)),
        x=SIZE,
        columns={"best_epoch": "of validation accuracy", "oracle_epoch": "of test accuracy (oracle)"},
        series=series,
        rising=True,
    )
    learning = figures.curves(
        found.curves,
        Words(f"{TITLE}: learning curves of the chosen configs", "epoch", "error, %", found.note()),
        columns={"test_error": "test", "val_error": "validation"},
        across=SIZE,
        series=series,
        marks=best,
        percent=True,
    )
    drawings = {
        "test_error": Drawing(error, f"Test error against the number of {images}."),
        "epochs_to_best": Drawing(epochs, f"Epochs to the best against the number of {images}."),
        "learning_curves": Drawing(learning, "Learning curves of each condition's chosen config."),
    }
    return Draft(TITLE, _verdict(found), drawings, terms=found.terms("Sizes count training labels"))


def _verdict(found: Findings) -> str:
    chosen = found.reported[found.reported["recipe"] == CHOSEN]
    names = [name for name in found.results.series(SIZE) if name != "recipe"] or ["backbone"]
    lines = [_line(found, rows, names) for _, rows in chosen.groupby(names, sort=False, dropna=False)]
    return "\n\n".join([*lines, *_backbones(found)])


def _line(found: Findings, rows: pd.DataFrame, names: list[str]) -> str:
    """What more images did for one backbone: the smallest and the largest set, and each step between."""
    ends = records(rows.iloc[[0, -1]] if len(rows) > 1 else rows)
    heads = {c.values["backbone"]: c.facts.get("head", "new layer") for c in found.results.conditions}
    who = f"**{', '.join(str(ends[0][name]) for name in names)}** ({heads[ends[0]['backbone']]})"
    errors = listed(f"{found.share(row, 'test_error')} with {row[SIZE]}" for row in ends)
    oracles = listed(found.share(row, "oracle_error") for row in ends)
    epochs = listed(f"{row['best_epoch']:.0f} ({row['oracle_epoch']:.0f})".replace("nan", "–") for row in ends)
    text = (
        f"{who}: the test error is {errors} training images; the lowest over the epochs (oracle) is {oracles}."
        f" Validation comes within 0.1 point of its best after {epochs} epochs (oracle in brackets)."
    )
    steps = found.differences[found.differences["factor"] == SIZE]
    steps = steps[(steps[names] == rows[names].iloc[0]).all(axis=1)]
    falls = [f"{row['from']} to {row['to']}" for row in records(steps) if row["high"] < 0]
    flat = [f"{row['from']} to {row['to']}" for row in records(steps) if not row["high"] < 0]
    text += f" Paired by seed, the error falls from {listed(falls)} images." if falls else ""
    return text + (f" From {listed(flat)} no fall is shown." if flat else "")


def _backbones(found: Findings) -> list[str]:
    """Pairs of backbones at equal size, where the interval of their difference excludes 0."""
    pairs = found.differences[found.differences["factor"] == "backbone"]
    texts = []
    for (first, second), rows in pairs.groupby(["from", "to"], sort=False):
        lower = [str(size) for size in rows.loc[rows["high"] < 0, SIZE]]
        higher = [str(size) for size in rows.loc[rows["low"] > 0, SIZE]]
        parts = [f"lower with {listed(lower)} images"] if lower else []
        parts += [f"higher with {listed(higher)} images"] if higher else []
        told = listed(parts) or "not shown to differ at any size"
        texts.append(f"**{second}** against {first}, paired by seed: the test error is {told}.")
    return texts
