"""Maps: points in a plane, and matrices of classes.

What is told apart by colour is also told apart by a mark, a frame or a written label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from analysis.figures.paper import figure_width
from analysis.figures.style import GREY, STYLE, Words, add_title_note_legend, handle, inches_of, marker_of

CLASSES = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
"""Ten colours for classes, chosen by surveys of colour vision (Petroff 2021, arXiv:2107.02270)."""
FITTING = 7
"""Letters of a name that fit below a cell of a matrix."""
_NUMBERS = 7.0
"""Points of the numbers in a matrix."""
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]


def draw_scatter(table: pd.DataFrame, words: Words, *, colour: str, mark: str) -> Figure:
    """Draw points at `x`, `y` of a table, coloured by the column `colour` (classes) and marked by `mark` (groups).

    A class is also written at its middle point in a group, if half of its points are near there, and once if its groups
    lie together. The plane is square and bears no scale: only nearness means something.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(figure_width(), 0.95 * figure_width()), layout="constrained")
        axes = figure.subplots()
        classes = sorted(set(table[colour]))
        groups = list(dict.fromkeys(table[mark]))
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
        add_title_note_legend(figure, words, handles)
        return figure


def draw_matrix(
    values: np.ndarray, words: Words, *, rows: Sequence[Any], columns: Sequence[Any], unit: str, decimals: int = 2,
    top: float | None = None,
) -> Figure:  # fmt: skip
    """Draw a heat map of `values` [rows, columns] with its numbers written in; the diagonal (same class) is framed.

    In cells that are too narrow for them, numbers from 10 on stand without decimals, or there are none.

    From `top` upwards, if it is given, all are of one colour: those below, which matter, tell apart better.
    """
    with matplotlib.rc_context(STYLE):
        wide = min(figure_width(), 1.9 + 0.46 * len(columns))
        cell = min(0.46, (figure_width() - 1.9) / len(columns))
        figure = Figure(figsize=(wide, 1.7 + max(0.24, 0.9 * cell) * len(rows)), layout="constrained")
        axes = figure.subplots()
        written = _fitting(values, decimals, cell)
        image = axes.imshow(values, cmap="cividis", aspect="auto", vmax=top)
        for (i, j), value in np.ndenumerate(values):
            red, green, blue, _ = image.cmap(image.norm(value)) if np.isfinite(value) else (1, 1, 1, 1)
            ink = "black" if 0.30 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"
            if written is not None:
                text = f"{value:.{written}f}" if np.isfinite(value) else "–"
                axes.text(j, i, text, ha="center", va="center", size=_NUMBERS, color=ink)
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
        add_title_note_legend(figure, words)
        return figure


def _fitting(values: np.ndarray, decimals: int, inches: float) -> int | None:
    """Return with how many decimals all numbers are narrower than a cell of some inches; None where they are not."""
    known = values[np.isfinite(values)]
    for kept in (decimals, 0) if np.abs(known).max(initial=0) >= 10 else (decimals,):
        if max((inches_of(f"{value:.{kept}f}", _NUMBERS) for value in known), default=0) < 0.95 * inches:
            return kept
    return None


def _middle(points: np.ndarray) -> tuple[float, float]:
    """Return the medoid of `points` [n, 2]: the one whose distances to the others sum to the least."""
    distances = np.linalg.norm(points[:, None] - points[None], axis=2).sum(axis=1)
    x, y = points[int(distances.argmin())]
    return float(x), float(y)
