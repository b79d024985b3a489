"""One space for two domains: retrieval across domains by mining, colour and margin, and the gap to a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.points import draw_dots, draw_trials
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings, Part, parts
from analysis.numbers.results import CHOSEN, records
from analysis.numbers.trends import against, trends
from analysis.verdicts import embedding
from analysis.verdicts.trends import describe_trends
from analysis.words import listed, points

COMPARED, YARDSTICK = ("mining", "colour"), "classifier"
"""The yardstick is the mining that is none: the same trunk, trained as a classifier with a linear head."""
SELECTED, CROSS = "val_cross_accuracy", "test_cross_accuracy"
FORTH, BACK = "test_first_to_second_accuracy", "test_second_to_first_accuracy"
FIRST, SECOND = "test_first_accuracy", "test_second_accuracy"
HEAD_FIRST, HEAD_SECOND = "test_head_first_accuracy", "test_head_second_accuracy"
GAPS = [(HEAD_FIRST, FIRST), (HEAD_FIRST, FORTH), (HEAD_SECOND, SECOND), (HEAD_SECOND, BACK)]
"""On the same images: the classifier's head, and neighbours in the embedding, in the images' domain and across."""
SPACES = [(name, name) for name in (CROSS, FORTH, BACK, FIRST, SECOND)]
"""Neighbours in the classifier's own embedding, and in one that was trained with triplets."""


def answer(found: Findings) -> Draft:
    """The question's figures, tables and verdict, for each pair of data sets."""
    drawn: dict[str, Drawing] = {}
    texts: list[str] = []
    further: dict[str, pd.DataFrame] = {}
    for part in parts(found, COMPARED):
        gaps = against(part.seeds, [*GAPS, *SPACES], factor="mining", yardstick=YARDSTICK, within=["colour"])
        further |= {f"measures{part.suffix}": part.measures, f"gap_to_classifier{part.suffix}": gaps}
        drawn |= {f"{name}{part.suffix}": drawing for name, drawing in _drawings(part)}
        texts += _verdict(part, gaps)
    pairs = [(name, *pair) for name in COMPARED for pair in combinations(found.results.factors[name], 2)]
    tables = [found.compare(*pair, metric) for metric in (CROSS, FORTH, BACK) for pair in pairs]
    differences = pd.concat(known, ignore_index=True) if (known := [table for table in tables if len(table)]) else None
    return Draft("Two digit domains in one space", "\n\n".join(texts), drawn, further, differences, found.terms())


def _best(part: Part) -> tuple[dict[str, Any], str]:
    """The row that did best on validation data, of those trained with triplets if there is one, and its name."""
    rows = records(part.chosen.sort_values(SELECTED, ascending=False, kind="stable"))  # a mean that is NaN comes last
    row = min(rows, key=lambda row: row["mining"] == YARDSTICK)
    return row, f"{row['mining']} {'embedding' if row['mining'] == YARDSTICK else 'mining'} on {row['colour']} images"


def _searched(part: Part) -> pd.DataFrame:
    """Search trials with triplets that came to an end; none where the margin was not searched."""
    rows = part.found.searched[part.found.searched["status"] == "done"]
    return rows[(rows["mining"] != YARDSTICK) & ({"margin", SELECTED} <= set(rows))]


def _drawings(part: Part) -> Iterator[tuple[str, Drawing]]:
    found, (best, name), a, b = part.found, _best(part), part.setting("first"), part.setting("second")
    title = f"{a} and {b} in one space{part.where}"
    pairs = {FORTH: (a, b), BACK: (b, a), FIRST: (a, a), SECOND: (b, b)}
    ways = {column: f"{query} queries in {gallery}" for column, (query, gallery) in pairs.items()}
    words = Words(f"{title}: nearest-neighbour accuracy", "mining", "test accuracy, %", found.note())
    chance = dict(zip(ways, embedding.chance(part.arrays(best)), strict=True))
    figure = draw_dots(part.chosen, words, x="mining", columns=ways, series=["colour"], chance=chance)
    yield "accuracy", Drawing(figure, "Nearest-neighbour accuracy by mining and colour: queries in a gallery.")
    yield from embedding.drawings(part, part.arrays(best), (a, b), name).items()
    epochs = found.curves[(found.curves["mining"] != YARDSTICK) & (found.curves["recipe"] == CHOSEN)]
    if len(epochs) and {"train_loss", "val_loss", "train_active", "val_active"} <= set(epochs):
        note = found.note("Each condition has a margin of its own: levels of the loss do not compare.")
        words = Words(f"{title}: learning curves", "epoch", "", note)
        figure = draw_learning(
            epochs, words, measures={"loss": "triplet loss", "active": "share of active triplets"},
            splits={"train": "training", "val": "validation"}, across="mining", series=["colour"],
        )  # fmt: skip
        yield "learning_curves", Drawing(figure, "Loss and share of active triplets, over all triplets across domains.")
    if len(rows := _searched(part)):
        note = part.note("A point is a trial of the search; what else was searched differs too.")
        words = Words(f"{title}: margin", "margin", "validation accuracy\nacross domains, %", note)
        figure = draw_trials(rows, words, x="margin", y=SELECTED, series=["mining"], across="colour")
        yield "margin", Drawing(figure, "Validation accuracy across domains of search trials, by margin.")


def _verdict(part: Part, gaps: pd.DataFrame) -> Iterator[str]:
    found, (best, name), a, b = part.found, _best(part), part.setting("first"), part.setting("second")
    share, chance = partial(found.share, best), embedding.chance(part.arrays(best))[0]
    errors = [f"{100 * best[f'{way}_image_se']:.1f}" for way in (FORTH, BACK) if best[f"{way}_image_se"] > 0]
    beside = [f"chance is {100 * chance:.1f} %"] * (chance > 0)
    beside += [f"for one network, standard error over these images {listed(errors)} points"] * bool(errors)
    first = "is best by validation" if best[SELECTED] > 0 else "comes first, but in every condition a seed diverged"
    of = ", of those trained with triplets," * (best["mining"] != YARDSTICK)
    yield (
        f"**{a} and {b}{part.where}.** Across domains{of} **{name}** {first}. Nearest-neighbour accuracy on test data:"
        f" {share(FORTH)} for {a} queries in {b}, {share(BACK)} for {b} queries in {a}"
        + (f" ({'; '.join(beside)})" if beside else "")
        + f"; within one domain {share(FIRST)} in {a}, {share(SECOND)} in {b}."
    )
    told: dict[str, list[str]] = {}
    for row in part.neighbours(best, CROSS):
        if row["from"] != YARDSTICK:
            kind = "differs by" if row["low"] > 0 or row["high"] < 0 else "is not shown to differ:"
            other = f"{row['from']} {'mining' if row['factor'] == 'mining' else 'images'}"
            told.setdefault(kind, []).append(f"{_points(row)} against {other}")
    if told:
        compared = [f"{kind} {listed(texts)}" for kind, texts in told.items()]
        yield f"Paired by seed, its accuracy across domains {'; it '.join(compared)}."
    own = [row for row in records(gaps) if (row["mining"], row["colour"]) == (best["mining"], best["colour"])]
    gap = {(row["first"], row["second"]): _points(row) for row in own}
    if len(gap) == len(GAPS) + len(SPACES):
        yield (
            "The classifier with the same trunk and colour, its head on the same test images, against these neighbours:"
            f" {a} {gap[GAPS[0]]} in {a}, {gap[GAPS[1]]} in {b}; {b} {gap[GAPS[2]]} in {b}, {gap[GAPS[3]]} in {a}."
            f" Neighbours across domains in the classifier's own embedding, against these: {gap[SPACES[0]]}."
        )
    elif best["mining"] != YARDSTICK:
        yield "The gap to a classifier is not known: none with the same trunk and colour is confirmed."
    if len(rows := _searched(part)):
        by_condition = trends(rows, "margin", SELECTED, configs=found.results.hyperparameters, by=part.factors)
        margins = part.chosen.loc[part.chosen["mining"] != YARDSTICK, "margin"]
        chosen = f" The margins chosen lie from {margins.min():.2g} to {margins.max():.2g}."
        yield describe_trends(by_condition, "margin", "validation accuracy across domains") + chosen * (
            margins.nunique() > 1
        )


def _points(row: Mapping[str, Any]) -> str:
    return points(row["difference"], row["low"], row["high"])
