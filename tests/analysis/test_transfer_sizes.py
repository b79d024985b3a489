"""The answer to transfer_sizes: the lowest test error over the epochs, its epoch, and sizes at one config."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.report.answer import Answer
from tests.support.answers import make_answer
from tests.support.synthetic import CONFIRM_SEEDS, Measured, claims, fill_question, gaps, told

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
    first = made.text.splitlines()[0]
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
