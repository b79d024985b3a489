"""One space for two domains: retrieval across domains by mining, colour and margin, and the gap to a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import combinations
from typing import Any

import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.gaps import bars_overlap, draw_gaps
from analysis.figures.points import draw_dots, draw_trials
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.numbers.trends import against, trends
from analysis.verdicts import embedding
from analysis.verdicts.prescribed import config_text
from analysis.verdicts.trends import describe_trends
from analysis.words import (
    DIFFERS,
    Difference,
    Paragraph,
    Strong,
    Text,
    enumerated,
    interval_note,
    join,
    noted,
    outcomes,
    points,
    text,
)

COMPARED, YARDSTICK = ("mining", "colour"), "classifier"
"""The yardstick is the mining that is none: the same trunk, trained as a classifier with a linear head."""
SELECTED, CROSS = "val_cross_accuracy", "test_cross_accuracy"
SCORE = "search_cross_accuracy"
FORTH, BACK = "test_first_to_second_accuracy", "test_second_to_first_accuracy"
FIRST, SECOND = "test_first_accuracy", "test_second_accuracy"
HEAD_FIRST, HEAD_SECOND = "test_head_first_accuracy", "test_head_second_accuracy"
GAPS = [(HEAD_FIRST, FIRST), (HEAD_FIRST, FORTH), (HEAD_SECOND, SECOND), (HEAD_SECOND, BACK)]
"""On the same images: the classifier's head, and neighbours in the embedding, in the images' domain and across."""
SPACES = [(name, name) for name in (CROSS, FORTH, BACK, FIRST, SECOND)]
"""Neighbours in the classifier's own embedding, and in one that was trained with triplets."""


FOUND = {
    "higher": "is higher by",
    "lower": "is lower by",
    "not shown to differ": "is not shown to differ:",
    "no number": "has",
}


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    gaps = against(
        part.results, part.chosen_seeds, [*GAPS, *SPACES], factor="mining", yardstick=YARDSTICK, within=["colour"]
    )
    gaps = part.family([gaps]) if len(gaps) else gaps
    pairs = [(name, *pair) for name in COMPARED for pair in combinations(part.results.factors[name], 2)]
    compared = [part.compare(*pair, metric) for metric in (CROSS, FORTH, BACK) for pair in pairs]
    known = [table for table in [*compared, _against_prescribed(part)] if len(table)]
    return Draft(
        "Two digit domains in one space",
        list(_verdict(part, gaps)),
        dict(_drawings(part)),
        {"measures": part.measures, "gap_to_classifier": gaps},
        part.family(known) if known else None,
    )


def _best(part: Findings) -> tuple[dict[str, Any], str]:
    """Return the row that did best in the search, of those trained with triplets if there is one, and its name.

    The seeds that are then quoted for it do not name it: the best of several by its own numbers would flatter.
    """
    rows = records(part.chosen.sort_values(SCORE, ascending=False, kind="stable"))  # a mean that is NaN comes last
    row = min(rows, key=lambda row: row["mining"] == YARDSTICK)
    return row, _condition(row)


def _condition(values: Mapping[str, Any]) -> str:
    """Return a condition for people: `semi-hard mining on gray images`."""
    kind = "embedding" if values["mining"] == YARDSTICK else "mining"
    return f"{values['mining']} {kind} on {values['colour']} images"


def _searched(part: Findings) -> pd.DataFrame:
    """Return the search trials with triplets that came to an end; none where the margin was not searched."""
    rows = part.searched[part.searched["status"] == "done"]
    return rows[(rows["mining"] != YARDSTICK) & ({"margin", SELECTED} <= set(rows))]


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    best, name = _best(part)
    a, b = part.setting("first"), part.setting("second")
    title = f"{a} and {b} in one space{part.where}"
    pairs = {FORTH: (a, b), BACK: (b, a), FIRST: (a, a), SECOND: (b, b)}
    ways = {column: f"{query} queries in {gallery}" for column, (query, gallery) in pairs.items()}
    words = Words(f"{title}: nearest-neighbour accuracy", "mining", "test accuracy, %", part.note())
    chance = dict(zip(ways, embedding.chance(part.arrays_of(best)), strict=True))
    figure = partial(
        draw_dots, part.chosen, words, x="mining", columns=ways, series=["colour"], chance=chance, percent=True
    )
    yield "accuracy", Drawing(figure, "Nearest-neighbour accuracy by mining and colour: queries in a gallery.")
    if any(bars_overlap(part.chosen, way, ["mining"]) for way in (FORTH, BACK)):
        yield from _differences(part, title, ways)
    yield from embedding.drawings(part, part.arrays_of(best), (a, b), name).items()
    yield from _learning(part, title)
    if len(rows := _searched(part)):
        note = part.note("A point is a trial of the search; what else was searched differs too.", means=False)
        words = Words(f"{title}: margin", "margin", "validation accuracy\nacross domains, %", note)
        figure = partial(
            draw_trials, rows, words, x="margin", y=SELECTED, series=["mining"], across="colour", percent=True
        )
        yield "margin", Drawing(figure, "Validation accuracy across domains of search trials, by margin.")


def _differences(part: Findings, title: str, ways: Mapping[str, str]) -> Iterator[tuple[str, Drawing]]:
    """Yield how accuracy across domains differs between colours, paired by seed."""
    pairs = list(combinations(part.results.factors["colour"], 2))
    tables = [part.compare("colour", *pair, way).assign(way=ways[way]) for way in (FORTH, BACK) for pair in pairs]
    if not tables or not len(table := pd.concat(tables, ignore_index=True)):
        return
    named = table.assign(pair=[f"{row['to']} − {row['from']}" for row in records(table)])
    words = Words(f"{title}: colours compared", "mining", "test accuracy, points", part.note("Paired by seed."))
    figure = partial(draw_gaps, named, words, x="mining", series={"pair": ""}, panels="way", percent=True)
    yield "differences", Drawing(figure, "Differences of accuracy across domains between colours, by mining.")


def _learning(part: Findings, title: str) -> Iterator[tuple[str, Drawing]]:
    """Yield the learning curves of networks trained with triplets, of chosen and of prescribed configs."""
    margins = {
        CHOSEN: "Each condition has a margin of its own: levels of the loss do not compare.",
        PRESCRIBED: "All have the same margin: levels of the loss compare.",
    }
    names = {CHOSEN: "learning_curves", PRESCRIBED: "prescribed_curves"}
    for recipe, about in margins.items():
        every = part.drawn_curves
        epochs = every[(every["mining"] != YARDSTICK) & (every["recipe"] == recipe)]
        if not len(epochs) or not {"train_loss", "val_loss", "train_active", "val_active"} <= set(epochs):
            continue
        config = f"{recipe} {'configs' if recipe == CHOSEN else 'config'}"
        note = part.note(about, tested=False)
        words = Words(f"{title}: learning curves of the {config}", "epoch", "", note)
        figure = partial(
            draw_learning,
            epochs,
            words,
            measures={
                "cross_accuracy": "accuracy across\ndomains, %",
                "loss": "triplet loss",
                "active": "share of\nactive triplets",
            },
            splits={"train": "training", "val": "validation"},
            across="mining",
            series=["colour"],
            percent=["cross_accuracy"],
        )
        caption = f"Accuracy, loss and share of active triplets across domains by epoch: {config}."
        yield names[recipe], Drawing(figure, caption)


def _verdict(part: Findings, gaps: pd.DataFrame) -> Iterator[Paragraph]:
    best, name = _best(part)
    told = "A test image's nearest neighbour in the other domain is of its class in {} of the cases, with {}."
    yield Paragraph(text(told, part.level(best, CROSS), name))
    yield _accuracies(part, best, name)
    differences = [part.difference(row) for row in part.neighbours(best, CROSS) if row["from"] != YARDSTICK]
    if differences:
        yield Paragraph(text("Paired by seed, its accuracy across domains {}.", _compared(differences)))
    yield from _to_the_classifier(part, best, gaps)
    yield from _prescribed(part)
    if len(rows := _searched(part)):
        by_condition = trends(rows, "margin", SELECTED, configs=part.results.hyperparameters, by=part.factors)
        margins = part.chosen.loc[part.chosen["mining"] != YARDSTICK, "margin"]
        chosen = f" The margins chosen lie from {margins.min():.2g} to {margins.max():.2g}."
        told = describe_trends(by_condition, "margin", "validation accuracy across domains")
        yield Paragraph((told + chosen if margins.nunique() > 1 else told,))


def _prescribed(part: Findings) -> Iterator[Paragraph]:
    """Yield how the prescribed config does in each condition, and how the chosen configs do against it."""
    rows = records(part.reported[part.reported["recipe"] == PRESCRIBED])
    if not rows:
        return
    levels = enumerated(text("{} with {}", part.level(row, CROSS), _condition(row)) for row in rows)
    with_margin = next((row for row in rows if row["mining"] != YARDSTICK), rows[0])
    told = "With the prescribed config ({}), accuracy across domains is {}."
    gaps = [part.difference(row) for row in records(_against_prescribed(part))]
    against = outcomes(gaps, DIFFERS, lambda gap: _condition(gap.where))
    said = text(" Against it, paired by seed, that of the chosen config {}.", against) if gaps else ()
    yield Paragraph(text(told, config_text(part, with_margin), levels) + said)


def _against_prescribed(part: Findings) -> pd.DataFrame:
    """Return the accuracy across domains of the chosen config − that of the prescribed one, in each condition."""
    return part.compare("recipe", PRESCRIBED, CHOSEN, CROSS)


def _accuracies(part: Findings, best: Mapping[str, Any], name: str) -> Paragraph:
    """Return how well the best condition retrieves, in each direction."""
    a, b = part.setting("first"), part.setting("second")
    chance = embedding.chance(part.arrays_of(best))[0]
    return Paragraph(
        text(
            "{} Across domains{} {} {}. Nearest-neighbour accuracy on test data: {} for {} queries in {}, {} for {}"
            " queries in {}{}; within one domain {} in {}, {} in {}.",
            Strong(f"{a} and {b}{part.where}."),
            "" if best["mining"] == YARDSTICK else ", of those trained with triplets,",
            Strong(name),
            "did best in the search"
            if best[SCORE] > 0
            else "comes first, but in every condition a search seed diverged or collapsed",
            *(part.level(best, FORTH), a, b, part.level(best, BACK), b, a),
            f" (chance is {100 * chance:.1f} %)" if chance > 0 else "",
            *(part.level(best, FIRST), a, part.level(best, SECOND), b),
        )
    )


def _compared(differences: Iterable[Difference]) -> Text:
    """Return by how much the best condition differs from its neighbours, by what is found."""
    told: dict[str, list[Text]] = {}
    for gap in differences:
        kind = FOUND[gap.direction]
        other = f"{gap.before} {'mining' if gap.factor == 'mining' else 'images'}"
        told.setdefault(kind, []).append(text("{} against {}", gap, other))
    return join("; it ", [text("{} {}", kind, enumerated(texts)) for kind, texts in told.items()])


def _to_the_classifier(part: Findings, best: Mapping[str, Any], gaps: pd.DataFrame) -> Iterator[Paragraph]:
    """Yield how far the classifier's head is above the best condition's neighbours on the same images."""
    a, b = part.setting("first"), part.setting("second")
    own = [row for row in records(gaps) if (row["mining"], row["colour"]) == (best["mining"], best["colour"])]
    gap = {(row["first"], row["second"]): _gap(part, row) for row in own}
    if len(gap) == len(GAPS) + len(SPACES):
        yield Paragraph(
            text(
                "The classifier with the same trunk and colour, its head on the same test images, against these"
                " neighbours: {} {} in {}, {} in {}; {} {} in {}, {} in {}. Neighbours across domains in the"
                " classifier's own embedding, against these: {}.",
                *(a, gap[GAPS[0]], a, gap[GAPS[1]], b),
                *(b, gap[GAPS[2]], b, gap[GAPS[3]], a),
                gap[SPACES[0]],
            )
        )
    elif best["mining"] != YARDSTICK:
        yield Paragraph(("The gap to a classifier is not known: none with the same trunk and colour is confirmed.",))


def _gap(part: Findings, row: Mapping[str, Any]) -> Difference:
    """Return a row of `against` as a claim about the classifier's measure `first`, less the measure `second`."""
    return Difference(
        text=noted(points(row["difference"], row["low"], row["high"]), interval_note(row["interval"])),
        metric=row["metric"],
        estimate=row["difference"],
        low=row["low"],
        high=row["high"],
        n=row["n"],
        where={**part.shared, "colour": row["colour"]},
        factor="mining",
        before=row["mining"],
        after=YARDSTICK,
        p=row["p_adjusted"],
        level=part.look.level,
    )
