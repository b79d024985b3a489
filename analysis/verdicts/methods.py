"""What the transfer of a network to a small sample has shown, in words: methods, ingredients and forgetting."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

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
OWN = "own"
WITHOUT, NO_REPLAY = "own_no_", "own_no_replay"
ACCURACY, KEPT = "test_accuracy", "test_source_accuracy"
FROZEN = ("finetune", "knn", "own_no_tuning")
"""Methods that leave the source network as it is."""
CHANGED = Directions("falls", "rises", "is not shown to change")
CONDITIONAL = Paragraph((
    "All of this is conditional on one source network: another one, trained with another seed, at another width or on"
    " other data, may order the methods differently, and no interval here holds that.",
))  # fmt: skip


def verdict(part: Findings, compared: pd.DataFrame, ablated: pd.DataFrame) -> Iterator[Block]:
    """Yield what was found; `compared` and `ablated` are rows of `Findings.compare` with their `pair`."""
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


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of whole methods, without ablated ones; all rows where there are no others."""
    ablated = table[METHOD].str.startswith(WITHOUT)
    return table if ablated.all() else table[~ablated]


def _outcomes(part: Findings, rows: pd.DataFrame, words: Directions) -> Summary:
    return outcomes(map(part.difference, records(rows)), words, lambda gap: f"{gap.where[SIZE]:,}")


def _accuracies(part: Findings, compared: pd.DataFrame) -> Iterator[Block]:
    title = f"{part.setting('source')} → {part.setting('target')}{part.where}."
    yield from _headline(part, compared)
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


def _headline(part: Findings, compared: pd.DataFrame) -> Iterator[Block]:
    """Yield in a sentence how the question's own method does against others, or one method against another."""
    own = compared[compared["to"] == "own"] if (compared.get("to", pd.Series()) == "own").any() else compared
    told = []
    for (first, second), rows in own.groupby(["from", "to"], sort=False) if len(own) else ():
        words = Directions(*(f"{way} {first}" for way in ("is less accurate than", "is more accurate than",
                                                          "is not shown to differ from")))  # fmt: skip
        told.append(text("{} {}", str(second), _outcomes(part, rows, words)))
    if told:
        yield Paragraph(text("{} images of {}.", join("; ", told), part.setting("target")))


def _crossing(part: Findings, compared: pd.DataFrame, pair: str, first: str, second: str) -> Text:
    """Return between which sizes the better of two methods becomes the worse one."""
    rows = records(compared[compared["pair"] == pair].sort_values(SIZE))
    shown = [gap for gap in map(part.difference, rows) if gap.direction in ("lower", "higher")]
    for small, large in pairwise(shown):
        if small.direction != large.direction:
            better = first if large.direction == "higher" else second
            sizes = f"{small.where[SIZE]:,} and {large.where[SIZE]:,}"
            return (f"They cross between {sizes} images: with {large.where[SIZE]:,}, {better} is better.",)
    return (f"{first} and {second} are not shown to cross within these sizes.",) if len(rows) > 1 else ()


def _forgotten(part: Findings) -> Text:
    """Return what is left of the source's accuracy."""
    if KEPT not in part.chosen:
        return ()
    rows = records(part.chosen.dropna(subset=KEPT).sort_values(SIZE, kind="stable"))
    frozen = next((row[KEPT] for row in rows if row[METHOD] in FROZEN), None)
    lost: dict[str, list[Text]] = {}
    for row in rows:
        if row[METHOD] in (OWN, NO_REPLAY):
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
