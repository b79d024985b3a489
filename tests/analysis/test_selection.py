"""Selection follows its rule, looks at validation alone, and is the same for the engine and for the tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.ledger import Ledger, Status
from analysis.selection import best_draws, chosen, drawn, goal_of, objective, ranked, winner
from tests.support.synthetic import CONFIRM_SEEDS, DRAWS, add_trial, condition, fill, plan

KEY = condition("squeezenet1_1", 100)
SELECT = objective("max val_accuracy")
ACCURACY = {"name": "accuracy", "better": "max", "error": {"name": "error", "better": "min"}}
Tables = tuple[pd.DataFrame, pd.DataFrame]


def searched(folder: Path, *draws: Sequence[tuple[float, Status]]) -> Tables:
    """A condition in which draw i was searched on seeds 0, 1, …, with (last validation accuracy, status)."""
    with Ledger(folder) as ledger:
        for i, outcomes in enumerate(draws):
            for seed, (value, status) in enumerate(outcomes):
                add_trial(ledger, KEY, DRAWS[i], i + 1, seed, status=status, accuracy=[0.99, value])
        return ledger.trials(), ledger.last_epochs()


def picked(tables: Tables, n: int = 9) -> list[float]:
    """Learning rates of the best draws."""
    return [json.loads(text)["lr"] for text in best_draws(*tables, SELECT, n)]


LR = [draw["lr"] for draw in DRAWS]


def test_the_mean_over_seeds_at_the_last_epoch_decides(tmp_path: Path) -> None:
    tables = searched(tmp_path, [(0.9, "done"), (0.5, "done")], [(0.8, "done"), (0.8, "done")])
    assert picked(tables) == [LR[1], LR[0]]
    best = winner(*tables, SELECT)
    assert best is not None
    assert (best.draw, best.score, best.seeds, best.prescribed) == (2, 0.8, 2, False)
    assert "seed" not in json.loads(best.config)


def test_a_diverged_or_collapsed_seed_ranks_last_but_stays(tmp_path: Path) -> None:
    tables = searched(tmp_path, [(0.9, "done"), (0.9, "diverged")], [(0.2, "done"), (0.2, "done")])
    assert picked(tables) == [LR[1], LR[0]]
    assert np.isnan(ranked(*tables, SELECT)[1].score)


def test_finalists_that_run_on_further_seeds_are_not_behind_those_that_do_not(tmp_path: Path) -> None:
    """Interrupted then, the partial answer names the best so far, not the best of those that are no finalists."""
    tables = searched(tmp_path, [(0.9, "done"), (0.0, "running")], [(0.8, "done"), (0.0, "running")], [(0.7, "done")])
    assert picked(tables) == LR[:3]


@pytest.mark.parametrize("status", ["failed", "oom", "stopped", "running"])
def test_a_seed_without_an_outcome_makes_no_candidate(tmp_path: Path, status: Status) -> None:
    tables = searched(tmp_path, [(0.9, "done"), (0.9, status)], [(0.2, "done"), (0.2, "done")])
    assert picked(tables) == [LR[1]]


def test_only_draws_on_the_most_seeds_are_compared(tmp_path: Path) -> None:
    tables = searched(tmp_path, [(0.9, "done")], [(0.2, "done"), (0.2, "done")])
    assert picked(tables) == [LR[1]]
    assert [json.loads(r)["lr"] for r in best_draws(*tables, SELECT, 9, seeds=[0])] == [LR[0], LR[1]]


def test_ties_go_to_the_smaller_json_whatever_the_order(tmp_path: Path) -> None:
    trials, last = searched(tmp_path, *([[(0.5, "done")]] * 3))
    expected = sorted(best_draws(trials, last, SELECT, 9))
    for seed in range(5):
        assert best_draws(trials.sample(frac=1, random_state=seed), last, SELECT, 9) == expected


def test_nothing_to_choose_from(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert winner(ledger.trials(), ledger.last_epochs(), SELECT) is None
        assert chosen(ledger.trials(), ledger.last_epochs(), plan()).empty
    assert winner(*searched(tmp_path, [(0.5, "failed")]), SELECT) is None


def test_lower_is_better_where_the_plan_says_so(tmp_path: Path) -> None:
    trials, last = searched(tmp_path, [(0.9, "done")], [(0.2, "done")])
    assert json.loads(best_draws(trials, last, objective("min val_accuracy"), 1)[0])["lr"] == LR[1]


def test_the_least_error_is_the_greatest_accuracy(tmp_path: Path) -> None:
    trials, last = searched(tmp_path, [(0.2, "done")], [(0.9, "done")])
    goal = goal_of(plan(select="min val_error", measures=[ACCURACY]))
    assert goal == objective("max val_accuracy")
    assert json.loads(best_draws(trials, last, goal, 1)[0])["lr"] == LR[1]


def test_test_data_and_confirm_trials_change_nothing(tmp_path: Path) -> None:
    fill(tmp_path, backbones=["squeezenet1_1"], sizes=[100, 300])
    with Ledger(tmp_path) as ledger:
        trials, last = ledger.trials(), ledger.last_epochs()
    expected = chosen(trials, last, plan())
    assert len(expected) == 2
    poisoned = last.copy()
    poisoned[["test_accuracy", "test_loss"]] = np.random.default_rng(0).normal(size=(len(last), 2))
    poisoned.loc[trials.loc[trials["phase"] == "confirm", "id"], "val_accuracy"] = 2.0
    pd.testing.assert_frame_equal(chosen(trials, poisoned, plan()), expected)
    blind = last.drop(columns=["test_accuracy", "test_loss"])
    pd.testing.assert_frame_equal(chosen(trials[trials["phase"] == "search"], blind, plan()), expected)


def test_the_engine_and_the_tables_choose_alike(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300], confirm=False)
    with Ledger(tmp_path) as ledger:
        trials, last = ledger.trials(), ledger.last_epochs()
    for row in chosen(trials, last, plan()).to_dict("records"):
        own = trials[trials["condition_key"] == row["condition_key"]]
        assert best_draws(own, last, SELECT, 1) == [row["config"]]


def test_search_seeds_and_draws_of_the_plan_hold(tmp_path: Path) -> None:
    trials, last = searched(tmp_path, [(0.9, "done")], [(0.2, "done"), (0.2, "done")])
    assert chosen(trials, last, plan(search_seeds=[0]))["draw"].tolist() == [1]
    assert chosen(trials, last, plan(search_seeds=list(CONFIRM_SEEDS[5:])))["draw"].tolist() == [2]
    assert chosen(trials, last, plan(search_seeds=[0], draws=[DRAWS[1]]))["draw"].tolist() == [2]


@pytest.mark.parametrize(
    ("space", "kept"),
    [
        ({}, [1, 2, 3]),
        ({"lr": {"low": 0.001, "high": 0.01}}, [1, 2]),
        ({"lr": {"low": 0.001, "high": 0.01}, "epochs": {"values": [50]}}, []),
        ({"batch_size": {"values": [16, 64]}}, [2, 3]),
        ({"momentum": {"low": 0, "high": 1}}, []),
    ],
)
def test_what_lies_in_the_space_of_a_model_based_search_is_its_own(
    tmp_path: Path, space: dict[str, Any], kept: list[int]
) -> None:
    trials, _ = searched(tmp_path, *([[(0.5, "done")]] * 3))
    assert drawn(trials, plan(space=space), KEY)["draw"].tolist() == kept


def test_the_prescribed_config_is_a_candidate_wherever_it_lies(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[0], 0, 0, prescribed=True)
        trials = ledger.trials()
    space = {"lr": {"low": 0.1, "high": 1}}
    assert len(drawn(trials, plan(space=space, prescribed=True), KEY)) == 1
    assert len(drawn(trials, plan(space=space), KEY)) == 0


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        ("max test_accuracy", "never|nothing is chosen on test"),
        ("best val_accuracy", "max METRIC"),
        ("max", "max METRIC"),
    ],
)
def test_what_cannot_select_is_refused(select: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        objective(select)
