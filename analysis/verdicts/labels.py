"""What few labels do to a network, and what pre-training gives back, in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from analysis.numbers.intervals import NEW
from analysis.numbers.overfitting import GAP, LEAST_GAP, LEAST_RISE, RISE
from analysis.numbers.results import CHOSEN, REFERENCE, records
from analysis.verdicts.prescribed import config_text
from analysis.verdicts.shortage import (
    ACCURACY,
    FIRST,
    FROZEN,
    LABELS,
    METHODS,
    PRETRAINED,
    SCRATCH,
    START,
    STARTS,
    Shortage,
)
from analysis.words import (
    OVER_BOTH,
    Block,
    Bullets,
    Difference,
    Directions,
    Paragraph,
    Strong,
    Text,
    counted,
    enumerated,
    interval_note,
    join,
    listed,
    noted,
    outcomes,
    points,
    text,
)

ENCODERS = {PRETRAINED: "fine-tuned", FROZEN: "frozen"}
TOLD = {SCRATCH: "from scratch", FROZEN: "with the frozen encoder", PRETRAINED: "with the pre-trained encoder"}
HELPS = Directions("hurts", "helps", "is not shown to help or hurt")
READS = Directions("is worse", "is better", "is not shown to be better or worse")


def headline(found: Shortage) -> Paragraph:
    """Return the answer in a sentence: the accuracies with the fewest labels, and from scratch with the most."""
    fewest, most = found.labels[0], found.labels[-1]
    few = text("With {} the test accuracy is {}", _labels(found, fewest), enumerated(_levels(found, fewest, CHOSEN)))
    whole = _levels(found, most, CHOSEN)[:1] if most != fewest else []
    more = text("; with {}, {}", _labels(found, most), whole[0]) if whole else ()
    return Paragraph((*few, *more, f"{found.part.where}."))


def accuracies(found: Shortage) -> Iterator[Block]:
    """Yield the accuracies by labels: of the chosen networks, and of what needs none."""
    yield Paragraph((f"Test accuracy{found.part.where}, of networks and of what needs none, on the same labels:",))
    items = []
    for label in found.labels:
        row = next(row for (own, _, recipe), row in found.rows.items() if (own, recipe) == (label, CHOSEN))
        plain = [
            text("{} {}", called, found.part.level(row, column))
            for name, called in METHODS.items()
            if (column := f"test_{name}_accuracy") in row
        ]
        without = text("; without a network, {}", enumerated(plain)) if plain else ()
        levels = enumerated(_levels(found, label, CHOSEN))
        items.append((*text("{}: {}, n = {}", _labels(found, label), levels, row["n"]), *without))
    yield Bullets(tuple(items))


def pretraining(found: Shortage) -> Iterator[Block]:
    """Yield whether an encoder that saw no labels helps, paired by seed, and what it is worth."""
    rows = records(found.between_starts)
    gaps = [found.part.difference(row) for row in rows if row["recipe"] == CHOSEN]
    sentences = []
    for start, name in ENCODERS.items():
        own = [gap for gap in gaps if (gap.before, gap.after) == (SCRATCH, start)]
        if own:
            sentences.append(text("{}, it {} labels.", name.capitalize(), outcomes(own, HELPS, _number_in(found))))
    if not sentences:
        return
    both = [gap for gap in gaps if (gap.before, gap.after) == (FROZEN, PRETRAINED)]
    if both:
        sentences.append(text("Fine-tuning instead of freezing {} labels.", outcomes(both, HELPS, _number_in(found))))
    adjusted = f"(an interval is of one difference; the words are adjusted for all {len(rows)} between starts)"
    start = f"the encoder of an autoencoder, instead of one from scratch, paired by seed {adjusted}:"
    yield Paragraph(text("{} {} {}", Strong("Pre-training,"), start, join(" ", sentences)))
    yield Bullets(
        tuple(
            text("{}, {} → {}: {}", _labels(found, gap.where[LABELS]), str(gap.before), str(gap.after), gap)
            for gap in gaps
        )
    )
    yield from _worth(found)


def baselines(found: Shortage) -> Iterator[Block]:
    """Yield how each kind of network compares with what needs none."""
    gaps = [found.part.difference(row) for row in records(found.against_baselines)]
    items = []
    for start in found.starts:
        told = [
            text("than {} it {} labels", name, outcomes(own, READS, _number_in(found)))
            for name in METHODS.values()
            if (own := [gap for gap in gaps if (gap.before, gap.after) == (name, start)])
        ]
        if told:
            items.append(text("{}: {}.", TOLD[start].capitalize(), join("; ", told)))
    if items:
        latent = found.part.setting("latent")
        started = f"by seed and image, with what needs none (PCA has {latent} components, fitted without labels):"
        yield Paragraph(text("{} {}", Strong("Networks compared,"), started))
        yield Bullets(tuple(items))


def memorised(found: Shortage) -> Iterator[Block]:
    """Yield where over-fitting is observed, by what was stated beforehand."""
    rows = records(found.overfitting)
    if not rows:
        return
    rule = (
        f"(training − test accuracy at the end at least {100 * LEAST_GAP:.0f} points at the lower bound, and the last"
        f" test loss at least {LEAST_RISE:g} times its minimum over the epochs; stated beforehand)"
    )
    seen = sum(row["observed"] is True for row in rows)
    told = f"is observed in {seen} of {len(rows)} configs"
    yield Paragraph(text("{} {} {}:", Strong("Over-fitting"), rule, told))
    words = {True: "observed", False: "not observed", None: "not known: no interval"}
    bullet = "{}: {}, last test loss {} times its minimum: {}"
    yield Bullets(
        tuple(
            text(bullet, _named(found, row), _gap(found, row), f"{row[RISE]:.2f}", words[row["observed"]])
            for row in rows
        )
    )


def fixed(found: Shortage) -> Iterator[Block]:
    """Yield the accuracies with settings fixed beforehand, on balanced labels and on the first of the training set."""
    for label in found.labels:
        row = next((row for (own, _, recipe), row in found.rows.items() if (own, recipe) == (label, REFERENCE)), None)
        if row is None:
            continue
        config = config_text(found.part, row, {"lr": "learning rate", "epochs": "epochs", "batch_size": "batch size"})
        levels = enumerated(_levels(found, label, REFERENCE))
        start = "{} {}, which spent {} and no more, the test accuracy is {}, n = {}."
        settings = f"({config})"
        yield Paragraph(
            text(start, Strong("With settings fixed beforehand"), settings, _labels(found, label), levels, row["n"])
            + _starts(found, label, REFERENCE)
            + _soon(found, label)
        )
        yield from _first(found, label)


def _first(found: Shortage, label: Any) -> Iterator[Block]:
    """Yield the same of the first images of the training set, whose labels no seed moves."""
    row = next((row for (own, _, recipe), row in found.rows.items() if (own, recipe) == (label, FIRST)), None)
    if row is None:
        return
    start = "{}{}, with these settings and an autoencoder of all training images: the test accuracy is {}, n = {}."
    levels = enumerated(_levels(found, label, FIRST))
    first = f"The first {_labels(found, label)} of the training set"
    seeds = " The seed moves initialisation, order and autoencoder, not the labels: no mean holds other labels."
    told = text(start, Strong(first), _classes(found, label), levels, row["n"])
    yield Paragraph((*told, *_starts(found, label, FIRST), seeds))


def _worth(found: Shortage) -> Iterator[Block]:
    rows = records(found.worth)
    if not rows:
        return
    counts = [found.count(label) for label in found.labels if (label, SCRATCH, CHOSEN) in found.rows]
    fewest, most = f"fewer than {counts[0]:,}", f"more than {counts[-1]:,}"

    def number(needed: float) -> str:
        if math.isnan(needed):
            return "no number"
        return most if math.isinf(needed) else fewest if needed == 0 else f"{needed:,.0f}"

    said = (
        "how many labels it takes from scratch to read as many right, read off in the logarithm of labels (in square"
        " brackets off the bounds of both, which is wider than an interval of 95 %):"
    )
    yield Paragraph(text("{} {}", Strong("What an encoder is worth,"), said))
    items = []
    for row in rows:
        bounds = "" if math.isnan(row["low"]) else f" [{number(row['low'])}, {number(row['high'])}]"
        told = f"{number(row['needed'])}{bounds}"
        if row["low"] == 0 and math.isinf(row["high"]):
            told = f"not known, from {fewest} to {most}"
        items.append((f"{_labels(found, row[LABELS])} {TOLD[row[START]]}: {told}",))
    yield Bullets(tuple(items))


def _starts(found: Shortage, label: Any, recipe: str) -> Text:
    """Return whether an encoder helps at a number of labels, by one kind of config."""
    rows = [row for row in records(found.between_starts) if (row[LABELS], row["recipe"]) == (label, recipe)]
    gaps = [found.part.difference(row) for row in rows if row["from"] == SCRATCH]
    told = outcomes(gaps, HELPS, lambda gap: ENCODERS[str(gap.after)], "when")
    return text(" Instead of one from scratch, the encoder {}.", told) if gaps else ()


def _soon(found: Shortage, label: Any) -> Text:
    """Return after how many steps validation is near its best, by start."""
    told = [
        f"{row['best_steps']:,.0f} steps {TOLD[start]}"
        for start in STARTS
        if (row := found.rows.get((label, start, REFERENCE))) and not math.isnan(row["best_steps"])
    ]
    near = f" Validation accuracy, which chose nothing here, is within {found.part.near} of its best after"
    return (f"{near} {listed(told)}, on average.",) if told else ()


def _classes(found: Shortage, label: Any) -> str:
    """Return how many images of each class there are among the first: ` (class counts 13, 14, 6, …)`."""
    trials = [row["trial"] for row in records(found.part.seeds) if (row[LABELS], row["recipe"]) == (label, FIRST)]
    counts = found.part.results.facts[trials[0]].get("labels_by_class", []) if trials else []
    return f" (class counts {', '.join(map(str, counts))})" if counts else ""


def _levels(found: Shortage, label: Any, recipe: str) -> list[Text]:
    """Return the test accuracy of each start: `84.1 % [80.2, 87.5] from scratch`."""
    known = [(start, found.rows.get((label, start, recipe))) for start in STARTS]
    return [text("{} {}", found.part.level(row, ACCURACY), TOLD[start]) for start, row in known if row is not None]


def _labels(found: Shortage, label: Any) -> str:
    """Return `100 labels`, or `all 906 labels`."""
    return f"all {found.count(label):,} labels" if label == "all" else f"{counted(label)} labels"


def _number_in(found: Shortage) -> Callable[[Difference], str]:
    """Return what names a difference by its number of labels: `100`, or `all 906`."""
    return lambda gap: _labels(found, gap.where[LABELS]).removesuffix(" labels")


def _named(found: Shortage, row: Mapping[str, Any]) -> str:
    kind = "" if row["recipe"] == CHOSEN else f" ({'fixed settings' if row['recipe'] == REFERENCE else row['recipe']})"
    return f"{TOLD[row[START]]} and {_labels(found, row[LABELS])}{kind}"


def _gap(found: Shortage, row: Mapping[str, Any]) -> Difference:
    """Return the training accuracy − the test accuracy of a row of `overfitting`."""
    mean, low, high, kind = (row[f"{GAP}{end}"] for end in ("", "_low", "_high", "_interval"))
    note = interval_note(kind, mixed=found.part.hold_for_new_images)
    return Difference(
        text=noted(points(mean, low, high), note), metric=GAP, estimate=mean, low=low, high=high, n=row["n"],
        where={**found.part.shared, LABELS: row[LABELS], START: row[START], "recipe": row["recipe"]},
        over=OVER_BOTH if kind == NEW else "seeds", factor="split", before="test", after="training",
    )  # fmt: skip
