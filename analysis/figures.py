"""Drawing, and nothing else: every function takes a table, and what it shows can be read from that table.

Figures are made without pyplot, in one style, and are saved as PNG, SVG and PDF that are the same byte for byte
when they are made again. Which data they come from stands on their face, below the axes.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from analysis.results import records

# Okabe and Ito's palette, distinguishable with every kind of colour vision; its yellow is too pale for lines.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = "osD^vPX"
DASHES: tuple[Any, ...] = ("-", (0, (4, 2)), (0, (1, 1.5)))
GREY = "#555555"
STYLE: dict[str, Any] = {
    "axes.axisbelow": True, "axes.edgecolor": GREY, "axes.grid": True, "axes.labelsize": 9, "axes.linewidth": 0.8,
    "axes.spines.right": False, "axes.spines.top": False, "axes.titlelocation": "left", "axes.titlesize": 9,
    "font.family": "DejaVu Sans", "font.size": 9, "grid.color": "#e4e4e4", "grid.linewidth": 0.6,
    "legend.fontsize": 8, "legend.frameon": False, "legend.handlelength": 2.6, "lines.linewidth": 1.6,
    "pdf.fonttype": 42, "savefig.dpi": 200, "svg.hashsalt": "labsweep", "xtick.color": GREY, "xtick.labelsize": 8,
    "ytick.color": GREY, "ytick.labelsize": 8,
}  # fmt: skip
FORMATS: dict[str, dict[str, None]] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "ModDate": None},
}


@dataclass(frozen=True)
class Words:
    """What stands on a figure."""

    title: str
    x: str
    y: str
    note: str
    """Below the axes: the data, and what bars and bands are."""


def lines(
    table: pd.DataFrame,
    words: Words,
    *,
    x: str,
    columns: Mapping[str, str],
    series: Sequence[str] = (),
    percent: bool = False,
    rising: bool = False,
) -> Figure:
    """One line for each value of the `series` columns and each of `columns` (column → what the legend calls it).

    `table` has, beside a column, its bounds `_low` and `_high`. Later columns are dashed, with hollow marks. Shares
    are drawn in per cent if `percent`; `rising` marks points (↑) where training ended while most seeds still rose.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.2, 4.1), layout="constrained")
        axes = figure.subplots()
        groups = list(_groups(table, series))
        at = sorted({float(value) for value in table[x]})
        logarithmic = len(at) > 1 and at[0] > 0 and at[-1] / at[0] > 12
        count = len(groups) * len(columns)
        for g, (_, rows) in enumerate(groups):
            for c, column in enumerate(columns):
                shift = (g * len(columns) + c - (count - 1) / 2) * 0.011  # bars side by side, not on top
                xs = [_shifted(float(v), shift, at, logarithmic) for v in rows[x]]
                _errorbars(axes, xs, rows, column, 100 if percent else 1, g, c)
                if rising and c == 0:
                    _mark_rising(axes, xs, rows, column, 100 if percent else 1, g)
        if logarithmic:
            axes.set_xscale("log")
        axes.xaxis.set_major_locator(FixedLocator(at))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="x", visible=False)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(words.x)
        axes.set_ylabel(words.y)
        _legend(axes, [name for name, _ in groups], list(columns.values()))
        _face(figure, words)
        return figure


def curves(
    table: pd.DataFrame,
    words: Words,
    *,
    columns: Mapping[str, str],
    across: str,
    series: Sequence[str] = (),
    marks: pd.DataFrame | None = None,
    percent: bool = False,
) -> Figure:
    """Learning curves as small multiples: a column for each value of `across`, a row for each of `series`.

    `table` has a row an epoch; bands are its `_low` and `_high`. `marks` has the same keys and, in `best_epoch`,
    where a dotted line stands. The y axis is logarithmic where every value allows it.
    """
    with matplotlib.rc_context(STYLE):
        groups = list(_groups(table, series))
        values = list(dict.fromkeys(table[across]))
        width, height = max(6.2, 1.0 + 1.75 * len(values)), 1.3 + 1.75 * len(groups)
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(len(groups), len(values), sharey=True, squeeze=False)
        scale = 100 if percent else 1
        for r, (name, rows) in enumerate(groups):
            for c, value in enumerate(values):
                axes = grid[r][c]
                own = rows[rows[across] == value]
                for i, column in enumerate(columns):
                    _band(axes, own, column, scale, i)
                mark = _marked(marks, own.iloc[:1], [across, *series])
                if mark is not None:
                    axes.axvline(mark, color=GREY, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
                axes.set_xlim(left=0)
                axes.locator_params(axis="x", nbins=3, integer=True)
                axes.set_title(f"{across.replace('_', ' ')} {value}" if r == 0 else "")
            grid[r][0].set_ylabel(f"{name}\n{words.y}" if name else words.y)
        _logarithmic(grid[0][0], table, columns, scale)
        for axes in grid[-1]:
            axes.set_xlabel(words.x)
        handles = [_handle(COLOURS[i], "", DASHES[i], label) for i, label in enumerate(columns.values())]
        if marks is not None:
            handles.append(_handle(GREY, "", (0, (1, 2)), "epochs to the best"))
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
        _face(figure, words, reserved=1.2 * len(handles))
        return figure


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write PNG (200 dots an inch), SVG and PDF; each appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with matplotlib.rc_context(STYLE):
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once for all formats
    for kind, metadata in FORMATS.items():
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            figure.savefig(buffer, format=kind, metadata=metadata)
        path, partial = folder / f"{name}.{kind}", folder / f".{name}.{kind}.partial"
        partial.write_bytes(buffer.getvalue())
        partial.replace(path)
        paths.append(path)
    return paths


def _groups(table: pd.DataFrame, series: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """(name, rows) of each line, in the table's order."""
    names = [", ".join(_short(row[key]) for key in series) for row in records(table)]
    for name in dict.fromkeys(names):
        yield name, table[[other == name for other in names]]


def _short(value: Any) -> str:
    return Path(value).name if isinstance(value, str) and "/" in value else str(value)


def _shifted(value: float, shift: float, at: Sequence[float], logarithmic: bool) -> float:
    span = at[-1] / at[0] if logarithmic else at[-1] - at[0]
    return float(value * span**shift) if logarithmic else value + shift * span


def _errorbars(
    axes: Axes, xs: Sequence[float], rows: pd.DataFrame, column: str, scale: float, group: int, style: int
) -> None:
    colour, ys = COLOURS[group % len(COLOURS)], rows[column] * scale
    bars = [(ys - rows[f"{column}_low"] * scale).fillna(0), (rows[f"{column}_high"] * scale - ys).fillna(0)]
    axes.errorbar(
        xs, ys, yerr=bars, color=colour, linestyle=DASHES[style], marker=MARKERS[group % len(MARKERS)], markersize=5,
        markerfacecolor="white" if style else colour, elinewidth=1.1, capsize=2.5, capthick=1.1, zorder=3 - style / 2,
    )  # fmt: skip


def _mark_rising(axes: Axes, xs: Sequence[float], rows: pd.DataFrame, column: str, scale: float, group: int) -> None:
    for x, row in zip(xs, records(rows), strict=True):
        if row["n"] and row["rising"] > row["n"] / 2 and not math.isnan(row[column]):
            top = row[f"{column}_high"] if not math.isnan(row[f"{column}_high"]) else row[column]
            axes.annotate("↑", (x, top * scale), (0, 3), textcoords="offset points", ha="center", color=COLOURS[group])


def _band(axes: Axes, rows: pd.DataFrame, column: str, scale: float, index: int) -> None:
    axes.plot(rows["epoch"], rows[column] * scale, color=COLOURS[index], linestyle=DASHES[index], linewidth=1.3)
    low, high = rows[f"{column}_low"] * scale, rows[f"{column}_high"] * scale
    axes.fill_between(rows["epoch"], low, high, color=COLOURS[index], alpha=0.18, linewidth=0)


def _marked(marks: pd.DataFrame | None, row: pd.DataFrame, keys: Sequence[str]) -> float | None:
    if marks is None or row.empty:
        return None
    for mark in records(marks):
        if all(mark[key] == row[key].iloc[0] for key in keys) and not math.isnan(mark["best_epoch"]):
            return float(mark["best_epoch"])
    return None


def _logarithmic(axes: Axes, table: pd.DataFrame, columns: Mapping[str, str], scale: float) -> None:
    """A logarithmic y axis with plain numbers at 1, 2 and 5, if there is no zero."""
    if bool((table[list(columns)].min() > 0).all()):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(FixedLocator([m * 10.0**e for e in range(-4, 5) for m in (1, 2, 5)]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_minor_locator(NullLocator())
        low, high = float(table[list(columns)].min().min()), float(table[list(columns)].max().max())
        axes.set_ylim(low * scale / 1.3, high * scale * 1.3)


def _legend(axes: Axes, groups: Sequence[str], columns: Sequence[str]) -> None:
    handles = []
    if len(groups) > 1:
        handles += [_handle(COLOURS[g % 7], MARKERS[g % 7], "-", name) for g, name in enumerate(groups)]
    if len(columns) > 1:
        colour = GREY if len(groups) > 1 else COLOURS[0]
        handles += [_handle(colour, "o", DASHES[i], label, hollow=i > 0) for i, label in enumerate(columns)]
    if handles:
        axes.legend(handles=handles, loc="best")


def _handle(colour: str, marker: str, dash: Any, label: str, *, hollow: bool = False) -> Line2D:
    face = "white" if hollow else colour
    return Line2D([], [], color=colour, marker=marker, markersize=5, markerfacecolor=face, linestyle=dash, label=label)


def _face(figure: Figure, words: Words, *, reserved: float = 0.0) -> None:
    """Title and note; `reserved` inches at the right of the title are left to a legend."""
    title = textwrap.fill(words.title, int((figure.get_figwidth() - reserved) * 10.5))
    figure.suptitle(title, x=0.012, ha="left", fontsize=11, fontweight="bold")
    note = textwrap.fill(words.note, int(figure.get_figwidth() * 18.5))
    figure.supxlabel(note, x=0.012, ha="left", fontsize=7.5, color=GREY, linespacing=1.4)
