"""The answer to transfer_sizes: the lowest test error over the epochs, its epoch, and sizes at one config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.ledger import Ledger, Status
from analysis.report.answer import Answer
from analysis.report.markup import blocks_to_markdown
from analysis.words import Difference
from tests.support.answers import make_answer
from tests.support.synthetic import (
    CONFIRM_SEEDS,
    DRAWS,
    Measured,
    add_trial,
    begin,
    claims,
    condition,
    fill_question,
    gaps,
    told,
)

PRESCRIBED = {"lr": 0.001, "epochs": 4, "schedule": "constant"}
TUNED = {"lr": 0.01, "epochs": 4, "schedule": "cosine"}
IMAGES = 1_000
PEAKS = {(100, 1): 2, (100, 2): 2, (100, 3): 3, (900, 1): 3, (900, 2): 1, (900, 3): 3}
"""By train size and seed: the first of the epochs with the best test accuracy of the tuned config, two where tied."""


def right_by_epoch(config: dict[str, Any]) -> list[float]:
    """Test accuracy by epoch: it ends a bit below its peak, which the epoch after equals."""
    size, seed = config["train_size"], config["seed"]
    last = 0.8 + size / 9_000 + 0.01 * (seed % 3) * size / 900 - (0.05 if config["lr"] == PRESCRIBED["lr"] else 0)
    values = [0.5, 0.5, 0.5, last]
    peak = PEAKS.get((size, seed), 3) - 1
    for epoch in (peak, peak + 1):
        values[epoch] = last + 0.02 if epoch < 3 else last
    return values


def measure(config: dict[str, Any], phase: str) -> Measured:
    """A trial of four epochs; validation rises to the end, and is better with the tuned config."""
    right = right_by_epoch(config)
    rows = [
        {"steps": 3.0 * i, "train_accuracy": 0.9 + 0.02 * i, "val_accuracy": (0.1 if config["lr"] < 0.01 else 0.2) * i}
        | ({"test_accuracy": right[i - 1]} if phase == "confirm" else {})
        for i in (1, 2, 3, 4)
    ]
    facts = {"head": "a linear layer", "train_labels": config["train_size"], "test_labels": IMAGES}
    arrays = {"test_correct": np.arange(IMAGES) < round(right[-1] * IMAGES)} if phase == "confirm" else {}
    return Measured(rows, facts, arrays)


@pytest.fixture(scope="module")
def complete(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Answer]:
    folder = tmp_path_factory.mktemp("sizes")
    fill_question(
        folder, "transfer_sizes", measure, factors={"backbone": ["resnet50"], "train_size": [100, 300, 900]},
        draws=[PRESCRIBED, TUNED], settings={"data": "digits", "precision": "fp32"}, prescribed=True,
    )  # fmt: skip
    return folder, make_answer(folder, "transfer_sizes")


def test_the_epoch_of_the_best_test_accuracy_is_the_first_that_reaches_it(complete: tuple[Path, Answer]) -> None:
    seeds = complete[1].seeds
    for (size, seed), epoch in PEAKS.items():
        own = seeds[(seeds["train_size"] == size) & (seeds["seed"] == seed) & (seeds["recipe"] == "chosen")]
        assert own["peak_epoch"].tolist() == [epoch]
    best = complete[1].best
    own = best[(best["train_size"] == 100) & (best["recipe"] == "chosen")].iloc[0]
    peaks = [PEAKS.get((100, seed), 3) for seed in CONFIRM_SEEDS]
    assert own["peak_epoch"] == np.mean(peaks)


def test_the_answer_leads_with_the_lowest_test_error_over_the_epochs_and_its_epoch(
    complete: tuple[Path, Answer],
) -> None:
    _, made = complete
    sentence, _, first = made.text.splitlines()[:3]
    assert sentence.index("at its lowest (oracle)") < sentence.index("at the last epoch")
    lowest = [1 - max(right_by_epoch({**TUNED, "train_size": 100, "seed": seed})) for seed in CONFIRM_SEEDS]
    (claim,) = claims(made.verdict, "oracle_error", train_size=100, recipe="chosen")
    assert claim.estimate == pytest.approx(np.mean(lowest))
    peaks = [np.mean([PEAKS.get((size, seed), 3) for seed in CONFIRM_SEEDS]) for size in (100, 900)]
    assert f"first reached at epoch {peaks[0]:.0f} and {peaks[1]:.0f} on average" in first
    assert first.index("lowest test error over the epochs") < first.index("at the last epoch of the config chosen")


def test_sizes_compare_at_the_prescribed_config_too(complete: tuple[Path, Answer]) -> None:
    _, made = complete
    assert "the same at every size (lr 0.001, epochs 4 and schedule constant)" in made.text
    for before, after in ((100, 300), (300, 900)):
        (gap,) = gaps(made.verdict, before, after, recipe="prescribed")
        errors = [
            [1 - right_by_epoch({**PRESCRIBED, "train_size": size, "seed": seed})[-1] for seed in CONFIRM_SEEDS]
            for size in (after, before)
        ]
        assert gap.estimate == pytest.approx(np.mean(errors[0]) - np.mean(errors[1]))
        assert gap.n == 5
        rows = made.differences[(made.differences["from"] == before) & (made.differences["recipe"] == "prescribed")]
        assert rows["difference"].tolist() == pytest.approx([gap.estimate]), "what a sentence says stands in the table"


CHOSEN_LR = {100: 0.001, 300: 0.01}


def otherwise(config: dict[str, Any], phase: str) -> Measured:
    """A trial of a sweep in which the sizes choose different configs; without a prescribed one, search trials tell."""
    best = config["lr"] == CHOSEN_LR[config["train_size"]]
    level = {100: 0.80, 300: 0.90}[config["train_size"]] + 0.03 * best + 0.001 * config["seed"] % 0.005
    rows = [{"steps": 7.0, "train_loss": 1.0, "val_accuracy": level, "val_loss": 1.0, "train_accuracy": 0.9}]
    if phase == "confirm":
        rows[-1] |= {"test_accuracy": level - 0.05, "test_loss": 1.0}
    return Measured(rows, {"train_labels": config["train_size"], "validation_labels": 300}, {})


@pytest.mark.parametrize("seeds", [(0, 10_001, 10_002), (0,)])
def test_a_step_at_which_the_config_changes_is_told_at_one_config_on_search_seeds(
    tmp_path: Path, seeds: tuple[int, ...]
) -> None:
    fill_question(
        tmp_path, "transfer_sizes", otherwise, factors={"backbone": ["resnet50"], "train_size": [100, 300]},
        draws=[TUNED | {"lr": lr} for lr in (0.001, 0.01)], settings={"data": "digits", "precision": "fp32"},
        search_seeds=seeds,
    )  # fmt: skip
    made = make_answer(tmp_path, "transfer_sizes")
    found = [claim for claim in made.claims if isinstance(claim, Difference) and claim.metric == "val_error"]
    assert [claim.estimate for claim in found] == pytest.approx([-0.07, -0.13]), "its own size favours a config"
    assert {claim.n for claim in found} == {len(seeds)}
    assert (
        "From 100 to 300 the chosen config changes too, so these steps are not of size alone. At one config, on"
        " validation images and search seeds, by which the configs were chosen (no test data), the error changes from"
        " 100 to 300 by −7.0 points"
    ) in made.text
    assert f"with that of 300, n = {len(seeds)}." in made.text
    assert "the ledger has none" not in made.text
    assert list(made.differences["metric"]) == ["test_error"], "these stand apart from what is shown on test data"


def test_without_a_trial_of_the_same_config_at_both_sizes_the_ledger_has_none(tmp_path: Path) -> None:
    def apart(config: dict[str, Any], phase: str) -> Measured | None:
        return otherwise(config, phase) if config["lr"] == CHOSEN_LR[config["train_size"]] else None

    fill_question(
        tmp_path, "transfer_sizes", apart, factors={"backbone": ["resnet50"], "train_size": [100, 300]},
        draws=[TUNED | {"lr": lr} for lr in (0.001, 0.01)], settings={"data": "digits", "precision": "fp32"},
        search_seeds=(0,),
    )  # fmt: skip
    assert (
        "these steps are not of size alone: the ledger has none at one config."
        in make_answer(tmp_path, "transfer_sizes").text
    )


def test_figures_show_both_configs_the_exact_epoch_and_the_training_error(complete: tuple[Path, Answer]) -> None:
    drawings = told(complete[0], "transfer_sizes").drawings
    epochs = drawings["epochs_to_best"].draw()
    assert [axes.get_title(loc="left") for axes in epochs.axes] == ["chosen config", "prescribed config"]
    exact = epochs.axes[0].containers[0].lines[0].get_ydata()
    best = complete[1].best
    assert list(exact) == best.loc[best["recipe"] == "chosen", "peak_epoch"].tolist()
    curves = drawings["learning_curves"].draw()
    assert len(curves.axes) == 2 * 3, "a row for each config, a panel for each size"
    training = curves.axes[0].lines[2].get_ydata()
    assert list(training) == pytest.approx([8, 6, 4, 2]), "100 − training accuracy, %"


def test_a_fall_in_all_seeds_a_rise_and_a_divergence_are_told_as_what_they_are(tmp_path: Path) -> None:
    """All three used to read `no fall is shown`: the fall, as five seeds that are alike had no interval."""
    levels = {300: 0.80, 500: 0.83, 700: 0.79, 900: 0.85}
    keys = {size: condition("squeezenet1_1", size) for size in levels}
    with Ledger(tmp_path) as ledger:
        factors = {"backbone": ["squeezenet1_1"], "train_size": list(levels)}
        begin(ledger, factors=factors, search_trials=1, search_seeds=[0])
        for size, key in keys.items():
            add_trial(ledger, key, DRAWS[1], 1, 0, accuracy=[0.5])
            for seed in CONFIRM_SEEDS:
                level = levels[size] + 0.002 * seed + 0.002 * (size == 700 and seed == 2)
                status: Status = "diverged" if (size, seed) == (900, 3) else "done"
                add_trial(ledger, key, DRAWS[1], 1, seed, "confirm", accuracy=[0.5], test=[level], status=status)
    made = make_answer(tmp_path, "transfer_sizes")
    steps = {(gap.before, gap.after): gap.direction for gap in made.claims if isinstance(gap, Difference)}
    assert steps == {(300, 500): "lower", (500, 700): "higher", (700, 900): "no number"}
    assert (
        "the error at the last epoch falls from 300 to 500, rises from 500 to 700, and has no number (a seed diverged"
        " or collapsed) from 700 to 900 images." in made.text
    )
    table = made.differences.set_index("from")
    assert table.loc[300, "sd"] == pytest.approx(0, abs=1e-12)
    assert table.loc[300, "low"] < table.loc[300, "difference"] < table.loc[300, "high"] < 0, "images give it a width"
    assert list(table["found"]) == ["lower", "higher", "no number"]
    page = (tmp_path / "answer.md").read_text()
    assert "no fall is shown" not in page
    assert "by Holm's method within train size (2);" in page, "the family has two differences that can be tested"


def test_a_rise_that_does_not_survive_its_family_is_not_told(tmp_path: Path) -> None:
    """The demo's 700 → 900: +0.32 [+0.04, +0.61], apart by itself, and p = 0.035; by Holm over 4 steps it is not."""
    gaps = {100: -0.05, 300: -0.001, 500: -0.002, 700: 0.0032}
    noise = np.array([-1.2, -0.4, 0.1, 0.5, 1.0])  # the same mean and spread at each step, in another order
    error = {size: np.zeros(5) for size in (100, 300, 500, 700, 900)}
    error[100] += 0.15
    for i, (size, gap) in enumerate(gaps.items()):
        error[list(error)[i + 1]] = error[size] + gap + 0.0027 * np.roll(noise, i)
    with Ledger(tmp_path) as ledger:
        factors = {"backbone": ["squeezenet1_1"], "train_size": list(error)}
        begin(ledger, factors=factors, search_trials=1, search_seeds=[0])
        for size, own in error.items():
            key = condition("squeezenet1_1", size)
            add_trial(ledger, key, DRAWS[1], 1, 0, accuracy=[0.5])
            for seed, value in zip(CONFIRM_SEEDS, own, strict=True):
                add_trial(ledger, key, DRAWS[1], 1, seed, "confirm", accuracy=[0.5], test=[1 - value], images=10_000)
    made = make_answer(tmp_path, "transfer_sizes")
    row = made.differences.set_index("from").loc[700]
    assert row["low_these"] > 0, "apart on these images, by itself"
    assert (row["found"], row["p_adjusted"] > 0.025) == ("not shown to differ", True)
    assert row["p"] < 0.05 < row["p_adjusted"]
    told = "falls from 100 to 300, and is not shown to change from 300 to 500, 500 to 700 and 700 to 900 images."
    assert told in made.text


def falling(config: dict[str, Any], phase: str) -> Measured:
    """A trial whose test error falls as 1.1·n^−0.5 does, less with another backbone; images differ in difficulty."""
    size, seed = config["train_size"], config["seed"]
    scale, power = {"resnet50": (1.1, -0.5), "vgg19": (2.4, -0.65)}[config["backbone"]]
    error = scale * size**power * (1 + 0.02 * ((seed * 7 + size) % 5 - 2))
    wrong = np.random.default_rng(0).permutation(IMAGES) / IMAGES < error
    rows = [{"steps": 1.0, "val_accuracy": 0.9} | ({"test_accuracy": 1 - wrong.mean()} if phase == "confirm" else {})]
    facts = {"head": "a linear layer", "train_labels": size, "test_labels": IMAGES}
    return Measured(rows, facts, {"test_correct": ~wrong} if phase == "confirm" else {})


def test_the_law_over_train_size_is_told_and_drawn(tmp_path: Path) -> None:
    fill_question(
        tmp_path, "transfer_sizes", falling,
        factors={"backbone": ["resnet50", "vgg19"], "train_size": [100, 300, 500, 700, 900]},
        draws=[TUNED], settings={"data": "digits", "precision": "fp32"},
    )  # fmt: skip
    made = told(tmp_path, "transfer_sizes")
    (section,) = made.sections.values()
    text = blocks_to_markdown(section)
    needed = claims(section, "train_size", method="resnet50")
    assert [claim.estimate for claim in needed] == pytest.approx([(1.1 / 0.05) ** 2, (1.1 / 0.02) ** 2], rel=0.15)
    assert all(claim.low < claim.estimate < claim.high for claim in needed)
    assert "- resnet50: error = 0 % + 1.1·n^−0.50." in text, text
    (crossed,) = claims(section, "train_size", method="resnet50, vgg19")
    assert crossed.low < (2.4 / 1.1) ** (1 / 0.15) < crossed.high
    axes = made.drawings["law"].draw().axes[0]
    assert len(axes.collections) == 2, "a band for each backbone"


def test_no_law_is_told_of_three_sizes(complete: tuple[Path, Answer]) -> None:
    assert complete[1].sections == {}
