"""Ratios paired by seed: by hand, with images, and where there is none."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from analysis.numbers.intervals import NEW, THESE, Interval
from analysis.numbers.ratios import paired_ratio
from tests.support.synthetic import Measured, fill_question, tables

LEVELS = {"joint": 0.8, "classifier": 0.2}
SETTINGS = {"data": "digits", "epochs": 1, "precision": "fp32"}
SEEDS = (1, 2, 3, 4, 5)


def ratio(folder: Path, made: Any) -> Interval | None:
    fill_question(
        folder, "latent_decoding", made, factors={"encoder": [*LEVELS]}, draws=[{"lr": 0.01}], settings=SETTINGS,
        select="min val_l1", oracle=False,
    )  # fmt: skip
    results, seeds, _ = tables(folder)
    return paired_ratio(results, seeds, "encoder", "joint", "classifier", "test_kept_within")


def value(encoder: str, seed: int) -> float:
    """The classifier's varies twice as much with the seed, in proportion, and against the autoencoder's."""
    return LEVELS[encoder] * (1 + {"joint": 0.01, "classifier": -0.02}[encoder] * (seed - 3))


def measured(config: dict[str, Any], phase: str, *, images: int = 0, status: Any = "done") -> Measured:
    own = value(config["encoder"], config["seed"])
    row = {"steps": 1.0, "train_l1": 0.1, "val_l1": 0.1}
    if phase != "confirm":
        return Measured([row], {}, {})
    arrays = {}
    if images:
        draw = np.random.default_rng(0 if config["encoder"] == "joint" else 1)
        scores = own * (1 + 0.5 * draw.standard_normal(images))
        arrays = {"test_kept_within_scores": scores + own - scores.mean()}
    return Measured([row | {"test_l1": 0.1, "test_kept_within": own}], {}, arrays, status)


def test_a_ratio_is_the_geometric_mean_over_seeds_with_students_interval_of_its_logarithm(tmp_path: Path) -> None:
    found = ratio(tmp_path, measured)
    assert found is not None
    logs = [math.log(value("joint", seed) / value("classifier", seed)) for seed in SEEDS]
    low, high = stats.t.interval(0.95, 4, np.mean(logs), stats.sem(logs))
    assert (found.mean, found.low, found.high) == pytest.approx(
        (math.exp(np.mean(logs)), math.exp(low), math.exp(high))
    )
    assert (found.n, found.kind) == (5, THESE)


def test_images_widen_it_by_what_they_vary_in_proportion(tmp_path: Path) -> None:
    alone = ratio(tmp_path / "alone", measured)
    found = ratio(tmp_path / "with", lambda config, phase: measured(config, phase, images=400))
    assert alone is not None
    assert found is not None
    assert found.kind == NEW
    error = math.hypot(0.5, 0.5) / 20  # both vary by half of their mean, over 400 images, independently
    half = math.hypot(math.log(alone.high / alone.mean), 1.96 * error)
    assert math.log(found.high / found.mean) == pytest.approx(half, rel=0.1)


def test_a_seed_that_diverged_leaves_no_number_and_no_seed_in_common_no_ratio(tmp_path: Path) -> None:
    def diverging(config: dict[str, Any], phase: str) -> Measured:
        broken = phase == "confirm" and (config["encoder"], config["seed"]) == ("joint", 2)
        return measured(config, phase, status="diverged" if broken else "done")

    found = ratio(tmp_path / "diverged", diverging)
    assert found is not None
    assert math.isnan(found.mean)
    assert math.isnan(found.low)

    def alone(config: dict[str, Any], phase: str) -> Measured | None:
        return None if phase == "confirm" and config["encoder"] == "joint" else measured(config, phase)

    assert ratio(tmp_path / "alone", alone) is None
