"""A made-up ledger of `transfer_sizes`, written through the Ledger's own API, with the numbers of a plausible sweep."""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from analysis.findings import Draft, Findings
from analysis.ledger import Ledger, Outcome, Status
from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.numbers.tables import best_config
from analysis.plan_record import DataSetRecord, Fingerprints, MeasureRecord, PlanRecord
from analysis.report import make
from analysis.report.answer import Answer
from analysis.report.join import Joined, joined
from analysis.report.make import gathered
from analysis.report.markup import blocks_to_markdown
from analysis.selection import best_draws, goal_of, objective
from analysis.words import Block, Claim, Difference, claims_of
from common.canonical import canonical
from common.files import pack
from tests.support.entry import Entry
from trainables.core.measures import Measure, accuracy, loss

BACKBONES = ("squeezenet1_1", "resnet18")
SIZES = (100, 300, 500, 700, 900)
SEARCH_SEEDS = (0, 10_001)
CONFIRM_SEEDS = (1, 2, 3, 4, 5)
DRAWS = (
    {"lr": 0.001, "epochs": 20, "weight_decay": 0.01, "batch_size": 32},
    {"lr": 0.01, "epochs": 20, "weight_decay": 0.0001, "batch_size": 16},
    {"lr": 0.0273456, "epochs": 50, "weight_decay": 0.1, "batch_size": 64},
)
SETTINGS = {"data": "digits", "precision": "bf16", "pool": None, "validation": None}
IMAGES = 500
GOLDEN = Path(__file__).resolve().parent.parent / "analysis" / "golden"


@functools.cache
def declared(question: str) -> dict[str, Any]:
    """Return a question's measures and titles as a plan records them; a made-up one has an accuracy and a loss."""
    if find_spec(f"trainables.{question}") is None:
        return {"measures": records_of(accuracy(), loss())}
    module = importlib.import_module(f"trainables.{question}")
    own = [kind for kind in vars(module).values() if getattr(kind, "__module__", "") == module.__name__]
    (measures,) = (kind.measures for kind in own if hasattr(kind, "measures"))
    titles = {name: field.title for name, field in module.Config.model_fields.items() if field.title is not None}
    return {"measures": records_of(*measures), "titles": titles}


def records_of(*measures: Measure) -> tuple[MeasureRecord, ...]:
    """Return measures as a plan records them."""
    return tuple(MeasureRecord.model_validate(asdict(measure)) for measure in measures)


def plan(**changed: Any) -> PlanRecord:
    """Return a run's plan, as the engine records it; `changed` replaces fields.

    `search_trials` may be one number for all conditions, `draws` one list, and `space` one mapping. Data sets are
    named by `data` alone.
    """
    fields: dict[str, Any] = {
        "question": "transfer_sizes",
        "factors": {"backbone": list(BACKBONES), "train_size": list(SIZES)},
        "hyperparameters": ["lr", "epochs", "weight_decay", "batch_size"],
        "select": "max val_accuracy",
        "report": [],
        "oracle": True,
        "data_fields": ["data"],
        "search": "random",
        "scheduler": "none",
        "space": {},
        "draws": None,
        "search_trials": len(DRAWS) * len(SEARCH_SEEDS),
        "finalists": 0,
        "search_seeds": SEARCH_SEEDS,
        "confirm_seeds": CONFIRM_SEEDS,
        "extra_seeds": [],
        "prescribed": False,
        "confirm": True,
        "data": [data_set("digits")],
    } | changed
    fields = declared(fields["question"]) | fields
    factors: dict[str, Any] = fields["factors"]
    keys = fields.setdefault(
        "conditions",
        [condition(b, s) for b in factors.get("backbone", []) for s in factors.get("train_size", [])],
    )
    fields.setdefault("fingerprints", fingerprints(*keys))
    if isinstance(fields["search_trials"], int):
        fields["search_trials"] = dict.fromkeys(keys, fields["search_trials"])
    if not fields["space"].keys() & {*keys}:
        fields["space"] = dict.fromkeys(keys, fields["space"])
    if isinstance(fields["draws"], list):
        fields["draws"] = dict.fromkeys(keys, fields["draws"])
    return PlanRecord.model_validate(fields)


def data_set(name: str, **changed: Any) -> DataSetRecord:
    """Return a data set as a plan records it; `changed` replaces fields."""
    fields: dict[str, Any] = {"builtin": True, "origin": "made up", "made_from": (), "classes": ()}
    return DataSetRecord(name=name, **{**fields, **changed})


def fingerprints(*conditions: str, content: str = "d0") -> dict[str, Fingerprints]:
    """Return what a plan records of the data and weights that the conditions' trials depend on."""
    return {key: Fingerprints(search=content, confirm=content) for key in conditions}


def condition(backbone: str, size: int, **changed: Any) -> str:
    return canonical({"backbone": backbone, "train_size": size, **SETTINGS, **changed})


def begin(ledger: Ledger, **changed: Any) -> int:
    environment = {"commit": "0123abc", "versions": {"python": "3.11"}, "hardware": {"processor": "made up"}}
    command = "python sweeps/transfer_sizes.py --builtin"
    return ledger.begin_run(command=command, plan=plan(**changed), environment=environment)


def accuracies(backbone: str, size: int, lr: float, epochs: int, seed: int, *names: Any) -> np.ndarray:
    """Return accuracies [epochs] of a made-up trial, rising exponentially to a ceiling set by size and lr."""
    draw = np.random.default_rng(abs(hash_of(backbone, size, lr, seed, *names)))
    ceiling = 1 - 1.6 * size**-0.55 * (1.25 if backbone == "resnet18" else 1) - 0.02 * math.log10(lr / 0.01) ** 2
    rate = 0.09 * (lr / 0.01) ** 0.5
    levels = ceiling - (ceiling - 0.15) * np.exp(-rate * np.arange(1, epochs + 1))
    noise = draw.normal(0, 0.006, epochs) + draw.normal(0, 0.008)
    return np.clip(levels + noise, 0, 1)


def hash_of(*names: Any) -> int:
    return int.from_bytes(hashlib.sha256(repr(names).encode()).digest()[:8], "big")


def add_trial(
    ledger: Ledger, key: str, values: Mapping[str, Any], draw: int, seed: int, phase: Any = "search", *,
    status: Status = "done", prescribed: bool = False, accuracy: Sequence[float] | None = None,
    hardware: str = "cpu", data_fingerprint: str = "d0", test: Sequence[float] | None = None,
    images: int = IMAGES,
) -> str:  # fmt: skip
    """Add a trial; `accuracy` (validation, by epoch) and `test` replace made-up values. Returns its id."""
    settings = json.loads(key)
    config = {**settings, **values, "seed": seed}
    if status == "running":
        return record(ledger, "transfer_sizes", key, config, draw, phase, None, prescribed=prescribed,
                      hardware=hardware, data_fingerprint=data_fingerprint)  # fmt: skip
    args = (settings["backbone"], settings["train_size"], values["lr"], values["epochs"], seed)
    validation = list(accuracies(*args, phase) if accuracy is None else accuracy)
    tested = list(accuracies(*args, "test") if test is None else test) if phase == "confirm" else []
    steps = math.ceil(settings["train_size"] / values["batch_size"])
    rows = []
    for i, value in enumerate(validation):
        row = {"steps": steps * (i + 1.0), "seconds": 0.01 * (i + 1), "val_accuracy": value,
               "val_loss": 2 * (1 - value), "train_accuracy": 1 - (1 - value) / 3}  # fmt: skip
        rows.append(row | ({"test_accuracy": tested[i], "test_loss": 2 * (1 - tested[i])} if tested else {}))
    if status == "diverged":
        rows[-1]["val_loss"] = math.nan
    facts = {"head": "linear 512→10 on globally pooled features", "train_labels": settings["train_size"],
             "validation_labels": 300}  # fmt: skip
    arrays = {}
    if tested and status == "done":
        facts["test_labels"] = images
        arrays["test_correct"] = read_right(round(tested[-1] * images), images, seed)
    return record(ledger, "transfer_sizes", key, config, draw, phase, Measured(rows, facts, arrays, status),
                  prescribed=prescribed, hardware=hardware, data_fingerprint=data_fingerprint)  # fmt: skip


def read_right(right: int, images: int, seed: int) -> np.ndarray:
    """Return which of `images` a network reads right (bool): the easy ones, about which seeds disagree a little."""
    difficulty = np.random.default_rng(7).random(images) + 0.3 * np.random.default_rng(seed).random(images)
    correct: np.ndarray = difficulty.argsort().argsort() < right
    return correct


class Measured(NamedTuple):
    """The outcome of a made-up trial."""

    rows: Sequence[Mapping[str, float]]
    """Metrics, an epoch a row: `steps`, `train_…`, `val_…`, and `test_…` where test data is opened."""
    facts: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]
    status: Status = "done"


def record(
    ledger: Ledger, question: str, key: str, config: Mapping[str, Any], draw: int, phase: Any,
    measured: Measured | None, *, prescribed: bool = False, hardware: str = "cpu", data_fingerprint: str = "d0",
) -> str:  # fmt: skip
    """Add a trial of any question, still running if nothing was measured. Returns its id."""
    trial = hashlib.sha256(canonical([phase, key, config, data_fingerprint]).encode()).hexdigest()
    entry = Entry(trial, question, phase, key, draw, prescribed, config, config["seed"],
                  config.get("precision", "fp32"), data_fingerprint, "c0")  # fmt: skip
    ledger.start(entry, worker="1@here", hardware=hardware)
    if measured is None:
        ledger.commit()
        return trial
    rows, facts, arrays, status = measured
    ledger.add_epochs(trial, [{"epoch": i, "seconds": 0.01 * i, **row} for i, row in enumerate(rows, 1)])
    name, digest = save_arrays(ledger.folder, trial, **arrays) if arrays else (None, None)
    openings = sum(any(metric.startswith("test_") for metric in row) for row in rows)
    error = "boom" if status == "failed" else None
    ledger.finish(trial, Outcome(status, 0.01 * len(rows), facts, error, openings, name, digest))
    return trial


def fill_question(
    folder: Path, question: str, measure: Callable[[dict[str, Any], str], Measured | None], *,
    factors: Mapping[str, Sequence[Any]], draws: Sequence[Mapping[str, Any]], settings: Mapping[str, Any],
    search_seeds: Sequence[int] = SEARCH_SEEDS, confirm_seeds: Sequence[int] = CONFIRM_SEEDS,
    prescribed: bool = False, also: Sequence[Mapping[str, Any]] = (), **changed: Any,
) -> None:  # fmt: skip
    """Fill a ledger with a sweep of any question: draws searched, the best, the prescribed and `also` others confirmed.

    `measure(config, phase)` makes a trial up; None: it was never begun. A confirmed trial has `test_…` metrics, in the
    last row at least. The first of `draws` is the prescribed config, if there is one. `changed` goes into the plan.
    """
    keys = [canonical({**settings, **dict(zip(factors, v, strict=True))}) for v in product(*factors.values())]
    recorded = {
        "question": question, "factors": {k: list(v) for k, v in factors.items()}, "hyperparameters": list(draws[0]),
        "search_trials": len(draws) * len(search_seeds), "search_seeds": list(search_seeds),
        "confirm_seeds": list(confirm_seeds), "prescribed": prescribed, "conditions": keys,
        "draws": [dict(draw) for draw in draws],
    } | changed  # fmt: skip
    with Ledger(folder) as ledger:
        run = begin(ledger, **recorded)

        def try_all(recipes: Sequence[Mapping[str, Any]], seeds: Sequence[int], phase: str) -> None:
            for recipe, seed in product(recipes, seeds):
                config = {**json.loads(key), **recipe, "seed": seed}
                own = prescribed and draws[0].items() <= config.items()
                if (measured := measure(config, phase)) is not None:
                    record(ledger, question, key, config, int(not own), phase, measured, prescribed=own)

        for key in keys:
            try_all(draws, search_seeds, "search")
            rows = ledger.trials(condition=key)
            best = [json.loads(text) for text in best_draws(rows, ledger.last_epochs(), goal_of(plan(**recorded)), 1)]
            further = [draws[0]] if prescribed and not (best and draws[0].items() <= best[0].items()) else []
            try_all([*best, *further, *also], confirm_seeds, "confirm")
        ledger.end_run(run, outcome="complete", shared_seconds=1.5, slots=2)


def save_arrays(folder: Path, trial: str, **arrays: np.ndarray) -> tuple[str, str]:
    """Store a trial's arrays beside the ledger; returns their file's name and SHA-256."""
    content, name = pack(arrays), f"arrays/{trial[:32]}.npz"
    (folder / "arrays").mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return name, hashlib.sha256(content).hexdigest()


def fill(
    folder: Path, *, backbones: Sequence[str] = BACKBONES, sizes: Sequence[int] = SIZES, confirm: bool = True
) -> None:
    """Fill a ledger with a finished sweep: every draw searched in every condition, and the best confirmed."""
    with Ledger(folder) as ledger:
        run = begin(ledger, factors={"backbone": list(backbones), "train_size": list(sizes)})
        for backbone in backbones:
            for size in sizes:
                key = condition(backbone, size)
                for draw, values in enumerate(DRAWS, 1):
                    for seed in SEARCH_SEEDS:
                        add_trial(ledger, key, values, draw, seed)
                if confirm:
                    rows = ledger.trials(condition=key)
                    best = json.loads(best_draws(rows, ledger.last_epochs(), objective("max val_accuracy"), 1)[0])
                    draw, values = next((i, v) for i, v in enumerate(DRAWS, 1) if v.items() <= best.items())
                    for seed in CONFIRM_SEEDS:
                        add_trial(ledger, key, values, draw, seed, "confirm")
        ledger.end_run(run, outcome="complete", shared_seconds=1.5, slots=2)


KEY = condition("squeezenet1_1", 100)
TESTED = (0.80, 0.82, 0.84, 0.86, 0.90)
FACTORS = {"backbone": ["squeezenet1_1"], "train_size": [100]}


def small(
    folder: Path, *, tested: Sequence[float] = TESTED, key: str = KEY, statuses: Sequence[Any] = ("done",) * 5,
    run: bool = True, **changed: Any,
) -> None:  # fmt: skip
    """Add one condition: two draws on one search seed, the second of which wins and is confirmed."""
    with Ledger(folder) as ledger:
        if run:
            begin(ledger, **{"factors": FACTORS, "search_trials": 2, "search_seeds": [0]} | changed)
        add_trial(ledger, key, DRAWS[0], 1, 0, accuracy=[0.5, 0.5])
        add_trial(ledger, key, DRAWS[1], 2, 0, accuracy=[0.5, 0.75])
        for seed, last, status in zip(CONFIRM_SEEDS, tested, statuses, strict=False):
            add_trial(
                ledger, key, DRAWS[1], 2, seed, "confirm", status=status,
                accuracy=[0.3, 0.7, last, last - 0.02], test=[0.2, 0.6, last + 0.03, last],
            )  # fmt: skip


@contextmanager
def findings(folder: Path) -> Iterator[Findings]:
    """Yield all of a ledger as findings; their arrays can be read while the ledger is open."""
    with Ledger(folder, readonly=True) as ledger:
        yield gathered(ledger)


def tables(folder: Path) -> tuple[Results, pd.DataFrame, pd.DataFrame]:
    """Return what a ledger holds, a row for each reported seed, and the best-config table."""
    with Ledger(folder, readonly=True) as ledger:
        results = Results(ledger)
        seeds = by_seed(results)
        return results, seeds, best_config(results, seeds)


def told(folder: Path, question: str) -> Joined:
    """Return what a question's file says of a ledger, before it is written."""
    with findings(folder) as found:
        return joined(found, importlib.import_module(f"analysis.{question}"))


def claims(verdict: Sequence[Block], metric: str, **where: Any) -> list[Claim]:
    """Return the claims about levels of a metric, of conditions that have these values."""
    found = [claim for claim in claims_of(verdict) if claim.metric == metric and where.items() <= claim.where.items()]
    return [claim for claim in found if not isinstance(claim, Difference)]


def gaps(verdict: Sequence[Block], before: Any, after: Any, **where: Any) -> list[Difference]:
    """Return the claims about differences between two values of a factor, elsewhere with these values."""
    found = [claim for claim in claims_of(verdict) if isinstance(claim, Difference)]
    return [gap for gap in found if (gap.before, gap.after) == (before, after) and where.items() <= gap.where.items()]


def markdown(made: Joined | Answer) -> str:
    """Return a verdict with its terms as Markdown, as a golden text holds it."""
    return blocks_to_markdown([*made.verdict, *made.terms]) + "\n"


def golden(question: str) -> str:
    """Return the text that is kept of a question's verdict on the complete made-up ledger of its tests."""
    return (GOLDEN / f"{question}.md").read_text()


def as_question(
    name: str, answer: Callable[[Findings], Draft], compared: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make `answer` the question file of that name, which compares these factors."""
    module = types.ModuleType(f"analysis.{name}")
    module.answer = answer  # type: ignore[attr-defined]
    module.COMPARED = compared  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


def answer_by(answer: Callable[[Findings], Draft], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Return the answer that `answer` gives to `widths`, a small ledger without test data, selected by a loss."""
    as_question("widths", answer, ["width"], monkeypatch)
    key = '{"backbone":"none","data":"digits","precision":"fp32","train_size":1,"width":%d}'
    with Ledger(folder) as ledger:
        begin(ledger, question="widths", factors={"width": [8, 16]}, hyperparameters=["lr"], select="min val_loss",
              confirm=False, confirm_seeds=[], search_trials=2, conditions=[key % 8, key % 16])  # fmt: skip
        for width in (8, 16):
            for seed in (0, 10_001):
                add_trial(ledger, key % width, DRAWS[0], 1, seed)
    return make.make_answer(folder, "widths", formats=("png",))
