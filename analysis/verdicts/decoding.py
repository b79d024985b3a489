"""What encoders keep, as verdicts and their explanation: an autoencoder's against a classifier's, and controls.

Each sentence is chosen by the numbers in it: there is another one where they do not bear it out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.intervals import NEW
from analysis.numbers.ratios import paired_ratio
from analysis.numbers.results import records
from analysis.words import (
    OVER_BOTH,
    Block,
    Claim,
    Difference,
    Paragraph,
    Strong,
    Text,
    interval_note,
    join,
    noted,
    text,
)

ENCODER = "encoder"
JOINT, FROZEN, CLASSIFIER, RANDOM = ENCODERS = ("joint", "autoencoder", "classifier", "random")
RATIO = 1.5
"""How many times as large what is kept, and how far classes are apart, is at the lower bound; stated beforehand."""
SURVIVES = 0.9
"""The class survives if the judge reads that share of what it reads of the images, at the lower bound; likewise."""
UNLIKE = 0.5
"""Reconstructions vary otherwise than the images if they explain less than that share of what they keep."""
L1, KEPT, EXPLAINED, BETWEEN = "test_l1", "test_kept_within", "test_explained_within", "test_kept_between"
WITHIN_TOTAL, BETWEEN_WITHIN, SILHOUETTE = "test_within_total", "test_between_within", "test_silhouette"
JUDGED, JUDGED_INPUT, CLASSIFIED = "test_judged", "test_judged_input", "test_classified"
PAIRS = {
    L1: list(combinations(ENCODERS, 2)),
    EXPLAINED: [(JOINT, CLASSIFIER), (FROZEN, CLASSIFIER), (CLASSIFIER, RANDOM)],
    SILHOUETTE: [(JOINT, CLASSIFIER)],
}
"""What is compared, by measure."""

Rows = Mapping[str, dict[str, Any]]
"""Rows of `Findings.chosen` by encoder."""
Gaps = Mapping[tuple[str, str, str], Difference]
"""By measure, and the encoder before and after."""


def compared(part: Findings) -> pd.DataFrame:
    """Return the differences between encoders that an answer tells, as the families that they are."""
    tables = [part.compare(ENCODER, *pair, metric) for metric, pairs in PAIRS.items() for pair in pairs]
    return part.family(table for table in tables if len(table))


def gaps_in(part: Findings, table: pd.DataFrame) -> Gaps:
    """Return rows of `compared` as claims."""
    return {(row["metric"], row["from"], row["to"]): part.difference(row) for row in records(table)}


def verdicts(part: Findings, rows: Rows, gaps: Gaps) -> Iterator[Block]:
    """Yield both verdicts and their explanation; nothing where no seed has the autoencoder and the classifier."""
    kept, apart = _ratio(part, JOINT, CLASSIFIER, KEPT), _ratio(part, CLASSIFIER, JOINT, BETWEEN_WITHIN)
    if kept is None or apart is None:
        return
    control = _ratio(part, FROZEN, CLASSIFIER, KEPT)
    also = text(", and {} with its encoder frozen and a fresh decoder", control) if control else ()
    keeps = "it keeps in-class variability" if kept.low >= RATIO else "this is not shown"
    yield Paragraph(
        text(
            "{} The autoencoder's reconstructions keep {} the in-class variance that those from the classifier's "
            "latents keep{}. Stated beforehand was that the autoencoder keeps in-class variability if the ratio is {} "
            "or more at the lower bound: {}.",
            Strong("In-class variability."), kept, also, f"{RATIO:g}", keeps,
        )
    )  # fmt: skip
    silhouette = gaps[SILHOUETTE, JOINT, CLASSIFIER]
    separates = apart.low >= RATIO and silhouette.direction == "higher"
    yield Paragraph(
        text(
            "{} In the classifier's latents, variance between classes over that within is {} that in the "
            "autoencoder's, and the silhouette is {}: {}. Stated beforehand was that the classifier separates classes "
            "if the ratio is {} or more at the lower bound and the silhouette higher: {}.",
            Strong("Separation."), apart, silhouette.direction, silhouette, f"{RATIO:g}",
            "it separates classes" if separates else "this is not shown",
        )
    )  # fmt: skip
    sentences = [
        _incentive(part, rows, gaps[EXPLAINED, JOINT, CLASSIFIER]),
        _in_the_encoder(gaps),
        _separation(part, rows, separates=separates),
        _class_kept(part, rows),
        _against_chance(gaps),
        *_unlike(part, rows),
    ]
    yield Paragraph(text("{} {}", Strong("Why."), join(" ", sentences)))


def _incentive(part: Findings, rows: Rows, gap: Difference) -> Text:
    """Return what the losses reward, and what is explained of in-class variance."""
    own, other = (part.level(rows[name], EXPLAINED) for name in (JOINT, CLASSIFIER))
    if gap.direction == "lower":
        return text(
            "An autoencoder's loss counts every pixel, so that what tells images of one class apart must pass its "
            "latent: its reconstructions explain {} of the in-class variance. A classifier's loss counts the class "
            "alone: from its latents a decoder explains {}, a difference of {}.",
            own, other, gap,
        )  # fmt: skip
    if gap.direction == "higher":
        return text(
            "Although a classifier's loss counts the class alone, a decoder explains more of the in-class variance "
            "from its latents than the autoencoder does, {} against {}, a difference of {}.",
            other, own, gap,
        )  # fmt: skip
    return text(
        "An autoencoder's loss counts every pixel and a classifier's the class alone, but it is not shown that less of "
        "the in-class variance can be explained from the classifier's latents: {} against {}, a difference of {}.",
        other, own, gap,
    )  # fmt: skip


def _in_the_encoder(gaps: Gaps) -> Text:
    """Return whether the loss lies in the encoder, rather than in training jointly; nothing without the control."""
    encoder, fresh = gaps.get((L1, FROZEN, CLASSIFIER)), gaps.get((L1, JOINT, FROZEN))
    if encoder is None or fresh is None:
        return ()
    told = {
        "lower": "An autoencoder's encoder that is trained first and then frozen, with a fresh decoder, has a lower L1 "
        "than one trained jointly ({}).",
        "higher": "An autoencoder's encoder that is frozen, with a fresh decoder, has a higher L1 than one trained "
        "jointly ({}).",
        "not shown to differ": "An autoencoder's encoder that is frozen, with a fresh decoder, is not shown to differ "
        "in L1 from one trained jointly ({}).",
        "no number": "An autoencoder's encoder that is frozen, with a fresh decoder, has {}.",
    }
    lies = {
        "higher": "Against it the classifier's, frozen likewise, costs {} of L1: this much lies in what encoders keep.",
        "lower": "Against it the classifier's, frozen likewise, has a lower L1 ({}).",
        "not shown to differ": "Against it the classifier's, frozen likewise, is not shown to differ in L1 ({}).",
        "no number": "Against it the classifier's, frozen likewise, has {}.",
    }
    return join(" ", [text(told[fresh.direction], fresh), text(lies[encoder.direction], encoder)])


def _separation(part: Findings, rows: Rows, *, separates: bool) -> Text:
    within, silhouettes = (
        [part.level(rows[name], metric) for name in (CLASSIFIER, JOINT)] for metric in (WITHIN_TOTAL, SILHOUETTE)
    )
    begin = (
        "The classifier's loss draws the images of a class together and classes apart"
        if separates
        else "That the classifier's loss draws the images of a class together is not shown as far as was stated"
    )
    told = (
        "{}: of its latents' variance {} lies within classes, of the autoencoder's {}; the silhouettes are {} and {}."
    )
    return text(told, begin, *within, *silhouettes)


def _class_kept(part: Findings, rows: Rows) -> Text:
    """Return whether the class survives in what is decoded from the classifier's latents."""
    judged, images = (part.level(rows[CLASSIFIER], metric) for metric in (JUDGED, JUDGED_INPUT))
    survives = judged.low >= SURVIVES * images.estimate
    begin = "The class survives" if survives else "That the class survives its decoding is not shown"
    told = "{}: the judge reads {} of what is decoded from its latents right, of the images {}."
    return text(told, begin, judged, images)


def _against_chance(gaps: Gaps) -> Text:
    """Return whether the classifier's training kept more of the images than no training does; nothing without that."""
    gap = gaps.get((L1, CLASSIFIER, RANDOM))
    if gap is None:
        return ()
    told = {
        "lower": "A random encoder's latents are decoded better than the classifier's: {} of L1.",
        "higher": "A random encoder's latents are decoded worse than the classifier's: {} of L1.",
        "not shown to differ": "A random encoder's latents are not shown to be decoded better or worse than the "
        "classifier's: {} of L1.",
        "no number": "Between a random encoder's latents and the classifier's, L1 has {}.",
    }
    return text(told[gap.direction], gap)


def _unlike(part: Findings, rows: Rows) -> Iterator[Text]:
    """Yield where reconstructions vary, but otherwise than the images: their variance is then no measure of these."""
    for name, row in rows.items():
        kept, explained = (part.level(row, metric) for metric in (KEPT, EXPLAINED))
        if explained.high < UNLIKE * kept.low:
            whose = "a random encoder's latents" if name == RANDOM else f"those of {name}"
            yield text(
                "What is decoded from {} varies otherwise than the images do: it keeps {} of the in-class variance and "
                "explains {}.",
                whose, kept, explained,
            )  # fmt: skip


def _ratio(part: Findings, above: str, below: str, metric: str) -> Claim | None:
    """Return how many times as large a measure is with one encoder as with another; None where no seed has both."""
    found = paired_ratio(part.results, part.chosen_seeds, ENCODER, above, below, metric)
    if found is None:
        return None
    bounds = "" if math.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    told = f"{found.mean:.2f}{bounds} times"
    if math.isnan(found.mean):
        told = "no number of times (a seed diverged)"
    return Claim(
        text=noted(told, interval_note(found.kind, mixed=part.hold_for_new_images)),
        metric=f"{metric}, ratio",
        estimate=found.mean,
        low=found.low,
        high=found.high,
        n=found.n,
        where={**part.shared, ENCODER: f"{above} / {below}"},
        over=OVER_BOTH if found.kind == NEW else "seeds",
    )
