"""A question that is read at its best validation epoch, for training that is not monotone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from analysis.numbers.results import Results
from analysis.numbers.seeds import by_seed
from analysis.selection import objective, winner
from common.files import unpack
from tests.support.driver import plan, trained_here
from tests.support.toy import SWEEP, Config, Hill
from trainables.artifacts.store import Store
from trainables.core.experiment import EvalSplit, Metrics
from trainables.core.loop import Loop, run
from trainables.core.task import Task
from trainables.data.sources import Sources

CONFIG = Config(seed=3, size=200, lr=0.003, epochs=6)


def loop(folder: Path | None, phase: str = "confirm", experiment: type[Hill] = Hill) -> Loop:
    task = Task(CONFIG, id="t", phase="confirm" if phase == "confirm" else "search")
    return Loop(experiment, task, Sources(), {}, folder=folder)


def best_of(trial: Loop) -> int:
    """Return the epoch with the highest validation accuracy, the first of several."""
    accuracies = [row["val_accuracy"] for row in trial.rows]
    return accuracies.index(max(accuracies)) + 1


def without_time(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_a_trial_ends_with_the_weights_of_its_best_epoch_and_opens_test_data_once_with_them(tmp_path: Path) -> None:
    trial = loop(tmp_path)
    outcome = trial.report(1e9)["outcome"]
    best = best_of(trial)
    assert 1 < best < 6, "it rises, and falls"
    assert outcome["facts"]["read_epoch"] == best
    assert outcome["test_openings"] == 1
    assert [row["epoch"] for row in trial.rows if "test_accuracy" in row] == [best]
    arrays = unpack((tmp_path / outcome["arrays"]).read_bytes())
    assert len(arrays["weight"]) == 6, "what is kept of each epoch is kept of those after the best one too"
    weight = trial.experiment.model[1].weight.detach()
    assert torch.equal(torch.from_numpy(arrays["weight"][best - 1]), weight)
    assert arrays["test_correct"].mean() == trial.rows[best - 1]["test_accuracy"]
    short = run(Hill, CONFIG, Sources(), Store(tmp_path), epochs=best)
    assert torch.equal(short.experiment.model[1].weight.detach(), weight)
    assert trial.rows[best - 1]["test_accuracy"] == short.experiment.evaluate("test")["accuracy"]


@pytest.mark.parametrize("kills", [(1,), (4, 5)])
def test_killed_and_resumed_it_ends_the_same_to_the_last_bit(tmp_path: Path, kills: tuple[int, ...]) -> None:
    whole = loop(tmp_path / "whole")
    kept = whole.report(1e9)["outcome"]
    for epochs in kills:
        killed = loop(tmp_path / "killed")
        while len(killed.rows) < epochs:
            killed.report(0)
    resumed = loop(tmp_path / "killed")
    assert len(resumed.rows) == kills[-1]
    again = resumed.report(1e9)["outcome"]
    assert without_time(resumed.rows) == without_time(whole.rows)
    assert (again["facts"], again["arrays_sha256"]) == (kept["facts"], kept["arrays_sha256"])


def test_where_test_data_is_opened_each_epoch_the_oracle_stays(tmp_path: Path) -> None:
    class Watched(Hill):
        test_every_epoch = True

    trial = loop(tmp_path, experiment=Watched)
    outcome = trial.report(1e9)["outcome"]
    assert all("test_accuracy" in row for row in trial.rows)
    assert outcome["test_openings"] == 7
    best = outcome["facts"]["read_epoch"]
    arrays = unpack((tmp_path / outcome["arrays"]).read_bytes())
    assert arrays["test_correct"].mean() == trial.rows[best - 1]["test_accuracy"] != trial.rows[-1]["test_accuracy"]


def test_schedulers_see_the_best_value_so_far_and_the_ledger_sees_each_epochs_own() -> None:
    trial = loop(None, "search")
    results = [trial.report(0) for _ in range(6)]
    rows = [row for result in results for row in json.loads(result["rows"])]
    own = [row["val_accuracy"] for row in rows]
    assert [result["val_accuracy"] for result in results] == [max(own[: n + 1]) for n in range(6)]
    assert own[-1] < max(own)


def test_a_row_that_was_reported_before_it_had_test_measures_is_reported_again() -> None:
    trial = loop(None)
    reported = [json.loads(trial.report(0)["rows"]) for _ in range(6)]
    best = best_of(trial)
    assert [row["epoch"] for row in reported[-1]] == [best, 6]
    assert "test_accuracy" in reported[-1][0]


def test_selection_and_tables_read_the_best_epoch(tmp_path: Path) -> None:
    sweep = replace(SWEEP, experiment=Hill, factors={"size": [200]}, search_seeds=1)
    asked = plan(tmp_path, "--samples", "2", "--seeds", "2", "--set", "epochs=6", sweep=sweep)
    with trained_here(asked, tmp_path) as ledger:
        epochs = ledger.epochs()
        best = epochs.groupby("trial")["val_accuracy"].max()
        assert ledger.read_epochs()["val_accuracy"].to_dict() == best.to_dict()
        choice = winner(ledger.trials(phase="search"), ledger.read_epochs(), objective("max val_accuracy"))
        assert choice is not None
        assert choice.score == best[ledger.trials(phase="search")["id"]].max()
        results = Results(ledger)
        seeds = by_seed(results)
        assert results.epoch_read == "best validation epoch"
        assert list(seeds["seed"]) == [1, 2]
        assert list(seeds["val_accuracy"]) == [best[trial] for trial in seeds["trial"]]
        for trial, accuracy in zip(seeds["trial"], seeds["test_accuracy"], strict=True):
            own = epochs[epochs["trial"] == trial]
            assert accuracy == own["test_accuracy"].dropna().item()
            assert results.arrays(trial)["test_correct"].mean() == accuracy


def test_another_selecting_metric_makes_other_trials_only_where_it_chooses_the_epoch(tmp_path: Path) -> None:
    ids = []
    for select in ("max val_accuracy", "min val_loss"):
        for experiment in (SWEEP.experiment, Hill):
            asked = plan(tmp_path, sweep=replace(SWEEP, experiment=experiment, select=select))
            condition = asked.conditions[0]
            ids.append(asked.task(condition, asked.draws_of(condition)[0], 1, "confirm").id)
    assert ids[0] == ids[2]
    assert ids[1] != ids[3]


class Blank(Hill):
    """Hill without the measure that would choose its epoch."""

    measures = tuple(replace(measure, optional=True, error=None, images=None) for measure in Hill.measures)

    def evaluate(self, split: EvalSplit) -> Metrics:
        metrics = super().evaluate(split)
        return {"loss": metrics["loss"]} if split == "validation" else metrics


def test_where_nothing_chooses_an_epoch_the_last_one_is_read_and_test_data_opened_once(tmp_path: Path) -> None:
    trial = loop(tmp_path, experiment=Blank)
    outcome = trial.report(1e9)["outcome"]
    assert outcome["status"] == "done"
    assert outcome["test_openings"] == 1
    assert "read_epoch" not in outcome["facts"]
    assert [row["epoch"] for row in trial.rows if "test_accuracy" in row] == [6]
    assert loop(None, "search", Blank).report(1e9)["outcome"]["test_openings"] == 0
