"""Measures are declared: what a trial returns is checked against that, and nothing is guessed from a name."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from common.files import Arrays
from tests.support.toy import Config, Toy
from trainables.artifacts.store import Store
from trainables.core.experiment import EvalSplit, Metrics
from trainables.core.loop import Loop, run
from trainables.core.measures import (
    Measure,
    accuracy,
    check_images,
    declaration_problems,
    loss,
    plain,
    recorded,
    share,
    with_errors,
)
from trainables.core.task import Task
from trainables.data.sources import Sources

L1 = plain("l1", better="min", unit="px", low=0, images=True)


class Autoencoder(Toy):
    """Returns what `found` says, whatever its names end in."""

    measures = (plain("reconstruction_error", better="min", low=0), plain("psnr", better="max", unit="dB"))
    found: Metrics = {"reconstruction_error": 3.2, "psnr": -1.5}  # noqa: RUF012  # a test replaces it

    def train_epoch(self) -> Metrics:
        return {"reconstruction_error": 4.0, "steps": 1}

    def evaluate(self, split: EvalSplit) -> Metrics:
        return dict(self.found)


def trained(experiment: type[Toy], folder: Path) -> Loop:
    return run(experiment, Config(size=20, lr=0.1, epochs=2), Sources(), Store(folder), confirm=True)


def test_an_error_that_is_no_share_of_images_is_a_number_like_any_other(tmp_path: Path) -> None:
    loop = trained(Autoencoder, tmp_path)
    assert loop.status == "done"
    assert loop.rows[0]["train_reconstruction_error"] == 4.0
    assert loop.rows[-1]["test_reconstruction_error"] == 3.2


@pytest.mark.parametrize(
    ("found", "parts"),
    [
        ({"psnr": 1.0}, ["reconstruction_error is one", "found ['psnr']", "optional=True"]),
        ({"reconstruction_error": -1.0, "psnr": 1.0}, ["reconstruction_error: at least 0", "-1.0", "other bounds"]),
        (
            {"reconstruction_error": 3.2, "psnr": 1.0, "psnt": 2.0},
            ['evaluate("validation")', "declared measures only", "'psnt'", 'plain("psnt"', "mean 'psnr'"],
        ),
    ],
)
def test_what_is_not_as_declared_fails_the_trial_in_its_first_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: Metrics, parts: list[str]
) -> None:
    monkeypatch.setattr(Autoencoder, "found", found)
    with pytest.raises(ValueError, match="evaluate") as caught:
        trained(Autoencoder, tmp_path)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


def test_a_measure_of_training_alone_is_missing_elsewhere_and_refused_there() -> None:
    measures = (loss(), plain("gradient", better="min", splits=("train",)))
    assert recorded(measures, "train", {"gradient": 2.0}) == {"train_gradient": 2.0}, "there none is needed"
    assert recorded(measures, "validation", {"loss": 1.0}) == {"val_loss": 1.0}
    with pytest.raises(ValueError, match="declared measures only; found 'gradient'"):
        recorded(measures, "test", {"loss": 1.0, "gradient": 2.0})


def test_rounding_beyond_a_bound_is_taken_off_and_nan_is_left_to_diverge() -> None:
    assert recorded([accuracy()], "test", {"accuracy": 1 + 1e-7}) == {"test_accuracy": 1.0}
    assert math.isnan(recorded([accuracy()], "test", {"accuracy": math.nan})["test_accuracy"])
    assert recorded([L1], "test", {"l1": math.inf}) == {"test_l1": math.inf}
    with pytest.raises(ValueError, match=r"from 0 to 1; found 1\.01"):
        recorded([accuracy()], "test", {"accuracy": 1.01})


def test_an_accuracy_has_its_error_name_label_and_arrays_by_what_it_is_about() -> None:
    names = [measure.name for measure in with_errors([accuracy(), accuracy("mirror"), accuracy(of="first"), loss()])]
    assert names == ["accuracy", "error", "mirror_accuracy", "mirror_error", "first_accuracy", "first_error", "loss"]
    first = accuracy("head_first", of="first", label="head {first}")
    assert (first.label, first.images, first.strata) == (
        "head {first} accuracy",
        "test_head_first_correct",
        "test_head_first_strata",
    )
    assert first.error is not None
    assert (first.error.label, first.error.better, first.error.of) == ("head {first} error", "min", "first")
    assert (accuracy().images, accuracy(images=False).images, loss(of="first").label) == (
        "test_correct",
        None,
        "{first} loss",
    )
    assert (L1.images, L1.label, share("recall_at_5", better="max").label) == ("test_l1_scores", "l1", "recall at 5")


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({}, ["test_l1_scores", "found []", "images=False"]),
        ({"test_l1_scores": np.zeros((2, 2))}, ["an array [images]"]),
        ({"test_l1_scores": np.array([1.0, 2.0])}, ["mean is test_l1, 2", "1.5"]),
    ],
)
def test_the_images_own_values_are_there_and_have_the_measures_mean(arrays: Arrays, parts: list[str]) -> None:
    with pytest.raises(ValueError, match="test_l1_scores") as caught:
        check_images([L1], arrays, {"test_l1": 2.0})
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    check_images([L1], {"test_l1_scores": np.array([1.0, 3.0])}, {"test_l1": 2.0})
    strata = np.array([0, 1, 1])
    check_images([L1], {"test_l1_scores": np.array([1.0, 2.0, 4.0]), "test_l1_strata": strata}, {"test_l1": 2.0})
    check_images([L1], {}, {"val_l1": 2.0})


def test_a_measure_of_retrieval_says_on_which_images_it_rests() -> None:
    measure = accuracy("cross", retrieval=True)
    assert (measure.nearest, measure.without) == ("test_cross_nearest", "test_cross_without")
    assert accuracy().nearest is None
    arrays = {"test_cross_correct": np.array([True, False]), "test_cross_nearest": np.array([1, 2])}
    with pytest.raises(ValueError, match=r"test_cross_without: .*an array \[2\].*retrieval=True"):
        check_images([measure], arrays, {"test_cross_accuracy": 0.5})
    check_images([measure], arrays | {"test_cross_without": np.array([True, True])}, {"test_cross_accuracy": 0.5})


def test_a_confirm_trial_whose_outputs_lack_a_measure_fails_by_name(tmp_path: Path) -> None:
    class Lacking(Toy):
        measures = (accuracy(), loss(), plain("l1", better="min", images=True, optional=True))

        def evaluate(self, split: EvalSplit) -> Metrics:
            return {**super().evaluate(split), "l1": 1.0}

    task = Task(Config(size=20, lr=0.1, epochs=1), phase="confirm")
    with pytest.raises(ValueError, match="test_l1_scores"):
        Loop(Lacking, task, Sources(), {}).report(0)


@pytest.mark.parametrize(
    ("measures", "parts"),
    [
        ([], ["measures: at least one measure", "accuracy(), loss()"]),
        ([loss(), loss()], ["each name once", "'loss'"]),
        ([accuracy(), plain("error", better="min")], ["each name once", "'error'"]),
        ([plain("images", better="max")], ["measures: images", "Rename"]),
        ([plain("x", better="max", low=1, high=0)], ["low < high", "low=1, high=0"]),
        ([Measure("x", "max", "share")], ["bounds 0 and 1", "(None, None)"]),
        ([accuracy(of="frist")], ["DataName", "'frist'", "'first'"]),
        ([accuracy("x", label="{secnd}")], ["DataName", "'secnd'", "'second'"]),
        ([plain("x", better="max", tolerance=-1)], ["a tolerance of 0 or more", "-1"]),
        ([plain("x", better="max", decimals=-1)], ["decimals from 0", "-1"]),
        ([plain("x", better="max", splits=())], ["splits from train, validation, test"]),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_told(measures: list[Measure], parts: list[str]) -> None:
    problems = declaration_problems(measures, ("first", "second"))
    assert all(part in "\n".join(map(str, problems)) for part in parts), problems
