"""What the transfer of a network to a small sample has shown, in words: methods, ingredients, forgetting, and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from analysis.findings import Part
from analysis.numbers.results import CHOSEN, records
from analysis.words import listed, outcomes, percent, points

METHOD, SIZE = "method", "train_size"
WITHOUT, NO_REPLAY = "own_no_", "own_no_replay"
ACCURACY, KEPT = "test_accuracy", "test_source_accuracy"
FROZEN = ("finetune", "knn", "own_no_tuning")
"""Methods that leave the source network as it is."""
HIGHER = ("is lower", "is higher", "is not shown to differ")
CHANGED = ("falls", "rises", "is not shown to change")


def told(part: Part, compared: pd.DataFrame, ablated: pd.DataFrame, errors: pd.DataFrame) -> Iterator[str]:
    """Paragraphs in Markdown. `compared` and `ablated` are rows of `Findings.compare` with their `pair`, `errors` has a
    `decomposition` a condition."""
    yield _accuracies(part, compared)
    if len(compared):
        ways = [
            f"{pair}: accuracy {outcomes(rows, SIZE, *HIGHER)}." for pair, rows in compared.groupby("pair", sort=False)
        ]
        yield " ".join([*ways, _crossing(compared, "finetune − knn", "finetune", "knn")])
    if len(ablated):
        lacks = [f"{pair} it {outcomes(rows, SIZE, *CHANGED)}" for pair, rows in ablated.groupby("pair", sort=False)]
        yield f"What the parts of `own` bring, as its test accuracy without them: {'; '.join(lacks)}."
    yield from filter(None, [_forgotten(part), _apart(part), _theory(errors)])
    yield (
        "All of this is conditional on one source network: another one, trained with another seed, at another width or"
        " on other data, may order the methods differently, and no interval here holds that."
    )


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of whole methods, those with parts left out by themselves omitted; all rows where there are no others."""
    ablated = table[METHOD].str.startswith(WITHOUT)
    return table if ablated.all() else table[~ablated]


def _accuracies(part: Part, compared: pd.DataFrame) -> str:
    text = f"**{part.setting('source')} → {part.setting('target')}{part.where}.** Test accuracy with"
    for size, rows in part.chosen.groupby(SIZE):
        named = [f"{row[METHOD]} {part.found.share(row, ACCURACY)}" for row in records(whole(rows))]
        gaps = [f"{row['pair']} {points(row['difference'], row['low'], row['high'])} (n = {row['n']})"
                for row in records(compared[compared[SIZE] == size])]  # fmt: skip
        text += f"\n- {size:,} images: {'; '.join([listed(named), *gaps])}."
    return text


def _crossing(compared: pd.DataFrame, pair: str, first: str, second: str) -> str:
    """Between which sizes the better of two methods becomes the worse one."""
    rows = records(compared[compared["pair"] == pair].sort_values(SIZE))
    shown = [(row[SIZE], 1 if row["low"] > 0 else -1) for row in rows if row["low"] > 0 or row["high"] < 0]
    for (small, before), (large, after) in pairwise(shown):
        if before != after:
            best = first if after > 0 else second
            return f"They cross between {small:,} and {large:,} images: beyond, {best} is better."
    return f"{first} and {second} are not shown to cross within these sizes." if len(rows) > 1 else ""


def _forgotten(part: Part) -> str:
    """What is left of the source's accuracy."""
    if KEPT not in part.chosen:
        return ""
    rows = records(part.chosen.dropna(subset=KEPT).sort_values(SIZE, kind="stable"))
    frozen = next((row[KEPT] for row in rows if row[METHOD] in FROZEN), None)
    start = (
        f"The source network itself reads {percent(frozen)} of the source's test images"
        if frozen
        else "Of the source's test images are read"
    )
    lost: dict[str, list[str]] = {}
    for row in rows:
        if row[METHOD] in ("own", NO_REPLAY):
            bounds = row[KEPT], row[f"{KEPT}_low"], row[f"{KEPT}_high"]
            lost.setdefault(row[METHOD], []).append(f"{percent(*bounds)} with {row[SIZE]:,}")
    after = [f"after {method} {listed(texts)}" for method, texts in lost.items()]
    return f"{'; '.join([start, *after])}." if after or frozen else ""


def _apart(part: Part) -> str:
    """The trials on the prescribed seed: a number each, in no mean."""
    table = part.found.apart
    if not len(table):
        return ""
    own = table[table["condition"].isin(part.seeds["condition"]) & (table["recipe"] == CHOSEN)]
    texts: list[str] = []
    for seed, rows in own.groupby("seed"):
        for size, sized in rows.groupby(SIZE):
            shares = [f"{row[METHOD]} {percent(row[ACCURACY])}" for row in records(sized) if WITHOUT not in row[METHOD]]
            texts.append(
                f"{size:,} images {listed(shares)}"
                if texts
                else f"Seed {seed} by itself: {size:,} images {listed(shares)}"
            )
    return f"{'; '.join(texts)}." if texts else ""


def _theory(errors: pd.DataFrame) -> str:
    """Bias and variance, and what they bear out."""
    if errors.empty:
        return ""
    main = whole(errors)
    sizes = sorted(set(main[SIZE]))
    text = (
        "**Why.** A larger class of functions holds a better one (less bias), and a sample of n tells the less which"
        " one it is (more variance, which falls about as 1/n for a fixed class): few images call for a small or well"
        " informed class, many allow a larger one. The test error taken apart over the samples of the seeds (bias: the"
        " prediction most of them lead to is wrong; net variance: what single samples lose beside it; of a few samples"
        " that prediction is itself uncertain, which makes bias look larger and variance smaller):"
    )
    for size in dict.fromkeys([sizes[0], sizes[-1]]):
        parts = [f"{row[METHOD]} {_parts(row)}" for row in records(main[main[SIZE] == size])]
        text += f"\n- {size:,} images: {'; '.join(parts)}."
    return f"{text}\n\n{_borne_out(main, sizes)}" if len(sizes) > 1 else text


def _parts(row: dict[str, Any]) -> str:
    return f"{percent(row['error'])} = bias {percent(row['bias'])} + variance {percent(row['variance'])}"


def _borne_out(main: pd.DataFrame, sizes: list[int]) -> str:
    """Which of the two terms the growing sample lowers more, by method."""
    texts = []
    for method, rows in main.groupby(METHOD, sort=False):
        ends = [rows[rows[SIZE] == size] for size in (sizes[0], sizes[-1])]
        if all(len(end) for end in ends):
            first, last = (records(end)[0] for end in ends)
            bias, variance = (100 * (last[name] - first[name]) for name in ("bias", "variance"))
            texts.append(f"{method} bias {bias:+.1f} and variance {variance:+.1f}".replace("-", "−"))
    return f"From {sizes[0]:,} to {sizes[-1]:,} images these change by, in points: {'; '.join(texts)}."
