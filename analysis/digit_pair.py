"""One network for two digit domains, or one for each: what sharing does to either's test error, by train size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.numbers.tables import by_set
from analysis.words import (
    DIFFERS,
    Block,
    Bullets,
    Claim,
    Difference,
    Directions,
    Paragraph,
    Strong,
    Summary,
    Text,
    enumerated,
    join,
    outcomes,
    text,
)

COMPARED = REGIME, SIZE = ("regime", "train_size")
BOTH = "both"
TASKS = {"first": "second", "second": "first"}
"""Each data set, by its config field, and the other one."""
OWN, SHARED, OTHERS = NETWORKS = ["its own network", "one network for both", "the other set's network"]
CONFIGS = {CHOSEN: "chosen config", PRESCRIBED: "prescribed recipe"}
"""What the figures call the configs."""
ALONE_OR_SHARED = ("alone", "shared")
TITLE = "Two digit domains, one network"
IMAGES = "training images of each set"
HELPED = Directions("helps", "hurts", "is not shown to help or hurt")
UNEVEN = "One network for both makes twice the steps an epoch; its config is chosen by the mean of both accuracies"
SMALL = 500
"""The train size whose learning curves are drawn, if all networks have it; else the largest."""


def answer(part: Findings) -> Draft:
    """Return the question's figures, tables and verdict."""
    read, sharing = _seen(part, part.reported), _sharing(part)
    named = ["data", "network", *part.results.keys, "recipe", "n"]
    measured = [name for name in map(str, read) if name.startswith("test_") and name != "test_configs"]
    return Draft(
        TITLE,
        [block for task in TASKS for block in _verdict(part, task, read, sharing)],
        dict(_drawings(part, f"{TITLE}{part.where}", read, sharing)),
        {"every_network_on_both": read[[*named, *measured]], "sharing": sharing},
        pd.concat(
            [sharing.drop(columns="data"), *(_against_prescribed(part, task) for task in TASKS)], ignore_index=True
        ),
        counted=f"Sizes count {IMAGES}. {UNEVEN}",
    )


def _seen(part: Findings, table: pd.DataFrame) -> pd.DataFrame:
    """Return each row once for each data set, with the measures on that set and whose `network` it is to that set."""
    table = by_set(table, {task: part.setting(task) for task in TASKS})
    pairs = zip(table[REGIME], table["field"], strict=True)
    whose = pd.Categorical([_network(regime, task) for regime, task in pairs], NETWORKS)
    return table.assign(network=whose).sort_values(["field", "network"], kind="stable")


def _network(regime: str, task: str) -> str:
    """Return whose network one of a regime is to a data set."""
    if regime == BOTH:
        return SHARED
    return OWN if regime == task else OTHERS


def _sharing(part: Findings) -> pd.DataFrame:
    """Return the test error of the shared network − that of a set's own, paired by seed, by set, config and size."""
    tables = [
        part.compare(REGIME, task, BOTH, f"test_{task}_error", recipe).assign(data=part.setting(task))
        for recipe in CONFIGS
        for task in TASKS
    ]
    return pd.concat(tables, ignore_index=True)


def _against_prescribed(part: Findings, task: str) -> pd.DataFrame:
    """Return the test error of the chosen config − that of the prescribed one, of networks trained on a set."""
    paired = part.compare("recipe", PRESCRIBED, CHOSEN, f"test_{task}_error")
    return paired[paired[REGIME].isin([task, BOTH])]


def _drawings(part: Findings, title: str, read: pd.DataFrame, sharing: pd.DataFrame) -> Iterator[tuple[str, Drawing]]:
    configs = {name: label for name, label in CONFIGS.items() if name in set(read["recipe"])}
    columns = {
        f"{name}{end}": read[f"test_error{end}"].where(read["recipe"] == name)
        for name in configs
        for end in ("", "_low", "_high", "_interval")
    }
    error = partial(
        draw_lines,
        read.assign(**columns).sort_values("recipe", kind="stable"),
        Words(f"{title}: test error of every network on both sets", IMAGES, part.axis("test_error"), part.note()),
        x=SIZE,
        columns=configs,
        series={"network": ""},
        panels="data",
        percent=True,
        logarithmic=True,
    )
    yield "test_error", Drawing(error, f"Test error of every network on both sets against {IMAGES}.")
    if len(sharing):
        above = part.note("Above 0, sharing hurts; below, it helps.")
        words = Words(f"{title}: does sharing help?", IMAGES, "test error, shared − own, points", above)
        gaps = partial(
            draw_gaps, sharing.replace(CONFIGS), words, x=SIZE, series=["data"], panels="recipe", percent=True
        )
        yield "sharing", Drawing(gaps, "Test error of one network for both sets minus that of a set's own.")
    curves = part.curves[part.curves["recipe"] == CHOSEN]
    networks = curves.groupby(SIZE)[REGIME].nunique()
    full = list(networks.index[networks == networks.max()])
    size = SMALL if SMALL in full else max(full)
    learning = partial(
        draw_learning,
        _seen(part, curves[curves[SIZE] == size]),
        Words(f"{title}: learning curves with {size:,} images of each set", "epoch", "", part.note()),
        measures={"error": part.axis("error"), "loss": "cross-entropy"},
        percent=["error"],
        splits={"val": "validation", "train": "training"},
        across="data",
        series={"network": ""},
    )
    yield "learning_curves", Drawing(learning, f"Learning curves of the chosen configs, {size:,} images a set.")


def _verdict(part: Findings, task: str, read: pd.DataFrame, sharing: pd.DataFrame) -> Iterator[Block]:
    """Yield what sharing does to one set, and how the networks that it is compared with do."""
    name, other = part.setting(task), part.setting(TASKS[task])
    read, sharing = read[read["field"] == task], sharing[sharing["data"] == name]
    errors = {
        (row["recipe"], row["network"], row[SIZE]): replace(part.level(row, "test_error"), metric=f"test_{task}_error")
        for row in records(read)
    }
    gaps = [part.difference(row) for row in records(sharing[sharing["recipe"] == CHOSEN])]
    helped = text("{} {}", _outcomes(gaps, HELPED), IMAGES) if gaps else ("is not compared yet",)
    start = "{}{}: sharing a network with {} {}."
    yield Paragraph(text(start, Strong(name), part.where, other, helped))
    if gaps:
        yield Bullets(tuple(_bullet(gap, errors) for gap in gaps))
    crossed = [
        text("{} with {}", error, f"{size:,}")
        for (recipe, network, size), error in errors.items()
        if (recipe, network) == (CHOSEN, OTHERS)
    ]
    ends = crossed[:1] + crossed[1:][-1:]
    reading = "The network of {} alone reads it with a test error of {} images."
    repeated = [part.difference(row) for row in records(sharing[sharing["recipe"] == PRESCRIBED])]
    yield Paragraph(
        join(
            " ",
            [
                text(reading, other, enumerated(ends)) if ends else (),
                text("With the prescribed config, sharing {}.", _outcomes(repeated, HELPED)) if repeated else (),
                _chosen_against_prescribed(part, task),
            ],
        )
    )


def _bullet(gap: Difference, errors: Mapping[tuple[str, str, int], Claim]) -> Text:
    """Return the errors at one size, and the difference between them."""
    size = gap.where[SIZE]
    own, both = (errors[CHOSEN, network, size] for network in (OWN, SHARED))
    return text("{}: test error {} alone, {} shared; difference {}, n = {}.", f"{size:,}", own, both, gap, gap.n)


def _chosen_against_prescribed(part: Findings, task: str) -> Text:
    ways = [
        text("{} ({})", _outcomes(map(part.difference, records(rows)), DIFFERS), ALONE_OR_SHARED[regime == BOTH])
        for regime, rows in _against_prescribed(part, task).groupby(REGIME, sort=False)
    ]
    return text("Against the prescribed config, the chosen config's error {}.", join("; ", ways)) if ways else ()


def _outcomes(gaps: Iterable[Difference], words: Directions) -> Summary:
    return outcomes(gaps, words, lambda gap: f"{gap.where[SIZE]:,}")
