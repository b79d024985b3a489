"""What trials on encoders keep for figures: digits and their reconstructions, latents in a plane, numbers by class.

The arrays are those of `trainables.encoders.decoded.shown`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.images import ImageGrid, draw_images
from analysis.figures.planes import Plane, draw_planes
from analysis.figures.points import draw_dots
from analysis.figures.style import Words
from analysis.findings import Drawing, Findings
from analysis.numbers.intervals import bounded_interval
from analysis.numbers.results import records
from common.files import Arrays

BY_CLASS = {"kept_within": "in-class variance kept", "kept_between": "distance of the class mean kept"}
"""By the beginning of an array's name: shares of the images' own, class by class."""
ABREAST = 2
"""Grids of digits side by side: those of ten classes, of three rows each, then fit a page."""


def drawings(
    part: Findings, title: str, factor: str, names: Mapping[str, str], few: Mapping[str, str]
) -> Iterator[tuple[str, Drawing]]:
    """Yield `digits` and `latents`, and `by_class`; what is not stored is not drawn.

    `names` are the values of `factor` with what to call them, `few` are those that the first two figures show.
    """
    first = {row[factor]: _first(part, row) for row in records(part.chosen)}
    shown = {called: first[value] for value, called in few.items() if "digits_made" in first.get(value, {})}
    if shown:
        grids = list(_digits(part, shown))
        note = part.note("One seed each. The digits are drawn at random, the same for all.", means=False)
        figure = partial(draw_images, grids, Words(f"{title}: digits", "", "", note), most=ABREAST)
        count = sum(grid.images.shape[1] for grid in grids)
        yield "digits", Drawing(figure, f"{count} test images, and what is made of them from their latents.")
    planes = [_plane(called, arrays) for called, arrays in shown.items() if arrays["plane"].shape[1] == 2]
    if planes:
        note = part.note(
            f"One seed each. {len(planes[0].labels)} test images, written as their class; the components are of all.",
            means=False,
        )
        figure = partial(draw_planes, planes, Words(f"{title}: principal components", "", "", note))
        yield "latents", Drawing(figure, "Latents of test images on their first two principal components.")
    table = by_class(part, factor)
    if len(table):
        table[factor] = table[factor].map(names)
        words = Words(f"{title}: class by class", "class", "share of the images'", part.note())
        figure = partial(draw_dots, table, words, x="class", columns=BY_CLASS, series={factor: ""}, wrap=1)
        yield "by_class", Drawing(figure, "What reconstructions keep of the images' variance, class by class.")


def by_class(part: Findings, factor: str) -> pd.DataFrame:
    """Return a row for each value of `factor` and each class: means of `BY_CLASS` over the seeds, with bounds."""
    rows = []
    for row in records(part.chosen):
        own = [arrays for arrays in part.arrays_of(row).values() if "kept_within_by_class" in arrays]
        classes = len(own[0]["kept_within_by_class"]) if own else 0
        for label in range(classes):
            found: dict[str, Any] = {factor: row[factor], "class": str(label), "n": len(own)}
            for name in BY_CLASS:
                mean, low, high, _, _, kind = bounded_interval([a[f"{name}_by_class"][label] for a in own], 0, None)
                found |= {name: mean, f"{name}_low": low, f"{name}_high": high, f"{name}_interval": kind}
            rows.append(found)
    return pd.DataFrame(rows)


def _first(part: Findings, row: Mapping[str, Any]) -> Arrays:
    return next(iter(part.arrays_of(row).values()), {})


def _digits(part: Findings, shown: Mapping[str, Arrays]) -> Iterator[ImageGrid]:
    """Yield a grid for each class: its images above, and below them what is made of them."""
    arrays = list(shown.values())
    images = np.stack([arrays[0]["digits_input"], *(own["digits_made"] for own in arrays)], axis=1)
    for label, rows in enumerate(images):  # [rows, n, H, W]
        yield ImageGrid(rows, ["image", *shown], [""] * rows.shape[1], f"class {label}")


def _plane(called: str, arrays: Arrays) -> Plane:
    axes: Sequence[str] = [
        f"{which} principal component: {100 * share:.0f} % of the variance"
        for which, share in zip(("first", "second"), arrays["plane_shares"], strict=True)
    ]
    return Plane(called, arrays["plane"], arrays["plane_label"], *axes)
