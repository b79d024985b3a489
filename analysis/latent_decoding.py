"""What a classifier's encoder throws away: reconstructions and latents of four encoders, and what they keep of images.

Two verdicts have thresholds that were stated beforehand (`verdicts.decoding`):

- The autoencoder keeps in-class variability if its reconstructions keep 1.5 times the in-class variance that those from
  the classifier's latents keep, or more, at the lower bound of the ratio, which is paired by seed.
- The classifier separates classes if in its latents the variance between classes over that within them is 1.5 times
  that in the autoencoder's, or more, at the lower bound, and its silhouette is higher.

The class survives the classifier's decoding if the share of its reconstructions that the judge reads right is at least
0.9 times that of the images themselves, at the lower bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.points import draw_dots
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import records
from analysis.verdicts import decoding, latents
from analysis.verdicts.decoding import CLASSIFIER, ENCODER, FROZEN, JOINT, L1, RANDOM, Gaps, Rows
from analysis.words import Block, Bullets, Difference, Paragraph, Text, enumerated, listed, text

COMPARED = (ENCODER,)
TITLE = "Decoding a classifier's latents"
NAMES = {
    JOINT: "autoencoder, trained jointly",
    FROZEN: "autoencoder's encoder, frozen",
    CLASSIFIER: "classifier's encoder, frozen",
    RANDOM: "random encoder, frozen",
}
SHOWN = {JOINT: "autoencoder", CLASSIFIER: "classifier"}
"""The encoders whose reconstructions and latents are drawn."""
BASELINES = {"principal components": "test_pca_l1", "the median image": "test_median_l1"}
"""What needs no network."""
IN_PIXELS = "{}: in-class variance kept {}, explained {}; variance between class means kept {}; read right {}"
PIXELS = (decoding.KEPT, decoding.EXPLAINED, decoding.BETWEEN, decoding.JUDGED)
IN_LATENTS = (
    "{}: within classes {} of the variance, between over within {}, silhouette {}, 1-NN purity {}, dimension {}"
)
LATENTS = (decoding.WITHIN_TOTAL, decoding.BETWEEN_WITHIN, decoding.SILHOUETTE, "test_pure", "test_dimension")


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    rows = {row[ENCODER]: row for row in records(part.chosen)}
    differences = decoding.compared(part)
    gaps = decoding.gaps_in(part, differences)
    return Draft(
        TITLE,
        [*_measured(part, rows, gaps), *decoding.verdicts(part, rows, gaps)],
        dict(_drawings(part)),
        {"measures": part.measures, "by_class": latents.by_class(part, ENCODER)},
        differences if len(differences) else None,
    )


def _measured(part: Findings, rows: Rows, gaps: Gaps) -> Iterator[Block]:
    """Yield the answer in a sentence, and then all levels and differences, encoder by encoder."""
    first = next(iter(rows.values()))
    short = enumerated(
        text("{} ({})", part.level(rows[name], L1), NAMES[name]) for name in (JOINT, CLASSIFIER) if name in rows
    )
    short = short or text("{} ({})", part.level(first, L1), NAMES[first[ENCODER]])
    yield Paragraph(text("Test images decoded from {} numbers have an L1 of {}.", part.setting("latent"), short))
    yield Paragraph((f"Test L1{part.where} by encoder, with decoders of one architecture:",))
    yield Bullets(
        tuple(text("{}: {}, n = {}", NAMES[name], part.level(row, L1), row["n"]) for name, row in rows.items())
    )
    yield _against_baselines(rows)
    if steps := [gap for (metric, _, _), gap in gaps.items() if metric == L1]:
        yield Paragraph(("L1, paired by seed, and whether it is shown to differ:",))
        yield Bullets(tuple(_step(gap) for gap in steps))
    told = (
        "What reconstructions keep of the test images' variance in pixels (explained: as far as they vary as the "
        "images do), and how many of them a judge reads right, who reads {} of the images right:"
    )
    known = next((row for row in rows.values() if not math.isnan(row[decoding.JUDGED_INPUT])), first)
    yield Paragraph(text(told, part.level(known, decoding.JUDGED_INPUT)))
    yield _levels(part, rows, IN_PIXELS, PIXELS)
    told = "Latents of the test images, each coordinate scaled to variance 1"
    if CLASSIFIER in rows:
        own = part.level(rows[CLASSIFIER], decoding.CLASSIFIED)
        yield Paragraph(text("{}; the classifier reads {} of the images right:", told, own))
    else:
        yield Paragraph((f"{told}:",))
    yield _levels(part, rows, IN_LATENTS, LATENTS)


def _levels(part: Findings, rows: Rows, told: str, columns: Sequence[str]) -> Bullets:
    """Return measures of each encoder."""
    return Bullets(
        tuple(text(told, NAMES[name], *(part.level(row, own) for own in columns)) for name, row in rows.items())
    )


def _against_baselines(rows: Rows) -> Paragraph:
    """Return where L1 is lower and higher than what needs no network, on the same images."""
    sentences = []
    for baseline, column in BASELINES.items():
        level = next((row[column] for row in rows.values() if not math.isnan(row[column])), math.nan)
        found: dict[str, list[str]] = {}
        for name, row in rows.items():
            below, above = row[f"{L1}_high"] < level, row[f"{L1}_low"] > level
            found.setdefault("lower" if below else "higher" if above else "not shown to differ", []).append(name)
        told = "; ".join(f"{word} with {listed(names)}" for word, names in found.items())
        sentences.append(f"Against that of {baseline}, {level:.4f}, it is {told}.")
    return Paragraph((" ".join(sentences),))


def _step(gap: Difference) -> Text:
    word = "" if gap.direction == "no number" else f", {gap.direction}"
    return text("{}, against {}: {}{}", NAMES[gap.after], NAMES[gap.before], gap, word)


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    title = f"{TITLE}{part.where}"
    words = Words(f"{title}: reconstruction", "", part.axis(L1), part.note())
    dots = partial(draw_dots, _with_baselines(part), words, x=ENCODER, columns={L1: ""})
    yield "l1", Drawing(dots, "Test L1 by encoder, beside what needs no network.")
    yield from latents.drawings(part, title, ENCODER, NAMES, SHOWN)
    words = Words(f"{title}: learning curves", "epoch", part.axis("l1"), part.note())
    columns = {"train_l1": "training", "val_l1": "validation"}
    curves = partial(draw_curves, part.drawn_curves, words, columns=columns, across=ENCODER)
    yield "learning_curves", Drawing(curves, "Learning curves of the decoder, by encoder.")


def _with_baselines(part: Findings) -> pd.DataFrame:
    """Return the rows of the encoders, and below them one for each baseline, whose L1 has no seed in it."""
    tables = [part.chosen.assign(encoder=part.chosen[ENCODER].map(NAMES))]
    for name, column in BASELINES.items():
        once = part.chosen.dropna(subset=column).iloc[:1]
        tables.append(once.assign(encoder=name, test_l1=once[column], test_l1_low=math.nan, test_l1_high=math.nan))
    return pd.concat(tables, ignore_index=True)
