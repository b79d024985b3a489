"""Sheets of images: queries, and what was retrieved for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis.figures.maps import _HALO
from analysis.figures.style import COLOURS, STYLE, Words, add_title_note_legend

_RIGHT: dict[str, Any] = {"edgecolor": COLOURS[0], "linewidth": 1.2}


_WRONG: dict[str, Any] = {"edgecolor": COLOURS[1], "linewidth": 2.2, "linestyle": (0, (2, 1))}


def draw_sheet(arrays: Mapping[str, np.ndarray], words: Words, *, titles: Sequence[str]) -> Figure:
    """Draw a retrieval sheet: a row for each query, its class before it and its neighbours after it, nearest first.

    `arrays` has blocks that stand side by side under `titles`: `sheet_query` [blocks, rows, H, W, C] uint8 (C is 1
    or 3) and `sheet_query_label` [blocks, rows], `sheet_neighbour` [blocks, rows, k, H, W, C] uint8 and
    `sheet_neighbour_label` [blocks, rows, k]. A neighbour of the query's class has a thin whole frame, another one a
    thick dashed frame with its class written in it.
    """
    with matplotlib.rc_context(STYLE):
        blocks, rows, k = arrays["sheet_neighbour"].shape[:3]
        figure = Figure(figsize=(0.52 * blocks * (k + 1.7) + 0.2, 0.52 * rows + 1.0), layout="constrained")
        grid = figure.subplots(1, blocks, squeeze=False)[0]
        for b, (axes, title) in enumerate(zip(grid, titles, strict=True)):
            _block(
                axes, *(arrays[f"sheet_{name}"][b] for name in ("query", "query_label", "neighbour", "neighbour_label"))
            )
            axes.set_title(title)
        names = {"same class as the query": _RIGHT, "another class, written in it": _WRONG}
        add_title_note_legend(
            figure, words, [Patch(facecolor="none", label=name, **frame) for name, frame in names.items()]
        )
        return figure


def _block(axes: Axes, queries: np.ndarray, labels: np.ndarray, found: np.ndarray, found_labels: np.ndarray) -> None:
    """Draw one mosaic of all images, in pixels, an eighth of an image apart; frames and classes over it."""
    rows, k, high, wide = found.shape[:4]
    down, across, gap = high * 9 // 8, wide * 9 // 8, wide // 4  # the gap parts a query from what was found for it
    mosaic = np.full((rows * down, (k + 1) * across + gap, 3), 255, dtype=np.uint8)
    for r, label in enumerate(labels):
        mosaic[r * down :, :wide][:high] = queries[r]  # one channel is copied to all three
        axes.text(-0.25 * wide, r * down + high / 2, str(label), ha="center", va="center", weight="bold")
        for c, other in enumerate(found_labels[r]):
            top, left = r * down, (c + 1) * across + gap
            mosaic[top : top + high, left : left + wide] = found[r, c]
            frame = _RIGHT if other == label else _WRONG
            axes.add_patch(Rectangle((left - 0.5, top - 0.5), wide, high, fill=False, **frame))
            if other != label:
                axes.text(
                    left + 0.94 * wide, top + 0.94 * high, str(other), ha="right", va="bottom", size=8.5,
                    weight="bold", color=_WRONG["edgecolor"], path_effects=_HALO,
                )  # fmt: skip
    axes.imshow(mosaic, interpolation="nearest")
    axes.set_xlim(-0.45 * wide, mosaic.shape[1])
    axes.set_ylim(mosaic.shape[0], -0.06 * high)
    axes.set_axis_off()
