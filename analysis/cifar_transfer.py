"""What to do with a network of one set and few images of another: accuracy by method and sample, and why."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.bias_variance import Decomposition, decompose
from analysis.numbers.results import records
from analysis.verdicts import methods
from analysis.verdicts.methods import ACCURACY, KEPT, METHOD, NO_REPLAY, SIZE, WITHOUT, whole
from analysis.words import ranged

COMPARED = (METHOD, SIZE)
OWN = "own"
PAIRS = {"own − finetune": ("finetune", OWN), "own − knn": ("knn", OWN), "finetune − knn": ("knn", "finetune")}
TITLE = "A network of one set, few images of another"
IMAGES = "images of the target"


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    compared, ablated, errors = _compared(part), _ablated(part), _decomposed(part)
    tables = {"ablation": ablated, "forgetting": _forgetting(part), "bias_variance": errors}
    return Draft(
        TITLE,
        list(methods.verdict(part, compared, ablated, errors)),
        dict(_drawings(part, compared, ablated, errors)),
        {name: table for name, table in tables.items() if len(table)},
        pd.concat([gap.drop(columns="pair") for gap in (compared, ablated)], ignore_index=True),
        closing=[methods.CONDITIONAL],
        counted=f"Sizes count {IMAGES}",
    )


def _compared(part: Findings) -> pd.DataFrame:
    """Return differences of test accuracy between the methods, paired by seed; `pair` names them."""
    return _pairs(part, PAIRS)


def _ablated(part: Findings) -> pd.DataFrame:
    """Return the test accuracy of `own` without an ingredient − that of `own`."""
    names = [str(name) for name in dict.fromkeys(part.chosen[METHOD]) if str(name).startswith(WITHOUT)]
    return _pairs(part, {f"without {name.removeprefix(WITHOUT)}": (OWN, name) for name in names})


def _pairs(part: Findings, pairs: dict[str, tuple[str, str]]) -> pd.DataFrame:
    tables = [part.compare(METHOD, *pair, ACCURACY).assign(pair=name) for name, pair in pairs.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["pair"])


def _forgetting(part: Findings) -> pd.DataFrame:
    """Return how well the source's test images are read after each method, by the source network's own last layer."""
    measured = [KEPT, f"{KEPT}_low", f"{KEPT}_high", f"{KEPT}_image_se"]
    return part.chosen[[METHOD, SIZE, "n", *(name for name in measured if name in part.chosen)]]


def _decomposed(part: Findings) -> pd.DataFrame:
    """Return bias and variance over samples, a row for each condition whose trials all left their predictions.

    Where a seed diverged there is no row: without it the method would look better than it is.
    """
    rows = []
    for row in records(part.chosen):
        kept = [arrays for arrays in part.arrays_of(row).values() if "test_predicted" in arrays]
        if len(kept) < max(2, row["n"]):
            continue
        labels = kept[0]["test_labels"]
        if all(np.array_equal(one["test_labels"], labels) for one in kept):
            own: Decomposition = decompose(np.stack([one["test_predicted"] for one in kept]), labels)
            rows.append(
                {METHOD: row[METHOD], SIZE: row[SIZE], "n": len(kept), **own._asdict(), "variance": own.variance}
            )
    return pd.DataFrame(rows, columns=[METHOD, SIZE, "n", *Decomposition._fields, "variance"])


def _drawings(
    part: Findings, compared: pd.DataFrame, ablated: pd.DataFrame, errors: pd.DataFrame
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
    if len(errors):
        table = whole(errors).assign(
            **{f"{name}_{end}": np.nan for name in ("bias", "variance") for end in ("low", "high")}
        )
        over = f"Over {ranged(table['n'])} samples (the fewer, the larger bias looks); with variance it is the error."
        words = Words(f"{title}: bias and variance", IMAGES, "share of test images, %", part.note(over, means=False))
        columns = {"bias": "bias", "variance": "net variance"}
        figure = partial(draw_lines, table, words, x=SIZE, columns=columns, series=[METHOD], percent=True)
        yield "bias_variance", Drawing(figure, "The test error taken apart: bias and net variance over samples.")
