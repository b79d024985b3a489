"""The rounded tables, as text with headings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.numbers.intervals import NEW, THESE
from analysis.numbers.measures import Form, unit_of
from analysis.numbers.results import LOST, PRESCRIBED, Results, records
from analysis.report.cells import (
    INTERVAL,
    ON_THESE,
    bounded,
    key_cells,
    key_named,
    key_text,
    number,
    seeds_cell,
    these,
    whole,
)
from analysis.report.columns import SEEDS, Shaped, shaped
from analysis.words import NONE, as_text, heading, listed, percent

HOLDS = (
    'It holds for new seeds and new test images of the kind; "these images" is Student\'s t over the seeds, on these'
    " test images alone, and so are intervals of what is not known for each image."
)


def results_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """Return the best config of each condition and all that is known of how good it is."""
    metric, headed = results.metric, results.measures.headed
    rows = []
    for row in records(best):
        n, form = int(row["n"]), results.measures.form(f"test_{metric}", row)
        cells = key_cells(results, row)
        cells |= {results.titled(name): as_text(row[name]) for name in results.hyperparameters}
        validation = number(row[f"val_{metric}"], n, form)
        if not n and not math.isnan(row[f"search_{metric}"]):
            validation = number(row[f"search_{metric}"], 1, form) + " *"
        cells |= _tested(results, row, form) if results.phase == "confirm" else {headed(f"val_{metric}"): validation}
        cells[SEEDS] = seeds_cell(row)
        cells |= {f"{name} {INTERVAL}": cell for name, cell in reported_cells(results, row, bounds=True).items()}
        if results.has_oracle:
            cells[_oracle(results)] = bounded(row, f"oracle_{results.compared.name}", form)
        if results.phase == "confirm" and (error := results.selected.error) is not None:
            cells[f"{headed(f'test_{error.name}')} {INTERVAL}"] = bounded(row, f"test_{error.name}", form)
        cells[headed(f"val_{metric}")] = validation
        rows.append(cells)
    return pd.DataFrame(rows)


def shaped_table(results: Results, best: pd.DataFrame) -> Shaped:
    """Return the best configs as people read them, and the appendix."""
    split, headed = results.splits[-1], results.measures.headed
    main, *reported = (headed(f"{split}_{name}") for name in (results.metric, *results.report))
    return shaped(
        results_table(results, best),
        effort_table(results, best),
        keys=len(results.keys) + results.has_prescribed,
        settings=len(results.hyperparameters),
        needed=[
            f"{main} {INTERVAL}" if split == "test" else main,
            SEEDS,
            *(f"{name} {INTERVAL}" for name in reported),
            *([_oracle(results)] if results.has_oracle else []),
        ],
    )


def _oracle(results: Results) -> str:
    return f"{results.measures.headed(f'oracle_{results.compared.name}')} {INTERVAL}"


def _tested(results: Results, row: Mapping[str, Any], form: Form) -> dict[str, str]:
    """Return the cells of the selecting measure on test data: of new images, and of these alone."""
    test = f"test_{results.metric}"
    cells = {f"{results.measures.headed(test)} {INTERVAL}": bounded(row, test, form)}
    if results.selected.images is not None:
        cells[ON_THESE] = these(row, (f"{test}_low_these", f"{test}_high_these"), form)
    return cells


def reported_cells(results: Results, row: Mapping[str, Any], *, bounds: bool) -> dict[str, str]:
    """Return the measures that the question reports beside the selecting one; a dash where a condition has none."""
    cells = {}
    for metric in results.report:
        name = f"{results.splits[-1]}_{metric}"
        form = results.measures.form(name, row)
        own = bounded(row, name, form) if bounds else number(row[name], int(row["n"]), form)
        diverged = math.isnan(row[f"val_{results.metric}"])
        absent = math.isnan(row[name]) and not diverged
        cells[results.measures.headed(name)] = NONE if absent else own
    return cells


def effort_table(results: Results, best: pd.DataFrame) -> pd.DataFrame:
    """Return the effort of each condition: epochs and steps to the best, labels, and what came of its trials."""
    rows, lost = [], (best["lost"] > 0).any()
    for row in records(best):
        cells, n = key_cells(results, row), int(row["n"])
        rising = " ↑" if n and row["rising"] > n / 2 else ""
        cells["epochs to the best " + INTERVAL] = _span(row, "best_epoch") + rising
        cells["steps"] = whole(row["best_steps"])
        if results.has_oracle:
            cells["epochs to the oracle " + INTERVAL] = _span(row, "oracle_epoch")
            cells["oracle's steps"] = whole(row["oracle_steps"])
            cells["epoch of the best test value " + INTERVAL] = _span(row, "peak_epoch")
        cells |= _labels(row)
        cells["trials run"] = str(row["run"])
        cells |= {name: str(row[name]) for name in ("failed", "stopped")}
        cells |= _lost_cells(results, row, of_seeds=bool(lost))
        cells["unfinished"] = str(row["unfinished"])
        if results.phase == "confirm":
            cells["configs tested"] = str(row["test_configs"])
        rows.append(cells)
    return pd.DataFrame(rows)


def _lost_cells(results: Results, row: Mapping[str, Any], *, of_seeds: bool) -> dict[str, str]:
    """Return how many trials of a condition diverged or collapsed in each phase, and how many of its config's seeds."""
    phases = {"search": "search", **({"confirm": "fresh seeds"} if results.phase == "confirm" else {})}
    cells = {f"{status} ({told})": str(row[f"{phase}_{status}"]) for phase, told in phases.items() for status in LOST}
    if of_seeds:
        share = percent(row["lost"], row["lost_low"], row["lost_high"])
        lost = f"{row['n_diverged'] + row['n_collapsed']} of {row['n']}"
        cells[f"seeds without a number {INTERVAL}"] = f"{lost}: {share}" if row["n"] else NONE
    return cells


def _labels(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the counts of labels and test images that trials noted."""
    names = {
        "labels_train": "labels: training",
        "labels_validation": "validation" if "labels_train" in row else "labels: validation",
        "test_images": "test images",
    }
    return {told: whole(row[name]) for name, told in names.items() if name in row}


def differences_table(results: Results, differences: pd.DataFrame) -> pd.DataFrame:
    """Return differences with their plain intervals, Holm's p, what is found by it, and the family that p is of."""
    metrics, measures = list(dict.fromkeys(differences["metric"])), results.measures
    units = {", points" if measures.is_share(metric) else unit_of(measures.of(metric)) for metric in metrics}
    unit = units.pop() if len(units) == 1 else ""
    change = f"change of {measures.label(metrics[0])}" if len(metrics) == 1 else "change"
    known = bool((differences["interval"] == NEW).any())
    rows = []
    for row in records(differences):
        where = [key_named(results, key, row[key]) for key in results.keys if key != row["factor"]]
        where += ["prescribed config"] if row["recipe"] == PRESCRIBED and row["factor"] != "recipe" else []
        form = measures.form(row["metric"], row)
        shown = row["interval"] in (NEW, THESE)
        sides = (key_named(results, row["factor"], row["from"]), key_text(results, row["factor"], row["to"]))
        rows.append(
            {
                **({"measure": measures.label(row["metric"])} if len(metrics) > 1 else {}),
                "where": ", ".join(where) or NONE,
                "compared": " → ".join(sides),
                f"{change}{unit} {INTERVAL}": _change(row, form, known=known),
                **({ON_THESE: _bounds(row, ("low_these", "high_these"), form) if shown else NONE} if known else {}),
                "seeds": str(int(row["n"])),
                "p (Holm)": NONE if math.isnan(row["p_adjusted"]) else _p_text(row["p_adjusted"]),
                "found": row["found"],
            }
        )
    return pd.DataFrame(rows)


def caption(results: Results, best: pd.DataFrame) -> str:
    """Return what the tables' numbers mean, and the settings that all conditions share."""
    fixed = {k: v for k, v in results.settings.items() if k not in results.data_fields and v is not None}
    common, data = ", ".join(f"{heading(k)} {as_text(v)}" for k, v in fixed.items()), results.describe_data()
    known = [f"Data: {data}" if data else "No data", *([common] if common else [])]
    text, searched = [f"{'; '.join(known)}."], results.plan.searches
    if searched:
        text.append(f"Configs were chosen on validation data by their mean at the {results.epoch_read}.")
    if results.phase == "confirm":
        text.append(
            f"{'Then each was trained again' if searched else 'Each config, stated beforehand, was trained'} with fresh"
            " seeds, and test data opened: mean over these at the"
            f" {results.epoch_read}, with its 95 % interval, a claim about the config."
        )
        new = bool((best[f"test_{results.metric}_interval"] == NEW).any())
        text.append(HOLDS if new else "Intervals are Student's t over the seeds, on these test images alone.")
    if results.has_oracle:
        text.append("The oracle is the best test value over the epochs: only test data can name it.")
    if bool(best["search_seeds"].any()) and bool((best["n"] == 0).any()):
        text.append("* from the search, by which the config was chosen.")
    if bool((best["rising"] > best["n"] / 2).any()):
        text.append("↑ training ended while most seeds still improved.")
    return " ".join(text)


def families_told(results: Results, differences: pd.DataFrame) -> str:
    """Return the families of differences and how many each has: `train size (8) and backbone (5)`."""
    rows = records(differences.drop_duplicates("family"))
    several = differences["metric"].nunique() > 1
    named = []
    for row in rows:
        measure = f"{results.measures.label(row['metric'])} by " if several else ""
        named.append(f"{measure}{_factor(row['factor'])} ({row['family'].rpartition(': ')[2]})")
    return listed(named)


def _factor(name: str) -> str:
    return "config" if name == "recipe" else heading(name)


def _p_text(p: float) -> str:
    return f"{p:.3f}" if p >= 0.0005 else "< 0.001"


def _change(row: Mapping[str, Any], form: Form, *, known: bool) -> str:
    """Return a difference with its interval, or why it has none; `known`: whether others hold for new images."""
    if not row["n"]:
        return NONE
    gap = "NaN" if math.isnan(row["difference"]) else form.signed(row["difference"])
    if row["interval"] not in (NEW, THESE):
        return gap if row["interval"] == "no number" else f"{gap} ({row['interval']})"
    shown = f"{gap} {_bounds(row, ('low', 'high'), form)}"
    return f"{shown} (these images)" if known and row["interval"] == THESE else shown


def _bounds(row: Mapping[str, Any], names: tuple[str, str], form: Form) -> str:
    low, high = (row[name] for name in names)
    return NONE if math.isnan(low) else f"[{form.signed(low)}, {form.signed(high)}]"


def _span(row: Mapping[str, Any], name: str) -> str:
    if math.isnan(row[name]):
        return "NaN" if row["n"] else NONE
    if row[f"{name}_interval"] != THESE:
        return f"{row[name]:.1f} ({row[f'{name}_interval']})"
    return f"{row[name]:.1f} [{row[f'{name}_low']:.0f}, {row[f'{name}_high']:.0f}]"
