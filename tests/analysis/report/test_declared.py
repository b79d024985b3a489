"""An answer about any measure: its columns, headings, units, decimals and words come from the declaration."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from analysis.figures.lines import draw_lines
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.ledger import Ledger, Outcome
from analysis.numbers.intervals import image_standard_error, t_interval
from analysis.numbers.results import records
from analysis.report.answer import Answer
from analysis.report.make import make_answer
from analysis.report.terminal import show
from analysis.words import Block, Bullets, text
from sweeps.engine.agenda import Agenda
from sweeps.engine.recorded import recorded
from tests.support.driver import plan
from tests.support.synthetic import Measured, as_question, fill_question, records_of
from tests.support.synthetic import told as told_of
from tests.support.toy import SWEEP, Distance, Toy
from trainables.core.loop import Loop
from trainables.core.measures import Measure, accuracy, loss, plain
from trainables.core.task import Task
from trainables.data.sources import Sources

SEEDS = (1, 2, 3)
L1 = plain("l1", better="min", label="L1", unit="px", low=0, decimals=2, images=True)
SCORES = {8: 3.0, 16: 1.0}
"""The made-up mean of each width."""


def answer(part: Findings) -> Draft:
    """Draw and tell the measure by which configs are chosen, whatever it is."""
    results = part.results
    name = f"{results.splits[-1]}_{results.compared.name}"
    words = Words("Widths", "width", part.axis(name), part.note())
    figure = partial(
        draw_lines, part.chosen, words, x="width", columns={name: "chosen"}, percent=part.is_share(name)
    )  # fmt: skip
    items = [text("{}: {}", row["width"], part.level(row, name)) for row in records(part.chosen)]
    items += [(part.difference(row),) for row in records(part.differences)]
    verdict: list[Block] = [Bullets(tuple(items))]
    return Draft("Widths", verdict, {"widths": Drawing(figure, "By width.")}, counted="Sizes count images")


def values(config: Mapping[str, Any]) -> np.ndarray:
    """Return a made-up L1 of each of 50 test images."""
    draw = np.random.default_rng(config["seed"])
    level = SCORES[config["width"]] * (1 + 0.8 * (config["seed"] == 2)) * config["lr"] / 0.1
    return level * draw.gamma(4, 0.25, 50)


def distance(config: dict[str, Any], phase: str) -> Measured:
    """A trial that measures an L1 and counts no labels."""
    scores = values(config)
    rows = [{"steps": 1.0, "val_l1": 2 * float(scores.mean())}, {"steps": 2.0, "val_l1": float(scores.mean())}]
    if phase == "confirm":
        rows[-1]["test_l1"] = float(scores.mean())
    return Measured(rows, {}, {"test_l1_scores": scores} if phase == "confirm" else {})


def answered(
    folder: Path, monkeypatch: pytest.MonkeyPatch, measures: Sequence[Measure], made: Any = distance, **changed: Any
) -> Answer:
    as_question("widths", answer, ["width"], monkeypatch)
    fill_question(
        folder, "widths", made, factors={"width": [8, 16]}, draws=[{"lr": 0.1}, {"lr": 0.2}],
        settings={"data": "digits"}, measures=records_of(*measures), confirm_seeds=SEEDS, search_seeds=[0, 10_001],
        **{"select": "min val_l1", "oracle": False, **changed},
    )  # fmt: skip
    return make_answer(folder, "widths", formats=())


def test_a_distance_has_its_unit_decimals_and_positive_intervals_and_an_image_se(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = answered(tmp_path, monkeypatch, [L1])
    row = made.best.iloc[0]
    means = [float(values({"width": 8, "lr": 0.1, "seed": seed}).mean()) for seed in SEEDS]
    assert row["test_l1"] == pytest.approx(np.mean(means))
    assert 0 < row["test_l1_low"] < row["test_l1"] < row["test_l1_high"]
    assert t_interval(means).low < 0, "the plain interval would reach below 0"
    each = np.stack([values({"width": 8, "lr": 0.1, "seed": seed}) for seed in SEEDS])
    assert row["test_l1_image_se"] == pytest.approx(image_standard_error(each))
    assert row["test_l1_high"] > row["test_l1_high_these"] > row["test_l1"]
    told = made.table.iloc[0]
    assert told["test L1, px [95 %]"] == f"{row['test_l1']:.2f} [{row['test_l1_low']:.2f}, {row['test_l1_high']:.2f}]"
    assert told["validation L1, px"] == f"{row['val_l1']:.2f}"
    assert told["these images [95 %]"] == f"[{row['test_l1_low_these']:.2f}, {row['test_l1_high_these']:.2f}]"
    level, _, gap = made.claims
    assert level.text.startswith(f"{row['test_l1']:.2f} px [")
    scores = {width: [values({"width": width, "lr": 0.1, "seed": s}) for s in SEEDS] for width in (8, 16)}
    paired = np.stack([b - a for a, b in zip(scores[8], scores[16], strict=True)])
    assert made.differences["image_se"][0] == pytest.approx(image_standard_error(paired))
    assert gap.text.startswith(f"−{-gap.estimate:.2f} px [")
    assert "over test images" in made.text
    assert told_of(tmp_path, "widths").drawings["widths"].draw().axes[0].get_ylabel() == "test L1, px"


def test_what_nobody_measured_or_counted_has_no_column_and_no_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = answered(tmp_path, monkeypatch, [replace(L1, images=None, strata=None)])
    tables = {path.name: set(pd.read_csv(path)) for path in (tmp_path / "tables").glob("*.csv")}
    for name, columns in tables.items():
        unfilled = [c for c in columns if any(word in c for word in ("label", "image", "oracle", "error", "accuracy"))]
        assert not unfilled, f"{name} has {unfilled}"
    page = (tmp_path / "answer.md").read_text()
    for word in ("oracle", "image SE", "labels", "other images", "points", "accuracy"):
        assert word not in page, word
    assert "Sizes count images." in page
    stream = io.StringIO()
    show(made, Console(width=100, file=stream))
    said = stream.getvalue()
    assert "best epoch: val. within 1 % of the range" in said
    assert "val. px" in made.brief.table
    for word in ("oracle", "label", "test images"):
        assert word not in said, word


def test_a_reconstruction_error_is_a_number_and_its_decimals_are_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reconstructed(config: dict[str, Any], phase: str) -> Measured:
        level = 3.2 + config["width"] / 10 + config["seed"] % 7 / 100
        found = {"reconstruction_error": level, "psnr": -level}
        prefixes = ("val", "test") if phase == "confirm" else ("val",)
        return Measured([{f"{p}_{k}": v for p in prefixes for k, v in found.items()} | {"steps": 1.0}], {}, {})

    measures = [
        plain("reconstruction_error", better="min", low=0),
        plain("psnr", better="max", label="PSNR", unit="dB"),
    ]
    made = answered(
        tmp_path, monkeypatch, measures, reconstructed, select="min val_reconstruction_error", report=["psnr"]
    )
    told = made.table.iloc[0]
    assert told["test reconstruction error [95 %]"].startswith("4.02 [")
    assert told["test PSNR, dB [95 %]"].startswith("−4.02 [−4.0")
    assert not [name for name in made.table if "%" in str(name).replace("[95 %]", "")]


def right(config: dict[str, Any], phase: str) -> Measured:
    """A trial that reports an accuracy, whose error selects."""
    correct = np.random.default_rng(config["seed"]).random(400) < 0.5 + config["width"] / 50 - config["lr"]
    value = float(correct.mean())
    row = {"steps": 1.0, "val_accuracy": value} | ({"test_accuracy": value} if phase == "confirm" else {})
    return Measured([row], {"test_labels": 400}, {"test_correct": correct} if phase == "confirm" else {})


def test_the_error_of_an_accuracy_selects_and_stands_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_error = answered(tmp_path / "e", monkeypatch, [accuracy()], right, select="min val_error", oracle=True)
    by_accuracy = answered(tmp_path / "a", monkeypatch, [accuracy()], right, select="max val_accuracy", oracle=True)
    a, b = by_error.best, by_accuracy.best
    assert list(a["lr"]) == list(b["lr"]) == [0.1, 0.1]
    assert a["search_error"].tolist() == pytest.approx((1 - b["search_accuracy"]).tolist())
    for name in ("test_accuracy", "test_accuracy_low", "test_error", "test_error_high", "oracle_error"):
        assert a[name].tolist() == b[name].tolist(), name
    assert a["test_error_image_se"].tolist() == b["test_accuracy_image_se"].tolist()
    assert a["test_error_sd"].tolist() == pytest.approx(b["test_accuracy_sd"].tolist())
    told = [str(name) for name in by_error.table]
    assert "test error, % [95 %]" in told
    assert "validation error, %" in told
    assert not [name for name in told if "accuracy" in name]
    assert by_error.differences.equals(by_accuracy.differences)
    assert {"val_error", "val_accuracy"} <= {*pd.read_csv(tmp_path / "e" / "tables" / "search.csv")}
    level = by_error.claims[0].text
    assert level.startswith(f"{100 * a['test_error'][0]:.1f} % [")


def test_a_ledger_that_declares_nothing_is_read_by_the_ends_of_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def both(config: dict[str, Any], phase: str) -> Measured:
        made = right(config, phase)
        return made._replace(rows=[{**row, "train_loss": 0.5, "val_loss": 1.5} for row in made.rows])

    told = {"select": "max val_accuracy", "oracle": True}
    declared = answered(tmp_path / "d", monkeypatch, [accuracy(), loss(low=None)], both, **told)
    older = answered(tmp_path / "o", monkeypatch, [], both, **told)
    pd.testing.assert_frame_equal(declared.table, older.table)
    for path in sorted((tmp_path / "d" / "tables").glob("*.csv")):
        assert path.read_text() == (tmp_path / "o" / "tables" / path.name).read_text(), path.name


def run_here(folder: Path, experiment: type[Toy], select: str) -> None:
    """Run a toy sweep in this process, as workers and the engine do, without Ray."""
    sweep = replace(SWEEP, experiment=experiment, factors={"size": [20, 200]}, select=select, search_seeds=1)
    asked = plan(folder, "--samples", "2", "--seeds", "3", "--set", "epochs=3", sweep=sweep)
    with Ledger(folder) as ledger:
        run = ledger.begin_run(command="toy", plan=recorded(asked), environment={})
        agenda = Agenda(asked, ledger)
        while isinstance(task := agenda.next(), Task):
            ledger.start(task, worker=None, hardware="cpu")
            result = Loop(experiment, task, Sources(), {}, folder=folder).report(1e9)
            ledger.add_epochs(task.id, json.loads(result["rows"]))
            ledger.finish(task.id, Outcome(**result["outcome"]))
            agenda.on_finished(task)
        ledger.end_run(run, outcome="complete", shared_seconds=0.0, slots=1)


@pytest.mark.parametrize(
    ("experiment", "select", "heading"),
    [
        (Distance, "min val_l1", "test l1, px [95 %]"),
        (Distance, "max val_agreement", "test agreement [95 %]"),
        (Toy, "min val_error", "test error, % [95 %]"),
        (Toy, "min val_loss", "test loss [95 %]"),
    ],
)
def test_from_training_to_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, experiment: type[Toy], select: str, heading: str
) -> None:
    run_here(tmp_path, experiment, select)

    def by_size(part: Findings) -> Draft:
        name = f"test_{part.results.compared.name}"
        return Draft("Sizes", [Bullets(tuple((part.level(row, name),) for row in records(part.chosen)))])

    as_question("toy", by_size, ["size"], monkeypatch)
    made = make_answer(tmp_path, "toy", formats=())
    assert heading in made.table
    name = f"test_{select.removeprefix('min val_').removeprefix('max val_')}"
    best = made.best
    assert (best["n"] == 3).all()
    assert ((best[f"{name}_low"] < best[name]) & (best[name] < best[f"{name}_high"])).all()
    if experiment is Distance:
        assert (best["test_l1_low"] > 0).all()
        assert (best["test_agreement_high"] < 1).all()
        assert (best["test_l1_image_se"] > 0).all()
        assert "test_agreement_image_se" not in best
