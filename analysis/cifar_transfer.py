"""What to do with a network of one set and few images of another: accuracy by method and sample, and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.generalisation import GAP
from analysis.numbers.results import CHOSEN
from analysis.verdicts import learning_theory, methods
from analysis.verdicts.generalisation import Generalisation, measured
from analysis.verdicts.methods import ACCURACY, KEPT, METHOD, NO_REPLAY, OWN, SIZE, WITHOUT, whole
from analysis.words import ranged

COMPARED = (METHOD, SIZE)
PAIRS = {"own − finetune": ("finetune", OWN), "own − knn": ("knn", OWN), "finetune − knn": ("knn", "finetune")}
TITLE = "A network of one set, few images of another"
IMAGES = "images of the target"


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    compared, ablated = _differences(part)
    found = measured(part)
    tables = {"ablation": ablated, "forgetting": _forgetting(part), "bias_variance": found.errors}
    tables["generalisation"] = found.table.dropna(subset=GAP)
    return Draft(
        TITLE,
        [*methods.verdict(part, compared, ablated), *learning_theory.explained(part, found)],
        dict(_drawings(part, compared, ablated, found)),
        {name: table for name, table in tables.items() if len(table)},
        pd.concat([compared, ablated], ignore_index=True).drop(columns="pair"),
        closing=[methods.CONDITIONAL],
        counted=f"Sizes count {IMAGES}",
    )


def _differences(part: Findings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return differences of test accuracy, paired by seed; `pair` names them, and they are one family.

    First those between methods, then what `own` has without an ingredient − what it has with all of them.
    """
    names = [str(name) for name in dict.fromkeys(part.chosen[METHOD]) if str(name).startswith(WITHOUT)]
    pairs = PAIRS | {f"without {name.removeprefix(WITHOUT)}": (OWN, name) for name in names}
    tables = [part.compare(METHOD, *pair, ACCURACY).assign(pair=name) for name, pair in pairs.items()]
    family = part.family(tables)
    return family[family["pair"].isin(PAIRS)], family[~family["pair"].isin(PAIRS)]


def _forgetting(part: Findings) -> pd.DataFrame:
    """Return how well the source's test images are read after each method, by the source network's own last layer."""
    ends = ("", "_low", "_high", "_interval", "_low_these", "_high_these", "_image_se")
    measured = [f"{KEPT}{end}" for end in ends]
    return part.chosen[[METHOD, SIZE, "n", *(name for name in measured if name in part.chosen)]]


def _drawings(
    part: Findings, compared: pd.DataFrame, ablated: pd.DataFrame, found: Generalisation
) -> Iterator[tuple[str, Drawing]]:
    title = f"{part.setting('source')} → {part.setting('target')}{part.where}"
    main = whole(part.chosen)
    words = Words(f"{title}: test error by method", IMAGES, part.axis("test_error"), part.note("One source network."))
    figure = partial(
        draw_lines,
        main,
        words,
        x=SIZE,
        columns={"test_error": "test error"},
        series=[METHOD],
        percent=True,
        logarithmic=True,
    )
    yield "test_error", Drawing(figure, f"Test error against {IMAGES}, by method.")
    for name, table, what in (
        ("differences", compared, "methods compared"),
        ("ablation", ablated, "what own lacks without each part"),
    ):
        if len(table):
            words = Words(f"{title}: {what}", IMAGES, "test accuracy, points", part.note("Paired by seed."))
            figure = partial(draw_gaps, table, words, x=SIZE, series={"pair": ""}, percent=True)
            yield name, Drawing(figure, f"Differences of test accuracy by {IMAGES}: {what}.")
    words = Words(
        f"{title}: what is kept of the source", IMAGES, "accuracy on the source's test images, %", part.note()
    )
    shown = part.chosen[part.chosen[METHOD].isin([*main[METHOD], NO_REPLAY])]
    figure = partial(draw_lines, shown, words, x=SIZE, columns={KEPT: "source"}, series=[METHOD], percent=True)
    yield "forgetting", Drawing(figure, "Accuracy on the source's test images after each method.")
    yield from _of_theory(part, found, title)


def _of_theory(part: Findings, found: Generalisation, title: str) -> Iterator[tuple[str, Drawing]]:
    """Yield learning curves, the gap between training and test accuracy, and bias and variance."""
    curves = whole(part.drawn_curves[part.drawn_curves["recipe"] == CHOSEN])
    lengths = curves.groupby([METHOD, SIZE])["epoch"].transform("max")
    if len(curves := curves[lengths > 1]):
        quarter = "An epoch of own is a quarter of its steps." if OWN in set(curves[METHOD]) else ""
        opened = "Test data is opened at the last epoch only."
        words = Words(f"{title}: learning curves", "epoch", part.axis("error"), part.note(quarter, opened))
        columns = {"train_error": "training", "val_error": "validation", "test_error": "test"}
        figure = partial(
            draw_curves, curves, words, columns=columns, across=SIZE, series=[METHOD], percent=True, zero=True
        )
        yield "learning_curves", Drawing(figure, f"Training and validation error by epoch, for {IMAGES}.")
    gaps = whole(found.table).dropna(subset=GAP)
    if len(gaps):
        alone = "knn: leave-one-out, no measure of over-fitting." if "knn" in set(gaps[METHOD]) else ""
        words = Words(f"{title}: training and test", IMAGES, "training − test accuracy, points", part.note(alone))
        figure = partial(
            draw_lines, gaps, words, x=SIZE, columns={GAP: "training − test"}, series=[METHOD], percent=True
        )
        yield "train_test", Drawing(figure, f"Training accuracy less test accuracy against {IMAGES}, by method.")
    errors = whole(found.errors)
    if len(errors):
        over = f"Terms over {ranged(errors['n'])} samples, unbiased for their number; they add up to the error."
        words = Words(f"{title}: bias and variance", IMAGES, "share of test images, %", part.note(over))
        columns = {"bias": "bias²", "variance": "variance"}
        figure = partial(draw_lines, errors, words, x=SIZE, columns=columns, series=[METHOD], percent=True)
        yield "bias_variance", Drawing(figure, "The test error taken apart: bias² and variance over samples.")
