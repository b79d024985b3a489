"""Which trials count: those of the newest plan, on the data and weights it stands on, within its space."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from analysis.ledger import Ledger
from analysis.numbers.paired import differences
from analysis.numbers.progress import told
from analysis.numbers.results import Results
from analysis.plan_record import Fingerprints
from tests.support.synthetic import (
    CONFIRM_SEEDS,
    DRAWS,
    FACTORS,
    KEY,
    TESTED,
    add_trial,
    begin,
    fill,
    fingerprints,
    small,
    tables,
)


def on_content(folder: Path, content: str, *, images: int, search: float, tested: Sequence[float]) -> None:
    """A run of one condition on data that has other content under its name: one search trial, then confirmation."""
    with Ledger(folder) as ledger:
        begin(
            ledger, factors=FACTORS, search_trials=1, search_seeds=[0], fingerprints=fingerprints(KEY, content=content)
        )
        add_trial(ledger, KEY, DRAWS[1], 2, 0, accuracy=[search], data_fingerprint=content)
        for seed, last in zip(CONFIRM_SEEDS, tested, strict=False):
            add_trial(
                ledger, KEY, DRAWS[1], 2, seed, "confirm", accuracy=[0.5], test=[last], data_fingerprint=content,
                images=images,
            )  # fmt: skip


def test_content_of_the_same_name_does_not_mix(tmp_path: Path) -> None:
    on_content(tmp_path, "a", images=500, search=0.9, tested=TESTED)
    _, _, first = tables(tmp_path)
    on_content(tmp_path, "b", images=400, search=0.3, tested=[0.4, 0.6])  # interrupted
    results, seeds, best = tables(tmp_path)
    row = best.iloc[0]
    assert list(seeds["test_accuracy"]) == [0.4, 0.6]
    assert (row["n"], row["search_accuracy"], row["search_seeds"], row["test_images"]) == (2, 0.3, 1, 400)
    assert (row["run"], row["unfinished"], told(results)) == (3, 3, "3/6")
    assert results.left_out == 6
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0], fingerprints=fingerprints(KEY, content="a"))
    results, _, best = tables(tmp_path)
    pd.testing.assert_frame_equal(best, first)
    assert results.left_out == 3


def test_other_test_images_leave_the_search_as_it_is(tmp_path: Path) -> None:
    small(tmp_path)
    with Ledger(tmp_path) as ledger:
        content = {KEY: Fingerprints(search="d0", confirm="other test images")}
        begin(ledger, factors=FACTORS, search_trials=2, search_seeds=[0], fingerprints=content)
    results, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["n"], row["search_accuracy"], row["run"], row["unfinished"]) == (0, 0.75, 2, 5)
    assert results.left_out == 5


def test_a_condition_answers_by_the_newest_plan_that_has_it(tmp_path: Path) -> None:
    fill(tmp_path, backbones=["squeezenet1_1"], sizes=[100, 300])
    _, _, first = tables(tmp_path)
    on_content(tmp_path, "b", images=400, search=0.3, tested=TESTED)  # the condition with 100 images alone
    results, seeds, best = tables(tmp_path)
    pd.testing.assert_frame_equal(best.iloc[1:], first.iloc[1:], check_dtype=False)
    assert (best.iloc[0]["search_accuracy"], best.iloc[0]["test_images"]) == (0.3, 400)
    assert results.left_out == 6 + 5
    with Ledger(tmp_path) as ledger:  # two sizes that were tested on other images: their images cannot be paired
        assert differences(Results(ledger), seeds)["image_se"].isna().all()


def test_test_sets_of_unequal_size_have_no_common_image_error(tmp_path: Path) -> None:
    small(tmp_path)
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[1], 2, 6, "confirm", accuracy=[0.5], test=[0.8], images=400)
    results, _, best = tables(tmp_path)
    assert (results.left_out, best.iloc[0]["n"]) == (0, 6)
    assert math.isnan(best.iloc[0]["test_accuracy_image_se"])


def test_a_model_based_search_counts_what_lies_in_its_space(tmp_path: Path) -> None:
    small(tmp_path, tested=())  # learning rates 0.001 and 0.01, the better one
    with Ledger(tmp_path) as ledger:
        space = {"lr": {"low": 1e-4, "high": 5e-3}}
        begin(ledger, factors=FACTORS, search_trials=2, search_seeds=[0], space=space)
    _, _, best = tables(tmp_path)
    row = best.iloc[0]
    assert (row["lr"], row["search_accuracy"]) == (DRAWS[0]["lr"], 0.5)
    assert (row["run"], row["unfinished"]) == (2, 1 + 5)
