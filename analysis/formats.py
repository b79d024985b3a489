"""Tables for people: rounded, with headings, as Markdown, LaTeX (booktabs) and CSV (which is not rounded)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.measures import shown
from analysis.results import Results, records

NONE = "–"
INTERVAL = "[95 %]"
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$", "→": r"$\rightarrow$",
    "↑": r"$\uparrow$", "×": r"$\times$", "±": r"$\pm$", "·": r"$\cdot$", "…": r"\dots{}",
}  # fmt: skip


def results_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """The best config of each condition and how good it is, as text."""
    unit = ", %" if results.is_accuracy else ""
    value, error = results.metric.replace("_", " "), shown(results).replace("_", " ")
    rows = []
    for row in records(best):
        n, digits = int(row["n"]), digits_of(results, row)
        cells = key_cells(results, row)
        cells |= {heading(name): as_text(row[name]) for name in results.hyperparameters}
        validation = number(results, row[f"val_{results.metric}"], n, digits)
        if not n and not math.isnan(row[f"search_{results.metric}"]):
            validation = number(results, row[f"search_{results.metric}"], 1, digits) + " *"
        cells[f"validation {value}{unit}"] = validation
        if results.phase == "confirm":
            name = f"test_{results.metric}"
            cells[f"test {value}{unit} {INTERVAL}"] = bounded(results, row, name, digits)
            cells["seeds"] = str(n)
            cells["seed SD"] = number(results, row[f"{name}_sd"], 0, digits)
            if results.is_accuracy:
                cells["image SE"] = number(results, row[f"{name}_image_se"], 0, digits)
                cells[f"test {error}{unit}"] = number(results, row[f"test_{error}"], n, digits)
            cells[f"oracle {error}{unit} {INTERVAL}"] = bounded(results, row, f"oracle_{shown(results)}", digits)
        else:
            cells["seeds"] = str(n)
        rows.append(cells)
    return pd.DataFrame(rows)


def effort_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """What each condition took, as text: epochs and steps to the best, labels, and what came of its trials."""
    rows = []
    for row in records(best):
        cells, n = key_cells(results, row), int(row["n"])
        rising = " ↑" if n and row["rising"] > n / 2 else ""
        cells["epochs to the best " + INTERVAL] = _span(row, "best_epoch") + rising
        cells["steps"] = whole(row["best_steps"])
        if results.phase == "confirm":
            cells["epochs to the oracle " + INTERVAL] = _span(row, "oracle_epoch")
            cells["oracle's steps"] = whole(row["oracle_steps"])
        cells["labels: training"] = whole(row["labels_train"])
        cells["validation"] = whole(row["labels_validation"])
        if results.phase == "confirm":
            cells["test images"] = whole(row["test_images"])
        cells["trials run"] = str(row["run"])
        cells |= {name: str(row[name]) for name in ("failed", "stopped", "diverged", "unfinished")}
        if results.phase == "confirm":
            cells["configs tested"] = str(row["test_configs"])
        rows.append(cells)
    return pd.DataFrame(rows)


def differences_table(results: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Differences and their intervals, as text; those whose interval excludes 0 are marked."""
    unit = ", points" if results.is_accuracy else ""
    rows = []
    for row in records(differences):
        n = int(row["n"])
        signed = [_signed(results, row[name], n if name == "difference" else 0) for name in _BOUNDS]
        apart = row["low"] > 0 or row["high"] < 0
        metric = str(row["metric"]).replace("_", " ")
        rows.append(
            {
                "where": ", ".join(as_text(row[key]) for key in results.keys if row[key] != "" and key in row) or NONE,
                "compared": f"{as_text(row['first'])} → {as_text(row['second'])}",
                f"change of {metric}{unit} {INTERVAL}": f"{signed[0]} [{signed[1]}, {signed[2]}]",
                "seeds": str(n),
                "image SE": number(results, row["image_se"], 0, 2),
                "apart": "yes" if apart else "no",
            }
        )
    return pd.DataFrame(rows)


_BOUNDS = ("difference", "low", "high")


def caption(results: Results, best: pd.DataFrame) -> str:
    """What the tables' numbers mean, and the settings that all conditions share."""
    fixed = {k: v for k, v in results.settings.items() if k != "data" and v is not None}
    common = "; " + ", ".join(f"{heading(k)} {as_text(v)}" for k, v in fixed.items()) if fixed else ""
    text = [f"Data: {results.describe_data()}{common}."]
    text.append("Configs were chosen on validation data by their mean at the last epoch.")
    if results.phase == "confirm":
        text.append(
            "Then each was trained again with fresh seeds, and test data opened: mean over these at the last epoch,"
            " with its 95 % Student t interval, a claim about the recipe. The image SE is about one trained network"
            " on other images. The oracle is the best test value over the epochs: only test data can name it."
        )
    if bool(best["search_seeds"].any()) and bool((best["n"] == 0).any()):
        text.append("* from the search, by which the config was chosen.")
    if bool((best["rising"] > best["n"] / 2).any()):
        text.append("↑ training ended while most seeds were still rising.")
    return " ".join(text)


def percent(mean: float, low: float = math.nan, high: float = math.nan, digits: int = 1) -> str:
    """A share in per cent with its interval, for running text: `5.1 % [4.9, 5.3]`."""
    if math.isnan(mean):
        return "no number (a seed diverged)"
    bounds = "" if math.isnan(low) else f" [{100 * low:.{digits}f}, {100 * high:.{digits}f}]"
    return f"{100 * mean:.{digits}f} %{bounds}"


def listed(items: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(items) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def to_markdown(table: pd.DataFrame) -> str:
    """A table of text in Markdown, aligned for people who read the source."""
    cells = [[str(c) for c in table.columns], *(list(map(str, row)) for row in table.itertuples(index=False))]
    cells = [[cell.replace("|", r"\|") for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
    numeric = [is_numeric(table, i) for i in range(len(widths))]
    rule = "|" + "|".join("-" * (w + 1) + (":" if n else "-") for w, n in zip(widths, numeric, strict=True)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def to_latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """A table of text as a LaTeX float; the document needs the package booktabs."""
    columns = "".join("r" if is_numeric(table, i) else "l" for i in range(len(table.columns)))
    rows = [" & ".join(map(escape, map(str, row))) + r" \\" for row in table.itertuples(index=False)]
    names = " & ".join(_stacked(str(name)) for name in table.columns) + r" \\"
    head = [
        r"\begin{table}",
        r"\centering\footnotesize",
        rf"\caption{{{escape(caption)}}}",
        rf"\label{{tab:{label}}}",
    ]
    body = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", names, r"\midrule", *rows, r"\bottomrule"]
    return "\n".join([*head, *body, r"\end{tabular}", r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    """Text with the characters that mean something to LaTeX, or that it lacks, replaced."""
    return "".join(_LATEX.get(character, character) for character in text)


def is_numeric(table: pd.DataFrame, column: int) -> bool:
    """Whether a column of text reads as numbers, which are aligned at the right."""
    cells: Sequence[str] = [str(cell) for cell in table.iloc[:, column]]
    return all(cell[:1] in "0123456789–−+N" for cell in cells)


def _stacked(text: str) -> str:
    """A heading over several lines, so that columns are about as narrow as their cells."""
    lines = [escape(line) for line in textwrap.wrap(text, 10, break_long_words=False)]
    return lines[0] if len(lines) == 1 else r"\shortstack{" + r" \\ ".join(lines) + "}"


def to_csv(table: pd.DataFrame) -> str:
    """A table in full precision; floats read back to the same bits."""
    return table.to_csv(index=False, lineterminator="\n")


def key_cells(results: Results, row: Mapping[str, Any]) -> dict[str, str]:
    """The first cells of a row: what tells its condition (and recipe) from others."""
    cells = {heading(name): as_text(row[name]) for name in results.keys}
    if results.has_prescribed:
        cells["recipe"] = str(row["recipe"])
    return cells


def heading(name: str) -> str:
    """A field's name as a heading."""
    return name.replace("_", " ")


def as_text(value: Any) -> str:
    """A factor, setting or hyperparameter; of a path, its last part."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return NONE
    if isinstance(value, float):
        return f"{value:.3g}"
    return Path(value).name if isinstance(value, str) and "/" in value else str(value)


def digits_of(results: Results, row: Mapping[str, Any]) -> int:
    """Decimals of a per cent: two where a single image is less than a twentieth of a point."""
    return 2 if results.is_accuracy and row["test_images"] >= 2000 else 1


def number(results: Results, value: float, n: int, digits: int) -> str:
    """A value, as per cent if it is a share. NaN is `NaN` where n seeds made it so, a dash where there is none."""
    if math.isnan(value):
        return "NaN" if n else NONE
    return f"{100 * value:.{digits}f}" if results.is_accuracy else f"{value:.4g}"


def bounded(results: Results, row: Mapping[str, Any], name: str, digits: int) -> str:
    """A mean over seeds with its interval; a dash where there is no seed."""
    if not row["n"]:
        return NONE
    low, high = (number(results, row[f"{name}_{end}"], 0, digits) for end in ("low", "high"))
    return f"{number(results, row[name], int(row['n']), digits)} [{low}, {high}]"


def _signed(results: Results, value: float, n: int) -> str:
    if math.isnan(value):
        return "NaN" if n else NONE
    return (f"{100 * value:+.2f}" if results.is_accuracy else f"{value:+.3g}").replace("-", "−")


def _span(row: Mapping[str, Any], name: str) -> str:
    if math.isnan(row[name]):
        return "NaN" if row["n"] else NONE
    low, high = (NONE if math.isnan(v) else f"{v:.0f}" for v in (row[f"{name}_low"], row[f"{name}_high"]))
    return f"{row[name]:.1f} [{low}, {high}]"


def whole(value: Any) -> str:
    """A count, or a mean of counts, without decimals."""
    return NONE if value is None or math.isnan(value) else f"{value:.0f}"
