"""The rounded tables, as text with headings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.numbers.results import PRESCRIBED, Results, error_of, is_share, records
from analysis.report.cells import INTERVAL, bounded, key_cells, key_text, number, unit_of, whole
from analysis.words import NONE, as_text, digits_of, heading


def results_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """Return the best config of each condition and how good it is."""
    metric, error = results.metric, error_of(results.metric)
    value, missed, unit = results.named(metric), results.named(error), unit_of(metric)
    rows = []
    for row in records(best):
        n, digits = int(row["n"]), digits_of(row, f"test_{metric}")
        cells = key_cells(results, row)
        cells |= {results.named(name): as_text(row[name]) for name in results.hyperparameters}
        validation = number(row[f"val_{metric}"], n, digits)
        if not n and not math.isnan(row[f"search_{metric}"]):
            validation = number(row[f"search_{metric}"], 1, digits) + " *"
        cells[f"validation {value}{unit}"] = validation
        if results.phase == "confirm":
            cells[f"test {value}{unit} {INTERVAL}"] = bounded(row, f"test_{metric}", digits)
            cells["seeds"] = str(n)
            cells["seed SD"] = number(row[f"test_{metric}_sd"], 0, digits)
            if results.is_accuracy:
                cells["image SE"] = number(row[f"test_{metric}_image_se"], 0, digits)
                cells[f"test {missed}{unit}"] = number(row[f"test_{error}"], n, digits)
        else:
            cells["seeds"] = str(n)
        cells |= {f"{name} {INTERVAL}": cell for name, cell in reported_cells(results, row, bounds=True).items()}
        if results.has_oracle:
            cells[f"oracle {missed}{unit} {INTERVAL}"] = bounded(row, f"oracle_{error}", digits)
        rows.append(cells)
    return pd.DataFrame(rows)


def reported_cells(results: Results, row: Mapping[str, Any], *, bounds: bool) -> dict[str, str]:
    """Return the metrics that the question reports beside the selecting one; a dash where a condition has none."""
    split, prefix = ("test", "test") if results.phase == "confirm" else ("validation", "val")
    cells = {}
    for metric in results.report:
        name = f"{prefix}_{metric}"
        digits = digits_of(row, name)
        own = bounded(row, name, digits) if bounds else number(row[name], int(row["n"]), digits)
        diverged = math.isnan(row[f"val_{results.metric}"])
        absent = math.isnan(row[name]) and not diverged
        cells[f"{split} {results.named(metric)}{unit_of(metric)}"] = NONE if absent else own
    return cells


def effort_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """Return the effort of each condition: epochs and steps to the best, labels, and what came of its trials."""
    rows = []
    for row in records(best):
        cells, n = key_cells(results, row), int(row["n"])
        rising = " ↑" if n and row["rising"] > n / 2 else ""
        cells["epochs to the best " + INTERVAL] = _span(row, "best_epoch") + rising
        cells["steps"] = whole(row["best_steps"])
        if results.has_oracle:
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
    """Return differences with their intervals; those whose interval excludes 0 are marked."""
    metrics = list(dict.fromkeys(differences["metric"]))
    shares = {is_share(metric) for metric in metrics}
    unit = ", points" if shares == {True} else ""
    change = f"change of {results.named(metrics[0])}" if len(metrics) == 1 else "change"
    rows = []
    for row in records(differences):
        where = [key_text(results, key, row[key]) for key in results.keys if row[key] != ""]
        where += ["prescribed config"] if row["recipe"] == PRESCRIBED else []
        share = is_share(row["metric"])
        low, high = (_signed(row[name], share, 0) for name in ("low", "high"))
        sides = (key_text(results, row["factor"], row[side]) for side in ("from", "to"))
        rows.append(
            {
                **({"measure": results.named(row["metric"])} if len(metrics) > 1 else {}),
                "where": ", ".join(where) or NONE,
                "compared": " → ".join(sides),
                f"{change}{unit} {INTERVAL}": f"{_signed(row['difference'], share, int(row['n']))} [{low}, {high}]",
                "seeds": str(int(row["n"])),
                "image SE": number(row["image_se"], 0, 2),
                "apart": "yes" if row["low"] > 0 or row["high"] < 0 else "no",
            }
        )
    return pd.DataFrame(rows)


def caption(results: Results, best: pd.DataFrame) -> str:
    """Return what the tables' numbers mean, and the settings that all conditions share."""
    fixed = {k: v for k, v in results.settings.items() if k not in results.data_fields and v is not None}
    common = "; " + ", ".join(f"{heading(k)} {as_text(v)}" for k, v in fixed.items()) if fixed else ""
    text = [f"Data: {results.describe_data()}{common}."]
    text.append(f"Configs were chosen on validation data by their mean at the {results.epoch_read}.")
    if results.phase == "confirm":
        text.append(
            "Then each was trained again with fresh seeds, and test data opened: mean over these at the"
            f" {results.epoch_read}, with its 95 % Student t interval, a claim about the config. The image SE is about"
            " one trained network on other images."
        )
    if results.has_oracle:
        text.append("The oracle is the best test value over the epochs: only test data can name it.")
    if bool(best["search_seeds"].any()) and bool((best["n"] == 0).any()):
        text.append("* from the search, by which the config was chosen.")
    if bool((best["rising"] > best["n"] / 2).any()):
        text.append("↑ training ended while most seeds were still rising.")
    return " ".join(text)


def _signed(value: float, share: bool, n: int) -> str:
    if math.isnan(value):
        return "NaN" if n else NONE
    return (f"{100 * value:+.2f}" if share else f"{value:+.3g}").replace("-", "−")


def _span(row: Mapping[str, Any], name: str) -> str:
    if math.isnan(row[name]):
        return "NaN" if row["n"] else NONE
    low, high = (NONE if math.isnan(v) else f"{v:.0f}" for v in (row[f"{name}_low"], row[f"{name}_high"]))
    return f"{row[name]:.1f} [{low}, {high}]"
