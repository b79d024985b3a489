"""How small a latent still reconstructs images: L1 by latent for both bottlenecks, beside what needs no network."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import records
from analysis.verdicts import ablation
from analysis.words import Block, Bullets, Directions, Paragraph, Strong, Text, enumerated, join, listed, outcomes, text

COMPARED = BOTTLENECK, LATENT = ("bottleneck", "latent")
TITLE = "Autoencoders: reconstruction by latent"
SUFFICES = 0.003
"""L1 by which a latent may be worse than the largest one and still suffice; stated beforehand."""
CHANGES = Directions("falls", "rises", "is not shown to change")
KINDS = {"conv": "convolutional bottleneck", "fc": "fully-connected bottleneck"}
BASELINES = {"PCA": "pca_l1", "median image": "median_l1"}
"""What needs no network, and the measure of it."""
MORE_EPOCHS = "more_epochs_taken"
RANKS = ("best", "median", "worst")
"""What the rows of `examples_…` are, by L1."""


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    steps = part.compare(BOTTLENECK, "conv", "fc", "test_l1")
    return Draft(
        TITLE,
        [_shortly(part), *_verdict(part, steps)],
        dict(_drawings(part)),
        {"layers": _layers(part)},
    )


def _shortly(part: Findings) -> Paragraph:
    """Return the answer in a sentence: how good the largest latent is, with each bottleneck."""
    largest = part.chosen[part.chosen[LATENT] == part.chosen[LATENT].max()]
    told: list[Text] = [
        text("{} with a {}", part.level(row, "test_l1"), KINDS[row[BOTTLENECK]]) for row in records(largest)
    ]
    return Paragraph(text("With a latent of {} the test L1 is {}.", int(largest[LATENT].iloc[0]), enumerated(told)))


def _verdict(part: Findings, steps: pd.DataFrame) -> Iterator[Block]:
    rows = records(part.chosen.sort_values([BOTTLENECK, LATENT]))
    yield Paragraph((f"Test L1{part.where}, beside that of as many principal components and of the median image:",))
    yield Bullets(tuple(_level(part, row) for row in rows))
    yield _against_pca(rows)
    if len(steps):
        paired = [part.difference(row) for row in records(steps)]
        told = outcomes(paired, CHANGES, lambda step: f"latent {step.where[LATENT]}")
        yield Paragraph(
            text("Paired by seed, with a fully-connected bottleneck instead of a convolutional one L1 {}.", told)
        )
        yield Bullets(
            tuple(text("latent {}: {}", one.where[LATENT], one) for one in paired if not math.isnan(one.estimate))
        )
    sentences = [sentence for kind in part.results.factors[BOTTLENECK] if (sentence := _sufficient(part, kind))]
    if sentences:
        yield Paragraph(join(" ", sentences))
    yield from _chosen_architecture(part, rows)
    yield from ablation.verdict(part)
    yield from _training_takes(part, rows)


def _against_pca(rows: list[dict[str, Any]]) -> Paragraph:
    """Return where the networks are better and worse than as many principal components, which have no seed."""
    found: dict[str, list[str]] = {"better": [], "worse": [], "not shown to be either": []}
    for row in rows:
        below, above = row["test_l1_high"] < row["test_pca_l1"], row["test_l1_low"] > row["test_pca_l1"]
        kind = "better" if below else "worse" if above else "not shown to be either"
        found[kind].append(f"{row[BOTTLENECK]} {row[LATENT]}")
    told = [f"{kind} with {listed(names)}" for kind, names in found.items() if names]
    return Paragraph((f"Than as many principal components, on the same images, the networks are {'; '.join(told)}.",))


def _level(part: Findings, row: dict[str, Any]) -> Text:
    """Return how good the network of a condition is; where a seed has none, that alone."""
    name = f"{row[BOTTLENECK]}, latent {row[LATENT]}"
    if math.isnan(row["test_l1"]):
        return text("{}: {}", name, part.level(row, "test_l1"))
    linear = (
        f"PCA {row['test_pca_l1']:.4f}, median image {row['test_median_l1']:.4f}"  # on these images: no seed in them
    )
    return text("{}: {} ({}), n = {}", name, part.level(row, "test_l1"), linear, row["n"])


def _sufficient(part: Findings, kind: str) -> Text:
    """Return the smallest latent that suffices: at the upper bound no worse than the largest by `SUFFICES`."""
    latents = sorted(part.chosen.loc[part.chosen[BOTTLENECK] == kind, LATENT])
    if len(latents) < 2:
        return ()
    largest = latents[-1]
    enough, steps = largest, []
    for latent in latents[-2::-1]:
        pairs = [row for row in records(part.compare(LATENT, largest, latent, "test_l1")) if row[BOTTLENECK] == kind]
        if not pairs or not pairs[0]["high"] <= SUFFICES:
            steps += [part.difference(row) for row in pairs]
            break
        enough = latent
        steps = [part.difference(pairs[0])]
    why = text(" ({} at {}: {})", "L1 against that of the largest", str(steps[0].after), steps[0]) if steps else ()
    if enough == largest:
        return text("{}: no latent below {} is shown to suffice, within {}{}.", kind, largest, f"{SUFFICES:g}", why)
    return text("{}: a latent of {} suffices, within {} of {}{}.", kind, enough, f"{SUFFICES:g}", largest, why)


def _chosen_architecture(part: Findings, rows: list[dict[str, Any]]) -> Iterator[Block]:
    """Yield how the architecture of the best condition, by its search score, looks; tables/layers.csv has all."""
    ranked = [row for row in rows if not math.isnan(row["search_l1"])]
    if not ranked:
        return
    best = min(ranked, key=lambda row: float(row["search_l1"]))
    facts = _facts(part, best)
    if not facts:
        return
    config = enumerated(
        [
            (f"{part.results.titled(name)} {best[name]}",)
            for name in part.results.hyperparameters
            if isinstance(best[name], str | int)
        ]
    )
    yield Paragraph(
        text(
            "The best in the search, {} with latent {}, has {} parameters in {} layers: {}.", best[BOTTLENECK],
            best[LATENT], f"{facts['parameters']:,}", len(facts["layers"]), config,
        )
    )  # fmt: skip


def _training_takes(part: Findings, rows: list[dict[str, Any]]) -> Iterator[Block]:
    """Yield how many epochs training takes, against a classifier with the same encoder."""
    known = [row for row in rows if not math.isnan(row.get(f"val_{MORE_EPOCHS}", math.nan))]
    if not known:
        return
    more, fewer, neither, alike = (
        "it takes more epochs", "it takes fewer", "neither is shown", "seeds are too much alike for an interval"
    )  # fmt: skip
    found: dict[str, list[str]] = {more: [], fewer: [], neither: [], alike: []}
    for row in known:
        low, high = row[f"val_{MORE_EPOCHS}_low"], row[f"val_{MORE_EPOCHS}_high"]
        word = more if low > 0 else fewer if high < 0 else neither
        word = alike if row[f"val_{MORE_EPOCHS}_interval"] == "seeds alike" else word
        found[word].append(f"{row[BOTTLENECK]} {row[LATENT]}")
    told = [f"{word} with {listed(names)}" for word, names in found.items() if names]
    yield Paragraph(
        text(
            "{} a classifier with the same encoder, images and settings: epochs until 95 % of the way from a constant "
            "prediction to the last epoch is done, on validation images. Paired by seed, {}. In "
            "both, the learning rate falls to zero over {} epochs.",
            Strong("Training, against"),
            "; ".join(told),
            part.setting("epochs"),
        )
    )
    line = "{}, latent {}: {} epochs, the classifier {}; {} more, n = {}"
    yield Bullets(
        tuple(
            text(
                line, row[BOTTLENECK], row[LATENT],
                *(part.level(row, f"val_{name}") for name in ("epochs_taken", "classifier_epochs_taken", MORE_EPOCHS)),
                row["n"],
            )
            for row in known
        )
    )  # fmt: skip


def _facts(part: Findings, row: dict[str, Any]) -> dict[str, Any]:
    """Return the constants of a reported trial of a row; none where there is none."""
    seeds = part.chosen_seeds
    own = seeds[(seeds[BOTTLENECK] == row[BOTTLENECK]) & (seeds[LATENT] == row[LATENT])]
    return {} if own.empty else dict(part.results.facts[own["trial"].iloc[0]])


def _layers(part: Findings) -> pd.DataFrame:
    """Return a row for each layer of each chosen network: its kind, the shape of its output, its parameters."""
    found = [
        {BOTTLENECK: row[BOTTLENECK], LATENT: row[LATENT], "layer": i, "kind": kind,
         "output": "×".join(map(str, shape)), "parameters": parameters}
        for row in records(part.chosen)
        for i, (kind, shape, parameters) in enumerate(_facts(part, row).get("layers", []), 1)
    ]  # fmt: skip
    return pd.DataFrame(found)


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    title = f"{TITLE}{part.where}"
    words = Words(title, "latent", part.axis("test_l1"), part.note())
    lines = partial(
        draw_lines, _compared(part), words, x=LATENT, columns={"l1": ""}, series={BOTTLENECK: ""}, logarithmic=True
    )
    yield "l1", Drawing(lines, "Test L1 against the size of the latent.")
    grids = [grid for row in records(part.chosen) if (grid := _reconstructions(part, row)) is not None]
    if grids:
        note = part.note("One seed each. Above: test images; below: what the latent keeps of them.", means=False)
        words = Words(f"{title}: reconstructions", "", "", note)
        caption = "Test images and their reconstructions: those with the best, the median and the worst L1."
        yield "reconstructions", Drawing(partial(draw_images, grids, words, most=1), caption)
    words = Words(f"{title}: learning curves", "epoch", part.axis("l1"), part.note())
    curves = partial(
        draw_curves, part.drawn_curves, words, columns={"train_l1": "training", "val_l1": "validation"}, across=LATENT,
        series={BOTTLENECK: ""},
    )  # fmt: skip
    yield "learning_curves", Drawing(curves, "Learning curves by latent.")
    yield from ablation.drawing(part, title)


def _compared(part: Findings) -> pd.DataFrame:
    """Return the L1 of each network, `l1`, and below them that of the baselines, which no bottleneck changes."""
    ends = ("", "_low", "_high", "_interval")
    networks = part.chosen.assign(**{f"l1{end}": part.chosen[f"test_l1{end}"] for end in ends})
    networks[BOTTLENECK] = networks[BOTTLENECK].map(KINDS)
    once = part.chosen.dropna(subset="test_pca_l1").drop_duplicates(LATENT).sort_values(LATENT)
    baselines = []
    for name, column in BASELINES.items():
        own = once.assign(l1=once[f"test_{column}"], l1_low=math.nan, l1_high=math.nan)  # no seed is in them
        own[BOTTLENECK] = name
        baselines.append(own)
    return pd.concat([networks, *baselines], ignore_index=True)


def _reconstructions(part: Findings, row: dict[str, Any]) -> ImageGrid | None:
    """Return images [2 rows, 3 n columns] of the first seed of a row, with their L1; None where none were kept."""
    arrays = next(iter(part.arrays_of(row).values()), {})
    if "examples_input" not in arrays:
        return None
    pairs = [arrays[f"examples_{name}"].reshape(-1, *arrays["examples_input"].shape[2:]) for name in ("input", "made")]
    shown = arrays["examples_l1"].shape[1]
    names = [rank if i == 0 else "" for rank in RANKS for i in range(shown)]
    title = f"{row[BOTTLENECK]}, latent {row[LATENT]}"
    return ImageGrid(np.stack(pairs), ["image", "reconstructed"], names, title)
