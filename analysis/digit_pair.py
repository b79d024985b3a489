"""One network for two digit domains, or one for each: what sharing does to either's test error, by train size."""

from __future__ import annotations

import pandas as pd

from analysis.figures.curves import draw_learning
from analysis.figures.gaps import draw_gaps
from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings, Part, parts
from analysis.numbers.results import CHOSEN, PRESCRIBED, records
from analysis.numbers.tables import by_set
from analysis.words import listed, outcomes, points

COMPARED = REGIME, SIZE = ("regime", "train_size")
BOTH = "both"
TASKS = {"first": "second", "second": "first"}
"""Each data set, by its config field, and the other one."""
OWN, SHARED, OTHERS = NETWORKS = ["its own network", "one network for both", "the other set's network"]
RECIPES = {CHOSEN: "chosen config", PRESCRIBED: "prescribed recipe"}
TITLE = "Two digit domains, one network"
IMAGES = "training images of each set"
HELPED = ("helps", "hurts", "is not shown to help or hurt")
DIFFERS = ("is lower", "is higher", "is not shown to differ")
UNEVEN = "One network for both makes twice the steps an epoch; its config is chosen by the mean of both accuracies"
SMALL = 500
"""The train size whose learning curves are drawn, if all networks have it; else the largest."""


def answer(found: Findings) -> Draft:
    """The question's figures, tables and verdict, for each pair of data sets."""
    drawings: dict[str, Drawing] = {}
    tables: dict[str, pd.DataFrame] = {}
    texts, gaps = [], []
    for part in parts(found, COMPARED):
        read, sharing = _seen(part, part.found.reported), _sharing(part)
        drawn = _drawings(part, f"{TITLE}{part.where}", read, sharing)
        drawings |= {f"{name}{part.suffix}": drawing for name, drawing in drawn.items()}
        named = ["data", "network", *found.results.keys, "recipe", "n"]
        measured = [name for name in map(str, read) if name.startswith("test_") and name != "test_configs"]
        tables |= {f"every_network_on_both{part.suffix}": read[[*named, *measured]], f"sharing{part.suffix}": sharing}
        gaps += [sharing.drop(columns="data"), *(_recipes(part, task) for task in TASKS)]
        texts += [_verdict(part, task, read, sharing) for task in TASKS]
    paired = pd.concat(gaps, ignore_index=True) if gaps else None
    verdict = "\n\n".join(texts) or "No verdict yet: no chosen config is confirmed on fresh seeds."
    return Draft(TITLE, verdict, drawings, tables, paired, found.terms(f"Sizes count {IMAGES}. {UNEVEN}"))


def _seen(part: Part, table: pd.DataFrame) -> pd.DataFrame:
    """Each row once for each data set, with the measures on that set; `network`: whose network it is, to that set."""
    table = by_set(table, {task: part.setting(task) for task in TASKS})
    seen = [SHARED if regime == BOTH else OWN if regime == task else OTHERS
            for regime, task in zip(table[REGIME], table["field"], strict=True)]  # fmt: skip
    return table.assign(network=pd.Categorical(seen, NETWORKS)).sort_values(["field", "network"], kind="stable")


def _sharing(part: Part) -> pd.DataFrame:
    """Test error of the shared network − that of a set's own, paired by seed, by set, recipe and size."""
    tables = [
        part.found.compare(REGIME, task, BOTH, f"test_{task}_error", recipe).assign(data=part.setting(task))
        for recipe in RECIPES
        for task in TASKS
    ]
    return pd.concat(tables, ignore_index=True)


def _recipes(part: Part, task: str) -> pd.DataFrame:
    """Test error of the chosen config − that of the prescribed recipe, of the networks that were trained on a set."""
    paired = part.found.compare("recipe", PRESCRIBED, CHOSEN, f"test_{task}_error")
    return paired[paired[REGIME].isin([task, BOTH])]


def _drawings(part: Part, title: str, read: pd.DataFrame, sharing: pd.DataFrame) -> dict[str, Drawing]:
    note, recipes = part.found.note, {name: label for name, label in RECIPES.items() if name in set(read["recipe"])}
    apart = {f"{name}{end}": read[f"test_error{end}"].where(read["recipe"] == name)
             for name in recipes for end in ("", "_low", "_high")}  # fmt: skip
    error = draw_lines(
        read.assign(**apart).sort_values("recipe", kind="stable"),
        Words(f"{title}: test error of every network on both sets", IMAGES, "test error, %", note()),
        x=SIZE, columns=recipes, series=["network"], panels="data", percent=True, logarithmic=True,
    )  # fmt: skip
    drawn = {"test_error": Drawing(error, f"Test error of every network on both sets against {IMAGES}.")}
    if len(sharing):
        above = note("Above 0, sharing hurts; below, it helps.")
        words = Words(f"{title}: does sharing help?", IMAGES, "test error, shared − own, points", above)
        gaps = draw_gaps(sharing.replace(RECIPES), words, x=SIZE, series=["data"], panels="recipe", percent=True)
        drawn["sharing"] = Drawing(gaps, "Test error of one network for both sets minus that of a set's own.")
    curves = part.found.curves[part.found.curves["recipe"] == CHOSEN]
    networks = curves.groupby(SIZE)[REGIME].nunique()
    full = list(networks.index[networks == networks.max()])
    size = SMALL if SMALL in full else max(full)
    learning = draw_learning(
        _seen(part, curves[curves[SIZE] == size]),
        Words(f"{title}: learning curves with {size:,} images of each set", "epoch", "", note()),
        measures={"error": "error, %", "loss": "cross-entropy"}, splits={"val": "validation", "train": "training"},
        across="data", series=["network"],
    )  # fmt: skip
    return drawn | {
        "learning_curves": Drawing(learning, f"Learning curves of the chosen configs, {size:,} images a set.")
    }


def _verdict(part: Part, task: str, read: pd.DataFrame, sharing: pd.DataFrame) -> str:
    """What sharing does to one set, how well the network of the other reads it, and what the prescribed recipe does."""
    name, other = part.setting(task), part.setting(TASKS[task])
    read, sharing = read[read["field"] == task], sharing[sharing["data"] == name]
    errors = {(row["recipe"], row["network"], row[SIZE]): part.found.share(row, "test_error") for row in records(read)}
    chosen = sharing[sharing["recipe"] == CHOSEN]
    helped, repeated = (outcomes(rows, SIZE, *HELPED) for rows in (chosen, sharing.drop(index=chosen.index)))
    text = f"**{name}{part.where}**: sharing a network with {other} {helped or 'is not compared yet'}"
    text += f" {IMAGES}." if helped else "."
    for row in records(chosen):
        own, both = (errors[CHOSEN, network, row[SIZE]] for network in (OWN, SHARED))
        gap = points(row["difference"], row["low"], row["high"])
        text += f"\n- {row[SIZE]:,}: test error {own} alone, {both} shared; difference {gap}, n = {row['n']}"
        text += f" (standard error over test images {100 * row['image_se']:.1f})." if row["low"] < row["high"] else "."
    crossed = [f"{error} with {key[2]:,}" for key, error in errors.items() if key[:2] == (CHOSEN, OTHERS)]
    ends = listed(dict.fromkeys([*crossed[:1], *crossed[-1:]]))
    against = [f"{outcomes(rows, SIZE, *DIFFERS)} ({'shared' if regime == BOTH else 'alone'})"
               for regime, rows in _recipes(part, task).groupby(REGIME, sort=False)]  # fmt: skip
    images, spread = read["test_images"].max(), 100 * read["test_accuracy_image_se"].max()
    further = [
        f"The network of {other} alone reads it with a test error of {ends} images." if ends else "",
        f"With the prescribed recipe, sharing {repeated}." if repeated else "",
        f"Against the prescribed recipe, the chosen config's error {'; '.join(against)}." if against else "",
        f"With other images in place of these {images:,.0f}, one trained network's error varies by a standard error of"
        f" up to {spread:.1f} points." if spread > 0 else "",
    ]  # fmt: skip
    return f"{text}\n\n{' '.join(filter(None, further))}"
