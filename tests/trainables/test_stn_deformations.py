"""Trials of stn_deformations: what they train on, what they measure, keep and leave, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from common.problems import Refused
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.stn_deformations import SWEEP
from tests.trainables.core.test_loop import without_time
from trainables.artifacts.store import Store
from trainables.core.device import pick_device, tensors
from trainables.core.loop import Loop
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.stn_deformations import Config, StnDeformations

BASE = {
    "data": "digits", "network": "affine", "copies": "elastic+zoom", "lr": 1e-3, "optimiser": "adam", "width": 4,
    "epochs": 2, "batch_size": 32, "train_size": 100, "train_evaluated": 150, "seed": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("artifacts"))


def begun(store: Store, folder: Path | None = None, **changed: Any) -> Loop:
    """Return a trial with its test data at its beginning or, if `folder` has a checkpoint, resumed from that."""
    config, sources = Config.model_validate({**BASE, **changed}), Sources()
    wanted = {**config.artifacts(sources), **config.test_artifacts(sources)}
    task = Task(config, wanted, id="t", phase="confirm", keep_outputs=True)
    given = {name: tensors(store.get(artifact, sources), pick_device()) for name, artifact in wanted.items()}
    return Loop(StnDeformations, task, sources, given, folder=folder)


def ended(store: Store, **changed: Any) -> Loop:
    loop = begun(store, **changed)
    loop.report(1e9)
    return loop


def test_every_class_is_tripled_and_no_copy_crosses_splits(store: Store) -> None:
    trial = begun(store).experiment
    images = trial.images
    assert torch.bincount(images.y).tolist() == [30] * 10
    assert images.x.shape == (300, 1, 28, 28)
    assert (images.y.view(3, 100) == images.y[:100]).all(), "originals, then their copies in the same order"
    pool, held_out = trial.config.choice.rows(Sources())
    elastic = store.get(trial.config.artifacts(Sources())["train_elastic"], Sources())["x"]
    assert (images.x[100:200].numpy() == elastic[pool]).all()
    assert (trial.tested["validation"]["elastic"]["x"].numpy() == elastic[held_out]).all()
    assert not {*pool} & {*held_out}
    test = trial.tested["test"]
    assert [*test] == ["original", "elastic", "zoom"]
    assert {len(own["y"]) for own in test.values()} == {510}
    zoomed = test["zoom"]["x"].double().sum((1, 2, 3)) / test["original"]["x"].double().sum((1, 2, 3))
    assert zoomed.numpy() == pytest.approx(np.full(510, 1 / 16), rel=0.01)


def test_distorted_copies_stand_in_the_place_of_images(store: Store) -> None:
    trial = begun(store, copies="R").experiment
    assert len(trial.images.y) == 100
    rotated = store.get(trial.config.artifacts(Sources())["train_R"], Sources())["x"]
    assert (trial.images.x.numpy() == rotated[trial.config.choice.rows(Sources())[0]]).all()


def test_a_trial_measures_what_it_declares_and_keeps_what_figures_show(store: Store) -> None:
    loop = ended(store)
    row, arrays = loop.rows[-1], loop.experiment.gathered()
    assert loop.status == "done"
    by_origin = [row[f"test_{origin}_accuracy"] for origin in ("original", "elastic", "zoom")]
    assert row["test_accuracy"] == pytest.approx(np.mean(by_origin))
    assert arrays["test_correct"].shape == (510,), "an image and its copies are one: they are not independent"
    assert arrays["test_correct"].mean() == pytest.approx(row["test_accuracy"])
    assert {*np.round(3 * arrays["test_correct"]).astype(int)} <= {0, 1, 2, 3}
    facts = loop.outcome()["facts"]
    assert (facts["train_labels"], facts["test_labels"], facts["training_images"]) == (100, 510, 300)
    for name in ("slant_r2", "zoom_undone", "left", "left_affine", "sharpness", "variation", "degenerate"):
        assert np.isfinite(row[f"test_{name}"]), name
        assert f"test_{name}" not in loop.rows[0], "at the last epoch alone"
    assert arrays["examples_input"].shape == arrays["examples_output"].shape == (3, 3, 4, 28, 28)
    assert arrays["examples_grid"].shape == (3, 3, 4, 8, 8, 2)
    values = arrays["examples_value"].copy()
    values[2] = np.abs(1 - values[2])  # of a zoom, the share that is undone: best at 1
    assert (values[:, 0].max(1) <= values[:, 1].min(1)).all()
    assert (values[:, 1].max(1) <= values[:, 2].min(1)).all(), "best, middle and worst"
    assert arrays["class_means"].shape == (3, 2, 10, 28, 28)


def test_training_accuracy_is_of_fixed_images_without_dropout(store: Store) -> None:
    loop = ended(store, copies="none", train_evaluated=40)
    trial = loop.experiment
    assert len(trial.evaluated) == 40
    assert (
        trial.evaluated.tolist()
        == begun(store, copies="none", train_evaluated=40, seed=2).experiment.evaluated.tolist()
    )
    trial.model.eval()
    right = trial.model(trial.images.x[trial.evaluated] / 255).argmax(1) == trial.images.y[trial.evaluated]
    assert loop.rows[-1]["train_accuracy"] == pytest.approx(right.double().mean().item())


def test_a_plain_network_has_no_transform_to_measure(store: Store) -> None:
    row = ended(store, network="plain", copies="elastic").rows[-1]
    assert not [name for name in row if any(word in name for word in ("slant", "left", "sharpness", "degenerate"))]
    assert "test_elastic_accuracy" in row
    assert "test_zoom_accuracy" not in row


def test_a_spline_and_a_distortion_are_measured_too(store: Store) -> None:
    row = ended(store, network="tps", copies="E", epochs=1).rows[-1]
    assert 0 < row["test_left_affine"] < row["test_left"] < 1.5
    assert "test_slant_r2" not in row, "no original is tested on"


def test_a_transformer_that_reflects_has_collapsed(store: Store) -> None:
    loop = begun(store, epochs=1)
    assert loop.experiment.model.transformer is not None
    with torch.no_grad():
        last = loop.experiment.model.transformer.localisation.last
        last.bias.copy_(torch.tensor([-1.0, 0, 0, 0, 1, 0]))
        last.weight.zero_()
    loop.experiment.epoch = 1
    loop.experiment.evaluate("validation")
    assert "reflects 100.0 %" in (loop.experiment.collapsed() or "")
    loop.experiment.keep_last("degenerate", np.array(0.05))
    assert loop.experiment.collapsed() is None, "up to 5 % are allowed"


def test_a_transformer_that_diverged_is_not_examined(store: Store) -> None:
    broken = begun(store, epochs=1)
    with torch.no_grad():
        broken.experiment.model.classifier.out.bias.fill_(torch.nan)
    broken.report(1e9)
    assert broken.status == "diverged"
    assert "test_left" not in broken.rows[-1]


def test_sigma_25_leaves_little_ink_and_says_so(store: Store) -> None:
    row = ended(store, copies="elastic", sigma=25.0, epochs=1, network="plain").rows[-1]
    assert 0.3 < row["test_little_ink"] < 0.6


def test_a_trial_that_was_cut_off_ends_as_an_undisturbed_one(store: Store, tmp_path: Path) -> None:
    whole = ended(store, epochs=3)
    first = begun(store, tmp_path, epochs=3)
    first.report(0)
    del first
    resumed = begun(store, tmp_path, epochs=3)
    assert len(resumed.rows) == 1
    resumed.report(1e9)
    assert without_time(resumed.rows) == without_time(whole.rows)
    arrays, same = resumed.experiment.gathered(), whole.experiment.gathered()
    assert arrays.keys() == same.keys()
    assert all((arrays[name] == same[name]).all() for name in arrays)
    weights, others = (loop.experiment.model.state_dict() for loop in (resumed, whole))
    assert all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("network", ["plain", "affine", "tps"])
def test_the_network_that_is_left_reads_images_as_the_trial_does(store: Store, network: str) -> None:
    loop = ended(store, network=network, copies="none", epochs=1)
    left = loop.experiment.network()
    assert left is not None
    module = StnDeformations.build(loop.experiment.config, 10)
    module.load_state_dict(left.state)
    module.eval()
    loop.experiment.model.eval()
    images = loop.experiment.tested["test"]["original"]["x"][:20]
    read = module(left.input.prepared(images[:, 0]))
    torch.testing.assert_close(read, loop.experiment.model(images / 255), atol=1e-5, rtol=0)


def test_hyperparameters_that_change_nothing_are_not_drawn() -> None:
    def unused(**changed: Any) -> frozenset[str]:
        return Config.model_validate({**BASE, **changed}).unused()

    assert unused() == frozenset()
    assert unused(copies="none") == {"sigma", "points", "zoom", "zoom_method"}
    assert unused(copies="elastic", network="plain") == {"zoom", "zoom_method", "sampled"}
    assert {"width", "depth"} <= unused(network="plain", hidden=50)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["sigma=-1"], ["sigma", "greater than or equal to 0"]),
        (["zoom=0"], ["zoom", "greater than 0"]),
        (["zoom=-4"], ["zoom", "greater than 0"]),
        (["copies=rotated"], ["copies", "rotated", "'elastic+zoom'"]),
        (["network=projective"], ["network", "projective"]),
        (["depth=3"], ["depth", "at most 2", "28×28"]),
        (["train_size=5000"], ["train_size", "5000"]),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path: Path, words: list[str], parts: list[str]) -> None:
    options, problems = parse(
        ["--builtin", "--out", str(tmp_path), "--set", *words], prog="stn_deformations", description=""
    )
    with pytest.raises(Refused) as refused:
        make_plan(SWEEP, options, problems, tmp_path)
    assert all(part in str(refused.value) for part in parts), str(refused.value)


def test_a_command_may_ask_for_the_papers_distortions_and_for_the_literal_sigma(tmp_path: Path) -> None:
    for words in (["network=plain,affine,tps", "copies=R,RTS,P,E"], ["sigma=3.5,25", "train_size=100,600"]):
        options, problems = parse(
            ["--builtin", "--out", str(tmp_path), "--set", *words], prog="stn_deformations", description=""
        )
        assert len(make_plan(SWEEP, options, problems, tmp_path).conditions) in (12, 16)
