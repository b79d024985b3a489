"""What sharing a network between two data sets does to each of them, in words and in the tables behind them.

A network that was trained on one set also reads the other. So each set has three networks: its own, one for both sets,
and the other set's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.numbers.tables import by_set
from analysis.verdicts.prescribed import config_text
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
    counted,
    enumerated,
    join,
    listed,
    outcomes,
    text,
)

REGIME, SIZE = "regime", "train_size"
BOTH = "both"
TASKS = {"first": "second", "second": "first"}
"""Each data set, by its config field, and the other one."""
OWN, SHARED, OTHERS = NETWORKS = ["its own network", "one network for both", "the other set's network"]
ALONE_OR_SHARED = ("alone", "shared")
IMAGES = "training images of each set"
HELPED = Directions("helps", "hurts", "is not shown to help or hurt")
ALL = "all"
"""The train size with which each set is at its full size."""
SMALL = 500
"""The train size whose learning curves are drawn, if all networks have it; else the largest."""


def seen(part: Findings, table: pd.DataFrame) -> pd.DataFrame:
    """Return each row once for each data set, with the measures on that set and whose `network` it is to that set."""
    table = by_set(table, {task: part.setting(task) for task in TASKS}, part.results.measures)
    pairs = zip(table[REGIME], table["field"], strict=True)
    whose = pd.Categorical([_network(regime, task) for regime, task in pairs], NETWORKS)
    return table.assign(network=whose).sort_values(["field", "network"], kind="stable")


def _network(regime: str, task: str) -> str:
    """Return whose network one of a regime is to a data set."""
    if regime == BOTH:
        return SHARED
    return OWN if regime == task else OTHERS


def sharing_gaps(part: Findings, recipes: Iterable[str]) -> pd.DataFrame:
    """Return the test error of the shared network − that of a set's own, paired by seed, by set, config and size."""
    tables = [
        part.compare(REGIME, task, BOTH, f"test_{task}_error", recipe).assign(data=part.setting(task))
        for recipe in recipes
        for task in TASKS
    ]
    return part.family(tables)


def against_prescribed(part: Findings, task: str) -> pd.DataFrame:
    """Return the test error of the chosen config − that of the prescribed one, of networks trained on a set."""
    paired = part.compare("recipe", PRESCRIBED, CHOSEN, f"test_{task}_error")
    return part.family([paired[paired[REGIME].isin([task, BOTH])]])


def sizes(table: pd.DataFrame) -> list[Any]:
    """Return the train sizes at which most networks are, smallest first; `all` is the largest."""
    networks = {size: own[REGIME].nunique() for size, own in table.groupby(SIZE, sort=False)}
    full = [size for size, count in networks.items() if count == max(networks.values())]
    return sorted(full, key=lambda size: (size == ALL, 0 if size == ALL else size))


def headline(part: Findings, sharing: pd.DataFrame) -> Iterator[Block]:
    """Yield in a sentence what sharing does to each set; `sharing` is as `sharing_gaps` gives it."""
    told = []
    for task in TASKS:
        name = part.setting(task)
        rows = sharing[(sharing["data"] == name) & (sharing["recipe"] == CHOSEN)]
        if len(rows):
            words = Directions(*(f"{word} {name}" for word in HELPED))
            told.append((_outcomes(map(part.difference, records(rows)), words),))
    if told:
        start = "One network for both sets, in place of one for each{}, {} {}."
        yield Paragraph(text(start, part.where, join("; it ", told), IMAGES))


def verdict(part: Findings, task: str, read: pd.DataFrame, sharing: pd.DataFrame) -> Iterator[Block]:
    """Yield what sharing does to one set, and how the networks that it is compared with do.

    `read` is as `seen` gives it, `sharing` as `sharing_gaps` does.
    """
    name, other = part.setting(task), part.setting(TASKS[task])
    read, sharing = read[read["field"] == task], sharing[sharing["data"] == name]
    errors = {
        (row["recipe"], row["network"], row[SIZE]): replace(part.level(row, "test_error"), metric=f"test_{task}_error")
        for row in records(read)
    }
    gaps = [part.difference(row) for row in records(sharing[sharing["recipe"] == CHOSEN])]
    compared = f"by {IMAGES}, in a network of its own and in one shared with {other}:"
    told = compared if gaps else f"sharing a network with {other} is not compared yet."
    yield Paragraph(text("{}{}, {}", Strong(name), part.where, told))
    if gaps:
        yield Bullets(tuple(_bullet(gap, errors) for gap in gaps))
    crossed = [
        text("{} with {}", error, counted(size))
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


def accuracies(part: Findings, read: pd.DataFrame) -> Iterator[Paragraph]:
    """Yield the test accuracies of the prescribed config in one sentence: of both sets, alone and shared."""
    rows = read[(read["recipe"] == PRESCRIBED) & (read["network"] != OTHERS)]
    if not len(rows):
        return
    config = config_text(part, records(rows)[-1])  # of a shared network, which has a weight for each set's loss
    told = [
        text("with {} {}, {}", counted(size), IMAGES, join(", ", _accuracies(part, rows[rows[SIZE] == size])))
        for size in shown_sizes(rows)
    ]
    start = "{} ({}) has these test accuracies: {}."
    yield Paragraph(text(start, Strong("The prescribed config"), config, join("; ", told)))


def whole(read: pd.DataFrame) -> Iterator[Paragraph]:
    """Yield how many images each set has where each is at its full size."""
    counts = [(row["data"], row.get(f"labels_train_{row['field']}", 0)) for row in records(read[read[SIZE] == ALL])]
    if told := dict.fromkeys(f"{count:,.0f} of {data}" for data, count in counts if count > 0):
        yield Paragraph((f"All training images of each set are {listed(told)}.",))


def _accuracies(part: Findings, rows: pd.DataFrame) -> Iterator[Text]:
    """Yield the test accuracies on each set: `98.1 % alone and 98.3 % shared on mnist`."""
    for data, own in rows.groupby("data", sort=False):
        levels = [
            text("{} {}", replace(part.level(row, "test_accuracy"), metric=f"test_{row['field']}_accuracy"), how)
            for row in records(own)
            for how in [ALONE_OR_SHARED[row["network"] == SHARED]]
        ]
        yield text("{} on {}", enumerated(levels), str(data))


def shown_sizes(table: pd.DataFrame) -> list[Any]:
    """Return the sizes at which the prescribed config is shown: `SMALL`, if it is there, and the largest."""
    return list(dict.fromkeys(size for size in sizes(table) if size in (SMALL, sizes(table)[-1])))


def _bullet(gap: Difference, errors: Mapping[tuple[str, str, Any], Claim]) -> Text:
    """Return the errors at one size, and the difference between them."""
    size = gap.where[SIZE]
    own, both = (errors[CHOSEN, network, size] for network in (OWN, SHARED))
    return text("{}: test error {} alone, {} shared; difference {}, n = {}.", counted(size), own, both, gap, gap.n)


def _chosen_against_prescribed(part: Findings, task: str) -> Text:
    ways = [
        text("{} ({})", _outcomes(map(part.difference, records(rows)), DIFFERS), ALONE_OR_SHARED[regime == BOTH])
        for regime, rows in against_prescribed(part, task).groupby(REGIME, sort=False)
    ]
    return text("Against the prescribed config, the chosen config's error {}.", join("; ", ways)) if ways else ()


def _outcomes(gaps: Iterable[Difference], words: Directions) -> Summary:
    return outcomes(gaps, words, lambda gap: counted(gap.where[SIZE]))
