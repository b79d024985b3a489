"""Accuracy against the parameters that networks have, and how small a parameter budget still passes a target.

The networks' facts (`parameters`, `width`, `layers`) and arrays (`confusion`) are those of `trainables.tiny_cifar`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from analysis.findings import Findings
from analysis.numbers.intervals import NEW, THESE, half_width, on_scale, wilson_interval
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.words import Claim, Text, text

BUDGET = "budget"
ACCURACY, MIRROR = "test_accuracy", "test_mirror_accuracy"
IMAGES: Literal["images"] = "images"
"""What an interval is over that is about one network (`Claim.over`)."""
LEAST = "least"
"""The column of the lower bounds at the level of this look."""
Row = dict[str, Any]


class Descent(NamedTuple):
    """Budgets from large to small, each tested only if all larger ones passed."""

    passed: list[Row]
    """Rows of `networks`, largest budget first."""
    stop: Row | None
    """The first budget that does not pass."""
    awaited: int | None
    """A budget without a reported seed, if it stops the descent."""
    rest: list[int]
    """Budgets smaller than the one at which it stops."""
    alone: list[Row]
    """The rows of `rest` that are above the target by themselves."""


def networks(part: Findings) -> pd.DataFrame:
    """Return a row for each budget and config with a reported seed: its network's parameters, and its accuracy.

    Its 95 % bounds are `over` seeds and test images, a claim about the config, or, where there is one seed, over the
    images alone (Wilson), a claim about the network. `least` is the lower bound at the level of this look. A prescribed
    config that is the chosen one has no row of its own; `is_prescribed` says so. Its variants have none either.
    """
    rows: dict[tuple[str, ...], Row] = {}
    for row in records(part.reported[part.reported["recipe"].isin([CHOSEN, PRESCRIBED])]):
        trials = tuple(_trials(part, row))
        if trials in rows:
            rows[trials]["is_prescribed"] = True
            continue
        facts = _facts(part, row)
        rows[trials] = {
            BUDGET: row[BUDGET],
            "recipe": row["recipe"],
            "is_prescribed": row["recipe"] != CHOSEN,
            "parameters": facts.get("parameters", math.nan),
            "width": facts.get("width", math.nan),
            "multiplications": sum(layer["products"] for layer in facts.get("layers", [])) or math.nan,
            "n": int(row["n"]),
            "over": part.level(row, ACCURACY).over if row["n"] > 1 else IMAGES,
            "test_images": row.get("test_images", math.nan),
            "val_accuracy": row["val_accuracy"],
            **_bounded(row, ACCURACY),
            **_bounded(row, MIRROR),
            LEAST: _least(row, 1 - part.look.level),
        }
    return pd.DataFrame(rows.values())


def descent(table: pd.DataFrame, budgets: Iterable[int], target: float) -> Descent:
    """Return how far down the chosen configs pass: their `least` accuracy is above `target`.

    A fixed sequence: as a budget is tested only if all larger ones passed, each at its full level, the risk of any
    false claim is that of one test (W. Maurer et al., "Multiple comparisons … a-priori ordered hypotheses", 1995). NaN,
    of a seed that diverged, does not pass. `table` is as `networks` gives it.
    """
    rows: dict[int, Row] = {row[BUDGET]: row for row in records(table[table["recipe"] == CHOSEN])}
    order = sorted(budgets, reverse=True)

    def passes(budget: int) -> bool:
        return budget in rows and bool(rows[budget][LEAST] > target)

    passed = list(itertools.takewhile(passes, order))
    stop, rest = order[len(passed) : len(passed) + 1], order[len(passed) + 1 :]
    return Descent(
        passed=[rows[budget] for budget in passed],
        stop=next((rows[budget] for budget in stop if budget in rows), None),
        awaited=next((budget for budget in stop if budget not in rows), None),
        rest=rest,
        alone=[rows[budget] for budget in rest if passes(budget)],
    )


def searched(part: Findings) -> pd.DataFrame:
    """Return the search trials that came to their end: `budget`, `parameters` and `val_accuracy`."""
    own = part.searched
    facts = [part.results.facts[trial] for trial in own["trial"]]
    known = own.assign(parameters=[fact.get("parameters", math.nan) for fact in facts])
    shown = known.reindex(columns=[BUDGET, "parameters", "val_accuracy"])  # nobody may have got as far as accuracy
    return shown[known["status"] == "done"].dropna()


def layers(part: Findings, table: pd.DataFrame) -> pd.DataFrame:
    """Return the networks of `table`, as `networks` gives it, layer by layer; `share` is of all their parameters."""
    columns = [BUDGET, "recipe", "layer", "kind", "maps", "side", "parameters", "share", "multiplications"]
    rows = [
        {
            **{key: row[key] for key in (BUDGET, "recipe")},
            **layer,
            "layer": number,
            "share": layer["parameters"] / row["parameters"],
            "multiplications": layer["products"],
        }
        for row in records(table)
        for number, layer in enumerate(_facts(part, row).get("layers", []), 1)
    ]
    return pd.DataFrame(rows, columns=columns)


def accuracy(part: Findings, row: Mapping[str, Any], column: str = ACCURACY) -> Claim:
    """Return an accuracy of a row of `networks` as a claim about its config or, with one seed, about one network."""
    claim = part.level(row, column)
    return replace(claim, over=IMAGES) if row["over"] == IMAGES else claim


def accuracy_text(part: Findings, row: Mapping[str, Any]) -> Text:
    """Return the test accuracy of a row of `networks` with its interval and n."""
    return text("{}, n = {}", accuracy(part, row), row["n"])


def layer_lines(table: pd.DataFrame) -> Iterator[str]:
    """Yield one network of `layers`, a line for each layer; layers that are alike and follow each other share one."""
    described = [str(key) for key in table if key != "layer"]
    for same, several in itertools.groupby(records(table), lambda row: [row[key] for key in described]):
        layer, count = dict(zip(described, same, strict=True)), len(list(several))
        times, each = (f"{count} × ", " each") if count > 1 else ("", "")
        maps = f"{layer['maps']} maps of {layer['side']}×{layer['side']}"
        size = maps if layer["side"] > 1 else f"{layer['maps']} logits"
        share = f"{100 * count * layer['share']:.1f} %"
        yield f"{times}{layer['kind']}: {size}, {layer['parameters']:,} parameters{each} ({share})"


def confusion(part: Findings, row: Mapping[str, Any]) -> pd.DataFrame:
    """Return how many images of each class (rows, `truth`) were read as each (columns), all seeds of a chosen config.

    Classes are named where the ledger knows their names, else numbered from 0. It is empty unless every seed stored
    its matrix: one that diverged did not, and the others alone would look better than the config is.
    """
    counts = [own["confusion"] for own in part.arrays_of(row).values() if "confusion" in own]
    if len(counts) < row["n"]:
        return pd.DataFrame()
    total, results = np.sum(counts, axis=0), part.results
    data = {**results.settings, **part.shared}["data"]
    names = list(results.data[data].classes) if data in results.data else []
    names = names or [str(number) for number in range(len(total))]
    return pd.DataFrame(total, index=pd.Index(names, name="truth"), columns=names)


def shares(counts: pd.DataFrame) -> pd.DataFrame:
    """Return a confusion matrix as shares of each class's images; NaN for a class that has none."""
    images = counts.sum(axis=1)
    return counts.div(images.where(images > 0), axis=0)


def most_confused(counts: pd.DataFrame) -> tuple[str, str, float]:
    """Return the class that is most often read as another one, that other one, and the share of its images."""
    wrong = shares(counts).to_numpy(dtype=float, copy=True)
    np.fill_diagonal(wrong, -1)
    truth, read = divmod(int(np.nanargmax(wrong)), len(wrong))
    names = [str(name) for name in counts]
    return names[truth], names[read], float(wrong[truth, read])


def _trials(part: Findings, row: Mapping[str, Any]) -> list[str]:
    """Return the reported trials of a row, by seed."""
    own = part.seeds
    return [str(trial) for trial in own.loc[(own[BUDGET] == row[BUDGET]) & (own["recipe"] == row["recipe"]), "trial"]]


def _facts(part: Findings, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that all networks of a row share; none where no trial noted them."""
    facts = (part.results.facts[trial] for trial in _trials(part, row))
    return next((own for own in facts if "parameters" in own), {})


def _least(row: Mapping[str, Any], level: float) -> float:
    """Return the lower bound of a mean test accuracy at another level than 95 %; NaN where there is none."""
    n, mean, images = int(row["n"]), row[ACCURACY], row.get("test_images", math.nan)
    image_se = row.get(f"{ACCURACY}_image_se", math.nan)
    if math.isnan(mean) or level >= 1:
        return math.nan
    if n == 1 or mean in (0, 1):
        return wilson_interval(round(mean * images), int(images), level)[0] if images > 0 else math.nan
    if row[f"{ACCURACY}_interval"] not in (NEW, THESE):
        return math.nan
    return on_scale(mean, half_width(row[f"{ACCURACY}_sd"], n, image_se, level), 0, 1)[0]


def _bounded(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a mean over seeds with its bounds, over images where there is one seed."""
    ends = [f"{name}{end}" for end in ("_low", "_high", "_interval", "_low_these", "_high_these")]
    bounds = {end: row[end] for end in ends if end in row}
    if row["n"] == 1 and row[name] >= 0 and row["test_images"] > 0:
        found = wilson_interval(round(row[name] * row["test_images"]), int(row["test_images"]))
        bounds |= dict(zip(ends, (*found, NEW), strict=False))
    return {name: row[name], **bounds}
