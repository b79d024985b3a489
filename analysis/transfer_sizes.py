"""Transfer by train size: test error and epochs to the best against train size, and learning curves."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings, Part, parts
from analysis.numbers.results import records
from analysis.words import listed

COMPARED = BACKBONE, SIZE = ("backbone", "train_size")
TITLE = "Transfer by train size"
IMAGES = "training images"
ANNEALED = "The learning rate falls to 0 over the epochs asked for; epochs to the best may depend on how many they are."


def answer(found: Findings) -> Draft:
    """The question's figures and its verdict, for each data set and each value of the settings."""
    drawings: dict[str, Drawing] = {}
    texts: list[str] = []
    for part in parts(found, COMPARED):
        drawings |= {f"{name}{part.suffix}": drawing for name, drawing in _drawings(part)}
        texts += _verdict(part)
    verdict = "\n\n".join(texts) or "No verdict yet: no chosen config is confirmed on fresh seeds."
    return Draft(TITLE, verdict, drawings, terms=found.terms("Sizes count training labels"))


def _drawings(part: Part) -> Iterator[tuple[str, Drawing]]:
    found, best, title = part.found, part.found.reported, f"{TITLE}{part.where}"
    series = [name for name in found.results.series(SIZE) if name in (BACKBONE, "recipe")]
    still = "↑ training ended while most seeds still rose." if (best["rising"] > best["n"] / 2).any() else ""
    error = draw_lines(
        best,
        Words(f"{title}: test error of the new output layer", IMAGES, "test error, %", found.note()),
        x=SIZE,
        columns={"test_error": "at the last epoch", "oracle_error": "lowest over the epochs (oracle)"},
        series=series,
        percent=True,
    )
    yield "test_error", Drawing(error, f"Test error against the number of {IMAGES}.")
    epochs = draw_lines(
        best,
        Words(f"{title}: epochs to the best", IMAGES, "epochs to within 0.1 point of the best", found.note(still)),
        x=SIZE,
        columns={"best_epoch": "of validation accuracy", "oracle_epoch": "of test accuracy (oracle)"},
        series=series,
        rising=True,
    )
    yield "epochs_to_best", Drawing(epochs, f"Epochs to the best against the number of {IMAGES}.")
    columns = {"test_error": "test", "val_error": "validation"}
    drawn = [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]
    table = found.curves.reindex(columns=list(dict.fromkeys([*found.curves, *drawn])))  # none may have been evaluated
    if len(table):
        words = Words(f"{title}: learning curves of the chosen configs", "epoch", "error, %", found.note())
        learning = draw_curves(table, words, columns=columns, across=SIZE, series=series, marks=best, percent=True)
        yield "learning_curves", Drawing(learning, "Learning curves of each condition's chosen config.")


def _verdict(part: Part) -> Iterator[str]:
    """What more images did for each backbone, then the backbones against each other."""
    data = [part.setting(name) for name in part.found.results.data_fields if name in part.shared]
    where = f"{' on ' * bool(data)}{listed(data)}{part.where}"
    for _, rows in part.chosen.groupby(BACKBONE, sort=False):
        yield _line(part.found, rows, where)
    yield from _backbones(part.found.differences, where)
    if any(part.found.results.facts[trial].get("annealed") for trial in part.seeds["trial"]):
        yield ANNEALED


def _line(found: Findings, rows: pd.DataFrame, where: str) -> str:
    """What more images did for one backbone: the smallest and the largest set, and each step between."""
    ends = records(rows.iloc[[0, -1]] if len(rows) > 1 else rows)
    backbone = ends[0][BACKBONE]
    heads = {c.values[BACKBONE]: c.facts.get("head", "new layer") for c in found.results.conditions}
    errors = listed(f"{found.share(row, 'test_error')} with {row[SIZE]}" for row in ends)
    oracles = listed(found.share(row, "oracle_error") for row in ends)
    epochs = listed(f"{row['best_epoch']:.0f} ({row['oracle_epoch']:.0f})".replace("nan", "–") for row in ends)
    text = (
        f"**{backbone}**{where} ({heads[backbone]}): the test error is {errors} {IMAGES}; the lowest over the epochs"
        f" (oracle) is {oracles}. Validation comes within 0.1 point of its best after {epochs} epochs (oracle in"
        " brackets)."
    )
    steps = records(found.differences[found.differences["factor"] == SIZE])
    steps = [row for row in steps if row[BACKBONE] == backbone]
    falls = [f"{row['from']} to {row['to']}" for row in steps if row["high"] < 0]
    flat = [f"{row['from']} to {row['to']}" for row in steps if not row["high"] < 0]
    text += f" Paired by seed, the error falls from {listed(falls)} images." if falls else ""
    return text + (f" From {listed(flat)} no fall is shown." if flat else "")


def _backbones(differences: pd.DataFrame, where: str) -> Iterator[str]:
    """Pairs of backbones at equal size, where the interval of their difference excludes 0."""
    pairs = differences[differences["factor"] == BACKBONE]
    for (first, second), rows in pairs.groupby(["from", "to"], sort=False):
        lower = [str(size) for size in rows.loc[rows["high"] < 0, SIZE]]
        higher = [str(size) for size in rows.loc[rows["low"] > 0, SIZE]]
        told = [f"lower with {listed(lower)} images"] if lower else []
        told += [f"higher with {listed(higher)} images"] if higher else []
        what = listed(told) or "not shown to differ at any size"
        yield f"**{second}** against {first}{where}, paired by seed: the test error is {what}."
