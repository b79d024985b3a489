"""What a spatial transformer learns to undo: accuracy by origin and by epoch, what was learned, and pictures of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.points import draw_dots
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.verdicts import deformations
from analysis.verdicts.deformations import CALLED, COPIES, DISTORTIONS, NETWORK, NETWORKS, ORIGINS, PLAIN
from analysis.words import Block, Bullets, Difference, Directions, Paragraph, Text, enumerated, join, outcomes, text

COMPARED = (NETWORK, COPIES)
TITLE = "Spatial transformers"
ACCURACY = "test_accuracy"
CHANGES = Directions("falls", "rises", "is not shown to change")
RANKS = ("best", "middle", "worst")
"""What the rows of `examples_…` are."""
PAPER = {
    "CNN (paper)": {"R": 1.2, "RTS": 0.8, "P": 1.5, "E": 1.4},
    "affine (paper)": {"R": 0.7, "RTS": 0.5, "P": 0.8, "E": 1.2},
    "tps (paper)": {"R": 0.7, "RTS": 0.5, "P": 0.8, "E": 1.1},
}
"""Test errors in per cent of M. Jaderberg et al., "Spatial Transformer Networks", NIPS 2015, table 1: under another
protocol, a line to refer to and no target."""
EXPLAINED = (
    "An elastic deformation bends a digit differently in different places, an affine map is the same everywhere: of "
    "the displacement it can take back what the whole digit has in common, and the share that the best maps leave is "
    "given beside each number. The rest is left to the classifier.",
    "A zoomed digit has few pixels. Sampling can enlarge it, which adds no detail; to gain from that, the classifier "
    "must be unable to read it small. Classification asks for no pose: a transformer is rewarded for undoing a "
    "deformation only as far as that helps the classifier behind it.",
    "The localisation net begins at the identity, and gradients of bilinear sampling come from neighbouring pixels: "
    "large steps, such as a zoom by four, are many small ones.",
)
"""Reasons that follow from how the network is made. None of them was tested by an experiment of its own."""


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    compared = _compared(part)
    return Draft(
        "Spatial transformers: what they learn to undo",
        [_shortly(part), *_accuracies(part), *_differences(part, compared), *_learned(part), *_reference(part)],
        dict(_drawings(part)),
        {"measures": part.measures, "learned": deformations.table(part)},
        compared,
        sections={"What explains it": tuple(Paragraph((reason,)) for reason in EXPLAINED)},
    )


def _shortly(part: Findings) -> Paragraph:
    """Return the answer in a sentence for the first and the last kind of copies: accuracy, and what was learned."""
    kinds = list(dict.fromkeys(part.chosen[COPIES]))
    sentences = []
    for copies in dict.fromkeys([kinds[0], kinds[-1]]):
        told = []
        for row in records(part.chosen[part.chosen[COPIES] == copies]):
            learned = "" if row[NETWORK] == PLAIN else f", which {deformations.shortly(row)}"
            told.append(text("{} with {}{}", part.level(row, ACCURACY), NETWORKS[row[NETWORK]], learned))
        sentences.append(text("{} the test accuracy is {}.", deformations.WITH[copies], enumerated(told)))
    return Paragraph(join(" ", sentences))


def _accuracies(part: Findings) -> Iterator[Block]:
    told = f"Test accuracy{part.where} over all images and their copies, by what an image is, and training's."
    yield Paragraph((f"{told} An image and its copies count as one, and are in the same split.{_sizes(part)}",))
    rows = [row for row in records(part.reported) if row["recipe"] in (CHOSEN, PRESCRIBED)]
    yield Bullets(tuple(_level(part, row) for row in rows))
    lost = [row for row in records(part.chosen) if row.get("test_little_ink", 0.0) > 0.01]
    if lost:
        share = lost[0]["test_little_ink"]
        known = (
            f"{100 * share:.1f} % of the elastic copies keep less than a fifth of their ink. Where these cannot be read"
        )
        yield Paragraph((f"{known}, accuracy on elastic copies is at most about {100 * (1 - share):.0f} %.",))


def _sizes(part: Findings) -> str:
    """Return a sentence on how many images are trained and tested on with all copies; none where it is not known."""
    seed = part.chosen_seeds.iloc[-1]
    made = part.results.facts[seed["trial"]].get("training_images")
    if made is None or math.isnan(seed["labels_train"]) or made == seed["labels_train"]:
        return ""
    times = round(made / seed["labels_train"])
    tested = f" and {seed['test_images']:,.0f} test images {times * seed['test_images']:,.0f}"
    return f" With copies {seed[COPIES]}, {seed['labels_train']:,.0f} training images become {made:,}{tested}."


def _level(part: Findings, row: Mapping[str, Any]) -> Text:
    """Return how accurate the networks of a condition are; where a seed has no number, that alone."""
    config = "" if row["recipe"] == CHOSEN else ", prescribed config"
    name = f"{row[NETWORK]}, copies {row[COPIES]}{config}"
    if math.isnan(row[ACCURACY]):
        return (f"{name}: no number, as a seed collapsed or diverged, n = {row['n']}",)
    origins = [origin for origin, copies in ORIGINS.items() if row[COPIES] in copies] if row[COPIES] != "none" else []
    levels = [text("{} {}", CALLED[origin], part.level(row, f"test_{origin}_accuracy")) for origin in origins]
    levels.append((f"training {100 * _training(part, row):.1f} %",))
    return text("{}: {} ({}), n = {}", name, part.level(row, ACCURACY), enumerated(levels), row["n"])


def _training(part: Findings, row: Mapping[str, Any]) -> float:
    """Return the mean training accuracy of a row after its last epoch, of networks without dropout."""
    alike = [part.curves[name] == row[name] for name in (*part.factors, "recipe")]
    own = part.curves[np.logical_and.reduce(alike)]
    return float(own.sort_values("epoch")["train_accuracy"].iloc[-1]) if len(own) else math.nan


def _compared(part: Findings) -> pd.DataFrame:
    """Return differences of test accuracy between networks, by origin too, and of originals with and without copies."""
    networks = [name for name in part.results.factors[NETWORK] if name != PLAIN]
    copies = [name for name in part.results.factors[COPIES] if name in ORIGINS["original"] and name != "none"]
    found = [part.compare(NETWORK, PLAIN, name, ACCURACY) for name in networks]
    for origin, with_it in ORIGINS.items():
        for name in networks:
            pairs = part.compare(NETWORK, PLAIN, name, f"test_{origin}_accuracy")
            several = pairs[COPIES].isin([one for one in with_it if one != "none"])  # with none, originals are all
            found.append(pairs[several])
    found += [part.compare(COPIES, "none", name, "test_original_accuracy") for name in copies]
    return part.family(found) if found else pd.DataFrame()


def _differences(part: Findings, compared: pd.DataFrame) -> Iterator[Block]:
    known = [part.difference(row) for row in records(compared)]
    for name in part.results.factors[NETWORK]:
        own = [one for one in known if one.factor == NETWORK and one.after == name]
        if own:
            told = outcomes(own, CHANGES, _images)
            yield Paragraph(
                text("Paired by seed, with {} in the place of a plain network accuracy {}.", NETWORKS[name], told)
            )
            yield Bullets(tuple(text("{}: {}", _images(one), one) for one in own if not math.isnan(one.estimate)))
    own = [one for one in known if one.factor == COPIES]
    if own:
        told = outcomes(own, CHANGES, lambda one: f"{one.after} ({one.where[NETWORK]})")
        yield Paragraph(text("With copies in training, accuracy on originals {}.", told))


def _images(one: Difference) -> str:
    """Return which images a difference between networks is of."""
    origin = one.metric.removeprefix("test_").removesuffix("accuracy").strip("_")
    return f"copies {one.where[COPIES]} ({CALLED[origin]})"


def _learned(part: Findings) -> Iterator[Block]:
    blocks = list(deformations.verdict(part))
    if blocks:
        yield Paragraph(("What transformers have learned, by thresholds stated beforehand:",))
        yield from blocks


def _reference(part: Findings) -> Iterator[Block]:
    """Yield the paper's numbers for the distortions that were tried."""
    tried = [name for name in part.results.factors[COPIES] if name in DISTORTIONS]
    if tried:
        yield Paragraph(("For reference, test errors in the paper on spatial transformers, under another protocol:",))
        told = [f"{name}: " + ", ".join(f"{copies} {own[copies]} %" for copies in tried) for name, own in PAPER.items()]
        yield Bullets(tuple((line,) for line in told))


def _drawings(part: Findings) -> Iterator[tuple[str, Drawing]]:
    title = f"{TITLE}{part.where}"
    origins = {f"test_{o}_accuracy": CALLED[o] for o, copies in ORIGINS.items() if set(part.chosen[COPIES]) & {*copies}}
    origins = {ACCURACY: CALLED[""], **origins} if len(set(part.chosen[COPIES])) > 1 or len(origins) > 1 else origins
    words = Words(f"{title}: test accuracy by origin", "copies", "test accuracy, %", part.note())
    dots = partial(
        draw_dots, _with_paper(part), words, x=COPIES, columns=origins or {ACCURACY: ""}, series={NETWORK: ""}, wrap=2,
        percent=True, zero=False,
    )  # fmt: skip
    yield "accuracy", Drawing(dots, "Test accuracy by the copies that are trained and tested on, and by origin.")
    note = part.note("Training: fixed images, in evaluation mode.")
    words = Words(f"{title}: accuracy by epoch", "epoch", "", note)
    curves = partial(
        draw_learning, part.drawn_curves[part.drawn_curves["recipe"] == CHOSEN], words,
        measures={"accuracy": "accuracy, %"}, splits={"train": "training", "test": "test"}, across=COPIES,
        series={NETWORK: ""}, percent=["accuracy"],
    )  # fmt: skip
    yield "learning_curves", Drawing(curves, "Accuracy on training and on test images by epoch.")
    for row in deformations.transformers(part):
        arrays = next(iter(part.arrays_of(row).values()), {})
        if "examples_input" not in arrays:
            continue
        name = f"{row[NETWORK]}_{row[COPIES].replace('+', '_')}"
        about = f"{NETWORKS[row[NETWORK]].split(' ', 1)[1]}, copies {row[COPIES]}"
        note = part.note(
            "One seed. Yellow: where the output is sampled. Numbers: the loss of originals, the share of a zoom that is"
            " undone, of other deformations the displacement that is left.",
            means=False,
        )
        words = Words(f"{title}: {about}", "", "", note)
        pictures = partial(draw_images, list(_examples(row, arrays)), words, most=1)
        yield f"transforms_{name}", Drawing(pictures, f"Inputs, sampling grids and outputs: {about}.")
        words = Words(f"{title}: class means with {about}", "", "", part.note("One seed.", means=False))
        means = partial(draw_images, [_means(row, arrays)], words, most=1)
        yield f"class_means_{name}", Drawing(means, f"Mean images of classes before and after: {about}.")


def _with_paper(part: Findings) -> pd.DataFrame:
    """Return the chosen rows and, for distortions that were tried, the paper's accuracies, which have no interval."""
    tried = [name for name in part.results.factors[COPIES] if name in DISTORTIONS]
    rows = [
        {NETWORK: name, COPIES: copies, ACCURACY: 1 - own[copies] / 100, f"{ACCURACY}_low": math.nan,
         f"{ACCURACY}_high": math.nan}
        for name, own in PAPER.items()
        for copies in tried
    ]  # fmt: skip
    return pd.concat([part.chosen, pd.DataFrame(rows)], ignore_index=True) if rows else part.chosen


def _origins(row: Mapping[str, Any]) -> list[str]:
    """Return what the images of a condition are, in the order of its arrays."""
    return [origin for origin, copies in ORIGINS.items() if row[COPIES] in copies] or [row[COPIES]]


def _examples(row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Iterator[ImageGrid]:
    """Yield a grid of images for each origin: input, sampling grid over it, and output [3 rows, 3 n columns]."""
    shown = arrays["examples_input"].shape[2]
    columns = [rank if i == 0 else "" for rank in RANKS for i in range(shown)]
    for i, origin in enumerate(_origins(row)):
        given, made = (arrays[f"examples_{name}"][i].reshape(3 * shown, 28, 28) for name in ("input", "output"))
        nodes = (arrays["examples_grid"][i].reshape(3 * shown, *arrays["examples_grid"].shape[3:]) + 1) / 2
        drawn = np.concatenate([nodes, nodes.swapaxes(1, 2)], axis=1)  # along rows, and along columns
        lines = np.full((3, *drawn.shape), np.nan)
        lines[1] = drawn
        right = np.full((3, 3 * shown), np.nan)
        right[2] = arrays["examples_right"][i].ravel()
        written = np.full((3, 3 * shown), "", dtype="U8")
        written[2] = [f"{value:.2f}" for value in arrays["examples_value"][i].ravel()]
        title = "originals" if origin == "original" else f"copies: {origin}"
        yield ImageGrid(
            np.stack([given, given, made]), ["input", "grid", "output"], columns, title, right, written, lines
        )


def _means(row: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ImageGrid:
    """Return the mean images of classes of a condition: a row before and one after for each origin."""
    means, sharp = arrays["class_means"], arrays["class_sharpness"]  # [origins, 2, classes, 28, 28], [origins, 2]
    names = [
        f"{origin}, {when} ({sharp[i, j]:.2f})"
        for i, origin in enumerate(_origins(row))
        for j, when in enumerate(("input", "output"))
    ]
    classes = list(map(str, range(means.shape[2])))
    return ImageGrid(means.reshape(-1, *means.shape[2:]), names, classes, "means of classes, with their sharpness")
