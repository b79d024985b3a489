"""Figures of single things, images, points and pairs, where `figures` draws lines over a factor. Drawing only.

Like there, a function takes tables or arrays and returns a Figure in the one style; what tells things apart by
colour also does so by a mark, a frame or a written label.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter

from analysis.style import COLOURS, GREY, STYLE, Words, colour_of, errorbars, face, handle, marker_of
from analysis.style import groups as grouped

CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours for classes, chosen by surveys of colour vision (Petroff 2021, arXiv:2107.02270)."""
FITTING = 7
"""Letters of a name that fit below a cell of a matrix."""
_RIGHT: dict[str, Any] = {"edgecolor": COLOURS[0], "linewidth": 1.2}
_WRONG: dict[str, Any] = {"edgecolor": COLOURS[1], "linewidth": 2.2, "linestyle": (0, (2, 1))}
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]


def scatter(table: pd.DataFrame, words: Words, *, colour: str, mark: str) -> Figure:
    """Points at `x`, `y` of a table, coloured by the column `colour` (classes) and marked by `mark` (groups).

    A class is also written at its middle point in a group, if half of its points are near there, and once if its groups
    lie together. The plane is square and bears no scale: only nearness means something.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.6, 6.2), layout="constrained")
        axes = figure.subplots()
        classes, groups = sorted(set(table[colour])), list(dict.fromkeys(table[mark]))
        colours = {name: CLASSES[i % len(CLASSES)] for i, name in enumerate(classes)}
        for g, group in enumerate(groups):
            own = table[table[mark] == group]
            edges = [colours[name] for name in own[colour]]
            faces = edges if g == 0 else "none"
            axes.scatter(
                own["x"], own["y"], s=17, marker=marker_of(g), facecolors=faces, edgecolors=edges,
                linewidths=1.0,
            )  # fmt: skip
        apart = 0.08 * float(max(np.ptp(table["x"]), np.ptp(table["y"])))
        for name in classes:
            placed: list[tuple[float, float]] = []
            for group in groups:
                own = table.loc[(table[colour] == name) & (table[mark] == group), ["x", "y"]].to_numpy(dtype=float)
                if not len(own):
                    continue
                x, y = middle = _middle(own)
                together = np.median(np.linalg.norm(own - middle, axis=1)) < apart
                if together and all(math.dist(middle, other) > apart for other in placed):
                    placed.append(middle)
                    axes.text(x, y, str(name), ha="center", va="center", weight="bold", size=10, path_effects=_HALO)
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid(visible=False)
        axes.set_xlabel(words.x)
        axes.set_ylabel(words.y)
        axes.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        axes.spines[:].set_visible(False)
        patches = [Patch(color=colours[name], label=str(name)) for name in classes]
        axes.legend(handles=patches, loc="center left", bbox_to_anchor=(1, 0.5), handlelength=1, title=colour)
        handles = [handle(GREY, marker_of(g), "", str(name), hollow=g > 0)
                   for g, name in enumerate(groups)]  # fmt: skip
        face(figure, words, handles)
        return figure


def sheet(arrays: Mapping[str, np.ndarray], words: Words, *, titles: Sequence[str]) -> Figure:
    """Retrieval sheet: a row a query, with its class before it and what was found for it after it, nearest first.

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
        face(figure, words, [Patch(facecolor="none", label=name, **frame) for name, frame in names.items()])
        return figure


def matrix(
    values: np.ndarray, words: Words, *, rows: Sequence[Any], columns: Sequence[Any], unit: str, decimals: int = 2,
    top: float | None = None,
) -> Figure:  # fmt: skip
    """Heat map of `values` [rows, columns] with its numbers written in; the diagonal (same class) is framed.

    From `top` upwards, if it is given, all are of one colour: those below, which matter, tell apart better.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(1.9 + 0.46 * len(columns), 1.7 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots()
        image = axes.imshow(values, cmap="cividis", aspect="auto", vmax=top)
        for (i, j), value in np.ndenumerate(values):
            red, green, blue, _ = image.cmap(image.norm(value)) if np.isfinite(value) else (1, 1, 1, 1)
            ink = "black" if 0.30 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
            text = f"{value:.{decimals}f}" if np.isfinite(value) else "–"
            axes.text(j, i, text, ha="center", va="center", size=7.5, color=ink)
            if i == j:
                axes.add_patch(Rectangle((j - 0.46, i - 0.46), 0.92, 0.92, fill=False, color=ink, linewidth=1.2))
        names = [str(name) for name in columns]
        slanted: dict[str, Any] = (
            {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > FITTING else {}
        )
        axes.set_xticks(range(len(names)), names, **slanted)
        axes.set_yticks(range(len(rows)), [str(name) for name in rows])
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set_xlabel(words.x)
        axes.set_ylabel(words.y)
        bar = figure.colorbar(image, ax=axes, label=unit, pad=0.02, extend="neither" if top is None else "max")
        bar.outline.set_visible(False)
        face(figure, words)
        return figure


def dots(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Sequence[str] = (),
    wrap: int = 2,
    chance: Mapping[str, float] | None = None,
) -> Figure:
    """Means with their intervals (`_low`, `_high`) over a factor without order, one panel for each of `columns`.

    `columns` maps a column to its panel's title; `wrap` panels stand side by side. All are shares, drawn in per
    cent; a dotted line stands at a column's `chance`, if that is known.
    """
    with matplotlib.rc_context(STYLE):
        rows = math.ceil(len(columns) / wrap)
        figure = Figure(figsize=(6.2, 1.4 + 2.1 * rows), layout="constrained")
        grid = figure.subplots(rows, min(wrap, len(columns)), sharex=True, sharey=True, squeeze=False)
        groups, values = list(grouped(table, series)), list(dict.fromkeys(table[x]))
        for axes, (column, title) in zip(grid.flat, columns.items(), strict=False):
            for g, (_, own) in enumerate(groups):
                shift = 0.16 * (g - (len(groups) - 1) / 2)
                at = [values.index(value) + shift for value in own[x]]
                errorbars(axes, at, own, column, 100, g, 0)
                axes.containers[-1][0].set_linestyle("")  # between values without order there is nothing to join
            if (level := (chance or {}).get(column, math.nan)) > 0:
                axes.axhline(100 * level, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)))
            axes.set_title(title)
            axes.grid(axis="x", visible=False)
            axes.set_xticks(range(len(values)), [str(value) for value in values])
            axes.set_xlim(-0.5, len(values) - 0.5)
        grid[0][0].update_datalim([(0, 0)], updatex=False)  # before: else the highest mark may be cut
        grid[0][0].set_ylim(bottom=0)
        for axes in grid[:, 0]:
            axes.set_ylabel(words.y)
        for axes in grid[-1]:
            axes.set_xlabel(words.x)
        entries = _keys([name for name, _ in groups])
        entries += [handle(GREY, "", (0, (1, 2)), "chance")] if max((chance or {}).values(), default=0) > 0 else []
        face(figure, words, entries)
        return figure


def trials(table: pd.DataFrame, words: Words, *, x: str, y: str, series: Sequence[str], across: str) -> Figure:
    """A point a row: the share `y`, in per cent, against the hyperparameter `x`.

    Each value of `across` has a panel, each value of `series` a colour and a mark.
    """
    with matplotlib.rc_context(STYLE):
        panels = list(dict.fromkeys(table[across]))
        figure = Figure(figsize=(max(4.2, 0.6 + 2.8 * len(panels)), 3.6), layout="constrained")
        grid = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        at = sorted({float(value) for value in table[x]})
        logarithmic = at[0] > 0 and at[-1] / at[0] > 12
        groups = list(grouped(table, series))
        for axes, panel in zip(grid, panels, strict=True):
            for g, (_, rows) in enumerate(groups):
                own = rows[rows[across] == panel]
                axes.plot(
                    own[x], 100 * own[y], linestyle="", marker=marker_of(g),
                    color=colour_of(g), markersize=5, markerfacecolor="none", markeredgewidth=1.2,
                )  # fmt: skip
            axes.set_title(str(panel))
            axes.set_xlabel(words.x)
        if logarithmic:
            grid[0].set_xscale("log")
        else:
            grid[0].locator_params(axis="x", nbins=5)
        grid[0].xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        grid[0].set_ylabel(words.y)
        face(figure, words, _keys([name for name, _ in groups], hollow=True))
        return figure


def _middle(points: np.ndarray) -> tuple[float, float]:
    """The medoid of `points` [n, 2]: the one whose distances to the others sum to the least."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).sum(axis=1)
    x, y = points[int(distances.argmin())]
    return float(x), float(y)


def _block(axes: Axes, queries: np.ndarray, labels: np.ndarray, found: np.ndarray, found_labels: np.ndarray) -> None:
    """One mosaic of all images, in pixels, an eighth of an image apart; frames and classes over it."""
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


def _keys(names: Sequence[str], *, hollow: bool = False) -> list[Line2D]:
    """Legend entries of groups that have a name."""
    return [handle(colour_of(g), marker_of(g), "", name, hollow=hollow) for g, name in enumerate(names) if name]
