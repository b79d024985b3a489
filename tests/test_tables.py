"""Tables hold the numbers that a ledger implies, worked out here by hand."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pandas as pd
import pytest

from analysis import formats
from analysis.intervals import accuracy_interval, t_interval
from analysis.ledger import Ledger
from analysis.measures import by_seed, to_the_best
from analysis.results import Results
from analysis.tables import best_config, curves, differences, progress
from tests.synthetic import (
    CONFIRM_SEEDS,
    DRAWS,
    FACTORS,
    IMAGES,
    KEY,
    TESTED,
    add_trial,
    begin,
    condition,
    fill,
    small,
    tables,
)


def test_a_condition_worked_out_by_hand(tmp_path: Path) -> None:
    small(tmp_path)
    _, seeds, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["backbone"], row["train_size"], row["lr"], row["epochs"]) == ("squeezenet1_1", 100, 0.01, 20)
    assert (row["search_accuracy"], row["search_seeds"], row["n"]) == (0.75, 1, 5)
    expected = accuracy_interval(TESTED, IMAGES)
    assert row["test_accuracy"] == pytest.approx(0.844)
    assert (row["test_accuracy_low"], row["test_accuracy_high"]) == (expected.low, expected.high)
    assert row["test_accuracy_sd"] == pytest.approx(t_interval(TESTED).sd)
    assert 0 < row["test_accuracy_image_se"] < 0.02
    assert row["val_accuracy"] == pytest.approx(0.824)
    assert row["test_error"] == pytest.approx(1 - 0.844)
    assert row["oracle_error"] == pytest.approx(1 - 0.874)  # the third epoch, not the last
    assert (row["best_epoch"], row["oracle_epoch"], row["rising"]) == (3, 3, 0)
    assert (row["best_steps"], row["oracle_steps"]) == (21, 21)  # 100 images in batches of 16: 7 steps an epoch
    assert (row["labels_train"], row["labels_validation"], row["test_images"]) == (100, 300, IMAGES)
    assert (row["trials"], row["run"], row["failed"], row["unfinished"], row["test_configs"]) == (7, 7, 0, 0, 1)
    assert progress(best) is None
    assert list(seeds["seed"]) == list(CONFIRM_SEEDS)
    assert list(seeds["test_accuracy"]) == list(TESTED)


def test_a_diverged_seed_makes_the_mean_nan_and_is_counted(tmp_path: Path) -> None:
    small(tmp_path, statuses=["done", "done", "diverged", "done", "collapsed"])
    results, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert math.isnan(row["test_accuracy"])
    assert math.isnan(row["best_epoch"])
    assert (row["n"], row["diverged"], row["unfinished"]) == (5, 2, 0)
    shown = formats.results_table(results, best)
    assert shown["test accuracy, % [95 %]"][0].startswith("NaN")
    assert progress(best) is None


def test_failed_and_missing_trials_lower_n_and_are_counted(tmp_path: Path) -> None:
    small(tmp_path, statuses=["done", "failed", "running", "done"])
    _, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["n"], row["run"], row["failed"], row["unfinished"], row["trials"]) == (2, 4, 1, 2, 7)
    assert progress(best) == "5/7"
    assert row["test_accuracy"] == pytest.approx((0.80 + 0.86) / 2)


def test_conditions_that_were_not_begun_have_a_row(tmp_path: Path) -> None:
    small(tmp_path, tested=(), factors={"backbone": ["squeezenet1_1"], "train_size": [900, 100]})
    results, _, best = tables(tmp_path)
    assert list(best["train_size"]) == [100, 900]
    assert list(best["unfinished"]) == [5, 7]
    assert progress(best) == "2/14"
    shown = formats.results_table(results, best)
    assert list(shown["validation accuracy, %"]) == ["75.0 *", "–"]
    assert list(shown["lr"]) == ["0.01", "–"]
    assert list(shown["test accuracy, % [95 %]"]) == ["–", "–"]


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    small(tmp_path, tested=[0.8], confirm_seeds=[1])
    results, _, best = tables(tmp_path)
    assert best.iloc[0]["test_accuracy"] == 0.8
    assert formats.results_table(results, best)["test accuracy, % [95 %]"][0] == "80.0 [–, –]"


def test_the_prescribed_recipe_is_a_row_of_its_own(tmp_path: Path) -> None:
    small(tmp_path, prescribed=True, search_trials=3)
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[2], 0, 0, prescribed=True, accuracy=[0.1])
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[2], 0, seed, "confirm", prescribed=True, accuracy=[0.1], test=[0.6])
        results = Results(ledger)
        seeds = by_seed(results)
        best, paired = best_config(results, seeds), differences(results, seeds)
    assert list(best["recipe"]) == ["chosen", "prescribed"]
    assert list(best["lr"]) == [DRAWS[1]["lr"], DRAWS[2]["lr"]]
    assert best["test_accuracy"].tolist() == pytest.approx([0.844, 0.6])
    assert (best["trials"] == 13).all()
    assert (best["unfinished"] == 0).all()
    assert list(paired["factor"]) == ["recipe"]
    assert paired["difference"][0] == pytest.approx(0.244)


def test_a_prescribed_recipe_that_wins_serves_both_rows(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0], prescribed=True)
        add_trial(ledger, KEY, DRAWS[2], 0, 0, prescribed=True, accuracy=[0.9])
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[2], 0, seed, "confirm", prescribed=True, accuracy=[0.9], test=[0.9])
    _, _, best = tables(tmp_path)
    assert list(best["recipe"]) == ["chosen", "prescribed"]
    assert list(best["n"]) == [5, 5]
    assert list(best["trials"]) == [6, 6]
    assert progress(best) is None


def test_a_setting_is_a_column_only_where_it_varies(tmp_path: Path) -> None:
    small(tmp_path)
    results, _, best = tables(tmp_path)
    assert results.keys == ["backbone", "train_size"]
    assert "bf16" in formats.caption(results, best)
    other = condition("squeezenet1_1", 100, precision="fp32")
    small(tmp_path, key=other, conditions=[other])
    results, _, best = tables(tmp_path)
    assert list(best["precision"]) == ["bf16", "fp32"]
    assert results.series("train_size") == ["precision"]
    assert list(best["n"]) == [5, 5]  # the earlier run's condition is still in the answer


def test_a_hyperparameter_that_was_fixed_in_one_run_tells_conditions_apart(tmp_path: Path) -> None:
    small(tmp_path)
    fixed = condition("squeezenet1_1", 100, lr=0.01)
    small(tmp_path, key=fixed, conditions=[fixed], hyperparameters=["epochs", "weight_decay", "batch_size"])
    results, _, best = tables(tmp_path)
    assert results.keys == ["backbone", "train_size", "fixed_lr"]
    assert len(best) == 2
    assert list(best["lr"]) == [0.01, 0.01]


def test_the_answer_is_the_newest_plans_not_its_forerunners(tmp_path: Path) -> None:
    small(tmp_path)
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=2, search_seeds=[0], draws=[DRAWS[0], DRAWS[2]])
    _, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["lr"], row["n"]) == (DRAWS[0]["lr"], 0)
    assert (row["run"], row["unfinished"], row["test_configs"]) == (7, 6, 1)


def test_epochs_to_the_best() -> None:
    series = pd.Series([0.5, 0.9490, 0.9489, 0.95, 0.95]).to_numpy()
    assert to_the_best(series, maximise=True, accuracy=True) == (1, 3)
    assert to_the_best(-series, maximise=False, accuracy=False) == (3, 3)


@pytest.mark.parametrize(("accuracy", "rising"), [([0.1, 0.5, 0.9], 5), ([0.1, 0.9, 0.9], 0), ([0.9], 0)])
def test_training_that_ended_rising_is_marked(tmp_path: Path, accuracy: list[float], rising: int) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0])
        add_trial(ledger, KEY, DRAWS[1], 2, 0)
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[1], 2, seed, "confirm", accuracy=accuracy, test=accuracy)
    results, _, best = tables(tmp_path)
    assert best.iloc[0]["rising"] == rising
    assert ("↑" in formats.effort_table(results, best).iloc[0, 2]) == bool(rising)


def test_differences_pair_neighbouring_sizes_and_all_backbones(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 500, 900])
    with Ledger(tmp_path) as ledger:
        results = Results(ledger)
        seeds = by_seed(results)
        found = differences(results, seeds)
    sizes = found[found["factor"] == "train_size"]
    assert sorted(zip(sizes["backbone"], sizes["first"], sizes["second"], strict=True)) == [
        (name, a, b) for name in ("resnet18", "squeezenet1_1") for a, b in ((100, 500), (500, 900))
    ]
    assert list(found.loc[found["factor"] == "backbone", "train_size"]) == [100, 500, 900]
    row = sizes.iloc[0]
    own = seeds[seeds["backbone"] == row["backbone"]].set_index(["train_size", "seed"])["test_error"]
    gap = t_interval([own[row["second"], s] - own[row["first"], s] for s in CONFIRM_SEEDS])
    assert (row["difference"], row["low"], row["high"], row["n"]) == (gap.mean, gap.low, gap.high, 5)
    assert 0 < row["image_se"] < 0.05


def test_curves_are_means_over_seeds_and_nan_from_where_one_diverged(tmp_path: Path) -> None:
    small(tmp_path, tested=TESTED[:4])
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[1], 2, 5, "confirm", status="diverged", accuracy=[0.3], test=[0.2])
        found = curves(Results(ledger))
    assert list(found["epoch"]) == [1, 2, 3, 4]
    assert list(found["n"]) == [5] * 4
    assert found["test_error"][0] == pytest.approx(0.8)
    assert found["val_accuracy"][0] == pytest.approx(0.3)
    assert math.isnan(found["test_error"][1])
    assert found["steps"][0] == 7


def test_a_question_without_a_test_split_reports_its_search(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(
            ledger, question="widths", factors=FACTORS, search_trials=6, search_seeds=[0, 1, 2], confirm=False,
            confirm_seeds=[], select="min val_loss",
        )  # fmt: skip
        for seed in range(3):
            add_trial(ledger, KEY, DRAWS[0], 1, seed, accuracy=[0.1, 0.2])
            add_trial(ledger, KEY, DRAWS[1], 2, seed, accuracy=[0.1, 0.9])
        results = Results(ledger)
        seeds = by_seed(results)
        best, paired = best_config(results, seeds), differences(results, seeds)
    row = best.iloc[0]
    assert (row["lr"], row["n"], row["unfinished"]) == (0.01, 3, 0)
    assert row["val_loss"] == pytest.approx(0.2)
    assert not [name for name in best if "test_loss" in name or "error" in name or "oracle" in name]
    assert paired.empty
    assert list(formats.results_table(results, best)["validation loss"]) == ["0.2"]
    assert "configs tested" not in formats.effort_table(results, best)


def test_csv_is_exact(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300])
    _, _, best = tables(tmp_path)
    back = pd.read_csv(io.StringIO(formats.to_csv(best)))
    pd.testing.assert_frame_equal(back, best, check_dtype=False, check_exact=True)


def test_markdown_and_latex_stand_what_a_name_may_hold() -> None:
    table = pd.DataFrame({"a|b": ["x_1 & 50 %", "–"], "n": ["1", "20"]})
    lines = formats.to_markdown(table).splitlines()
    assert lines[0] == r"| a\|b       | n  |"
    assert lines[1] == "|------------|---:|"
    text = formats.to_latex(table, "100 % of it", "it")
    assert r"x\_1 \& 50 \% & 1 \\" in text
    assert r"\begin{tabular}{lr}" in text
    assert r"\toprule" in text
    assert r"\caption{100 \% of it}" in text
