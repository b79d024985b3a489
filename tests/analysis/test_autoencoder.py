"""The answer on autoencoders, from made-up ledgers: the better bottleneck, and the smallest latent that suffices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.words import Difference, claims_of
from tests.support.synthetic import Measured, claims, fill_question, markdown, told

LEVELS = {
    ("conv", 4): 0.060, ("conv", 12): 0.045, ("conv", 32): 0.035,
    ("fc", 4): 0.055, ("fc", 12): 0.036, ("fc", 32): 0.035,
}  # fmt: skip
SETTINGS = {"data": "digits", "epochs": 2, "batch_size": 32, "train_size": None, "validation": 240, "precision": "fp32"}
DRAW = {"lr": 0.01, "width": 8, "strides": "2-2-2-2", "activation": "relu", "norm": "batch"}
LAYERS = [["Conv2d", [8, 14, 14], 80], ["Linear", [12], 780]]


def measured(config: dict[str, Any], phase: str, status: Any = "done") -> Measured:
    """A trial whose L1 varies a little with the seed and from image to image."""
    draw = np.random.default_rng(config["seed"])
    level = LEVELS[config["bottleneck"], config["latent"]] + 0.0003 * (config["seed"] % 5)
    scores = level * draw.gamma(100, 0.01, 60)
    rows = [{"steps": float(i), "train_l1": level, "val_l1": level} for i in (1, 2)]
    arrays: dict[str, np.ndarray] = {}
    if phase == "confirm":
        rows[-1] |= {"test_l1": float(scores.mean()), "test_pca_l1": 0.05, "test_median_l1": 0.1}
        taken = {"fc": (9, 2 + config["seed"] % 2), "conv": (4 + 2 * (config["seed"] % 2), 5)}[config["bottleneck"]]
        names = ("val_epochs_taken", "val_classifier_epochs_taken", "val_more_epochs_taken")
        rows[-1] |= dict(zip(names, (*taken, taken[0] - taken[1]), strict=True))
        images = np.zeros((3, 2, 28, 28), np.uint8)
        arrays = {"test_l1_scores": scores, "examples_input": images, "examples_made": images + 1}
        arrays["examples_l1"] = np.zeros((3, 2))
    return Measured(rows, {"parameters": 860, "layers": LAYERS}, arrays, status)


def answered(folder: Path, made: Any = measured) -> Any:
    fill_question(
        folder, "autoencoder", made, factors={"bottleneck": ["conv", "fc"], "latent": [4, 12, 32]}, draws=[DRAW],
        settings=SETTINGS, select="min val_l1", oracle=False, report=["pca_l1"],
    )  # fmt: skip
    return told(folder, "autoencoder")


def test_a_latent_suffices_where_its_upper_bound_is_within_what_was_stated(tmp_path: Path) -> None:
    made = answered(tmp_path)
    text = markdown(made)
    assert text.startswith("With a latent of 32 the test L1 is ")
    assert "fc: a latent of 12 suffices, within 0.003 of 32" in text
    assert "conv: no latent below 32 is shown to suffice" in text
    levels = claims(made.verdict, "test_l1", bottleneck="fc", latent=12)
    assert levels[0].estimate == pytest.approx(0.0366, abs=0.002)
    assert "(PCA 0.0500, median image 0.1000)" in text
    assert "better with conv 12, conv 32, fc 12 and fc 32; worse with conv 4 and fc 4." in text
    assert "has 860 parameters in 2 layers" in text


def test_bottlenecks_are_compared_by_seed_and_the_words_are_the_numbers(tmp_path: Path) -> None:
    gaps = {
        claim.where["latent"]: claim
        for claim in claims_of(answered(tmp_path).verdict)
        if isinstance(claim, Difference) and claim.factor == "bottleneck"
    }
    assert {latent: gap.direction for latent, gap in gaps.items()} == {
        4: "lower", 12: "lower", 32: "not shown to differ"
    }  # fmt: skip
    assert gaps[12].estimate == pytest.approx(-0.009, abs=0.001)


def test_a_condition_with_a_collapsed_seed_has_no_number_and_says_so_once(tmp_path: Path) -> None:
    def collapsing(config: dict[str, Any], phase: str) -> Measured:
        failed = phase == "confirm" and (config["bottleneck"], config["latent"], config["seed"]) == ("conv", 4, 2)
        return measured(config, phase, "collapsed" if failed else "done")

    text = markdown(answered(tmp_path, collapsing))
    assert "conv, latent 4: no number (of 5 seeds 1 collapsed: 20.0 % [0.5, 71.6])" in text
    assert "nan" not in text.lower()


def test_figures_show_the_baselines_and_what_the_latent_keeps(tmp_path: Path) -> None:
    made = answered(tmp_path)
    assert {*made.drawings} == {"l1", "reconstructions", "learning_curves"}
    axes = made.drawings["l1"].draw().axes[0]
    drawn = {round(float(y), 4) for container in axes.containers for y in container.lines[0].get_ydata()}
    assert {0.05, 0.1} <= drawn, "principal components and the median image"
    assert len(axes.containers) == 4, "each of them once, beside the two bottlenecks"
    assert len(made.drawings["reconstructions"].draw().axes) == 6, "a grid for each condition"
    assert made.tables["layers"]["parameters"].tolist() == [80, 780] * 6


def test_training_is_told_against_a_classifier_and_the_words_are_the_intervals(tmp_path: Path) -> None:
    text = markdown(answered(tmp_path))
    assert "it takes more epochs with fc 4, fc 12 and fc 32; neither is shown with conv 4, conv 12 and conv 32." in text
    assert (
        "- fc, latent 12: 9.0 (no interval: seeds alike) epochs, the classifier 2.6 [2.0, 3.4]; 6.4 [5.7, 7.1] more"
        in text
    )
    assert "falls to zero over 2 epochs" in text


def test_seeds_that_take_equally_many_epochs_are_no_proof_that_neither_takes_more(tmp_path: Path) -> None:
    def alike(config: dict[str, Any], phase: str) -> Measured:
        made = measured(config, phase)
        names = ("val_epochs_taken", "val_classifier_epochs_taken", "val_more_epochs_taken")
        made.rows[-1].update(dict(zip(names, (5.0, 1.0, 4.0), strict=True)) if phase == "confirm" else {})
        return made

    text = markdown(answered(tmp_path, alike))
    assert "Paired by seed, seeds are too much alike for an interval with conv 4, " in text
    assert "neither is shown" not in text
