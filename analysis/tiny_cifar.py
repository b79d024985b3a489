"""How small a network passes 85 %: accuracy by the parameters it has, budgets tested from large to small."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from analysis.figures.curves import draw_curves
from analysis.figures.frontier import Published, accuracy_by_parameters
from analysis.figures.maps import draw_matrix
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.looks import percent
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.verdicts import ablation, frontier
from analysis.verdicts.frontier import ACCURACY, BUDGET, IMAGES, MIRROR, Descent, Row, accuracy_text
from analysis.words import OVER_BOTH, Block, Bullets, Paragraph, Strong, Text, enumerated, join, listed, text

COMPARED = (BUDGET,)
TARGET = 0.85
PASS = f"{100 * TARGET:.0f} %"
DATA = "cifar10"
"""The data set that others' figures are about."""
PUBLISHED = [
    Published(22_110, 0.874, "22,110, one best epoch", "a single seed's best test epoch, hence flattering"),
    Published(97_530, 0.944, "97,530, five runs", "mean of five runs, github.com/xvel/cifar10-tiniest"),
    Published(78_000, 0.85, "ResNet-8, MLPerf Tiny", "rounded; ResNet-8, with what MLPerf Tiny asks of it"),
]
DRAWN = 20
"""Classes up to which the confusion matrix can be read as a figure."""
METHOD = (
    f"Budgets are tested from large to small, each only if all larger ones pass {PASS} with the lower end of their"
    " interval of {level}: a fixed sequence, which needs no correction for the number of tests. A claim's p is {look}."
)
SINGLE = (
    "Where n = 1, the interval is over test images (Wilson's): a claim about that one network. Another seed gives"
    " another network, and how much these vary is not known."
)


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    table = frontier.networks(part)
    tested = frontier.descent(table, part.best[BUDGET].unique(), TARGET)
    winner = tested.passed[-1] if tested.passed else records(table[table["recipe"] == CHOSEN])[-1]
    counts = frontier.confusion(part, winner)
    tables = {"frontier": table, "layers": frontier.layers(part, table)}
    if len(counts):
        tables["confusion"] = counts.reset_index()
    return Draft(
        "The smallest good network",
        list(_verdict(part, table, tested, winner, counts)),
        dict(_drawings(part, table, winner, counts)),
        tables,
        closing=[Paragraph((METHOD.format(level=percent(1 - part.look.level), look=part.look.told),))],
    )


def _drawings(part: Findings, table: pd.DataFrame, winner: Row, counts: pd.DataFrame) -> Iterator[tuple[str, Drawing]]:
    title = f"{part.setting('data')}{part.where}"
    bars = {
        "seeds": "over seeds on these images",
        OVER_BOTH: "over seeds and images",
        IMAGES: "over test images (n = 1)",
    }
    over = listed(bars[kind] for kind in sorted(set(table["over"])))
    note = part.note(f"Bars are 95 % intervals {over}.", means=False)
    words = Words(
        f"{title}: accuracy by parameters", "trainable parameters of the network", part.axis("test_accuracy"), note
    )
    published = PUBLISHED if part.setting("data") == DATA else []
    figure = partial(accuracy_by_parameters, table, frontier.searched(part), words, target=TARGET, published=published)
    yield "frontier", Drawing(figure, "Test accuracy by the parameters that networks have, chosen and prescribed.")
    yield from ablation.drawing(part, title)
    note = part.note(
        "Chosen configs. Training: the network itself, augmented images. Validation: its average over steps.",
        tested=False,
    )
    words = Words(f"{title}: learning curves", "epoch", part.axis("error"), note)
    curves = part.drawn_curves[part.drawn_curves["recipe"] == CHOSEN]
    columns = {"val_error": "validation", "train_error": "training"}
    if set(columns) <= set(curves):
        figure = partial(draw_curves, curves, words, columns=columns, across=BUDGET, percent=True)
        yield "learning_curves", Drawing(figure, "Training and validation error of the chosen configs, by budget.")
    if 1 < len(counts) <= DRAWN:
        which = f"chosen config of {winner[BUDGET]:,} parameters, n = {winner['n']}"
        words = Words(
            f"{title}: confusion", "read as", "class", part.note(f"Shown: {which}; test images.", means=False)
        )
        shares, names = 100 * frontier.shares(counts).to_numpy(), list(counts)
        confused = 100 * frontier.most_confused(counts)[2] or None
        figure = partial(
            draw_matrix, shares, words, rows=names, columns=names, unit="% of the class", decimals=1, top=confused
        )
        yield "confusion", Drawing(figure, f"What test images of each class were read as: {which}.")


def _verdict(
    part: Findings, table: pd.DataFrame, tested: Descent, winner: Row, counts: pd.DataFrame
) -> Iterator[Block]:
    first, *more = _passing(part, tested)
    yield Paragraph(text("{} {}", Strong(f"{part.setting('data')}{part.where}."), first))
    if more:
        yield Paragraph(join(" ", more))
    yield Paragraph(join(" ", _about(part, table, winner, counts)))
    if lines := list(frontier.layer_lines(frontier.layers(part, pd.DataFrame([winner])))):
        products = f"{winner['multiplications'] / 1e6:.1f} million multiplications an image"
        yield Paragraph((f"Layer by layer, {winner['parameters']:,} parameters and {products}:",))
        yield Bullets(tuple((line,) for line in lines))
    yield from ablation.verdict(part)
    yield from _by_hand(part)
    if (table["over"] == IMAGES).any():
        yield Paragraph((SINGLE,))
    if part.setting("data") == DATA:
        others = [f"{p.parameters:,} parameters at {100 * p.accuracy:g} % ({p.terms})" for p in PUBLISHED]
        yield Paragraph((f"Published by others on CIFAR-10: {listed(others)}.",))


def _passing(part: Findings, tested: Descent) -> Iterator[Text]:
    """Yield how small a budget passes, and what became of the others."""
    if tested.passed:
        row = tested.passed[-1]
        yield text(
            "The smallest budget shown to pass {} is {}: its network has {} and a test accuracy of {}.",
            *(PASS, Strong(f"{row[BUDGET]:,} parameters"), f"{row['parameters']:,}", accuracy_text(part, row)),
        )
    else:
        yield (Strong(f"No budget is shown to pass {PASS}."),)
    if stop := tested.stop:
        which = "next" if tested.passed else "largest"
        used = f"{stop[BUDGET]:,} ({stop['parameters']:,} used)"
        above = stop[ACCURACY] > TARGET
        short = f"; its mean is above {PASS}, the lower bound by which it is tested is not" if above else ""
        yield text("The {}, {}, is not shown to pass: {}{}.", which, used, accuracy_text(part, stop), short)
    elif tested.awaited:
        yield (f"{tested.awaited:,} parameters are not confirmed yet, and nothing is said of less.",)
    else:
        yield ("No smaller budget was tried.",)
    if tested.stop and tested.rest:
        rest = listed(f"{budget:,}" for budget in sorted(tested.rest))
        yield (f"Smaller budgets ({rest}) were not tested after it.",)
    if tested.alone:
        passing = [text("{} ({})", f"{row[BUDGET]:,}", accuracy_text(part, row)) for row in tested.alone]
        yield text("By themselves {} would pass, which is not claimed.", enumerated(passing))


def _by_hand(part: Findings) -> Iterator[Paragraph]:
    """Yield which variants of the prescribed config, other networks made by hand, would pass."""
    rows = records(ablation.variants(part))
    passing = [row for row in rows if row["test_accuracy_low"] > TARGET]
    budgets = listed(dict.fromkeys(f"{row[BUDGET]:,}" for row in rows))
    if passing:
        named = enumerated(text("{} ({})", row["recipe"], part.level(row, "test_accuracy")) for row in passing)
        told = "Of these networks made by hand for {} parameters, by themselves {} would pass {}, which is not claimed."
        yield Paragraph(text(told, budgets, named, PASS))
    elif rows:
        yield Paragraph((f"None of these networks made by hand for {budgets} parameters passes {PASS} by itself.",))


def _about(part: Findings, table: pd.DataFrame, winner: Row, counts: pd.DataFrame) -> Iterator[Text]:
    """Yield what else is known of the network that the verdict is about."""
    mirror = "Budget {}, each image read together with its mirror image: {} (reported by itself)."
    yield text(mirror, f"{winner[BUDGET]:,}", frontier.accuracy(part, winner, MIRROR))
    if winner["is_prescribed"]:
        yield ("The config is the prescribed one.",)
    for row in records(table[(table[BUDGET] == winner[BUDGET]) & (table["recipe"] == PRESCRIBED)]):
        yield text("The prescribed config at that budget: {}.", accuracy_text(part, row))
    if len(counts) > 1:
        truth, read, often = frontier.most_confused(counts)
        yield (f"Most often confused: class {truth}, read as {read} ({100 * often:.1f} %).",)
