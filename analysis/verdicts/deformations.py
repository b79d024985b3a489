"""What a spatial transformer has learned to undo, by thresholds that were stated before it was run.

- Of what nobody applied: a transformer has learned to follow the slant, the place or the size of a digit if this
  explains 0.5 or more of the variance of its maps' shear, shift or scale (R²), partly from 0.1 on. Where other images'
  slant, place or size explain 0.05 or more, nothing is said.
- A zoom: learned if in the median 0.5 or more of it is undone, in the logarithm, partly from 0.1 on.
- Another deformation: learned if 0.73 or less of the displacement is left, partly up to 0.95. 0.73 is half-way from
  nothing undone to what the best affine maps leave of the elastic deformation, 0.45.

A word is for the bound of the 95 % interval over seeds that is less in its favour. A transformer whose maps differ
between images by less than a tenth of a pixel gives all of them nearly the same one: whatever explains the rest, it
follows nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.words import Block, Bullets, Paragraph, Text, text

Word = Literal["learned", "partly learned", "not shown to be learned", "no word"]
NETWORK, COPIES = "network", "copies"
PLAIN = "plain"
NETWORKS = {PLAIN: "a plain network", "affine": "an affine transformer", "tps": "a thin-plate-spline transformer"}
CALLED = {"": "all images", "original": "originals", "elastic": "elastic copies", "zoom": "zoomed copies"}
"""What images of an origin are called."""
ORIGINS = {
    "original": ("none", "elastic", "zoom", "elastic+zoom"),
    "elastic": ("elastic", "elastic+zoom"),
    "zoom": ("zoom", "elastic+zoom"),
}
"""What an image is, and the values of `copies` with which there are such images."""
DISTORTIONS = {
    "R": "rotations",
    "RTS": "rotations, translations and scalings",
    "P": "projections",
    "E": "spline deformations",
}
WITH = {
    "none": "Without copies",
    "elastic": "With elastic copies",
    "zoom": "With zoomed copies",
    "elastic+zoom": "With elastic and zoomed copies",
    **{copies: f"After {what}" for copies, what in DISTORTIONS.items()},
}
"""How a sentence about a value of `copies` begins."""
SHUFFLED = 0.05
"""R² of a shuffled control from which on nothing is said."""
SAID: Mapping[Word, str] = {
    "learned": "has learned to",
    "partly learned": "has partly learned to",
    "not shown to be learned": "is not shown to have learned to",
    "no word": "cannot be said to",
}
"""How a sentence goes on with each word."""
STILL = 0.1
"""Pixels by which maps differ between images below which all images get nearly the same one."""


@dataclass(frozen=True)
class Criterion:
    """When something counts as learned."""

    measure: str
    control: str
    what: str
    """What the transformer would undo, or follow."""
    copies: tuple[str, ...]
    """The values of `copies` for which it is asked."""
    learned: float
    partly: float
    shuffled: float = math.inf
    """The control must be below it."""
    moving: float = 0.0
    """Pixels by which maps must differ between images."""

    @property
    def more(self) -> bool:
        """Whether more of the measure is better."""
        return self.learned > self.partly

    def word(self, row: Mapping[str, Any]) -> Word:
        """Return the word for a row of `best`; `no word` with one seed, or where the control explains too much."""
        bound = self.bound(row)
        if math.isnan(bound) or not row[f"test_{self.control}"] < self.shuffled:
            return "no word"
        if row["test_variation"] < self.moving:
            return "not shown to be learned"
        words: tuple[tuple[float, Word], ...] = ((self.learned, "learned"), (self.partly, "partly learned"))
        for limit, word in words:
            if bound >= limit if self.more else bound <= limit:
                return word
        return "not shown to be learned"

    def bound(self, row: Mapping[str, Any]) -> float:
        """Return the bound that is less in favour: the mean where seeds are alike, NaN where there is no interval."""
        column = f"test_{self.measure}"
        bound = float(row[f"{column}_{'low' if self.more else 'high'}"])
        alike = math.isnan(bound) and row[f"{column}_interval"] == "seeds alike"
        return float(row[column]) if alike else bound


FOLLOWED = tuple(
    Criterion(f"{name}_r2", f"{name}_control", what, ORIGINS["original"], 0.5, 0.1, SHUFFLED, STILL)
    for name, what in (("slant", "the slant"), ("shift", "the place"), ("size", "the size"))
)
ZOOM = Criterion("zoom_undone", "zoom_control", "the zoom", ORIGINS["zoom"], 0.5, 0.1)
ELASTIC = Criterion("left", "left_control", "the elastic deformation", ORIGINS["elastic"], 0.73, 0.95)
DISTORTED = tuple(
    Criterion("left", "left_control", what, (copies,), 0.73, 0.95) for copies, what in DISTORTIONS.items()
)
CRITERIA = (*FOLLOWED, ELASTIC, ZOOM, *DISTORTED)


def transformers(part: Findings, recipe: str = CHOSEN) -> list[dict[str, Any]]:
    """Return the rows of networks with a transformer, of chosen or prescribed configs."""
    rows = records(part.reported[part.reported["recipe"] == recipe])
    return [row for row in rows if row[NETWORK] != PLAIN]


def asked(row: Mapping[str, Any]) -> list[Criterion]:
    """Return what may have been learned in a condition; with sigma 0 or zoom 1 nothing is deformed."""

    def deformed(one: Criterion) -> bool:
        known = not math.isnan(row.get(f"test_{one.measure}", math.nan))
        return known or math.isnan(row["test_accuracy"])  # of a seed that diverged nothing is known

    return [one for one in CRITERIA if row[COPIES] in one.copies and deformed(one)]


def table(part: Findings) -> pd.DataFrame:
    """Return a row for all that may have been learned: the number with its interval, the control and the word."""
    found = [
        {
            NETWORK: row[NETWORK],
            COPIES: row[COPIES],
            "recipe": recipe,
            "what": one.what,
            "measure": one.measure,
            **{end or "value": row[f"test_{one.measure}{end and '_' + end}"] for end in ("", "low", "high")},
            "control": row[f"test_{one.control}"],
            "learned": one.learned,
            "partly": one.partly,
            "word": one.word(row),
            "n": row["n"],
        }
        for recipe in (CHOSEN, PRESCRIBED)
        for row in transformers(part, recipe)
        for one in asked(row)
    ]
    return pd.DataFrame(found)


def verdict(part: Findings) -> Iterator[Block]:
    """Yield, for each condition with a transformer, what it has learned, with the numbers."""
    for recipe in (CHOSEN, PRESCRIBED):
        for row in transformers(part, recipe):
            yield Paragraph(_told(part, row))
            yield Bullets(tuple(_bullet(part, row, one) for one in asked(row)))


def shortly(row: Mapping[str, Any]) -> str:
    """Return what was learned in a condition in a clause: `has partly learned to undo the zoom, and …`."""
    own = [one for one in asked(row) if one not in FOLLOWED] or asked(row)
    if math.isnan(row["test_accuracy"]):
        return "collapsed or diverged on a seed"
    verb = "follow" if own[0] in FOLLOWED else "undo"
    said: dict[Word, list[str]] = {}
    for one in own:
        said.setdefault(one.word(row), []).append(one.what)
    return ", and ".join(f"{SAID[word]} {verb} {' or '.join(said[word])}" for word in SAID if word in said)


def _told(part: Findings, row: Mapping[str, Any]) -> Text:
    """Return what the bullets of a condition are about: how far its maps differ, and how sharp class means are."""
    config = "" if row["recipe"] == CHOSEN else ", the prescribed config"
    name = f"{NETWORKS[row[NETWORK]].removeprefix('a ').removeprefix('an ').capitalize()}, copies {row[COPIES]}{config}"
    if math.isnan(row["test_variation"]):
        return (f"{name}: no number, as a seed collapsed or diverged, n = {row['n']}.",)
    still = "" if row["test_variation"] >= STILL else ": all get nearly the same one"
    return text(
        "{}, n = {}. Its maps differ between images by {}{}. Sharpness of class means: {} before, {} after.",
        name, row["n"], part.level(row, "test_variation"), still, f"{row['test_sharpness_before']:.3f}",
        part.level(row, "test_sharpness"),
    )  # fmt: skip


def _bullet(part: Findings, row: Mapping[str, Any], one: Criterion) -> Text:
    if math.isnan(row[f"test_{one.measure}"]):
        return (f"{one.what}: no number, as a seed collapsed or diverged",)
    label = part.results.measures.label(one.measure)
    control = f"{part.results.measures.form(f'test_{one.control}', row).number(row[f'test_{one.control}'])} shuffled"
    more = f", {row['test_left_affine']:.3f} by the best affine maps" if one.measure == "left" else ""
    level = part.level(row, f"test_{one.measure}")
    return text("{}: {} ({} {}; {}{}){}", one.what, one.word(row), label, level, control, more, _why_none(row, one))


def _why_none(row: Mapping[str, Any], one: Criterion) -> Text:
    """Return why there is no word, if there is none."""
    if one.word(row) != "no word":
        return ()
    few = math.isnan(one.bound(row))
    return (", as there is no interval" if few else f", as the shuffled control is not below {one.shuffled:g}",)
