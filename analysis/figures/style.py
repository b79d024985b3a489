"""The one style of all figures, what they are made of, and how they are saved.

Figures are made without pyplot and are saved as PNG, SVG and PDF that are the same byte for byte when they are made
again. A note below the axes names the data.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path

from analysis.figures.paper import is_titled
from analysis.numbers.intervals import NEW, THESE
from analysis.numbers.results import records
from analysis.words import heading, listed, named
from common.files import write_atomic

# Okabe and Ito's palette, distinguishable with every kind of colour vision; its yellow is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vPX"
DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))
GREY = "#555555"
EDGE = 0.012
"""Share of a figure's width that is left free at its left and right edge."""
STYLE: dict[str, Any] = {
    "axes.axisbelow": True, "axes.edgecolor": GREY, "axes.grid": True, "axes.labelsize": 9, "axes.linewidth": 0.8,
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlelocation": "left", "axes.titlesize": 9,
    "font.family": "DejaVu Sans", "font.size": 9, "grid.color": "#e4e4e4", "grid.linewidth": 0.6,
    "legend.fontsize": 8, "legend.frameon": False, "legend.handlelength": 2.6, "legend.title_fontsize": 8,
    "lines.linewidth": 1.6, "pdf.fonttype": 42, "savefig.dpi": 200, "svg.hashsalt": "labsweep", "xtick.color": GREY,
    "xtick.labelsize": 8, "ytick.color": GREY, "ytick.labelsize": 8,
}  # fmt: skip
FORMATS: dict[str, dict[str, None]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}


Series = Sequence[str] | Mapping[str, str]
"""Columns whose values tell lines apart, by name or each with what to call it; empty if values speak for themselves."""


def colour_of(group: int) -> str:
    """Return the colour of the group of this number; the eighth has the first one's."""
    return COLOURS[group % len(COLOURS)]


def marker_of(group: int) -> str:
    """Return the marker of the group of this number; the eighth has the first one's."""
    return MARKERS[group % len(MARKERS)]


@dataclass(frozen=True)
class Words:
    """The texts on a figure."""

    title: str
    x: str
    y: str
    note: str
    """Below the axes: the data, and what bars and bands are."""


def save(figure: Figure, folder: Path, name: str, formats: Sequence[str] = tuple(FORMATS)) -> list[Path]:
    """Write PNG (200 dots an inch), SVG and PDF, or those of them asked for; each appears whole or not at all."""
    paths: list[Path] = []
    if not formats:
        return paths
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
        figure.set_layout_engine(None)  # laid out once for all formats
    for kind in formats:
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=kind, metadata=FORMATS[kind])
        path = folder / f"{name}.{kind}"
        write_atomic(path, buffer.getvalue())
        paths.append(path)
    return paths


def groups(table: pd.DataFrame, series: Series, *, bare: bool = False) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield (name, rows) of each line, in the table's order: `latent 2, fully connected yes`.

    If `bare`, names leave out the factors: their legend is titled by `legend_title`.
    """
    called: Mapping[str, str | None] = series if isinstance(series, Mapping) else dict.fromkeys(series)
    called = dict.fromkeys(called, "") if bare else called
    names = [", ".join(named(key, row[key], word) for key, word in called.items()) for row in records(table)]
    for name in dict.fromkeys(names):
        yield name, table[[other == name for other in names]]


def legend_title(series: Series) -> str:
    """Return what names the factor of a legend whose entries are the values of one; empty for several factors."""
    if len(series) != 1:
        return ""
    (key,) = series
    return series[key] if isinstance(series, Mapping) else "config" if key == "recipe" else heading(key)


def errorbars(
    axes: Axes, xs: Sequence[float], rows: pd.DataFrame, column: str, scale: float, group: int, style: int
) -> None:
    """Draw means with their bounds `_low` and `_high`, joined by a line; later styles are dashed, with hollow marks."""
    colour, ys = colour_of(group), rows[column] * scale
    bars = [(ys - rows[f"{column}_low"] * scale).fillna(0), (rows[f"{column}_high"] * scale - ys).fillna(0)]
    axes.errorbar(
        xs, ys, yerr=bars, color=colour, linestyle=DASHES[style], marker=marker_of(group), markersize=5,
        markerfacecolor="white" if style else colour, elinewidth=1.1, capsize=2.5, capthick=1.1, zorder=3 - style / 2,
    )  # fmt: skip
    axes.containers[-1][0].set_clip_on(False)  # a mark at 0 is whole


def told_intervals(table: pd.DataFrame, columns: Mapping[str, str]) -> str:
    """Return what the bars of columns hold for (`_interval`), and why some are missing; `columns` maps to labels."""
    kinds = {column: set(table.get(f"{column}_interval", pd.Series(dtype=object)).dropna()) for column in columns}
    new = [column for column, found in kinds.items() if NEW in found]
    these = [columns[column] for column, found in kinds.items() if THESE in found]
    texts = ["95 % bars hold for new seeds and images."] if new else []
    if these and new:
        alone = [label for label in these if label]
        texts = [f"95 % bars hold for new seeds and images; {listed(alone) or 'some'}: for new seeds on these images."]
    elif these:
        texts = ["95 % bars hold for new seeds, on these images."]
    lacks = [kind for kind in ("seeds alike", "too few seeds") if any(kind in found for found in kinds.values())]
    texts += [f"No bar: {' or '.join(lacks)}."] if lacks else []
    return " ".join(texts)


def handle(colour: str, marker: str, dash: Any, label: str, *, hollow: bool = False) -> Line2D:
    """Return an entry of a legend."""
    face_colour = "white" if hollow else colour
    return Line2D(
        [], [], color=colour, marker=marker, markersize=5, markerfacecolor=face_colour, linestyle=dash, label=label
    )


def keys(names: Sequence[str], columns: Sequence[str]) -> list[Line2D]:
    """Return legend entries for lines told apart by colour (`names`) and dashes (`columns`), if there are several."""
    entries = []
    if len(names) > 1:
        entries += [handle(colour_of(g), marker_of(g), "-", name) for g, name in enumerate(names)]
    if len(columns) > 1:
        colour = GREY if len(names) > 1 else COLOURS[0]
        entries += [handle(colour, "o", DASHES[i], label, hollow=i > 0) for i, label in enumerate(columns)]
    return entries


def add_title_note_legend(figure: Figure, words: Words, entries: Sequence[Artist] = (), factor: str = "") -> None:
    """Add a title, a note and, right of the title, a legend of `entries`, and fit panels' titles and x labels to these.

    `factor` is the legend's title. In a column there is no title.

    Call this last: what is on the figure decides how wide a panel is.
    """
    width = figure.get_figwidth()
    room = (1 - 2 * EDGE) * width - (_legend(figure, entries, factor) + 0.2 if entries else 0)
    if is_titled():
        title = fitted(words.title, max(room, 0.25 * width), size=11, weight="bold")
        figure.suptitle(title, x=EDGE, ha="left", fontsize=11, fontweight="bold")
    note = fitted(words.note, (1 - 2 * EDGE) * width, size=7.5)
    figure.supxlabel(note, x=EDGE, ha="left", fontsize=7.5, color=GREY, linespacing=1.4)
    titled = [axes for axes in figure.axes if axes.get_title("left") or axes.get_xlabel()]
    if titled and (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
    for axes in titled:
        inches = axes.get_position().width * width
        axes.set_title(fitted(axes.get_title("left"), inches, size=STYLE["axes.titlesize"]))
        axes.set_xlabel(fitted(axes.get_xlabel(), inches, size=STYLE["axes.labelsize"]))


def fitted(text: str, inches: float, *, size: float, weight: str = "normal") -> str:
    """Return `text` in lines of at most `inches` in its font of `size` points; a word that is too long is broken."""

    def fits(line: str) -> bool:
        return inches_of(line, size, weight) <= inches

    lines = [""]
    for word in text.split():
        if fits(longer := f"{lines[-1]} {word}".strip()):
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and not fits(lines[-1] + letter):
                lines.append("")
            lines[-1] += letter
    return "\n".join(filter(None, lines))


def inches_of(line: str, size: float, weight: str = "normal") -> float:
    """Return how wide a line of text is, at most: a PNG's letters stand on whole dots, which makes it a bit wider."""
    font = FontProperties(size=size, weight=weight)
    points: float = text_to_path.get_text_width_height_descent(line, font, ismath=False)[0]
    return 1.04 * points / 72


def _legend(figure: Figure, entries: Sequence[Artist], factor: str) -> float:
    """Add a legend above all else, which leaves nearly half of the width to a title; returns its width in inches."""
    share, side = (0.55, "right") if is_titled() else (1.0, "left")
    for columns in range(len(entries), 0, -1):
        legend = figure.legend(
            handles=list(entries), loc=f"outside upper {side}", ncols=columns, title=factor or None, alignment="left"
        )
        inches = legend.get_window_extent().width / figure.dpi
        if inches < share * figure.get_figwidth() or columns == 1:
            break
        legend.remove()
    return inches
