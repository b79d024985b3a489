"""Tables hold the numbers that a ledger implies, worked out here by hand."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis import words
from analysis.ledger import Ledger
from analysis.numbers.families import adjusted
from analysis.numbers.intervals import NEW, bounded_interval, image_standard_error, t_interval
from analysis.numbers.paired import differences
from analysis.numbers.progress import told
from analysis.numbers.results import Results, records
from analysis.numbers.seeds import by_seed, to_the_best
from analysis.numbers.tables import best_config, by_set, curves
from analysis.plan_record import MeasureRecord, VariantRecord
from analysis.report import markup, rounded
from analysis.report.brief import make_brief
from analysis.report.latex import to_latex
from tests.support.synthetic import (
    BACKBONES,
    CONFIRM_SEEDS,
    DRAWS,
    FACTORS,
    IMAGES,
    KEY,
    TESTED,
    Measured,
    add_trial,
    begin,
    condition,
    data_set,
    fill,
    fill_question,
    findings,
    read_right,
    small,
    tables,
)


def test_a_condition_worked_out_by_hand(tmp_path: Path) -> None:
    small(tmp_path)
    results, seeds, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["backbone"], row["train_size"], row["lr"], row["epochs"]) == ("squeezenet1_1", 100, 0.01, 20)
    assert (row["search_accuracy"], row["search_seeds"], row["n"]) == (0.75, 1, 5)
    right = [read_right(round(accuracy * IMAGES), IMAGES, seed) for seed, accuracy in enumerate(TESTED, 1)]
    image_se = image_standard_error(np.stack(right))
    expected = bounded_interval(TESTED, 0, 1, image_se=image_se)
    these = bounded_interval(TESTED, 0, 1)
    assert row["test_accuracy"] == pytest.approx(0.844)
    assert (row["test_accuracy_low"], row["test_accuracy_high"]) == (expected.low, expected.high)
    assert (row["test_accuracy_low_these"], row["test_accuracy_high_these"]) == (these.low, these.high)
    assert (row["test_accuracy_interval"], row["val_accuracy_interval"]) == (NEW, "these images")
    assert (row["test_error_low"], row["test_error_high"]) == pytest.approx((1 - expected.high, 1 - expected.low))
    assert row["test_accuracy_sd"] == pytest.approx(t_interval(TESTED).sd)
    assert row["test_accuracy_image_se"] == image_se
    assert row["val_accuracy"] == pytest.approx(0.824)
    assert row["test_error"] == pytest.approx(1 - 0.844)
    assert row["oracle_error"] == pytest.approx(1 - 0.874)  # the third epoch, not the last
    assert (row["best_epoch"], row["oracle_epoch"], row["rising"]) == (3, 3, 0)
    assert (row["best_steps"], row["oracle_steps"]) == (21, 21)  # 100 images in batches of 16: 7 steps an epoch
    assert (row["labels_train"], row["labels_validation"], row["test_images"]) == (100, 300, IMAGES)
    assert (row["trials"], row["run"], row["failed"], row["unfinished"], row["test_configs"]) == (7, 7, 0, 0, 1)
    assert told(results) is None
    assert list(seeds["seed"]) == list(CONFIRM_SEEDS)
    assert list(seeds["test_accuracy"]) == list(TESTED)


def test_a_diverged_seed_makes_the_mean_nan_and_is_counted(tmp_path: Path) -> None:
    small(tmp_path, statuses=["done", "done", "diverged", "done", "collapsed"])
    results, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert math.isnan(row["test_accuracy"])
    assert math.isnan(row["best_epoch"])
    assert (row["n"], row["n_diverged"], row["n_collapsed"], row["unfinished"]) == (5, 1, 1, 0)
    assert (row["confirm_diverged"], row["confirm_collapsed"], row["search_diverged"]) == (1, 1, 0)
    shown = rounded.results_table(results, best)
    assert shown["test accuracy, % [95 %]"][0].startswith("NaN")
    assert shown["seeds"][0] == "5 (1 diverged, 1 collapsed)"
    effort = rounded.effort_table(results, best)
    assert effort["seeds without a number [95 %]"][0] == "2 of 5: 40.0 % [5.3, 85.3]"
    assert (effort["diverged (search)"][0], effort["collapsed (fresh seeds)"][0]) == ("0", "1")
    assert told(results) is None


def test_failed_and_missing_trials_lower_n_and_are_counted(tmp_path: Path) -> None:
    small(tmp_path, statuses=["done", "failed", "running", "done"])
    results, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["n"], row["run"], row["failed"], row["unfinished"], row["trials"]) == (2, 4, 1, 2, 7)
    assert told(results) == "5/7"
    assert row["test_accuracy"] == pytest.approx((0.80 + 0.86) / 2)


def test_conditions_that_were_not_begun_have_a_row(tmp_path: Path) -> None:
    small(tmp_path, tested=(), factors={"backbone": ["squeezenet1_1"], "train_size": [900, 100]})
    results, _, best = tables(tmp_path)
    assert list(best["train_size"]) == [100, 900]
    assert list(best["unfinished"]) == [5, 7]
    assert told(results) == "2/14"
    shown = rounded.results_table(results, best)
    assert list(shown["validation accuracy, %"]) == ["75.0 *", "–"]
    assert list(shown["lr"]) == ["0.01", "–"]
    assert list(shown["test accuracy, % [95 %]"]) == ["–", "–"]


def test_one_seed_has_no_interval(tmp_path: Path) -> None:
    small(tmp_path, tested=[0.8], confirm_seeds=[1])
    results, _, best = tables(tmp_path)
    assert best.iloc[0]["test_accuracy"] == 0.8
    assert rounded.results_table(results, best)["test accuracy, % [95 %]"][0] == "80.0 (one seed)"


def test_the_prescribed_config_is_a_row_of_its_own(tmp_path: Path) -> None:
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


def test_variants_of_the_prescribed_config_are_rows_and_are_compared_with_it_alone(tmp_path: Path) -> None:
    wide = VariantRecord(name="wide", values={**DRAWS[2], "batch_size": 8})
    small(tmp_path, prescribed=True, search_trials=3, variants={KEY: [wide]})
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[2], 0, 0, prescribed=True, accuracy=[0.1])
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[2], 0, seed, "confirm", prescribed=True, accuracy=[0.1], test=[0.6])
    assert tables(tmp_path)[2]["unfinished"].tolist() == [5, 5], "those of the variant"
    with Ledger(tmp_path) as ledger:
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, wide.values, -1, seed, "confirm", accuracy=[0.99], test=[0.7 + seed / 100])
        results = Results(ledger)
        seeds = by_seed(results)
        best, paired = best_config(results, seeds), differences(results, seeds)
    assert list(best["recipe"]) == ["chosen", "prescribed", "wide"]
    assert list(best["batch_size"]) == [16, 64, 8]
    assert best["test_accuracy"].tolist() == pytest.approx([0.844, 0.6, 0.73])
    assert (best["trials"] == 18).all()
    assert (best["unfinished"] == 0).all()
    assert list(zip(paired["from"], paired["to"], strict=True)) == [("chosen", "prescribed"), ("prescribed", "wide")]
    assert paired["difference"].tolist() == pytest.approx([0.244, -0.13])


def test_a_reference_is_a_row_that_its_variants_are_compared_with(tmp_path: Path) -> None:
    reference = VariantRecord(name="reference", values=DRAWS[2])
    wide = VariantRecord(name="wide", values={**DRAWS[2], "batch_size": 8})
    small(tmp_path, search_trials=3, variants={KEY: [reference, wide]})
    with Ledger(tmp_path) as ledger:
        for number, (own, test) in enumerate([(reference, 0.6), (wide, 0.7)], 1):
            for seed in CONFIRM_SEEDS:
                add_trial(ledger, KEY, own.values, -number, seed, "confirm", accuracy=[0.99], test=[test])
        results = Results(ledger)
        paired = differences(results, by_seed(results))
    found = {(row["from"], row["to"]): round(row["difference"], 3) for row in records(paired)}
    assert found.keys() == {("chosen", "reference"), ("reference", "wide")}
    assert found["reference", "wide"] == pytest.approx(-0.1)


def test_an_extra_seed_is_in_no_mean(tmp_path: Path) -> None:
    accuracies = {1: 0.8, 2: 0.82, 42: 0.3}
    with Ledger(tmp_path) as ledger:
        begin(
            ledger, factors=FACTORS, search_trials=1, search_seeds=[0], confirm_seeds=list(accuracies), extra_seeds=[42]
        )
        add_trial(ledger, KEY, DRAWS[1], 1, 0, accuracy=[0.9])
        for seed, accuracy in accuracies.items():
            add_trial(ledger, KEY, DRAWS[1], 1, seed, "confirm", accuracy=[0.9], test=[accuracy])
        results = Results(ledger)
        best = best_config(results, by_seed(results))
        extra = by_seed(results, extra=True)
    assert best["test_accuracy"].item() == pytest.approx(0.81)
    assert best["n"].item() == 2
    assert best["unfinished"].item() == 0, "its trial counts among those asked for"
    assert extra[["seed", "test_accuracy"]].to_numpy().tolist() == [[42, 0.3]]


def test_a_prescribed_config_that_wins_serves_both_rows(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0], prescribed=True)
        add_trial(ledger, KEY, DRAWS[2], 0, 0, prescribed=True, accuracy=[0.9])
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[2], 0, seed, "confirm", prescribed=True, accuracy=[0.9], test=[0.9])
    results, _, best = tables(tmp_path)
    assert list(best["recipe"]) == ["chosen", "prescribed"]
    assert list(best["n"]) == [5, 5]
    assert list(best["trials"]) == [6, 6]
    assert told(results) is None


def test_a_setting_is_a_column_only_where_it_varies(tmp_path: Path) -> None:
    small(tmp_path)
    results, _, best = tables(tmp_path)
    assert results.keys == ["backbone", "train_size"]
    assert "bf16" in rounded.caption(results, best)
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
    share = MeasureRecord(name="accuracy", better="max", kind="share")
    number = MeasureRecord(name="l1", better="min")
    assert to_the_best(series, share) == (1, 3), "within 0.1 point"
    assert to_the_best(-series, number) == (1, 3), "within 1 % of the range, which is 0.0045"
    assert to_the_best(1 - series, number.model_copy(update={"tolerance": 1e-4})) == (3, 3), "as declared"


@pytest.mark.parametrize(("accuracy", "rising"), [([0.1, 0.5, 0.9], 5), ([0.1, 0.9, 0.9], 0), ([0.9], 0)])
def test_training_that_ended_rising_is_marked(tmp_path: Path, accuracy: list[float], rising: int) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0])
        add_trial(ledger, KEY, DRAWS[1], 2, 0)
        for seed in CONFIRM_SEEDS:
            add_trial(ledger, KEY, DRAWS[1], 2, seed, "confirm", accuracy=accuracy, test=accuracy)
    results, _, best = tables(tmp_path)
    assert best.iloc[0]["rising"] == rising
    assert ("↑" in rounded.effort_table(results, best).iloc[0, 2]) == bool(rising)


def test_training_whose_learning_rate_fell_to_0_is_not_said_to_be_too_short(tmp_path: Path) -> None:
    def measure(config: dict[str, Any], phase: str) -> Measured:
        rows = [{"steps": i, "val_accuracy": 0.3 * i, "test_accuracy": 0.3 * i} for i in (1.0, 2.0, 3.0)]
        return Measured(rows, {"annealed": config["schedule"] == "cosine"}, {})

    factors = {"schedule": ["cosine", "constant"]}
    fill_question(tmp_path, "toy", measure, factors=factors, draws=[{"lr": 0.1}], settings={"data": "digits"})
    best = tables(tmp_path)[2].set_index("schedule")
    assert best["rising"].to_dict() == {"cosine": 0, "constant": len(CONFIRM_SEEDS)}


def test_differences_pair_neighbouring_sizes_and_all_backbones(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 500, 900])
    with Ledger(tmp_path) as ledger:
        results = Results(ledger)
        seeds = by_seed(results)
        found = differences(results, seeds)
    sizes = found[found["factor"] == "train_size"]
    assert sorted(zip(sizes["backbone"], sizes["from"], sizes["to"], strict=True)) == [
        (name, a, b) for name in ("resnet18", "squeezenet1_1") for a, b in ((100, 500), (500, 900))
    ]
    assert list(found.loc[found["factor"] == "backbone", "train_size"]) == [100, 500, 900]
    row = sizes.iloc[0]
    own = seeds[seeds["backbone"] == row["backbone"]].set_index(["train_size", "seed"])["test_error"]
    gap = t_interval([own[row["to"], s] - own[row["from"], s] for s in CONFIRM_SEEDS])
    assert (row["difference"], row["low_these"], row["high_these"], row["n"]) == (gap.mean, gap.low, gap.high, 5)
    assert (row["sd"], row["interval"]) == (gap.sd, NEW)
    assert 0 < row["image_se"] < 0.05
    images = stats.norm.ppf(0.975) * row["image_se"]
    assert row["high"] - gap.mean == pytest.approx(math.hypot(gap.high - gap.mean, images)), "paired by image, too"


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
    assert not [name for name in best if "test_loss" in name or "test_error" in name or "oracle" in name]
    assert paired.empty
    assert list(rounded.results_table(results, best)["validation loss"]) == ["0.2"]
    assert "configs tested" not in rounded.effort_table(results, best)


DOMAINS = {"first": 40, "second": 10}
"""Test images of two data sets."""


def two_sets(config: dict[str, Any], phase: str) -> Measured:
    """A trial on two data sets at once; the condition `one` has no measure of the second."""
    seed, both = config["seed"], config["regime"] == "both"
    right = {"first": 30 + seed % 3, "second": 5 + (seed + config["lr"] * 10) % 2}
    own = {name: right[name] / DOMAINS[name] for name in (DOMAINS if both else ["first"])}
    measured = {f"{name}_accuracy": value for name, value in own.items()}
    measured |= {"cross_accuracy": sum(own.values()) / len(own), "map_at_r": 0.25 * seed}
    rows = [{"steps": 2.0, "train_loss": 1.0, **{f"val_{n}": v / 2 for n, v in measured.items()}},
            {"steps": 2.0, "train_loss": 0.5, **{f"val_{n}": v for n, v in measured.items()}}]  # fmt: skip
    facts: dict[str, Any] = {"train_labels": 7, "validation_labels": 50, "validation_first_labels": 40}
    if phase == "search":
        return Measured(rows, facts, {})
    rows[-1] |= {f"test_{n}": v for n, v in measured.items()}
    facts |= {"test_labels": 50, "test_first_labels": 40, "test_second_labels": 10}
    arrays = {f"test_{name}_correct": np.arange(DOMAINS[name]) < right[name] for name in own}
    arrays["test_cross_correct"] = np.concatenate(list(arrays.values()))
    arrays["test_cross_strata"] = np.repeat(np.arange(len(own)), [DOMAINS[name] for name in own])
    return Measured(rows, facts, arrays)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pair")
    fill_question(
        folder, "pair", two_sets, factors={"regime": ["one", "both"]}, draws=[{"lr": 0.1}, {"lr": 0.2}],
        settings={"first": "digits", "second": "letters", "precision": "fp32"}, search_seeds=[0],
        confirm_seeds=[1, 2, 3], select="max val_cross_accuracy", oracle=False, data_fields=["first", "second"],
        report=["second_accuracy", "map_at_r"],
        data=[data_set(name, builtin=name == "digits") for name in ("digits", "letters")],
    )  # fmt: skip
    return folder


def test_every_metric_has_its_columns_and_its_own_number_of_images(pair: Path) -> None:
    _, seeds, best = tables(pair)
    assert {"val_map_at_r", "test_map_at_r", "test_first_error", "test_second_accuracy"} <= set(seeds)
    assert not [name for name in best if "oracle" in name]
    one, both = best.iloc[0], best.iloc[1]
    expected = bounded_interval([31 / 40, 32 / 40, 30 / 40], 0, 1, image_se=best["test_first_accuracy_image_se"][0])
    for row in (one, both):
        assert (row["test_first_accuracy"], row["test_first_accuracy_low"]) == (expected.mean, expected.low)
        assert row["test_map_at_r_high"] == t_interval([0.25, 0.5, 0.75]).high
    assert math.isnan(one["test_second_accuracy"])
    assert (both["test_images"], both["test_first_images"], both["labels_validation_first"]) == (50, 40, 40)
    assert both["test_cross_error"] == pytest.approx(1 - both["test_cross_accuracy"])
    parts = [both[f"test_{name}_accuracy_image_se"] for name in DOMAINS]
    assert both["test_cross_accuracy_image_se"] == pytest.approx(math.hypot(*parts) / 2)
    between = (30 + 4 / 9 + 1 / 9 - 31**2 / 40) / 39  # 30 images are right in all seeds, one in two, one in one
    rest = (93 - 3 * (30 + 5 / 9) - (31**2 + 32**2 + 30**2) / 40 + 93**2 / 120) / (2 * 39)  # sums of squares
    assert parts[0] == pytest.approx(math.sqrt((between - rest / 3) / 40))


def test_people_read_names_of_data_sets_and_no_oracle_where_there_is_none(pair: Path) -> None:
    results, _, best = tables(pair)
    assert results.describe_data() == "digits (built-in), letters"
    shown = rounded.results_table(results, best)
    assert list(shown)[2:] == [
        "test cross accuracy, % [95 %]", "these images [95 %]", "seeds", "test letters accuracy, % [95 %]",
        "test map at r [95 %]", "test cross error, % [95 %]", "validation cross accuracy, %",
    ]  # fmt: skip
    assert shown["test letters accuracy, % [95 %]"][0] == "–", "this condition has no such measure"
    assert shown["test map at r [95 %]"][0].startswith("0.5 [")
    text = rounded.caption(results, best) + " ".join(rounded.effort_table(results, best))
    text += " ".join(make_brief(results, best).table) + make_brief(results, best).note
    assert "oracle" not in text
    assert make_brief(results, best).further == 2
    assert make_brief(results, best).shared == "Data: digits (built-in), letters; precision fp32"


def test_a_hyperparameter_that_changes_nothing_is_left_blank(tmp_path: Path) -> None:
    def measure(config: dict[str, Any], phase: str) -> Measured:
        own = two_sets(config, phase)
        return own._replace(facts={**own.facts, **({"unused": ["k"]} if config["regime"] == "one" else {})})

    fill_question(
        tmp_path, "pair", measure, factors={"regime": ["one", "both"]}, draws=[{"lr": 0.1, "k": 3}],
        settings={"first": "digits", "second": "letters"}, select="max val_cross_accuracy",
        data_fields=["first", "second"],
        data=[data_set(name) for name in ("digits", "letters")],
    )  # fmt: skip
    results, _, best = tables(tmp_path)
    assert [row["k"] for row in records(best)] == [None, 3]
    assert list(rounded.results_table(results, best)["k"]) == ["–", "3"]
    assert list(make_brief(results, best).table["k"]) == ["–", "3"]
    assert [line.split(",")[best.columns.get_loc("k")] for line in markup.to_csv(best).splitlines()] == ["k", "", "3"]


def test_conditions_are_compared_in_any_metric(pair: Path) -> None:
    with findings(pair) as found:
        row = found.compare("regime", "one", "both", "test_cross_error").iloc[0]
        assert found.compare("regime", "both", "one", "test_cross_error")["difference"][0] == -row["difference"]
        assert len(found.compare("regime", "one", "nothing", "test_cross_error")) == 0
        assert len(found.compare("regime", "one", "both", "test_unheard_of")) == 0
        first = found.compare("regime", "one", "both", "test_first_error")
        assert found.level(records(found.best)[0], "test_first_error").text.startswith("22.5 % [")
        assert "over 3 fresh seeds and over test images" in found.terms()
        assert found.terms("Sizes count pairs").endswith("Sizes count pairs; choosing took 50 more, for validation.")
    seeds = found.seeds.set_index(["regime", "seed"])["test_cross_error"]
    gap = t_interval([seeds["both", s] - seeds["one", s] for s in (1, 2, 3)])
    assert (row["difference"], row["low"], row["high"], row["n"]) == (gap.mean, gap.low, gap.high, 3)
    assert math.isnan(row["image_se"]), "not the same test images"
    assert (first["difference"][0], first["image_se"][0]) == (0, 0)


def test_every_search_trial_is_listed(pair: Path) -> None:
    with findings(pair) as found:
        searched = found.searched
    assert len(searched) == 2 * 2
    assert list(searched)[:7] == ["regime", "draw", "lr", "seed", "trial", "status", "epoch"]
    assert list(searched["status"].unique()) == ["done"]
    assert searched["val_cross_accuracy"].notna().all()
    assert not [name for name in searched if name.startswith("test_")]


def test_a_row_for_each_data_set(pair: Path) -> None:
    with findings(pair) as found:
        measures, names = found.results.measures, {"first": "digits", "second": "letters"}
        rows = by_set(found.best, names, measures)
        other = by_set(found.best.assign(size_first_layer=3, n_second_steps=4), names, measures)
    assert list(rows["data"]) == ["digits", "digits", "letters", "letters"]
    assert list(rows["test_accuracy"])[::2] == [
        found.best["test_first_accuracy"][0],
        pytest.approx(math.nan, nan_ok=True),
    ]
    assert not [name for name in rows if "first" in name.split("_")[1:-1]]
    assert set(other) == {*rows, "size_first_layer", "n_second_steps"}, "a hyperparameter is no measure of a set"
    assert {"test_images", "test_error_low", "test_error_interval"} <= {*rows}


def test_paths_are_told_by_their_last_part() -> None:
    names = ["mnist", "/data/own/digits.npz", "mnist_photos@cifar10", "mnist_photos@/data/photos"]
    assert [words.as_text(name) for name in names] == [
        "mnist", "digits.npz", "mnist_photos@cifar10", "mnist_photos@photos"
    ]  # fmt: skip


def test_whole_numbers_are_told_in_full() -> None:
    numbers = [3000, 3000.0, np.float64(20_040), 0.0273456, 1e-4, 0.0, None, math.nan]
    assert [words.as_text(number) for number in numbers] == [
        "3000", "3000", "20040", "0.0273", "0.0001", "0", "–", "–"
    ]  # fmt: skip


def test_factors_stand_in_the_order_in_which_they_were_declared(tmp_path: Path) -> None:
    declared = {"train_size": [300, 100], "backbone": ["resnet18", "squeezenet1_1"]}
    keys = [condition(backbone, size) for backbone in BACKBONES for size in (100, 300)]
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=declared, conditions=keys)
        for key in keys:
            add_trial(ledger, key, DRAWS[0], 1, 0)
    results, _, best = tables(tmp_path)
    assert list(best)[:2] == results.keys == ["train_size", "backbone"]
    assert list(zip(best["train_size"], best["backbone"], strict=True)) == [
        (100, "resnet18"), (100, "squeezenet1_1"), (300, "resnet18"), (300, "squeezenet1_1")
    ]  # fmt: skip
    assert list(rounded.results_table(results, best))[:2] == ["train size", "backbone"]


def test_a_difference_names_its_factor(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300])
    results, seeds, _ = tables(tmp_path)
    table = rounded.differences_table(results, adjusted(differences(results, seeds), 0.05))
    assert list(zip(table["where"], table["compared"], strict=True)) == [
        ("backbone squeezenet1_1", "train size 100 → 300"), ("train size 100", "backbone squeezenet1_1 → resnet18"),
        ("train size 300", "backbone squeezenet1_1 → resnet18"), ("backbone resnet18", "train size 100 → 300"),
    ]  # fmt: skip
    gap = words.Difference(
        "", "test_error", 0.1, 0.0, 0.2, 5, {"latent": 2, "recipe": "chosen"},
        factor="fully_connected", before=False, after=True,
    )  # fmt: skip
    assert gap.name == "latent 2: fully connected no → yes"
    assert words.compared("recipe", "prescribed", "chosen") == "config prescribed → chosen"
    assert words.named("train_size", 2_000) == "train size 2,000"


def test_csv_is_exact(tmp_path: Path) -> None:
    fill(tmp_path, sizes=[100, 300])
    _, _, best = tables(tmp_path)
    back = pd.read_csv(io.StringIO(markup.to_csv(best)))
    pd.testing.assert_frame_equal(back, best, check_dtype=False, check_exact=True)


def test_markdown_and_latex_stand_what_a_name_may_hold() -> None:
    table = pd.DataFrame({"a|b": ["x_1 & 50 %", "–"], "n": ["1", "20"]})
    lines = markup.to_markdown(table).splitlines()
    assert lines[0] == r"| a\|b       | n  |"
    assert lines[1] == "|------------|---:|"
    text = to_latex(table, "100 % of it", "it")
    assert r"x\_1 \& 50 \% & 1 \\" in text
    assert r"\begin{tabular}{@{}lr@{}}" in text
    assert r"\toprule" in text
    assert r"\caption{100 \% of it}" in text
