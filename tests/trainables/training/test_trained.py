"""The network of one question as an artifact of another: its weights, its address, and what is refused."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import Field
from safetensors.torch import load as tensors_in

from common.problems import Refused
from tests.support.driver import plan
from tests.support.edited import Edited
from tests.support.edited import edited as edited
from tests.support.pupil import SWEEP, Pupil
from tests.support.pupil import Config as PupilConfig
from tests.support.toy import Hill, Leaving, Toy
from tests.sweeps.engine.test_tuning import sweep
from tests.trainables.networks.test_load import HEAD, SQUEEZE, TINY
from tests.trainables.networks.test_load import pretrained as pretrained
from tests.trainables.test_cifar_transfer import sources as sources
from trainables.artifacts.code import code_behind
from trainables.artifacts.store import Artifact, Store, lacking
from trainables.core.config import DataName, TrialConfig
from trainables.core.device import tensors
from trainables.core.experiment import Experiment
from trainables.core.loop import Loop, run, run_task
from trainables.core.task import Task
from trainables.data.readers.download import parted
from trainables.data.sources import Sources
from trainables.tiny_cifar import TinyCifar
from trainables.training.trained import TrainedNetwork, trained_network
from trainables.transfer import letters_backbone
from trainables.transfer_sizes import TransferSizes

CPU = torch.device("cpu")


class Asking(TrialConfig):
    """The config of a question that asks for networks."""

    data: DataName = "source.npz"
    epochs: int = 1


class AskingToo(TrialConfig):
    """That of another, which has other fields."""

    width: int = Field(3, description="of something else")


class Peak(Hill, Leaving):
    """Is read at its best epoch, an early one, which differs by the measure; it leaves the network of that epoch."""


PEAK = {"size": 200, "lr": 0.3, "epochs": 9}
ASKED: dict[str, tuple[type[Experiment[Any]], dict[str, Any], str]] = {
    "several links": (TinyCifar, TINY | {"epochs": 11, "train_size": 60}, "accuracy"),
    "one link": (TinyCifar, TINY | {"epochs": 3, "train_size": 60, "precision": "bf16", "ema": 0.5}, "accuracy"),
    "on features, and with a backbone": (TransferSizes, HEAD | {"epochs": 7}, "accuracy"),
    "at the most accurate epoch": (Peak, PEAK, "accuracy"),
    "at the epoch of least loss": (Peak, PEAK | {"seed": 4}, "loss"),
    "after the network of another question": (Pupil, {"size": 200, "lr": 0.1, "epochs": 6}, "accuracy"),
}


@pytest.fixture(autouse=True)
def _few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters_backbone, "IMAGES", 128)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "artifacts")


def asked(experiment: type[Experiment[Any]], values: dict[str, Any], best_by: str = "accuracy") -> TrainedNetwork:
    return trained_network(experiment, Asking(), best_by=best_by, **values)


def weights(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Return the state dict among the arrays of an artifact."""
    return {name: torch.from_numpy(value) for name, value in arrays.items() if " " not in name}


def same(arrays: dict[str, np.ndarray], state: dict[str, torch.Tensor]) -> None:
    """Check that an artifact holds this state dict, to the last bit."""
    assert weights(arrays).keys() == state.keys()
    for name, tensor in state.items():
        assert arrays[name].tobytes() == tensor.numpy().tobytes(), name


@pytest.mark.parametrize("what", ASKED)
@pytest.mark.parametrize("phase", ["search", "confirm"])
def test_it_is_the_network_that_a_trial_leaves(
    sources: Sources, store: Store, tmp_path: Path, what: str, phase: Any
) -> None:
    experiment, values, best_by = ASKED[what]
    wanted = asked(experiment, values, best_by)
    config = wanted.config
    given = dict(config.artifacts(sources)) | (dict(config.test_artifacts(sources)) if phase == "confirm" else {})
    better: Any = {"accuracy": "max", "loss": "min"}[best_by]
    task = Task(config, id="0" * 64, phase=phase, network_limit=10**9, metric=f"val_{best_by}", mode=better)

    def fetch(artifact: Artifact) -> dict[str, torch.Tensor]:
        return tensors(store.get(artifact, sources), CPU)

    trial = Loop(experiment, task, sources, {n: fetch(a) for n, a in given.items()}, folder=tmp_path, fetch=fetch)
    folder = trial.report(1e9)["outcome"]["facts"]["network"]["folder"]
    arrays = store.get(wanted.artifact(sources), sources)
    same(arrays, tensors_in((tmp_path / folder / "weights.safetensors").read_bytes()))
    for name in ("steps", "val_loss"):
        recorded = wanted.curve(tensors(arrays, CPU), name)
        assert recorded.tolist() == [row[name] for row in trial.rows], name
    if trial.best is not None:
        assert trial.best.epoch < len(trial.rows), "else it tells nothing"


def test_best_epochs_by_two_measures_are_two_networks(sources: Sources) -> None:
    keys = {asked(Peak, PEAK, best_by).artifact(sources).key for best_by in ("accuracy", "loss")}
    assert len(keys) == 2
    keys = {asked(Leaving, PEAK, best_by).artifact(sources).key for best_by in ("accuracy", "loss")}
    assert len(keys) == 1, "it is read at its last epoch"


# What it depends on.


def test_config_and_seed_make_the_key(sources: Sources) -> None:
    base = asked(TinyCifar, TINY).artifact(sources).key
    assert asked(TinyCifar, TINY).artifact(sources).key == base
    for change in ({"seed": 1}, {"lr": 0.2}, {"precision": "bf16"}, {"epochs": 2}):
        assert asked(TinyCifar, TINY | change).artifact(sources).key != base, change


def test_the_content_of_the_training_data_makes_the_key(tmp_path: Path) -> None:
    def key(folder: str, split: str) -> str:
        (tmp_path / folder).mkdir()
        rng = np.random.default_rng(0)
        arrays = {f"x_{part}": rng.integers(0, 255, (60, 8, 8), np.uint8) for part in ("train", "test")}
        arrays |= {f"y_{part}": np.arange(60) % 3 for part in ("train", "test")}
        if split:
            arrays[f"x_{split}"] = 255 - arrays[f"x_{split}"]
        np.savez(tmp_path / folder / "source.npz", **arrays)
        return asked(TinyCifar, TINY).artifact(Sources(data_dir=tmp_path / folder)).key

    base = key("one", "")
    assert key("same", "") == base
    assert key("other", "train") != base
    assert key("other test data", "test") == base


LEAVING = '''
from torch import nn

from edited.networks import WIDTH
from tests.support.toy import Leaving


class Asked(Leaving):
    """Leaves networks."""

    def width(self) -> int:
        return WIDTH
'''


def test_the_code_behind_the_experiment_moves_it_and_prose_does_not(edited: Edited, sources: Sources) -> None:
    def artifact() -> Artifact:
        code_behind.cache_clear()
        for name in ("asked", "networks"):
            sys.modules.pop(f"edited.{name}", None)
        return asked(importlib.import_module("edited.asked").Asked, PEAK).artifact(sources)

    edited.write("asked", LEAVING)
    before = artifact()
    edited.replace("asked", '"""Leaves networks."""', '"""Leaves a network."""  # prose')
    edited.replace("question", '"accuracy": 0.5', '"accuracy": 0.6')
    assert artifact().address == before.address
    edited.replace("networks", "= 5", "= 6")
    after = artifact()
    assert after.address != before.address
    assert after.needs["before"].address != before.needs["before"].address
    assert after.key == before.key, "the ids of trials depend on it; for code they have a fingerprint"


def test_test_data_are_not_opened(sources: Sources, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = Sources.train
    monkeypatch.setattr(Sources, "test", lambda *_: pytest.fail("test data"))
    monkeypatch.setattr(Sources, "train", lambda self, name: opened.append(name) or real(self, name))
    evaluated = set()
    evaluate = TinyCifar.evaluate
    monkeypatch.setattr(TinyCifar, "evaluate", lambda self, split: evaluated.add(split) or evaluate(self, split))
    wanted = asked(TinyCifar, TINY | {"epochs": 6, "train_size": 60}).artifact(sources)
    store.get(wanted, sources)
    assert set(opened) == {"source.npz"}
    assert evaluated == {"validation"}


# Once for all.


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The epochs that were trained, of whichever trial."""
    numbers: list[int] = []
    advance = Loop.advance

    def counted(self: Loop) -> dict[str, float]:
        row = advance(self)
        numbers.append(len(self.rows))
        return row

    monkeypatch.setattr(Loop, "advance", counted)
    return numbers


def test_two_questions_that_ask_for_the_same_network_have_it_trained_once(
    sources: Sources, store: Store, trained: list[int]
) -> None:
    values = PEAK | {"data": "drawn"}
    first = trained_network(Leaving, Asking(), **values)
    second = trained_network(Leaving, AskingToo(width=4), **values)
    arrays = store.get(first.artifact(sources), sources)
    assert trained == [*range(1, 10)]
    assert second.artifact(sources).address == first.artifact(sources).address
    again = store.get(second.artifact(sources), sources)
    assert trained == [*range(1, 10)]
    same(again, weights(arrays))
    assert len([*lacking([first.artifact(sources), second.artifact(sources)], lambda _: True)]) == 2, "link and network"


def test_fields_of_the_same_name_are_taken_over_unless_they_are_given(sources: Sources) -> None:
    wanted = trained_network(TinyCifar, Asking(seed=7, epochs=4, precision="bf16"), **TINY | {"epochs": 2})
    assert (wanted.config.seed, wanted.config.precision, wanted.config.planned_epochs()) == (7, "bf16", 2)
    assert trained_network(Leaving, Asking(epochs=4), size=20, lr=0.1).config.planned_epochs() == 4
    assert trained_network(Leaving, Asking(seed=7), size=20, lr=0.1, seed=0).config.seed == 0


def test_what_was_killed_leaves_whole_links_and_goes_on_from_them(
    sources: Sources, store: Store, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = asked(Leaving, PEAK | {"epochs": 14}).artifact(sources)
    train = Toy.train_epoch

    def killed(self: Toy) -> dict[str, float]:
        if self.epoch == 8:
            raise KeyboardInterrupt
        return train(self)

    with monkeypatch.context() as patch:
        patch.setattr(Toy, "train_epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            store.get(wanted, sources)
    assert trained == [*range(1, 8)]
    assert [path.name.partition("-")[0] for path in store.root.iterdir()] == ["toy_training"]
    assert not store.path(wanted, 0).exists()
    trained.clear()
    arrays = store.get(wanted, sources)
    assert trained == [*range(6, 15)]
    other = Store(store.root.with_name("undisturbed")).get(wanted, sources)
    same(arrays, weights(other))


def test_links_are_few_however_long_the_training(sources: Sources) -> None:
    wanted = asked(Leaving, PEAK | {"epochs": 1000}).artifact(sources)
    assert [artifact.spec.get("end") for artifact in lacking([wanted], lambda _: True)] == [250, 500, 750, None]


def test_a_training_that_diverges_says_which(sources: Sources, store: Store) -> None:
    wanted = asked(Leaving, PEAK | {"fault": "nan"}).artifact(sources)
    with pytest.raises(ValueError, match=r"toy: no network is left, not finite at epoch 2: .*'fault': 'nan'"):
        store.get(wanted, sources)
    assert not store.root.exists()


# The module.


def test_the_module_is_in_evaluation_mode_and_may_be_trained_further(sources: Sources, store: Store) -> None:
    wanted = asked(TinyCifar, TINY | {"train_size": 60})
    arrays = store.get(wanted.artifact(sources), sources)
    before = {name: value.copy() for name, value in arrays.items()}
    module = wanted.module(tensors(arrays, CPU), sources)
    assert not module.training
    logits = module(torch.zeros(2, 3, 32, 32, dtype=torch.uint8))
    assert logits.shape == (2, 5)
    module.train()
    logits = module(torch.randint(256, (4, 3, 32, 32), dtype=torch.uint8))
    logits.sum().backward()
    torch.optim.SGD(module.parameters(), lr=1.0).step()
    for name, value in before.items():
        np.testing.assert_array_equal(arrays[name], value)


@pytest.mark.slow
def test_a_pretrained_backbone_is_in_its_place(sources: Sources, store: Store, pretrained: Path) -> None:
    given = Sources(data_dir=sources.data_dir, weights_dir=pretrained)
    wanted = asked(TransferSizes, SQUEEZE)
    module = wanted.module(tensors(store.get(wanted.artifact(given), given), CPU), given)
    trial = run(TransferSizes, wanted.config, given, store)
    head: Any = trial.experiment
    torch.testing.assert_close(module.get_submodule("head").weight, head.head.layer.weight, atol=0, rtol=0)
    assert len([*module.get_submodule("backbone").parameters()]) > 10


# What is refused.


def test_a_config_that_is_wrong_is_refused_before_anything_runs_with_its_keys(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, "--set", "teacher_epochs=0", "teacher_lr=11", sweep=SWEEP)
    found = {problem.key: problem for problem in refused.value.problems}
    assert found.keys() == {"toy: epochs", "toy: lr"}
    assert found["toy: epochs"].rule == "Input should be greater than 0, for the network of toy"
    assert (found["toy: epochs"].value, found["toy: epochs"].remedy) == (0, "epochs is passes.")
    assert not (tmp_path / "artifacts").exists()


def test_a_config_that_leaves_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="toy: network: a config that leaves a network") as refused:
        plan(tmp_path, "--set", "size=10,200", sweep=SWEEP)
    assert len(refused.value.problems) > 0
    assert all("'size': 10" in str(problem) for problem in refused.value.problems)


Change = Callable[[], TrainedNetwork]
WRONG: dict[str, tuple[Change, str]] = {
    "a value is missing": (
        lambda: trained_network(Leaving, AskingToo(), lr=0.1, epochs=1),
        "toy: size: a value; found",
    ),
    "an unknown name": (
        lambda: asked(Leaving, PEAK | {"sizes": 3}),
        r"toy: sizes: a field of its Config; .* Did you mean 'size'",
    ),
    "a value taken over": (
        lambda: trained_network(Leaving, Asking(epochs=2_000), size=20, lr=0.1),
        "^epochs: Input should be less than or equal to 1000, for the network of toy; you gave 2000",
    ),
    "no networks": (lambda: asked(Toy, PEAK), "toy: network: an experiment whose trials leave networks; found 'Toy'"),
    "no such measure": (lambda: asked(Peak, PEAK, "los"), "best_by: a measure .*Did you mean 'loss'"),
    "its own problems": (lambda: asked(TinyCifar, TINY | {"budget": 10}), "tiny_cifar: budget: more than"),
    "data that are not there": (lambda: asked(TinyCifar, TINY | {"data": "gone.npz"}), "gone.npz"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_trained_is_a_problem_with_its_key(sources: Sources, what: str) -> None:
    wanted, expected = WRONG[what]
    refused = Refused(wanted().problems(sources))
    assert len(refused.problems) == 1
    assert re.search(expected, str(refused)), refused


def test_data_that_only_the_other_question_reads_are_told_to_be_absent(tmp_path: Path) -> None:
    nowhere = Sources(cache=tmp_path, download=False)
    wrong, absent = parted(asked(TinyCifar, TINY | {"data": "mnist"}).problems(nowhere))
    assert wrong == []
    assert [(one.key, one.told) for one in absent] == [("tiny_cifar: data", "MNIST (11 MB)")]


def test_a_network_that_says_it_is_left_and_is_not_is_an_error(
    sources: Sources, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Leaving, "network", lambda self: None)
    with pytest.raises(ValueError, match=r"Leaving\.network\(\) is None"):
        store.get(asked(Leaving, PEAK).artifact(sources), sources)


# In a sweep.


@pytest.mark.ray
@pytest.mark.filterwarnings("default")
def test_a_sweep_trains_it_once_for_each_seed_and_its_trials_go_on_from_it(tmp_path: Path) -> None:
    words = ("--seeds", "1", "--set", "size=200", "lr=0.1", "epochs=3")
    ran = sweep(tmp_path, *words, of=SWEEP)
    assert (ran.failed, ran.missing, ran.report.error) == (0, 0, None)
    networks = sorted(path.name for path in (tmp_path / "artifacts").glob("toy_network-*"))
    assert len(networks) == len({trial.config["seed"] for trial in ran.trials.itertuples()}) == 2
    for trial in ran.trials.itertuples():
        config = PupilConfig.model_validate(trial.config)
        loop = run_task(Pupil, Task(config, config.artifacts(Sources())), Sources(), Store(tmp_path / "mine"))
        mine = {path.name: path for path in (tmp_path / "mine").glob("toy_network-*")}
        for name, path in mine.items():
            assert (path / "piece-000.npz").read_bytes() == (
                tmp_path / "artifacts" / name / "piece-000.npz"
            ).read_bytes()
        last = ran.epochs[(ran.epochs["trial"] == trial.id) & (ran.epochs["epoch"] == 3)]
        assert last["val_loss"].item() == loop.rows[-1]["val_loss"]
