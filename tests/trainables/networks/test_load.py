"""Networks that trials leave: what they predict, what their files say, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import trainables
from common.files import unpack
from common.problems import Refused
from sweeps.tiny_cifar import SWEEP
from tests.trainables.domains.test_domains import JOINT, PAIR
from tests.trainables.domains.test_domains import sources as domains  # noqa: F401
from tests.trainables.test_cifar_transfer import BASE
from tests.trainables.test_cifar_transfer import sources as transfer  # noqa: F401
from trainables.artifacts.store import Store
from trainables.cifar_transfer import CifarTransfer
from trainables.core.device import tensors
from trainables.core.experiment import Experiment
from trainables.core.loop import Loop
from trainables.core.network import Network
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.digit_pair import DigitPair
from trainables.joint_embedding import JointEmbedding
from trainables.nets import backbones, weights
from trainables.networks.load import Loaded
from trainables.tiny_cifar import TinyCifar
from trainables.transfer import letters_backbone
from trainables.transfer_sizes import TransferSizes

CPU = torch.device("cpu")
STORE = Path()
OWN = BASE | {"epochs": 1, "tuning_steps": 20, "source_epochs": 1}
TINY = dict(SWEEP.prescribed or {}) | {"data": "source.npz", "budget": 2_000, "epochs": 1, "batch_size": 64}
HEAD = {
    "data": "source.npz", "backbone": "letters_cnn", "train_size": 20, "lr": 0.1, "epochs": 2, "weight_decay": 0.1,
    "batch_size": 8, "pool": 40, "validation": 20,
}  # fmt: skip
CASES: dict[str, tuple[type[Experiment[Any]], dict[str, Any], dict[str, str]]] = {
    "head on letters_cnn": (TransferSizes, HEAD | {"precision": "bf16"}, {"test_correct": "source.npz"}),
    "tiny network": (TinyCifar, TINY | {"precision": "bf16", "mix": "mixup"}, {"test_correct": "source.npz"}),
    "one of two sets": (DigitPair, PAIR | {"regime": "second"}, {"test_second_correct": "coloured.npz"}),
    "classifier": (
        JointEmbedding,
        JOINT | {"mining": "classifier", "precision": "bf16"},
        {"test_head_first_correct": "gray.npz", "test_head_second_correct": "coloured.npz"},
    ),
    **{
        method: (CifarTransfer, OWN | {"method": method, "precision": precision}, {"test_correct": "target.npz"})
        for method, precision in (
            ("finetune", "bf16"), ("own", "bf16"), ("own_no_stages", "fp32"), ("own_no_tuning", "fp32"),
            ("own_no_average", "fp32"),
        )
    },
}  # fmt: skip
"""By what is kept: the experiment, its config, and which of its arrays are about the test images of which set."""


@pytest.fixture(scope="module", autouse=True)
def _one_store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Artifacts that several tests need are computed once."""
    global STORE
    STORE = tmp_path_factory.mktemp("artifacts")


@pytest.fixture(autouse=True)
def _few_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters_backbone, "IMAGES", 128)


@pytest.fixture
def sources_of(request: pytest.FixtureRequest) -> Callable[[type[Experiment[Any]]], Sources]:
    def find(experiment: type[Experiment[Any]]) -> Sources:
        found: Sources = request.getfixturevalue("domains" if experiment in (DigitPair, JointEmbedding) else "transfer")
        return found

    return find


def trained(
    experiment: type[Experiment[Any]], values: dict[str, Any], sources: Sources, folder: Path, limit: int = 10**9
) -> tuple[Loop, dict[str, Any]]:
    """Run a confirmation trial to its end, as a worker does; return it and its outcome."""
    config = experiment.config_class().model_validate(values)
    wanted = dict(config.artifacts(sources)) | dict(config.test_artifacts(sources))
    store = Store(STORE)

    def fetch(artifact: Any) -> dict[str, torch.Tensor]:
        return tensors(store.get(artifact, sources), CPU)

    question = experiment.__module__.rpartition(".")[2]
    task = Task(config, id="0123456789abcdef" * 4, question=question, phase="confirm", network_limit=limit)
    loop = Loop(experiment, task, sources, {n: fetch(a) for n, a in wanted.items()}, folder=folder, fetch=fetch)
    return loop, loop.report(1e9)["outcome"]


def kept(folder: Path, outcome: dict[str, Any]) -> Path:
    own: str = outcome["facts"]["network"]["folder"]
    return folder / own


@pytest.mark.parametrize("what", CASES)
def test_a_loaded_network_is_right_on_the_test_images_that_the_trial_counted_as_right(
    what: str, sources_of: Callable[[type[Experiment[Any]]], Sources], tmp_path: Path
) -> None:
    experiment, values, counted = CASES[what]
    sources = sources_of(experiment)
    _, outcome = trained(experiment, values, sources, tmp_path)
    arrays = unpack((tmp_path / outcome["arrays"]).read_bytes())
    network = trainables.load(kept(tmp_path, outcome))
    assert not network.training
    for name, data in counted.items():
        test = sources.test(data)
        logits = network(torch.from_numpy(test.images.copy()))
        assert logits.shape == (len(test.labels), len(sources.dataset(data).classes))
        np.testing.assert_array_equal(logits.argmax(1).numpy() == test.labels, arrays[name])
        assert 0 < arrays[name].mean() < 1, "it tells nothing if all are right, or none"


def test_a_network_with_a_head_for_each_set_reads_each_by_its_own(domains: Sources, tmp_path: Path) -> None:  # noqa: F811
    _, outcome = trained(DigitPair, PAIR, domains, tmp_path)
    arrays = unpack((tmp_path / outcome["arrays"]).read_bytes())
    network = trainables.load(kept(tmp_path, outcome))
    assert network.card.heads == ("first", "second")
    for head, data in enumerate(("gray.npz", "coloured.npz")):
        test = domains.test(data)
        right = network(torch.from_numpy(test.images.copy()))[:, head].argmax(1).numpy() == test.labels
        np.testing.assert_array_equal(right, arrays[f"test_{network.card.heads[head]}_correct"])


def test_an_embedding_is_kept_too(domains: Sources, tmp_path: Path) -> None:  # noqa: F811
    loop, outcome = trained(JointEmbedding, JOINT, domains, tmp_path)
    network = trainables.load(kept(tmp_path, outcome))
    images = torch.from_numpy(domains.test("coloured.npz").images.copy())
    planes = loop.experiment.held_out["test"]["second"].x
    expected = torch.nn.functional.normalize(loop.experiment.embed(planes))  # type: ignore[attr-defined]
    torch.testing.assert_close(network(images), expected, atol=0, rtol=0)
    assert network.card.classes == ()


def test_nearest_neighbours_have_no_network(transfer: Sources, tmp_path: Path) -> None:  # noqa: F811
    loop, outcome = trained(CifarTransfer, OWN | {"method": "knn"}, transfer, tmp_path)
    assert "network" not in outcome["facts"]
    assert not loop.experiment.config.leaves_network()


def test_the_card_says_what_the_network_is(transfer: Sources, tmp_path: Path) -> None:  # noqa: F811
    loop, outcome = trained(TinyCifar, TINY, transfer, tmp_path)
    fact = outcome["facts"]["network"]
    folder = kept(tmp_path, outcome)
    card = json.loads((folder / "card.json").read_text())
    assert card["question"] == "tiny_cifar"
    assert card["config"] == loop.experiment.config.model_dump(mode="json")
    fingerprint = transfer.fingerprint("source.npz", "train")
    assert card["data"] == {"data": {"name": "source.npz", "fingerprint": fingerprint}}
    assert card["classes"] == list(transfer.dataset("source.npz").classes)
    assert card["input"] == {"channels": 3, "side": 32, "mean": None, "std": None}
    assert card["size"] == [32, 32]
    assert card["sha256"] == fact["sha256"]
    assert (folder / "weights.safetensors").stat().st_size == fact["bytes"]


def test_the_files_are_the_same_whatever_was_killed(transfer: Sources, tmp_path: Path) -> None:  # noqa: F811
    values = TINY | {"epochs": 2}
    _, outcome = trained(TinyCifar, values, transfer, tmp_path / "whole")
    config = TinyCifar.config_class().model_validate(values)
    arrays = config.artifacts(transfer) | config.test_artifacts(transfer)  # type: ignore[operator]
    given = {name: tensors(Store(STORE).get(a, transfer), CPU) for name, a in arrays.items()}
    task = Task(config, id="0123456789abcdef" * 4, question="tiny_cifar", phase="confirm", network_limit=10**9)
    Loop(TinyCifar, task, transfer, given, folder=tmp_path / "killed").report(0)
    again = Loop(TinyCifar, task, transfer, given, folder=tmp_path / "killed").report(1e9)["outcome"]
    assert again["facts"] == outcome["facts"]
    for path in kept(tmp_path / "whole", outcome).iterdir():
        assert (kept(tmp_path / "killed", again) / path.name).read_bytes() == path.read_bytes()


def test_a_network_above_the_limit_is_left_out_and_its_trial_says_so(
    transfer: Sources,  # noqa: F811
    tmp_path: Path,
) -> None:
    _, outcome = trained(TinyCifar, TINY, transfer, tmp_path, limit=1_000)
    fact = outcome["facts"]["network"]
    assert fact["limit"] == 1_000 < fact["bytes"]
    assert not (tmp_path / "networks").exists()


def test_a_network_that_could_not_be_loaded_is_not_kept(
    transfer: Sources,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def less(self: TinyCifar, real: Any = TinyCifar.network) -> Network:
        network: Network = real(self)
        state = dict(network.state)
        del state["1.stem.0.weight" if "1.stem.0.weight" in state else next(iter(state))]
        return Network(state=state, input=network.input, classes=network.classes)

    monkeypatch.setattr(TinyCifar, "network", less)
    with pytest.raises(ValueError, match=r"TinyCifar\.build makes another module.*absent here"):
        trained(TinyCifar, TINY, transfer, tmp_path)


# A pre-trained backbone's weights are named, not kept.

SQUEEZE = HEAD | {"backbone": "squeezenet1_1", "epochs": 1, "train_size": 5, "pool": 10, "validation": 5}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights for SqueezeNet, random ones."""
    from torchvision.models import squeezenet1_1

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    torch.save(squeezenet1_1(weights=None).state_dict(), folder / "squeezenet1_1.pth")
    return folder


@pytest.mark.slow
def test_weights_of_a_pretrained_backbone_are_looked_for_and_must_be_the_same(
    transfer: Sources,  # noqa: F811
    pretrained: Path,
    tmp_path: Path,
) -> None:
    sources = Sources(data_dir=transfer.data_dir, weights_dir=pretrained)
    _, outcome = trained(TransferSizes, SQUEEZE, sources, tmp_path)
    folder = kept(tmp_path, outcome)
    assert outcome["facts"]["network"]["bytes"] < 20_000, "only the head"
    network: Loaded = trainables.load(folder, weights_dir=pretrained)
    test = sources.test("source.npz")
    right = network(torch.from_numpy(test.images.copy())).argmax(1).numpy() == test.labels
    arrays = unpack((tmp_path / outcome["arrays"]).read_bytes())
    np.testing.assert_array_equal(right, arrays["test_correct"])
    others = tmp_path / "others"
    others.mkdir()
    state = weights.load(pretrained / "squeezenet1_1.pth")
    torch.save({name: value + 1 for name, value in state.items()}, others / "squeezenet1_1.pth")
    assert backbones.build("squeezenet1_1", weights.load(others / "squeezenet1_1.pth")), "they would fit"
    with pytest.raises(Refused, match="must be those the network was trained on"):
        trainables.load(folder, weights_dir=others)


# What is refused.


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory, transfer: Sources) -> Path:  # noqa: F811
    folder = tmp_path_factory.mktemp("kept")
    _, outcome = trained(TinyCifar, TINY, transfer, folder)
    return kept(folder, outcome)


@pytest.fixture
def copied(network: Path, tmp_path: Path) -> Path:
    """A network in runs/tiny_cifar/networks, to be damaged."""
    copy = tmp_path / "runs" / "tiny_cifar" / "networks" / network.name
    copy.mkdir(parents=True)
    for path in network.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def change(card: Path, **fields: Any) -> None:
    card.write_text(json.dumps(json.loads(card.read_text()) | fields))


def cut(folder: Path) -> None:
    path = folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-4])


def replace_weights(folder: Path) -> None:
    from common.files import write_checked

    write_checked(folder / "weights.safetensors", b"\x02\0\0\0\0\0\0\0{}")


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (cut, "must be whole"),
    "other weights": (replace_weights, "must have the SHA-256 that card.json names"),
    "no weights": (lambda f: (f / "weights.safetensors").unlink(), "must have weights.safetensors"),
    "no question": (lambda f: change(f / "card.json", question="gone"), "that this program builds"),
    "no such class": (lambda f: change(f / "card.json", experiment="Gone"), "that this program builds"),
    "a class that leaves none": (lambda f: change(f / "card.json", experiment="Config"), "that this program builds"),
    "an unknown field": (lambda f: change(f / "card.json", config={"gone": 1}), "that this program builds"),
    "another form": (lambda f: change(f / "card.json", classes=["a"]), "that this program builds"),
    "no card at all": (lambda f: (f / "card.json").write_text("{}"), "must be the card of a network"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_loaded_is_refused_with_a_remedy(copied: Path, what: str) -> None:
    damage, rule = WRONG[what]
    damage(copied)
    with pytest.raises(Refused, match=rule):
        trainables.load(copied)


@pytest.mark.parametrize("above", [1, 2])
def test_a_folder_of_networks_is_refused_by_naming_them(copied: Path, above: int) -> None:
    with pytest.raises(Refused, match=f"Name one of the 1 networks below it: {copied}"):
        trainables.load(copied.parents[above - 1])


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Sweeps keep networks in runs/QUESTION/networks/"):
        trainables.load(tmp_path)
