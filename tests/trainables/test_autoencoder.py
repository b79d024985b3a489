"""Trials of the autoencoder: what they learn, keep and leave, and that a constant is said to be one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import trainables
from common.problems import Refused
from sweeps.autoencoder import SWEEP
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from trainables.artifacts.store import Store
from trainables.autoencoder import epochs_taken
from trainables.core.device import as_worker
from trainables.core.loop import Loop, run
from trainables.data.sources import Sources
from trainables.encoders.classifying import Classifying

CONFIG = {
    "bottleneck": "fc", "latent": 12, "lr": 3e-3, "width": 4, "strides": "2-2-2-2", "activation": "relu",
    "norm": "batch",
}  # fmt: skip


def trained(epochs: int, *, until: int | None = None, confirm: bool = True, **changed: Any) -> Loop:
    options: dict[str, Any] = {"builtin": True, "confirm": confirm, "set": {"epochs": epochs}}
    loop: Loop = trainables.run(SWEEP, {**CONFIG, **changed}, epochs=until, **options)
    return loop


@pytest.mark.slow
def test_it_learns_to_reconstruct_and_keeps_what_figures_show() -> None:
    loop = trained(12)
    losses = [row["val_l1"] for row in loop.rows]
    assert losses[-1] < 0.7 * losses[0]
    assert loop.status == "done"
    row, arrays = loop.rows[-1], loop.experiment.gathered()
    assert arrays["test_l1_scores"].shape == (510,)
    assert float(arrays["test_l1_scores"].mean()) == pytest.approx(row["test_l1"], abs=1e-6)
    shown = torch.from_numpy(arrays["examples_l1"])
    assert arrays["examples_input"].shape == arrays["examples_made"].shape == (3, 6, 28, 28)
    assert shown[0].max() <= shown[1].min() <= shown[1].max() <= shown[2].min(), "best, median and worst"
    made, given = (torch.from_numpy(arrays[f"examples_{name}"]) / 255 for name in ("made", "input"))
    torch.testing.assert_close((made - given).abs().mean((2, 3)), shown, rtol=0, atol=0.002)
    assert row["test_pca_l1"] < row["test_median_l1"]
    assert not [name for name in loop.outcome()["facts"] if name in ("train_labels", "validation_labels")]


def test_a_network_that_makes_the_same_of_every_image_has_collapsed() -> None:
    loop = trained(1, lr=1e-6, norm="none")
    assert loop.status == "collapsed"
    assert "all reconstructions are alike" in (loop.error or "")


def test_the_network_that_is_left_maps_images_to_their_latents() -> None:
    loop = trained(1)
    network = loop.experiment.network()
    assert network is not None
    module = type(loop.experiment).build(loop.experiment.config, 0)
    module.load_state_dict(network.state)
    module.eval()
    images = loop.experiment.held_out["validation"]["data"].x[:5]
    latents = module(network.input.prepared(images[:, 0]))
    loop.experiment.model.eval()
    torch.testing.assert_close(latents, loop.experiment.model(images.float() / 255))


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["latent=0"], ["latent", "greater than 0"]),
        (["latent=784", "bottleneck=fc"], ["latent", "784"]),
        (["latent=6", "bottleneck=conv"], ["latent", "multiple of 4"]),
        (["strides=2-2-2", "latent=12"], ["latent", "multiple of 16"]),
        (["strides=7-7"], ["strides"]),
        (["bottleneck=none"], ["bottleneck"]),
        (["train_size=5000"], ["train_size"]),
    ],
)
def test_what_cannot_be_built_is_refused(tmp_path: Any, words: list[str], parts: list[str]) -> None:
    options, problems = parse(
        ["--builtin", "--out", str(tmp_path), "--set", *words], prog="autoencoder", description=""
    )
    with pytest.raises(Refused) as refused:
        make_plan(SWEEP, options, problems, tmp_path)
    assert all(part in str(refused.value) for part in parts), str(refused.value)


@pytest.mark.parametrize(
    ("values", "constant", "taken"),
    [
        ([0.06, 0.04, 0.031, 0.03, 0.03], 0.13, 3),  # a loss: 99 % of the way after the third
        ([0.5, 0.96, 0.98], 0.1, 2),  # an accuracy: 86 of 88 points after the second
        ([0.02, 0.08, 0.03], 0.13, 1),  # it comes back: the first time counts
        ([0.2, 0.2], 0.2, 2),  # nothing was learned
    ],
)
def test_training_takes_until_nearly_all_of_the_way_from_a_constant_is_done(
    values: list[float], constant: float, taken: int
) -> None:
    assert epochs_taken(np.array(values), constant) == taken


@pytest.mark.slow
def test_a_confirmed_trial_is_measured_against_a_classifier_that_changes_nothing_of_it(tmp_path: Path) -> None:
    loop = trained(2)
    row, classifier = loop.rows[-1], loop.experiment.classifier
    assert classifier.config.architecture == loop.experiment.config.architecture
    assert classifier.train["data"].x.equal(loop.experiment.train["data"].x), "trained on the same images"
    assert row["val_more_epochs_taken"] == row["val_epochs_taken"] - row["val_classifier_epochs_taken"]
    assert "val_epochs_taken" not in loop.rows[0]
    searched = trained(2, confirm=False)
    assert "val_epochs_taken" not in searched.rows[-1], "a search trial trains no classifier"
    assert [r["val_l1"] for r in searched.rows] == [r["val_l1"] for r in loop.rows]
    with as_worker(1, gpu=False):
        alone = run(Classifying, classifier.config, Sources(), Store(tmp_path))
    assert alone.rows[-1]["val_accuracy"] == loop.experiment.gathered()["classifier_accuracy"][-1]


def test_a_trial_goes_on_exactly_with_its_classifier() -> None:
    whole, begun, again = trained(3), trained(3, until=1), trained(3, until=0)
    again.load_state_dict(begun.state_dict())
    with as_worker(1, gpu=False):
        while again.status == "running":
            again.advance()
    assert again.rows[-1] | {"seconds": 0} == whole.rows[-1] | {"seconds": 0}
