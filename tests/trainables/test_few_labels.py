"""Trials with few labels: where they start, what stays as it is, which images they see, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from analysis.numbers.results import REFERENCE
from analysis.verdicts.shortage import FIRST
from common.problems import Refused
from sweeps.engine.options import parse
from sweeps.engine.plan import Plan
from sweeps.engine.preflight import make_plan
from sweeps.few_labels import SWEEP
from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.core.loop import Loop, run
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig
from trainables.encoders.networks import Autoencoder
from trainables.few_labels import Config, FewLabels
from trainables.training.trained import trained_network

ARCHITECTURE = {
    "data": "digits", "bottleneck": "fc", "latent": 12, "width": 4, "strides": "2-2-2-2", "activation": "relu",
    "norm": "batch",
}  # fmt: skip
FIELDS = {
    **ARCHITECTURE, "labels": 100, "lr": 3e-3, "epochs": 2, "batch_size": 32, "seed": 1, "encoder_epochs": 1,
    "encoder_batch_size": 32,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("store"))


def config(start: str = "scratch", **changed: Any) -> Config:
    return Config.model_validate({**FIELDS, "start": start, **changed})


def trial(store: Store, start: str, *, confirm: bool = False, **changed: Any) -> Loop:
    return run(FewLabels, config(start, **changed), Sources(), store, confirm=confirm)


def classifier(loop: Loop) -> FewLabels:
    assert isinstance(loop.experiment, FewLabels)
    return loop.experiment


def given(store: Store, asked: Config) -> dict[str, torch.Tensor]:
    """Return the state of the encoder that a trial is given."""
    arrays = tensors(store.get(asked.encoder().artifact(Sources()), Sources()), torch.device("cpu"))
    module = asked.encoder().module(arrays, Sources())
    assert isinstance(module, Autoencoder)
    return module.latent_encoder.state_dict()


def test_a_frozen_encoder_stays_as_it_is_byte_for_byte_and_is_in_evaluation_mode(store: Store) -> None:
    frozen = classifier(trial(store, "frozen", confirm=True))
    before, after = given(store, frozen.config), frozen.model.encoder.state_dict()
    assert any(name.endswith("running_var") for name in after)
    assert before.keys() == after.keys()
    for name, tensor in before.items():
        assert tensor.numpy().tobytes() == after[name].numpy().tobytes(), name
    assert not frozen.model.encoder.training
    rows = torch.from_numpy(frozen.config.choice.rows(Sources())[0])
    images = tensors(store.get(frozen.config.artifacts(Sources())["train"], Sources()), torch.device("cpu"))["x"][rows]
    with torch.no_grad():
        torch.testing.assert_close(frozen.train["data"].x, frozen.model.encoder.eval()(images / 255))


def test_fine_tuning_begins_with_that_encoder_and_changes_its_weights_and_running_statistics(store: Store) -> None:
    tuned = classifier(trial(store, "pretrained", lr=1e-6, epochs=1))
    before, after = given(store, tuned.config), tuned.model.encoder.state_dict()
    for name, tensor in before.items():
        if name.endswith("weight"):
            torch.testing.assert_close(after[name], tensor, atol=1e-3, rtol=0)
            assert not torch.equal(after[name], tensor), name
    moved = [name for name in before if name.endswith("running_mean") and not torch.equal(after[name], before[name])]
    assert moved
    other = classifier(trial(store, "scratch", lr=1e-6, epochs=1)).model.state_dict()
    assert not torch.allclose(other["encoder.0.0.0.weight"], before["0.0.0.weight"], atol=1e-2)
    torch.testing.assert_close(other["head.0.weight"], tuned.model.state_dict()["head.0.weight"], atol=1e-3, rtol=0)


@pytest.mark.parametrize(("labels", "steps"), [(100, 25), (20, 25), ("all", 29)])
def test_an_epoch_is_a_pass_and_25_steps_at_least(store: Store, labels: Any, steps: int) -> None:
    loop = trial(store, "scratch", labels=labels)
    assert [row["steps"] for row in loop.rows] == [steps, 2 * steps]
    assert len(classifier(loop).train["data"].y) == (906 if labels == "all" else labels)


def test_what_needs_no_network_reads_the_same_images_once_and_test_data_is_opened_in_each_epoch(store: Store) -> None:
    loops = [trial(store, start, confirm=True) for start in ("scratch", "frozen")]
    for name in ("logistic", "neighbour", "pca"):
        found = [row.get(f"test_{name}_accuracy") for loop in loops for row in loop.rows]
        assert found[0] is found[2] is None
        assert found[1] == found[3]
        correct = loops[0].experiment.gathered()[f"test_{name}_correct"]
        assert correct.mean() == pytest.approx(found[1])
        assert 0.7 < correct.mean() < 1
    assert all("test_accuracy" in row for loop in loops for row in loop.rows)


def test_the_first_labels_are_the_first_of_the_set_whatever_the_seed_and_validate_nothing(store: Store) -> None:
    sources = Sources()
    labels = sources.dataset("digits").labels("train")
    for seed in (1, 2):
        own, held_out = config(subset="first", seed=seed).choice.rows(sources)
        assert own.tolist() == list(range(100))
        assert not {*own} & {*held_out}
    assert config(subset="first", seed=2).choice.spec() == config(subset="first").choice.spec()
    loop = trial(store, "scratch", subset="first", epochs=1)
    assert loop.experiment.facts()["labels_by_class"] == np.bincount(labels[:100]).tolist()
    assert trial(store, "scratch", epochs=1).experiment.facts()["labels_by_class"] == [10] * 10


def test_balanced_labels_are_nested_and_no_validation_image_trains_the_encoder_unless_asked_for() -> None:
    sources = Sources()
    few, more = (config(labels=count).choice.rows(sources)[0] for count in (100, 300))
    assert {*few} <= {*more}

    def of_encoder(**changed: Any) -> tuple[np.ndarray, np.ndarray]:
        asked = config("frozen", **changed).encoder().config
        assert isinstance(asked, AutoencodingConfig)
        return asked.choice.rows(sources)

    pool, held_out = of_encoder()
    assert not {*pool} & {*held_out}
    assert {*more} <= {*pool}
    every, same = of_encoder(images="all")
    assert len(every) == len(sources.dataset("digits").labels("train"))
    assert same.tolist() == held_out.tolist()


def test_the_encoder_is_one_artifact_whoever_asks_for_it() -> None:
    sources = Sources()
    own = {**ARCHITECTURE, "seed": 1, "lr": 3e-3, "epochs": 1, "batch_size": 32}
    alone = trained_network(Autoencoding, AutoencodingConfig.model_validate(own)).artifact(sources).address
    asking = [config("frozen"), config("pretrained"), config("frozen", labels="all", lr=0.1, epochs=7, subset="first")]
    assert {one.artifacts(sources)["encoder"].address for one in asking} == {alone}
    others = [config("frozen", seed=2), config("frozen", images="all"), config("frozen", encoder_epochs=2)]
    assert len({alone, *(one.artifacts(sources)["encoder"].address for one in others)}) == 4


def test_a_start_from_scratch_needs_no_encoder_and_is_the_same_whatever_that_would_be() -> None:
    sources = Sources()
    plain, other = config(), config(images="all", encoder_lr=0.1, encoder_epochs=3, train_size=200)
    assert "encoder" not in plain.artifacts(sources)
    assert plain.stored() == other.stored()
    keys = {name: artifact.key for name, artifact in plain.test_artifacts(sources).items()}
    assert keys == {name: artifact.key for name, artifact in other.test_artifacts(sources).items()}


@pytest.mark.parametrize("start", ["scratch", "frozen"])
def test_a_trial_that_goes_on_ends_as_one_that_was_never_interrupted(store: Store, start: str) -> None:
    sources, asked = Sources(), config(start, epochs=3)
    whole = run(FewLabels, asked, sources, store)
    begun = run(FewLabels, asked, sources, store, epochs=1)
    arrays = {name: store.get(artifact, sources) for name, artifact in asked.artifacts(sources).items()}
    device = torch.device("cpu")
    again = Loop(FewLabels, Task(asked), sources, {name: tensors(own, device) for name, own in arrays.items()})
    again.load_state_dict(begun.state_dict())
    while again.status == "running":
        again.advance()
    for row, expected in zip(again.rows, whole.rows, strict=True):
        assert {**row, "seconds": 0} == {**expected, "seconds": 0}


def planned(folder: Path, *words: str) -> Plan:
    options, problems = parse(["--out", str(folder), *words], prog="few_labels", description="")
    return make_plan(SWEEP, options, problems, folder)


@pytest.mark.parametrize("words", ["--data digits --set labels=100,300,all", "--builtin", "--builtin --smoke"])
def test_all_labels_from_scratch_are_in_every_run_and_all_labels_on_a_frozen_encoder_in_none(
    tmp_path: Path, words: str
) -> None:
    conditions = [(c.values["labels"], c.values["start"]) for c in planned(tmp_path, *words.split()).conditions]
    assert ("all", "scratch") in conditions
    assert (100, "pretrained") in conditions
    assert ("all", "frozen") not in conditions


def test_settings_fixed_beforehand_are_confirmed_for_each_start_and_search_needs_none_of_it(
    tmp_path: Path,
) -> None:
    plan = planned(tmp_path, "--builtin")
    varied = [c for c in plan.conditions if plan.variants_of(c)]
    assert [(c.values["labels"], c.values["start"]) for c in varied] == [
        (100, "scratch"), (100, "frozen"), (100, "pretrained")
    ]  # fmt: skip
    reference, first = plan.variants_of(varied[2])
    assert (reference.variant, first.variant) == (REFERENCE, FIRST)
    assert (reference.values["lr"], reference.values["epochs"], reference.values["batch_size"]) == (1e-3, 100, 32)
    assert (first.values["subset"], first.values["images"], first.values["lr"]) == ("first", "all", 1e-3)
    asked = [one.spec["config"] for one in plan.artifacts().values() if one.kind == "autoencoding_network"]
    seeds = {images: {one["seed"] for one in asked if one["images"] == images} for images in ("pool", "all")}
    assert seeds == {"pool": {1, 2, 3, 4, 5, 1001, 1002}, "all": {1, 2, 3, 4, 5}}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["labels=9"], ["labels", "at least an image of each of the 10 classes", "9"]),
        (["labels=0"], ["labels", "a whole number above 0, or the word all"]),
        (["labels=5000"], ["labels", "906"]),
        (["labels=all", "start=frozen"], ["left out are labels=all, start=frozen"]),
        (["subset=first", "labels=all"], ["labels", "at most"]),
        (["start=frozen", "train_size=5000"], ["train_size", "906"]),
        (["start=pretrained", "encoder_epochs=0"], ["encoder_epochs"]),
        (["latent=0"], ["latent", "greater than 0"]),
        (["latent=784"], ["latent", "784"]),
        (["bottleneck=conv", "latent=6"], ["latent", "multiple of 4"]),
        (["strides=2-2-9"], ["strides"]),
        (["strides=2-2-2", "bottleneck=conv"], ["latent", "multiple of 16"]),
        (["start=thawed"], ["start"]),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_runs(tmp_path: Path, words: list[str], parts: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        planned(tmp_path, "--builtin", "--set", *words)
    assert all(part in str(refused.value) for part in parts), str(refused.value)


def test_a_pretraining_that_no_one_can_do_stands_in_the_way_of_no_start_from_scratch(tmp_path: Path) -> None:
    assert planned(tmp_path, "--builtin", "--set", "start=scratch", "train_size=5000").conditions
