"""What the choices of a stated config bring: its variants, each with one choice changed, paired by seed with it.

The config is the prescribed one; where a question prescribes none, a reference of our own making.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from analysis.figures.gaps import draw_gaps
from analysis.figures.style import Words
from analysis.findings import Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, REFERENCE, records
from analysis.verdicts.prescribed import config_text
from analysis.words import (
    Block,
    Bullets,
    Difference,
    Directions,
    Paragraph,
    Strong,
    Text,
    counted,
    heading,
    listed,
    outcomes,
    text,
)

CHANGED = Directions("falls", "rises", "is not shown to change")


def variants(part: Findings) -> pd.DataFrame:
    """Return the rows of `reported` that are of variants of a stated config."""
    return part.reported[~part.reported["recipe"].isin([CHOSEN, PRESCRIBED, REFERENCE])]


def ablation(part: Findings) -> pd.DataFrame:
    """Return how the selecting measure (or its error) changes from the stated config to each of its variants.

    These are rows of `differences`; `variant` has the variant's name.
    """
    named = set(variants(part)["recipe"])
    rows = part.differences[(part.differences["factor"] == "recipe") & part.differences["to"].isin(named)]
    return rows.assign(variant=rows["to"])


def drawing(part: Findings, title: str) -> Iterator[tuple[str, Drawing]]:
    """Yield a figure of the differences, if there are any."""
    if not len(rows := ablation(part)):
        return
    row = records(rows)[0]
    stated, metric = row["from"], row["metric"]
    measure, percent = part.results.measures.of(metric), part.is_share(metric)
    side = "Above" if measure.better == "min" else "Below"
    shown = f"Shown: variants of the {stated} config at {_where(part, row)}, not tuned again."
    note = part.note(f"{shown} {side} 0, the variant is worse.")
    measured = part.results.measures.label(metric)
    unit = "points" if percent else measure.unit
    axis = ", ".join([f"{measured}, variant −\n{stated}", *([unit] if unit else [])])
    words = Words(f"{title}: what the {stated} config's choices bring", "", axis, note)
    figure = partial(draw_gaps, rows, words, x="variant", percent=percent)
    caption = f"{measured[0].upper()}{measured[1:]} of variants of the {stated} config minus its own, paired by seed."
    yield "ablation", Drawing(figure, caption)


def verdict(part: Findings) -> Iterator[Block]:
    """Yield what each choice brings, if variants were confirmed beside the stated config."""
    rows = records(ablation(part))
    if not rows:
        return
    stated, metric = rows[0]["from"], rows[0]["metric"]
    measured = part.results.measures.label(metric)
    levels = {row["recipe"]: row for row in records(variants(part))}
    base = next(row for row in records(part.reported) if row["recipe"] == stated and _alike(part, row, rows[0]))
    changes = [part.difference(row) for row in rows]
    own = f" The question prescribes no config; this one is of our own making: {config_text(part, base)}."
    yield Paragraph(
        text(
            "{} {}: the {} config has a {} of {}, n = {}.{} Each variant changes one of its choices, on"
            " the same seeds and without tuning anything again. Paired by seed, the {} {}.",
            Strong("What the choices bring,"),
            _where(part, rows[0]),
            stated,
            measured,
            part.level(base, metric),
            base["n"],
            own if stated == REFERENCE else "",
            measured.removeprefix("test "),
            outcomes(changes, CHANGED, lambda change: str(change.after)),
        )
    )
    yield Bullets(tuple(_bullet(part, levels[change.after], base, change) for change in changes))


def _bullet(part: Findings, level: Mapping[str, Any], base: Mapping[str, Any], change: Difference) -> Text:
    names = [name for name in part.results.hyperparameters if level[name] != base[name]]
    said = config_text(part, level, {name: part.results.titled(name) for name in names})
    measured = part.results.measures.label(change.metric)
    told = "{} ({}): {} {}, {} against the {} config, n = {}."
    found = part.level(level, change.metric)
    return text(told, change.after, said, measured, found, change, change.before, change.n)


def _where(part: Findings, row: Mapping[str, Any]) -> str:
    """Return the condition of the variants: `budget 22,000`."""
    return listed(f"{heading(name)} {counted(row[name])}" for name in part.factors)


def _alike(part: Findings, row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(row[name] == other[name] for name in part.factors)
