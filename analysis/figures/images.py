"""Grids of images: rows and columns have names, and images may be marked right or wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Patch, Rectangle

from analysis.figures.maps import _HALO
from analysis.figures.paper import figure_width
from analysis.figures.style import COLOURS, EDGE, STYLE, Words, add_title_note_legend, fitted, inches_of

_RIGHT: dict[str, Any] = {"edgecolor": COLOURS[0], "linewidth": 1.2}
_WRONG: dict[str, Any] = {"edgecolor": COLOURS[1], "linewidth": 2.2, "linestyle": (0, (2, 1))}
LARGEST, SMALLEST = 0.52, 0.3
"""Inches of an image: as a rule, and below which fewer grids stand side by side."""
_NAMES = 8
"""Points of the names of rows and columns."""
_LINE = 1.25 * _NAMES / 72
"""Inches of a line of these."""
_OVER = 1.06
"""How many times as wide as an image the name of its column may be."""


@dataclass(frozen=True)
class ImageGrid:
    """Images in rows and columns, with their names."""

    images: np.ndarray
    """[rows, columns, H, W] gray, or [rows, columns, H, W, C] with C of 1 or 3: uint8, or floats from 0 to 1."""
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""
    right: np.ndarray | None = None
    """[rows, columns] float: 1 marks an image right, 0 wrong, and NaN not at all."""
    written: np.ndarray | None = None
    """[rows, columns] str, written in the lower right corner of an image; empty for nothing."""
    lines: np.ndarray | None = None
    """[rows, columns, lines, points, 2] float: lines (x, y) drawn over an image and cut off at its edge, from 0 to 1
    between its edges; NaN for none."""
    apart: int = 0
    """How many of the first columns a gap parts from the others: inputs from what was made of them."""

    @property
    def pixels(self) -> np.ndarray:
        """The images as [rows, columns, H, W, 3] uint8. Raises ValueError if they have another shape or type."""
        images = self.images[..., None] if self.images.ndim == 4 else self.images
        if images.ndim != 5 or images.shape[-1] not in (1, 3) or images.dtype.kind not in "uf":
            raise ValueError(
                f"images are [rows, columns, H, W] or [rows, columns, H, W, 1 or 3], uint8 or floats from 0 to 1; these"
                f" are {list(self.images.shape)}, {self.images.dtype}"
            )
        if images.dtype.kind == "f":
            images = np.rint(255 * np.clip(np.nan_to_num(images), 0, 1)).astype(np.uint8)
        return np.broadcast_to(images, (*images.shape[:-1], 3))

    @property
    def lefts(self) -> list[int]:
        """The left edge of each column, in pixels."""
        columns, _, wide = self.images.shape[1:4]
        gap = wide // 4 if self.apart else 0
        return [c * (wide * 9 // 8) + (gap if c >= self.apart else 0) for c in range(columns)]

    @property
    def names_wide(self) -> float:
        """Inches that the names of rows take, with some room."""
        return max((inches_of(name, _NAMES, "bold") for name in self.rows), default=0.0) + 0.16

    @property
    def columns_wide(self) -> float:
        """How many times as wide as an image all columns are: images are an eighth apart, and the gap is a quarter."""
        return int(self.images.shape[1]) * 9 / 8 + 0.25 * bool(self.apart)


def draw_images(
    grids: Sequence[ImageGrid], words: Words, *, right: str = "right", wrong: str = "wrong", most: int = 4
) -> Figure:
    """Draw grids of images, each under its title: side by side where their images stay legible, else in lines.

    An image that is marked right has a thin whole frame, one marked wrong a thick dashed frame; `right` and `wrong` are
    what the legend calls them. At most `most` grids stand side by side. The figure is no wider than a page: images of
    very many columns get small.
    """
    with matplotlib.rc_context(STYLE):
        across, size = _fitting(grids, most)
        lines = math.ceil(len(grids) / across)
        upright, above = _column_names(grids, size)
        titled = 0.35 * any(grid.title for grid in grids)
        tall = max(grid.images.shape[0] for grid in grids) * size * 9 / 8 + above + titled
        wide = max(grid.names_wide + grid.columns_wide * size for grid in grids)
        figure = Figure(
            figsize=(figure_width(), 1.0 + lines * tall), layout=ConstrainedLayoutEngine(w_pad=_beside(), wspace=0)
        )
        places = figure.subplots(lines, across, squeeze=False).flat
        for axes, grid in zip(places, grids, strict=False):
            _draw_grid(axes, grid, size, (wide, above))
            _name_columns(axes, grid, size, upright=upright)
        for axes in list(figure.axes)[len(grids) :]:
            axes.remove()
        frames = {right: _RIGHT, wrong: _WRONG} if any(grid.right is not None for grid in grids) else {}
        entries = [Patch(facecolor="none", label=name, **frame) for name, frame in frames.items()]
        add_title_note_legend(figure, words, entries)
        return figure


def _beside() -> float:
    """Return how many inches are free left and right of a grid."""
    return EDGE * figure_width()


def _fitting(grids: Sequence[ImageGrid], most: int) -> tuple[int, float]:
    """Return how many grids stand side by side, and how many inches wide their images are."""
    names, columns = (max(getattr(grid, f"{kind}_wide") for grid in grids) for kind in ("names", "columns"))
    for across in range(min(len(grids), most), 0, -1):
        size = (figure_width() / across - 2 * _beside() - names) / columns
        if size >= SMALLEST or across == 1:
            break
    return across, min(size, LARGEST)


def _column_names(grids: Sequence[ImageGrid], size: float) -> tuple[bool, float]:
    """Return whether names of columns stand upright, as a word is too wide, and how many inches they take."""
    names = [str(name) for grid in grids for name in grid.columns]
    if any(inches_of(word, _NAMES) > _OVER * size for name in names for word in name.split()):
        return True, max(inches_of(name, _NAMES) for name in names) + 0.12
    lines = [fitted(name, _OVER * size, size=_NAMES).count("\n") + 1 for name in names if name]
    return False, max(lines, default=0) * _LINE + 0.06


def _name_columns(axes: Axes, grid: ImageGrid, size: float, *, upright: bool) -> None:
    wide = grid.images.shape[3]
    per_inch = wide / size
    for left, name in zip(grid.lefts, grid.columns, strict=True):
        lines = [str(name)] if upright else fitted(str(name), _OVER * size, size=_NAMES).split("\n")
        place: dict[str, Any] = {"va": "bottom", "rotation": 90} if upright else {"va": "baseline"}
        for i, line in enumerate(reversed(lines)):  # on one base line, whatever letters a name has
            axes.text(left + wide / 2, -(0.06 + i * _LINE) * per_inch, line, ha="center", size=_NAMES, **place)


def _draw_grid(axes: Axes, grid: ImageGrid, size: float, outer: tuple[float, float]) -> None:
    """Draw one mosaic of all images, in pixels; frames and the names of rows over it.

    `outer` is how many inches the axes are wide, and how many are above the images.
    """
    images = grid.pixels
    rows, columns, high, wide = images.shape[:4]
    down, lefts = high * 9 // 8, grid.lefts
    mosaic = np.full((rows * down, lefts[-1] + wide * 9 // 8, 3), 255, dtype=np.uint8)
    per_inch = wide / size
    for r, c in np.ndindex(rows, columns):
        mosaic[r * down : r * down + high, lefts[c] : lefts[c] + wide] = images[r, c]
        box = (lefts[c] - 0.5, r * down - 0.5, wide, high)
        _mark(axes, grid, (r, c), box, size)
        _draw_lines(axes, grid, (r, c), box)
    for r, name in enumerate(grid.rows):
        at = (-0.07 * per_inch, r * down + high / 2)
        axes.text(*at, str(name), ha="right", va="center", weight="bold", size=_NAMES)
    axes.imshow(mosaic, interpolation="nearest")
    before = grid.names_wide * per_inch
    axes.set_xlim(-before, outer[0] * per_inch - before)
    axes.set_ylim(mosaic.shape[0], -outer[1] * per_inch)
    axes.set_axis_off()
    axes.set_anchor("NW")
    axes.set_title(grid.title)


def _draw_lines(axes: Axes, grid: ImageGrid, at: tuple[int, int], box: tuple[float, float, float, float]) -> None:
    """Draw the lines over the image that has this box (left, top, width, height)."""
    if grid.lines is None or np.isnan(grid.lines[at]).all():
        return
    left, top, wide, high = box
    edge = Rectangle((left, top), wide, high, fill=False, linewidth=0)
    axes.add_patch(edge)
    for line in grid.lines[at]:
        (drawn,) = axes.plot(left + wide * line[:, 0], top + high * line[:, 1], color=COLOURS[5], linewidth=0.5)
        drawn.set_clip_path(edge)


def _mark(
    axes: Axes, grid: ImageGrid, at: tuple[int, int], box: tuple[float, float, float, float], size: float
) -> None:
    """Frame the image that has this box (left, top, width, height), and write in it."""
    left, top, wide, high = box
    mark = math.nan if grid.right is None else float(grid.right[at])
    if not math.isnan(mark):
        frame = _RIGHT if mark else _WRONG
        thin = {**frame, "linewidth": frame["linewidth"] * max(0.7, size / LARGEST)}
        axes.add_patch(Rectangle((left, top), wide, high, fill=False, **thin))
    if grid.written is not None and (text := str(grid.written[at])):
        axes.text(
            left + 0.94 * wide, top + 0.96 * high, text, ha="right", va="bottom", size=max(7.0, 8.5 * size / LARGEST),
            weight="bold", color="black" if math.isnan(mark) or mark else _WRONG["edgecolor"], path_effects=_HALO,
        )  # fmt: skip
