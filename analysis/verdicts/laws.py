"""The law over train size in words: how many labels an error needs, where methods cross, and what limits them.

`numbers.laws` fits it. Targets are fixed beforehand (`TARGETS`), and are told where the law passes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from analysis.figures.laws import draw_laws
from analysis.figures.style import Words
from analysis.findings import Drawing, Findings
from analysis.numbers.laws import FARTHEST, FEWEST, WORTH, LearningCurve, Size, crossing
from analysis.numbers.results import records
from analysis.words import OVER_BOTH, Block, Bullets, Claim, Paragraph, Text, enumerated, text

HEADING = "A law over train size"
METRIC = "test_error"
TARGETS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995)
"""Accuracies that are asked for."""
TOLD = 2
"""How many of them are told of a method: the highest within the range."""
BLOCKS = 10
"""Runs of neighbouring test images that are left out one at a time: neighbours may share a writer or a photograph."""


def learning_curves(part: Findings, size: str, method: str) -> dict[str, LearningCurve]:
    """Return the test errors of the chosen configs by train size, of each method that has several sizes."""
    found = {}
    for name, rows in part.chosen_seeds.groupby(method, sort=False):
        whole = rows[[isinstance(value, int | float) and not isinstance(value, bool) for value in rows[size]]]
        table = whole.pivot_table(index="seed", columns=size, values="trial", aggfunc="first").dropna()
        if table.shape[1] >= FEWEST and len(table):
            sizes = [int(value) for value in table.columns]
            found[str(name)] = LearningCurve(sizes, _errors(part, whole, table.to_numpy()))
    return found


def drawing(part: Findings, title: str, size: str, method: str, axis: str) -> Iterator[tuple[str, Drawing]]:
    """Yield a figure of the laws that may be used, with the errors that they are fitted to."""
    curves = {name: one for name, one in learning_curves(part, size, method).items() if one.trouble is None}
    if not curves:
        return
    note = part.note(f"Line: error = α + η·n^γ; band: 95 %. Dashed: beyond the sizes that ran, up to {FARTHEST} times.")
    words = Words(f"{title}: a law over train size", axis, part.axis(METRIC), note)
    figure = partial(draw_laws, curves, words)
    yield "law", Drawing(figure, "The law over train size that the test errors follow, with its 95 % band.")


def section(part: Findings, size: str, method: str, images: str = "images") -> dict[str, list[Block]]:
    """Return what the laws say, of each method with enough sizes, and where one says nothing, why; by its heading.

    It is empty where no method has enough sizes.
    """
    curves = learning_curves(part, size, method)
    return {HEADING: list(_section(part, curves, images))} if curves else {}


def _section(part: Findings, curves: Mapping[str, LearningCurve], images: str) -> Iterator[Block]:
    usable = {name: one for name, one in curves.items() if one.trouble is None}
    told = "error = α + η·n^γ, fitted to test errors at the last epoch, followed to {} times the largest size."
    yield Paragraph(text(told, FARTHEST))
    items = [_told(part, name, one, images) for name, one in usable.items()]
    items += [
        (f"{name}: no law is fitted, since {one.trouble}.",) for name, one in curves.items() if name not in usable
    ]
    items += [_crossing(part, pair, images) for pair in combinations(usable.items(), 2)]
    yield Bullets(tuple(filter(None, items)))


def _told(part: Findings, name: str, curve: LearningCurve, images: str) -> Text:
    law, largest = curve.law, curve.sizes[-1]
    formula = f"{100 * law.alpha:.2g} % + {law.eta:.2g}·n^{law.gamma:.2f}".replace("^-", "^−")
    doubled = curve.doubling
    share = _claim(
        part, name, "doubling", (doubled.value, doubled.low, doubled.high), len(curve.errors),
        f"{100 * doubled.value:.0f} % [{100 * doubled.low:.0f}, {100 * doubled.high:.0f}]".replace("-", "−"),
    )  # fmt: skip
    limited = {
        "data": f"it is limited by data (at least {_percent(WORTH)})",
        "something else": f"it is limited by something else (less than {_percent(WORTH)})",
        "not shown": f"whether data limit it (at least {_percent(WORTH)}) is not shown",
    }[curve.limited_by]
    return text(
        "{}: error = {}. {} Twice the {} {} would take {} of the error away: {}.{}",
        name, formula, _needed(part, name, curve, images), f"{largest:,}", images, share, limited, _held_out(curve),
    )  # fmt: skip


def _needed(part: Findings, name: str, curve: LearningCurve, images: str) -> Text:
    """Return how many images the highest accuracies within the range need, and the next one beyond it."""
    reached = [t for t in TARGETS if float(curve.law.at(curve.points[-1:])[0]) <= 1 - t <= curve.means[0]]
    beyond = [t for t in TARGETS if 1 - t < float(curve.law.at(curve.points[-1:])[0])][:1]
    told: list[Text] = []
    for target in reached[-TOLD:]:
        found = curve.needed(1 - target)
        told.append(text("{} needs {}", _percent(target), _size_claim(part, name, curve, found, f"{images} ")))
    for target in beyond:
        earliest = curve.needed(1 - target).low
        most = f"{_percent(target)} more than {FARTHEST * curve.sizes[-1]:,}"
        told.append((f"{most} (at the earliest {earliest:,.0f})" if math.isfinite(earliest) else most,))
    return text("{}.", enumerated(told)) if told else ("No accuracy that is asked for lies within the range.",)


def _crossing(part: Findings, pair: Sequence[tuple[str, LearningCurve]], images: str) -> Text:
    (first, one), (second, other) = pair
    if list(one.sizes) != list(other.sizes) or one.errors.shape != other.errors.shape:
        return ()
    found = crossing(one, other)
    ends = f"{one.sizes[0]:,} to {FARTHEST * one.sizes[-1]:,}"
    if found is None:
        return (f"{first} and {second}: no crossing within {ends} {images}.",)
    size = _size_claim(part, f"{first}, {second}", one, found, f"{images} ")
    return text("{} and {} have the same error at {}.", first, second, size)


def _held_out(curve: LearningCurve) -> str:
    """Return how far the largest size lies from what the smaller ones predict."""
    if (found := curve.predicted) is None:
        return ""
    shown = found.low > 0 or found.high < 0
    value, low, high = (f"{round(100 * one):+d}".replace("-", "−").replace("+0", "0") for one in found)
    word = "not as predicted" if shown else "not shown to be off"
    told = f"{value} % [{low}, {high}]"
    return f" Held out, the error at {curve.sizes[-1]:,} differs by {told} from the smaller sizes' law: {word}."


def _size_claim(part: Findings, name: str, curve: LearningCurve, found: Size, images: str) -> Claim:
    """Return a train size as a claim that reads `430 images [380, 520]`; a bound beyond the range says so."""
    least, most = curve.sizes[0], FARTHEST * curve.sizes[-1]
    low = f"{found.low:,.0f}" if found.low > 0 else f"under {least:,}"
    high = f"{found.high:,.0f}" if math.isfinite(found.high) else f"over {most:,}"
    value = f"{found.value:,.0f} {images}".rstrip()
    return _claim(part, name, "train_size", found, len(curve.errors), f"{value} [{low}, {high}]")


def _claim(part: Findings, name: str, metric: str, found: Sequence[float], n: int, told: str) -> Claim:
    value, low, high = found
    over = OVER_BOTH if part.hold_for_new_images else "seeds"
    return Claim(told, metric, value, low, high, n, {**part.shared, "method": name}, over)


def _errors(part: Findings, rows: Any, trials: np.ndarray) -> np.ndarray:
    """Return the errors of trials [seeds, sizes] on each block of test images, [seeds, sizes, blocks].

    Where arrays do not tell which images are read right, or they are a mean over strata, there is one block.
    """
    measure = part.results.measures.of(METRIC)
    known = {trial: part.results.per_image(trial, measure) for trial in trials.flat}
    right = [None if one is None or one.strata is not None else one.values for one in known.values()]
    whole: Mapping[str, float] = {row["trial"]: row[METRIC] for row in records(rows)}
    if any(values is None for values in right) or len({len(values) for values in right if values is not None}) != 1:
        return np.array([[[whole[trial]] for trial in line] for line in trials], dtype=float)
    blocks = {trial: 1 - _blocks(one.values) for trial, one in known.items() if one is not None}
    return np.array([[blocks[trial] for trial in line] for line in trials])


def _blocks(values: np.ndarray) -> np.ndarray:
    """Return the means over `BLOCKS` runs of neighbours of equal length; the last `BLOCKS` − 1 may count for none."""
    length = len(values) // BLOCKS
    means: np.ndarray = values[: length * BLOCKS].reshape(BLOCKS, length).mean(1)
    return means


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
