"""What learning theory says of the transfer of a network to a small sample, as far as numbers bear it out.

Each sentence has its number; where that was not measured, the sentence is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from analysis.findings import Findings
from analysis.numbers.generalisation import GAP
from analysis.numbers.results import records
from analysis.verdicts.generalisation import Generalisation
from analysis.verdicts.methods import ACCURACY, CHANGED, METHOD, OWN, SIZE, WITHOUT, whole
from analysis.words import (
    Block,
    Bullets,
    Difference,
    Direction,
    Directions,
    Paragraph,
    Strong,
    Text,
    enumerated,
    join,
    listed,
    missing,
    outcomes,
    percent,
    text,
)

NEIGHBOURS, NEW_LAYER = "knn", "finetune"
UNTUNED, UNINFORMED = f"{WITHOUT}tuning", f"{WITHOUT}shrinkage"
ERROR = "test_error"
HIGHER = Directions("is lower", "is higher", "is not shown to differ")


class Prediction(NamedTuple):
    """What theory predicts, and the differences that would show it."""

    words: str
    sign: Direction
    tested: Sequence[tuple[str, Difference | None]]
    """Each with what tells it from the others; None where it was not measured."""


def explained(part: Findings, found: Generalisation) -> Iterator[Block]:
    """Yield what was measured of over-fitting, capacity, estimation, bias and variance, and what it bears out."""
    yield from _fitted(found)
    yield from _capacity(found)
    yield from _estimation(part)
    yield from _bias_variance(found)
    yield from _neighbours(part, found)
    told = tuple(filter(None, map(judged, _predictions(part, found))))
    if told:
        yield Paragraph((Strong("What theory predicts."),))
        yield Bullets(told)


def _fitted(found: Generalisation) -> Iterator[Block]:
    """Yield by how much training accuracy is above test accuracy: only on that does over-fitting stand."""
    main = whole(found.table).dropna(subset=GAP)
    if main.empty:
        return
    gaps = {(row[METHOD], row[SIZE]): found.gap(row) for row in records(main)}
    yield Paragraph(text("{} Training accuracy − test accuracy:", Strong("Over-fitting.")))
    lines = []
    for size in sorted(set(main[SIZE])):
        own = [text("{} {}", method, gap) for (method, its), gap in gaps.items() if its == size]
        lines.append(text("{} images: {}.", f"{size:,}", enumerated(own)))
    yield Bullets(tuple(lines))
    sentences: list[Text] = []
    trained = [method for method in dict.fromkeys(main[METHOD]) if method != NEIGHBOURS]
    for method in trained:
        higher = outcomes([gap for (its, _), gap in gaps.items() if its == method], HIGHER, _size)
        sentences.append(text("{}: training accuracy {}.", method, higher))
    changes = {method: gap for method in trained if (gap := found.gap_change(method)) is not None}
    if changes:
        ends = next(iter(changes.values()))
        sentences.append(
            text(
                "From {} images, paired by seed, the difference changes by {}: it {}.",
                f"{ends.before:,} to {ends.after:,}",
                enumerated(text("{} ({})", gap, method) for method, gap in changes.items()),
                outcomes(changes.values(), CHANGED, lambda gap: str(gap.where[METHOD]), link="for"),
            )
        )
    if NEIGHBOURS in set(main[METHOD]):
        loo = (
            "knn leaves each image out of its own vote, which estimates its accuracy on other images with one training"
            " image fewer (A. Luntz, V. Brailovsky, 1969): its difference is no measure of over-fitting."
        )
        sentences.append((loo,))
    yield Paragraph(join(" ", sentences))


def _capacity(found: Generalisation) -> Iterator[Block]:
    """Yield how many numbers are fitted to how many images, and what bounds by margin charge for that."""
    main = whole(found.table)
    sentences: list[Text] = []
    for method, rows in main.dropna(subset="parameters").groupby(METHOD, sort=False):
        by_size = [f"{_rounded(row['parameters'] / row[SIZE])} an image with {row[SIZE]:,}" for row in records(rows)]
        counts = listed(f"{count:,.0f}" for count in dict.fromkeys(rows["parameters"]))
        sentences.append((f"{method} fits {counts} numbers to the sample: {listed(by_size)}.",))
    terms = []
    for method, rows in main.dropna(subset="capacity").groupby(METHOD, sort=False):
        own = [text("{} with {}", found.quantity(row, "capacity", 2), f"{row[SIZE]:,}") for row in records(rows)]
        terms.append(text("{} {}", "the discriminant of own" if method == OWN else str(method), enumerated(own)))
    if terms:
        margin = (
            "Of linear classifiers on fixed features, what bounds by margin charge for the class is in proportion to"
            " R‖W‖/(γ√n), here with the median margin γ and intervals over seeds alone (S. Kakade et al., 2008): {}."
        )
        sentences.append(text(margin, join("; ", terms)))
    if sentences:
        yield Paragraph(join(" ", [(Strong("Capacity."),), *sentences]))


def _estimation(part: Findings) -> Iterator[Block]:
    """Yield what more images take from the error, and what is left with the most of them."""
    main = whole(part.chosen)
    largest = max(main[SIZE])
    compared = part.family(part.compare(SIZE, largest, size, ERROR) for size in sorted(set(main[SIZE]) - {largest}))
    lines = []
    for row in records(main[main[SIZE] == largest]):
        gaps = [
            text("{} with {}", part.difference(gap), f"{gap['to']:,}")
            for gap in records(compared)
            if gap[METHOD] == row[METHOD]
        ]
        if gaps:
            lines.append(text("{}: {}; floor {}.", row[METHOD], enumerated(gaps), part.level(row, ERROR)))
    if lines:
        words = (
            "{} The error less that with {} images, paired by seed: what estimation from fewer images costs. The floor"
            " is the error with {} images: approximation costs that much at most, as some of it is still estimation."
        )
        yield Paragraph(text(words, Strong("Estimation and approximation."), f"{largest:,}", f"{largest:,}"))
        yield Bullets(tuple(lines))


def _bias_variance(found: Generalisation) -> Iterator[Block]:
    """Yield the terms of the error with the fewest and the most images."""
    main = whole(found.errors)
    if main.empty:
        return
    words = (
        "{} The test error taken apart over the samples of the seeds, in terms whose expectation does not depend on how"
        " many there are (R. Kohavi, D. Wolpert, 1996). Variance is half of how often two samples lead to different"
        " predictions, bias² is the rest:"
    )
    yield Paragraph(text(words, Strong("Bias and variance.")))
    lines = []
    for size in dict.fromkeys([min(main[SIZE]), max(main[SIZE])]):
        own = [
            text(
                "{} {} = bias² {} + variance {}",
                row[METHOD], percent(row["error"]), found.term(row, "bias"), found.term(row, "variance"),
            )
            for row in records(main[main[SIZE] == size])
        ]  # fmt: skip
        lines.append(text("{} images: {}.", f"{size:,}", join("; ", own)))
    yield Bullets(tuple(lines))


def _neighbours(part: Findings, found: Generalisation) -> Iterator[Block]:
    """Yield the chosen k, and what the embedding's intrinsic dimension implies."""
    rows = records(part.chosen[part.chosen[METHOD] == NEIGHBOURS].sort_values(SIZE))
    chosen = [
        f"{row['k']:.0f} of {row[SIZE]:,} ({percent(row['k'] / row[SIZE])})"
        for row in rows
        if not missing(row.get("k"))
    ]
    sentences: list[Text] = []
    if chosen:
        sentences.append((
            f"The k chosen is {listed(chosen)}. For knn to come to the least possible error, k has to grow and k/n to"
            " fall to 0 (C. Stone, 1977). That k = 1 has at most twice the least possible error (T. Cover, P. Hart,"
            " 1967) holds as n → ∞: no size here tests it.",
        ))  # fmt: skip
    table = found.table[found.table[METHOD] == NEIGHBOURS].dropna(subset=["dimension", "nearest"])
    sentences += _dimension(found, records(table.sort_values(SIZE)))
    if sentences:
        yield Paragraph(join(" ", [(Strong("Neighbours."),), *sentences]))


def _dimension(found: Generalisation, rows: Sequence[dict[str, Any]]) -> Iterator[Text]:
    """Yield the intrinsic dimension, and the rates that it implies from the smallest to the largest size."""
    if not rows:
        return
    told = enumerated(text("{} with {}", found.quantity(row, "dimension", 1), f"{row[SIZE]:,}") for row in rows)
    words = (
        "The intrinsic dimension d of the embedding, with intervals over seeds alone, is {} images (TwoNN: E. Facco et"
    )
    yield text(f"{words} al., 2017).", told)
    first, last = rows[0], rows[-1]
    if first is last:
        return
    d = last["dimension"]
    by_distance, by_error = ((last[SIZE] / first[SIZE]) ** (-1 / exponent) for exponent in (d, d + 2))
    yield (
        f"With the last d, the distance to the nearest image would fall as n^(−1/d), from {first[SIZE]:,} to"
        f" {last[SIZE]:,} images to {by_distance:.2f} times what it was; it fell to"
        f" {last['nearest'] / first['nearest']:.2f} times. What knn's error has above the least possible is only"
        f" bounded by a multiple of n^(−1/(d + 2)) (S. Kpotufe, 2011), which falls to {by_error:.2f} times.",
    )


def _predictions(part: Findings, found: Generalisation) -> Iterator[Prediction]:
    """Yield what theory predicts of differences that may have been measured."""
    sizes = sorted({size for _, size in found.terms})
    if len(sizes) > 1:
        first, last = sizes[0], sizes[-1]
        methods = [str(method) for method in dict.fromkeys(whole(part.chosen)[METHOD])]
        tested = [(m, found.term_change("variance", SIZE, (m, first), (m, last))) for m in methods]
        words = f"More images, less variance (of a fixed class, about as 1/n), from {first:,} to {last:,}"
        yield Prediction(words, "lower", tested)
    compared: list[tuple[str, Direction, str]] = [
        (
            "bias",
            "lower",
            "A larger class, less bias²: own, which has more features and may change them, against finetune",
        ),
        ("variance", "higher", "More fitted numbers, more variance: own against finetune"),
    ]
    for name, sign, words in compared:
        pairs = [(size, found.term_change(name, METHOD, (NEW_LAYER, size), (OWN, size))) for size in sizes]
        yield Prediction(words, sign, _by_size(pairs))
    pairs = [(size, found.term_change("variance", METHOD, (OWN, size), (UNINFORMED, size))) for size in sizes[:1]]
    words = "Few images, less variance by what is known of the source: own without its covariance against own"
    yield Prediction(words, "higher", _by_size(pairs))
    for size in sizes[-1:]:
        gaps = part.compare(METHOD, OWN, UNTUNED, ACCURACY)
        pairs = [(size, part.difference(row)) for row in records(gaps[gaps[SIZE] == size])]
        words = "Many images bear a larger class: the accuracy of own without tuning against own"
        yield Prediction(words, "lower", _by_size(pairs))


def _by_size(pairs: Iterable[tuple[int, Difference | None]]) -> list[tuple[str, Difference | None]]:
    return [(f"with {size:,}", gap) for size, gap in pairs]


def judged(prediction: Prediction) -> Text:
    """Return a prediction with what each difference says of it; nothing where none was measured."""
    told = []
    for name, gap in prediction.tested:
        if gap is None:
            continue
        against = gap.direction in ("lower", "higher")
        other = f"not shown here: it is {gap.direction}" if against else "not shown here"
        told.append(text("{} {} ({})", name, gap, "supports it" if gap.direction == prediction.sign else other))
    return text("{}: {}.", prediction.words, join("; ", told)) if told else ()


def _rounded(value: float) -> str:
    return f"{value:.3g}" if value < 100 else f"{value:,.0f}"


def _size(gap: Difference) -> str:
    return f"{gap.where[SIZE]:,}"
