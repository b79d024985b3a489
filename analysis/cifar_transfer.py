"""What to do with a network of one set and few images of another: accuracy by method and sample, and why."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings, Part, parts
from analysis.numbers.bias_variance import Decomposition, decompose
from analysis.numbers.results import records
from analysis.verdicts.methods import ACCURACY, KEPT, METHOD, NO_REPLAY, SIZE, WITHOUT, told, whole
from analysis.words import ranged

COMPARED = (METHOD, SIZE)
OWN = "own"
PAIRS = {"own − finetune": ("finetune", OWN), "own − knn": ("knn", OWN), "finetune − knn": ("knn", "finetune")}
TITLE = "A network of one set, few images of another"
IMAGES = "images of the target"


def answer(found: Findings) -> Draft:
    """The question's figures, tables and verdict, for each pair of data sets and each source network."""
    drawings: dict[str, Drawing] = {}
    tables: dict[str, pd.DataFrame] = {}
    texts: list[str] = []
    gaps: list[pd.DataFrame] = []
    for part in parts(found, COMPARED):
        compared, ablated, errors = _compared(part), _ablated(part), _decomposed(part)
        drawings |= {f"{name}{part.suffix}": drawing for name, drawing in _drawings(part, compared, ablated, errors)}
        named = {
            "ablation": ablated,
            "forgetting": _forgetting(part),
            "bias_variance": errors,
        }
        tables |= {f"{name}{part.suffix}": table for name, table in named.items() if len(table)}
        gaps += [compared, ablated]
        texts += told(part, compared, ablated, errors)
    differences = pd.concat([gap.drop(columns="pair") for gap in gaps], ignore_index=True) if gaps else None
    terms = found.terms(f"Sizes count {IMAGES}")
    return Draft(TITLE, "\n\n".join(texts), drawings, tables, differences, terms)


def _compared(part: Part) -> pd.DataFrame:
    """Differences of test accuracy between the methods, paired by seed; `pair` names them."""
    return _pairs(part, PAIRS)


def _ablated(part: Part) -> pd.DataFrame:
    """Test accuracy of `own` without an ingredient − that of `own`."""
    names = [str(name) for name in dict.fromkeys(part.chosen[METHOD]) if str(name).startswith(WITHOUT)]
    return _pairs(part, {f"without {name.removeprefix(WITHOUT)}": (OWN, name) for name in names})


def _pairs(part: Part, pairs: dict[str, tuple[str, str]]) -> pd.DataFrame:
    tables = [part.found.compare(METHOD, *pair, ACCURACY).assign(pair=name) for name, pair in pairs.items()]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["pair"])


def _forgetting(part: Part) -> pd.DataFrame:
    """How well the source's test images are read after each method, by the source network's own last layer."""
    measured = [KEPT, f"{KEPT}_low", f"{KEPT}_high", f"{KEPT}_image_se"]
    return part.chosen[[METHOD, SIZE, "n", *(name for name in measured if name in part.chosen)]]


def _decomposed(part: Part) -> pd.DataFrame:
    """Bias and variance over samples, a row a condition whose trials all left their predictions.

    Where a seed diverged there is none: without it the method would look better than it is.
    """
    rows = []
    for row in records(part.chosen):
        kept = [arrays for arrays in part.arrays(row).values() if "test_predicted" in arrays]
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
    part: Part, compared: pd.DataFrame, ablated: pd.DataFrame, errors: pd.DataFrame
) -> Iterator[tuple[str, Drawing]]:
    note, title = part.found.note, f"{part.setting('source')} → {part.setting('target')}{part.where}"
    main = whole(part.chosen)
    words = Words(f"{title}: test error by method", IMAGES, "test error, %", note("One source network."))
    figure = draw_lines(main, words, x=SIZE, columns={"test_error": "test error"}, series=[METHOD], percent=True,
                           logarithmic=True)  # fmt: skip
    yield "test_error", Drawing(figure, f"Test error against {IMAGES}, by method.")
    for name, table, what in (
        ("differences", compared, "methods compared"),
        ("ablation", ablated, "what own lacks without each part"),
    ):
        if len(table):
            words = Words(f"{title}: {what}", IMAGES, "test accuracy, points", note("Paired by seed."))
            figure = draw_gaps(table, words, x=SIZE, series=["pair"], percent=True)
            yield name, Drawing(figure, f"Differences of test accuracy by {IMAGES}: {what}.")
    words = Words(f"{title}: what is kept of the source", IMAGES, "accuracy on the source's test images, %", note())
    told_apart = part.chosen[part.chosen[METHOD].isin([*main[METHOD], NO_REPLAY])]
    figure = draw_lines(told_apart, words, x=SIZE, columns={KEPT: "source"}, series=[METHOD], percent=True)
    yield "forgetting", Drawing(figure, "Accuracy on the source's test images after each method.")
    if len(errors):
        table = whole(errors).assign(
            **{f"{name}_{end}": np.nan for name in ("bias", "variance") for end in ("low", "high")}
        )
        text = part.note(
            f"Over {ranged(table['n'])} samples (the fewer, the larger bias looks); with variance it is the error."
        )
        words = Words(f"{title}: bias and variance", IMAGES, "share of test images, %", text)
        columns = {"bias": "bias", "variance": "net variance"}
        figure = draw_lines(table, words, x=SIZE, columns=columns, series=[METHOD], percent=True)
        yield "bias_variance", Drawing(figure, "The test error taken apart: bias and net variance over samples.")
