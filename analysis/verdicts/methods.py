"""What the transfer of a network to a small sample has shown, in words: methods, ingredients, forgetting, and why."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.results import CHOSEN, records
from analysis.words import (
    DIFFERS,
    Block,
    Bullets,
    Directions,
    Paragraph,
    Strong,
    Summary,
    Text,
    enumerated,
    join,
    listed,
    outcomes,
    percent,
    text,
)

METHOD, SIZE = "method", "train_size"
WITHOUT, NO_REPLAY = "own_no_", "own_no_replay"
ACCURACY, KEPT = "test_accuracy", "test_source_accuracy"
FROZEN = ("finetune", "knn", "own_no_tuning")
"""Methods that leave the source network as it is."""
WHY = (
    "A larger class of functions holds a better one (less bias), and a sample of n tells the less which one it is (more"
    " variance, which falls about as 1/n for a fixed class): few images call for a small or well informed class, many"
    " allow a larger one. The test error taken apart over the samples of the seeds (bias: the prediction most of them"
    " lead to is wrong; net variance: what single samples lose beside it; of a few samples that prediction is itself"
    " uncertain, which makes bias look larger and variance smaller):"
)
CHANGED = Directions("falls", "rises", "is not shown to change")
CONDITIONAL = Paragraph((
    "All of this is conditional on one source network: another one, trained with another seed, at another width or on"
    " other data, may order the methods differently, and no interval here holds that.",
))  # fmt: skip


def verdict(part: Findings, compared: pd.DataFrame, ablated: pd.DataFrame, errors: pd.DataFrame) -> Iterator[Block]:
    """Yield what was found.

    `compared` and `ablated` are rows of `Findings.compare` with their `pair`; `errors` has a decomposition a condition.
    """
    yield from _accuracies(part, compared)
    if len(compared):
        ways = [
            text("{}: accuracy {}.", str(pair), _outcomes(part, rows, DIFFERS))
            for pair, rows in compared.groupby("pair", sort=False)
        ]
        yield Paragraph(join(" ", [*ways, _crossing(part, compared, "finetune − knn", "finetune", "knn")]))
    if len(ablated):
        lacks = [
            text("{} it {}", str(pair), _outcomes(part, rows, CHANGED))
            for pair, rows in ablated.groupby("pair", sort=False)
        ]
        bring = "What the parts of `own` bring, as its test accuracy without them: {}."
        yield Paragraph(text(bring, join("; ", lacks)))
    for told in (_forgotten(part), _extra_seeds(part)):
        if told:
            yield Paragraph(told)
    yield from _theory(errors)


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of whole methods, without ablated ones; all rows where there are no others."""
    ablated = table[METHOD].str.startswith(WITHOUT)
    return table if ablated.all() else table[~ablated]


def _outcomes(part: Findings, rows: pd.DataFrame, words: Directions) -> Summary:
    return outcomes(map(part.difference, records(rows)), words, lambda gap: f"{gap.where[SIZE]:,}")


def _accuracies(part: Findings, compared: pd.DataFrame) -> Iterator[Block]:
    title = f"{part.setting('source')} → {part.setting('target')}{part.where}."
    yield Paragraph(text("{} Test accuracy with", Strong(title)))
    lines = []
    for size, rows in part.chosen.groupby(SIZE):
        named = [text("{} {}", row[METHOD], part.level(row, ACCURACY)) for row in records(whole(rows))]
        gaps = [
            text("{} {} (n = {})", row["pair"], part.difference(row), row["n"])
            for row in records(compared[compared[SIZE] == size])
        ]
        lines.append(text("{} images: {}.", f"{size:,}", join("; ", [enumerated(named), *gaps])))
    yield Bullets(tuple(lines))


def _crossing(part: Findings, compared: pd.DataFrame, pair: str, first: str, second: str) -> Text:
    """Return between which sizes the better of two methods becomes the worse one."""
    rows = records(compared[compared["pair"] == pair].sort_values(SIZE))
    shown = [gap for gap in map(part.difference, rows) if gap.direction in ("lower", "higher")]
    for small, large in pairwise(shown):
        if small.direction != large.direction:
            better = first if large.direction == "higher" else second
            sizes = f"{small.where[SIZE]:,} and {large.where[SIZE]:,}"
            return (f"They cross between {sizes} images: beyond, {better} is better.",)
    return (f"{first} and {second} are not shown to cross within these sizes.",) if len(rows) > 1 else ()


def _forgotten(part: Findings) -> Text:
    """Return what is left of the source's accuracy."""
    if KEPT not in part.chosen:
        return ()
    rows = records(part.chosen.dropna(subset=KEPT).sort_values(SIZE, kind="stable"))
    frozen = next((row[KEPT] for row in rows if row[METHOD] in FROZEN), None)
    lost: dict[str, list[Text]] = {}
    for row in rows:
        if row[METHOD] in ("own", NO_REPLAY):
            lost.setdefault(row[METHOD], []).append(text("{} with {}", part.level(row, KEPT), f"{row[SIZE]:,}"))
    if frozen is None and not lost:
        return ()
    start: Text = ("Of the source's test images are read",)
    if frozen is not None:
        start = text("The source network itself reads {} of the source's test images", percent(frozen))
    after = [text("after {} {}", method, enumerated(texts)) for method, texts in lost.items()]
    return text("{}.", join("; ", [start, *after]))


def _extra_seeds(part: Findings) -> Text:
    """Return what the trials on the prescribed seed reached: a number each, in no mean."""
    if not len(part.extra):
        return ()
    own = part.extra[part.extra["condition"].isin(part.chosen_seeds["condition"]) & (part.extra["recipe"] == CHOSEN)]
    texts: list[Text] = []
    for seed, rows in own.groupby("seed"):
        for size, sized in rows.groupby(SIZE):
            shares = [f"{row[METHOD]} {percent(row[ACCURACY])}" for row in records(sized) if WITHOUT not in row[METHOD]]
            start = "" if texts else f"Seed {seed} by itself: "
            texts.append((f"{start}{size:,} images {listed(shares)}",))
    return text("{}.", join("; ", texts)) if texts else ()


def _theory(errors: pd.DataFrame) -> Iterator[Block]:
    """Yield bias and variance, and what they bear out."""
    if errors.empty:
        return
    main = whole(errors)
    sizes = sorted(set(main[SIZE]))
    yield Paragraph(text("{} {}", Strong("Why."), WHY))
    lines = []
    for size in dict.fromkeys([sizes[0], sizes[-1]]):
        rows = records(main[main[SIZE] == size])
        lines.append((f"{size:,} images: {'; '.join(f'{row[METHOD]} {_decomposition(row)}' for row in rows)}.",))
    yield Bullets(tuple(lines))
    if len(sizes) > 1:
        yield Paragraph((_borne_out(main, sizes),))


def _decomposition(row: dict[str, Any]) -> str:
    return f"{percent(row['error'])} = bias {percent(row['bias'])} + variance {percent(row['variance'])}"


def _borne_out(main: pd.DataFrame, sizes: list[int]) -> str:
    """Return which of the two terms the growing sample lowers more, by method."""
    texts = []
    for method, rows in main.groupby(METHOD, sort=False):
        ends = [rows[rows[SIZE] == size] for size in (sizes[0], sizes[-1])]
        if all(len(end) for end in ends):
            first, last = (records(end)[0] for end in ends)
            bias, variance = (100 * (last[name] - first[name]) for name in ("bias", "variance"))
            texts.append(f"{method} bias {bias:+.1f} and variance {variance:+.1f}".replace("-", "−"))
    return f"From {sizes[0]:,} to {sizes[-1]:,} images these change by, in points: {'; '.join(texts)}."
