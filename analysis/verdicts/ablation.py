"""What the choices of a prescribed config bring: its variants, each with one choice changed, paired by seed with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from analysis.figures.gaps import draw_gaps
from analysis.figures.style import Words
from analysis.findings import Drawing, Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
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
    """Return the rows of `reported` that are of variants of a prescribed config."""
    return part.reported[~part.reported["recipe"].isin([CHOSEN, PRESCRIBED])]


def ablation(part: Findings) -> pd.DataFrame:
    """Return how the test error changes from the prescribed config to each of its variants, as rows of `differences`.

    `variant` has its name.
    """
    named = set(variants(part)["recipe"])
    rows = part.differences[(part.differences["factor"] == "recipe") & part.differences["to"].isin(named)]
    return rows.assign(variant=rows["to"])


def drawing(part: Findings, title: str) -> Iterator[tuple[str, Drawing]]:
    """Yield a figure of the differences, if there are any."""
    if not len(rows := ablation(part)):
        return
    shown = f"Shown: variants of the prescribed config at {_where(part, records(rows)[0])}, not tuned again."
    note = part.note(f"{shown} Above 0, the variant is worse.")
    axis = "test error, variant −\nprescribed, points"
    words = Words(f"{title}: what the prescribed config's choices bring", "", axis, note)
    figure = partial(draw_gaps, rows, words, x="variant", percent=True)
    yield "ablation", Drawing(figure, "Test error of variants of the prescribed config minus its own, paired by seed.")


def verdict(part: Findings) -> Iterator[Block]:
    """Yield what each choice brings, if variants were confirmed beside the prescribed config."""
    rows = records(ablation(part))
    if not rows:
        return
    levels = {row["recipe"]: row for row in records(variants(part))}
    base = next(row for row in records(part.reported) if row["recipe"] == PRESCRIBED and _alike(part, row, rows[0]))
    changes = [part.difference(row) for row in rows]
    yield Paragraph(
        text(
            "{} {}: the prescribed config has a test error of {}, n = {}. Each variant changes one of its choices, on"
            " the same seeds and without tuning anything again. Paired by seed, the error {}.",
            Strong("What the choices bring,"),
            _where(part, rows[0]),
            part.level(base, "test_error"),
            base["n"],
            outcomes(changes, CHANGED, lambda change: str(change.after)),
        )
    )
    yield Bullets(tuple(_bullet(part, levels[change.after], base, change) for change in changes))


def _bullet(part: Findings, level: Mapping[str, Any], base: Mapping[str, Any], change: Difference) -> Text:
    names = [name for name in part.results.hyperparameters if level[name] != base[name]]
    said = config_text(part, level, {name: part.results.titled(name) for name in names})
    told = "{} ({}): test error {}, {} against the prescribed config, n = {}."
    return text(told, change.after, said, part.level(level, "test_error"), change, change.n)


def _where(part: Findings, row: Mapping[str, Any]) -> str:
    """Return the condition of the variants: `budget 22,000`."""
    return listed(f"{heading(name)} {counted(row[name])}" for name in part.factors)


def _alike(part: Findings, row: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(row[name] == other[name] for name in part.factors)
