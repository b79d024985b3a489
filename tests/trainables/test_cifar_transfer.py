"""cifar_transfer: the source network and its embeddings, the methods, what they leave unchanged, what is refused."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from common.seeds import seed_of
from sweeps.cifar_transfer import SWEEP
from trainables.artifacts.store import Store, lacking
from trainables.cifar_transfer import CifarTransfer, Config, MethodName
from trainables.core.device import tensors
from trainables.core.loop import Loop, run
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.nets.tiny import parameters
from trainables.nets.vgg import VGG
from trainables.training.supervised import Training, TrainingSettings
from trainables.transfer import source_network as source_networks
from trainables.transfer.adaptation import Adaptation, Ingredient
from trainables.transfer.dimension import geometry
from trainables.transfer.discriminant import Linear, discriminant, within_classes
from trainables.transfer.embeddings import embeddings
from trainables.transfer.margins import norm_over_margin
from trainables.transfer.neighbours import votes
from trainables.transfer.source_network import held_out_rows, rebuilt, source_network

METHODS = get_args(MethodName)
BASE: dict[str, Any] = {
    "source": "source.npz", "target": "target.npz", "method": "own", "train_size": 40, "source_width": 2,
    "source_epochs": 2, "validation": 30, "lr": 0.01, "weight_decay": 0.01, "epochs": 3, "k": 5, "metric": "cosine",
    "weighting": "distance", "first_stage": 2, "shrinkage": 0.5, "ridge": 0.1, "tuning_steps": 40, "tuning_lr": 1e-3,
    "layer_decay": 0.7, "blend": 0.5, "seed": 42,
}  # fmt: skip


def images(classes: int, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images [N, 32, 32, 3] uint8 and labels [N]: noisy stripes, with a direction for each class."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % classes)
    down, right = np.mgrid[:32, :32]
    angle = np.pi * labels / classes + 0.1 * rng.normal(size=n)
    waves = np.sin(0.6 * (np.cos(angle)[:, None, None] * right + np.sin(angle)[:, None, None] * down))
    pixels = 128 + 60 * waves[..., None] * rng.uniform(0.5, 1, (n, 1, 1, 3)) + 20 * rng.normal(size=(n, 32, 32, 3))
    return pixels.clip(0, 255).astype(np.uint8), labels


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("transfer")
    for name, classes, seed in (("source", 5, 0), ("target", 4, 1)):
        x, y = images(classes, 160, seed)
        test_x, test_y = images(classes, 60, seed + 10)
        np.savez(folder / f"{name}.npz", x_train=x, y_train=y, x_test=test_x, y_test=test_y)
    return Sources(data_dir=folder)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("artifacts"))


def config(**changed: Any) -> Config:
    return Config(**BASE | changed)


def network_of(sources: Sources, **changed: Any) -> Any:
    asked: dict[str, Any] = {"width": 2, "epochs": 2, "precision": "fp32"}
    return source_network("source.npz", sources, **asked | changed)


def digest(state: Mapping[str, torch.Tensor]) -> dict[str, str]:
    return {name: hashlib.sha256(value.cpu().numpy().tobytes()).hexdigest() for name, value in state.items()}


def test_the_network_is_vgg16() -> None:
    network = VGG(8, 100)
    weights = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(weights) == 16
    assert sum(isinstance(m, torch.nn.MaxPool2d) for m in network.modules()) == 5
    pairs = [(3, 8), (8, 8), (8, 16), (16, 16), (16, 32), (32, 32), (32, 32), (32, 64), *[(64, 64)] * 5]
    by_hand = sum(9 * a * b + b + 2 * b for a, b in pairs) + 2 * (64 * 64 + 3 * 64) + 64 * 100 + 100
    assert parameters(network) == by_hand
    assert sum(len(list(stage.parameters())) for stage in network.by_stage()) == 13 * 4


def test_a_chain_of_links_is_one_training_and_a_lost_link_costs_no_other(sources: Sources, tmp_path: Path) -> None:
    artifact, store = network_of(sources, epochs=7), Store(tmp_path)
    links = [link for link in lacking([artifact], lambda one: True) if link.kind == "source_training"]
    assert [link.spec["end"] for link in links] == [5, 7]
    found = store.get(artifact, sources)
    split = sources.train("source.npz")
    rows, held_out = held_out_rows(split.labels, None)
    assert not set(rows) & set(held_out)
    torch.manual_seed(seed_of(source_networks.SEED, "source network", "initialisation"))
    x = torch.from_numpy(split.images[rows].transpose(0, 3, 1, 2).copy())
    settings = TrainingSettings(epochs=7, **source_networks.SETTINGS)
    whole = Training(VGG(2, 5), x, torch.from_numpy(split.labels[rows]), settings, "fp32")
    for epoch in range(1, 8):
        whole.train_epoch(epoch, seed_of(source_networks.SEED, "source network"))
    for name, value in whole.average.module.state_dict().items():
        np.testing.assert_array_equal(found[name], value.numpy())
    first, second, last = store.path(links[0], 0), store.path(links[1], 0), store.path(artifact, 0)
    written = first.stat().st_mtime_ns
    second.unlink()
    last.unlink()
    np.testing.assert_array_equal(store.get(artifact, sources)["1.features.0.weight"], found["1.features.0.weight"])
    assert first.stat().st_mtime_ns == written, "the first five epochs were not run again"
    first.unlink()
    assert list(lacking([artifact], lambda one: bool(store.missing(one)))) == [], "what is there needs no links"


def test_weights_at_hand_are_loaded_and_others_refused(sources: Sources, store: Store, tmp_path: Path) -> None:
    network = VGG(2, 5)
    torch.save(network.state_dict(), tmp_path / "vgg_source.pth")
    given = Sources(data_dir=sources.data_dir, weights_dir=tmp_path)
    loaded = rebuilt(tensors(store.get(network_of(given), given), torch.device("cpu")))
    assert digest(loaded[1].state_dict()) == digest(network.state_dict())
    assert float(loaded[0].mean.mean()) == pytest.approx(128, abs=5)
    assert config().problems(given) == []
    (problem,) = config(source_width=4).problems(given)
    assert problem.key == "weights-dir"
    assert "width 4" in problem.rule
    assert network_of(given).key != network_of(sources).key


def test_embeddings_are_the_networks_own_second_last_layer(sources: Sources, store: Store) -> None:
    artifact = network_of(sources)
    found = store.get(embeddings(artifact, "target.npz", sources, "test", "fp32"), sources)
    network = rebuilt(tensors(store.get(artifact, sources), torch.device("cpu")))
    seen: dict[Any, torch.Tensor] = {}
    pools = [m for m in network[1].features if isinstance(m, torch.nn.MaxPool2d)]
    network[1].head.register_forward_hook(lambda module, inputs, output: seen.update({module: inputs[0]}))
    for pool in pools:
        pool.register_forward_hook(lambda module, inputs, output: seen.update({module: output.mean((2, 3))}))
    split = sources.test("target.npz")
    x = torch.from_numpy(split.images.transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        network(x)
        np.testing.assert_allclose(found["x"], seen[network[1].head], atol=1e-5)
        plain = torch.cat([seen[pool] for pool in pools[1:]], 1)
        network(x.flip(3))
        mirrored = torch.cat([seen[pool] for pool in pools[1:]], 1)
    np.testing.assert_allclose(found["stages"], (plain + mirrored) / 2, atol=1e-5)
    assert found["stages"].shape == (60, 22 * 2)
    late = torch.cat([seen[pool] for pool in pools[3:]], 1)  # of the mirror images, which came last
    assert torch.equal(mirrored[:, network[1].column(4) :], late), "stages 4 and 5"
    assert network[1].column(2) == 0
    np.testing.assert_array_equal(found["y"], split.labels)


def test_each_method_uses_the_hyperparameters_that_change_it() -> None:
    searched = set(SWEEP.space)
    used = {method: searched - Config(**BASE | {"method": method}).unused() for method in METHODS}
    assert used["finetune"] == {"lr", "weight_decay", "epochs"}
    assert used["knn"] == {"k", "metric", "weighting"}
    assert used["own"] == searched - used["finetune"] - used["knn"]
    assert used["own_no_stages"] == used["own"] - {"first_stage"}
    assert used["own_no_tuning"] == {"first_stage", "shrinkage", "ridge"}
    assert used["own_no_replay"] == used["own"]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("weighting", ["uniform", "distance"])
def test_neighbours_are_those_of_scikit_learn(metric: Any, weighting: Any) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    rng = np.random.default_rng(3)
    y = rng.permutation(np.arange(300) % 6)
    x = rng.normal(size=(300, 8)) + 0.7 * y[:, None]
    queries = np.concatenate([rng.normal(size=(200, 8)) + 2, x[:20]])  # some are images of the sample themselves
    exact = "kd_tree" if metric == "euclidean" else "brute"  # brute force leaves rounding where a distance is 0
    for k in (1, 2, 7, 300):
        theirs = KNeighborsClassifier(k, metric=metric, weights=weighting, algorithm=exact).fit(x, y)
        ours = votes(*map(torch.from_numpy, (x, y, queries)), k=k, metric=metric, weighting=weighting, classes=6)
        if metric == "euclidean" or weighting == "uniform":
            np.testing.assert_allclose(ours, theirs.predict_proba(queries), atol=1e-6)
        np.testing.assert_array_equal(ours.argmax(1), theirs.predict(queries))


@pytest.mark.parametrize("weighting", ["uniform", "distance"])
def test_no_image_of_the_sample_votes_for_itself(sources: Sources, store: Store, weighting: Any) -> None:
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    trial = run(CifarTransfer, config(method="knn", k=3, metric="euclidean", weighting=weighting), sources, store)
    sample = trial.experiment.method.sample
    x, y = sample.x.double().numpy(), sample.y.numpy()
    theirs = cross_val_predict(KNeighborsClassifier(3, weights=weighting), x, y, cv=LeaveOneOut())
    assert 0 < (theirs == y).mean() < 1
    assert trial.rows[-1]["train_accuracy"] == pytest.approx((theirs == y).mean())
    whole = run(CifarTransfer, config(method="knn", k=40, weighting="uniform"), sources, store)
    assert whole.rows[-1]["train_accuracy"] == 0, "the 39 others are of other classes by majority: 10 of each, less one"


def test_what_learning_theory_asks_for_is_noted_once_test_data_is_open(sources: Sources, store: Store) -> None:
    found = {}
    for method in METHODS:
        asked = config(method=method, lr=0.1, epochs=30)
        loop = run(CifarTransfer, asked, sources, store, confirm=True)
        found[method] = loop.outcome()["facts"]
        assert "parameters" not in run(CifarTransfer, config(method=method), sources, store).outcome()["facts"]
    head, stages = 4 * (16 + 1), 4 * (44 + 1)
    assert (found["finetune"]["parameters"], found["finetune"]["head_parameters"]) == (head, head)
    assert (found["own_no_tuning"]["parameters"], found["own_no_tuning"]["head_parameters"]) == (stages, stages)
    tuned = sum(p.numel() for stage in VGG(2, 5).by_stage()[1:] for p in stage.parameters())
    tuned += sum(p.numel() for p in VGG(2, 5).classifier.parameters())
    assert found["own"]["parameters"] == tuned + 2 * stages, "discriminant, head and all but the first stage"
    assert found["own_no_stages"]["head_parameters"] == head
    assert (found["knn"]["parameters"], "head_parameters" in found["knn"]) == (None, False)
    assert found["knn"]["dimension"] > 0
    assert found["knn"]["nearest"] > 0
    assert all(found[method]["norm_over_margin"] > 0 for method in METHODS if method != "knn")


def test_norm_over_margin_by_hand_and_whatever_the_scale() -> None:
    x = torch.tensor([[2.0, 0], [0, 2], [0, 0], [2, 2]]) + 5
    y = torch.tensor([0, 1, 0, 0])
    linear = Linear(torch.tensor([[1.0, 0], [0, 1]]), torch.tensor([1.0, 0]))  # margins: 3, 1, 1 and 1
    spread, norm = 2**0.5, 1.0  # all images lie √2 from their mean; the weights ±(½, −½)
    assert norm_over_margin(linear, x, y) == pytest.approx(spread * norm / 1)
    moved = Linear(7 * (linear.weight / 3 + 2), 7 * linear.bias)  # a shift of all classes changes no margin
    assert norm_over_margin(moved, 3 * x, y) == pytest.approx(spread * norm / 1, rel=1e-4)
    assert math.isnan(norm_over_margin(linear, x, 1 - y)), "most are wrong: no margin"


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_the_dimension_is_that_of_the_set_that_images_lie_on(dimension: int) -> None:
    draw = torch.Generator().manual_seed(dimension)
    flat = torch.rand(4_000, dimension, generator=draw)
    turned, _ = torch.linalg.qr(torch.randn(20, 20, generator=draw))
    found = geometry(flat @ turned[:dimension] * 30, 2_000)
    assert found.dimension == pytest.approx(dimension, rel=0.08)
    if dimension == 1:
        assert found.distance == pytest.approx(30 / (2 * 4_000), rel=0.08), "the nearer of two neighbours on a line"
    twice = torch.cat([flat, flat[:10]]) @ turned[:dimension]
    assert geometry(twice, 5_000).dimension == pytest.approx(dimension, rel=0.08), "copies tell nothing"
    assert math.isnan(geometry(torch.zeros(10, 3), 10).dimension)


def test_the_discriminant_is_the_usual_one_and_leans_on_other_images_where_told() -> None:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    rng = np.random.default_rng(0)
    y = np.arange(400) % 4
    x = rng.normal(size=(400, 6)) @ rng.normal(size=(6, 6)) + 1.5 * np.eye(6)[y]
    a, b = torch.from_numpy(x), torch.from_numpy(y)
    plain = discriminant(a, b, 4, torch.eye(6).double(), share=0, ridge=1e-9)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)
    np.testing.assert_array_equal(plain(a).argmax(1), theirs.predict(x))
    _, covariance = within_classes(a, b, 4)
    few = slice(0, 12)
    own, informed = (discriminant(a[few], b[few], 4, covariance, share=s, ridge=1e-3) for s in (0, 1))
    right = [float((fit(a).argmax(1) == b).double().mean()) for fit in (own, informed)]
    assert right[1] > right[0] + 0.05, "what twelve images cannot tell comes from the others"


def test_sample_and_validation_are_scikit_learns_two_returns(sources: Sources, store: Store) -> None:
    from sklearn.model_selection import train_test_split

    trial = run(CifarTransfer, config(method="knn"), sources, store).experiment
    split = sources.train("target.npz")
    taken, left = train_test_split(np.arange(160), train_size=40, random_state=42, stratify=split.labels)
    assert np.bincount(split.labels[taken]).tolist() == [10] * 4
    found = store.get(config().artifacts(sources)["target"], sources)
    np.testing.assert_array_equal(trial.method.sample.x, found["x"][taken])
    np.testing.assert_array_equal(trial.held_out["validation"]["target"].x, found["x"][left[:30]])


@pytest.mark.parametrize("method", METHODS)
def test_every_method_leaves_shared_work_alone_and_ends_in_both_accuracies(
    method: Any, sources: Sources, store: Store
) -> None:
    asked = config(method=method)
    artifacts = {**asked.artifacts(sources), **asked.test_artifacts(sources)}
    given = {k: tensors(store.get(a, sources), torch.device("cpu")) for k, a in artifacts.items()}
    before = {k: digest(state) for k, state in given.items()}
    task = Task(asked, phase="confirm")
    loop = Loop(CifarTransfer, task, sources, given)
    while loop.status == "running":
        loop.advance()
    assert loop.status == "done"
    assert {k: digest(state) for k, state in given.items()} == before
    last, outputs, changed = loop.rows[-1], loop.experiment.gathered(), loop.experiment.method
    counts = {name: count for name, count in loop.outcome()["facts"].items() if name.endswith("labels")}
    assert counts.pop("train_labels") == 40
    assert counts.pop("validation_labels") == 30
    assert counts.pop("validation_source_labels") == 16
    assert counts == {"test_labels": 60, "test_source_labels": 60}
    assert outputs["test_correct"].mean() == pytest.approx(last["test_accuracy"])
    assert ((outputs["test_predicted"] == outputs["test_labels"]) == outputs["test_correct"]).all()
    if method != "knn":
        sample = changed.sample
        assert last["train_accuracy"] == float((changed.logits(sample).argmax(1) == sample.y).double().mean())
    assert outputs["test_source_correct"].mean() == pytest.approx(last["test_source_accuracy"])
    own = rebuilt(given["network"])
    tuned = isinstance(changed, Adaptation) and method != "own_no_tuning"
    if not tuned:
        logits = own[1].head(given["test_source"]["x"])
        assert last["test_source_accuracy"] == pytest.approx(
            float((logits.argmax(1) == given["test_source"]["y"]).double().mean())
        )
        return
    moved = {k for k, v in changed.network.state_dict().items() if not torch.equal(v, own.state_dict()[k])}
    still = {name for name in own.state_dict() if "running" in name or "num_batches" in name or name.startswith("0.")}
    still |= {f"1.features.{name}" for name in own[1].features[:7].state_dict()}
    assert moved
    assert not moved & still, "statistics and the first stage stay as they were"


def test_tuning_goes_on_exactly_after_a_kill(sources: Sources, store: Store, tmp_path: Path) -> None:
    asked = config()
    given = {k: tensors(store.get(a, sources), torch.device("cpu")) for k, a in
             asked.artifacts(sources).items()}  # fmt: skip
    task = Task(asked, keep_outputs=False)
    whole = Loop(CifarTransfer, task, sources, given)
    while whole.status == "running":
        whole.advance()
    killed = Loop(CifarTransfer, task, sources, given, folder=tmp_path)
    killed.report(0)
    resumed = Loop(CifarTransfer, task, sources, given, folder=tmp_path)
    assert len(resumed.rows) == 1
    while resumed.status == "running":
        resumed.advance()
    assert digest(resumed.experiment.method.network.state_dict()) == digest(
        whole.experiment.method.network.state_dict()
    )
    assert [row["val_accuracy"] for row in resumed.rows] == [row["val_accuracy"] for row in whole.rows]


@pytest.mark.parametrize("steps", [0, 2, 5])
def test_fewer_tuning_steps_than_parts_are_no_divergence(sources: Sources, store: Store, steps: int) -> None:
    """A sample of 40 images takes a fifth of the steps: 0, 0 and 1."""
    loop = run(CifarTransfer, config(tuning_steps=steps), sources, store)
    assert loop.status == "done"
    assert loop.rows[-1]["steps"] == round(steps * 0.04**0.5)


def test_what_cannot_be_is_refused_all_at_once(sources: Sources) -> None:
    def keys(**changed: Any) -> list[str]:
        return [problem.key for problem in config(**changed).problems(sources)]

    assert keys() == []
    assert keys(target="source.npz", method="knn", k=41) == ["target", "k"]
    assert keys(method="own", k=41) == [], "others have no k"
    assert keys(train_size=150) == ["train_size"]
    assert keys(train_size=3, validation=2) == ["train_size", "validation"]


def test_every_ablation_leaves_out_an_ingredient() -> None:
    assert {name.partition("_no_")[2] for name in METHODS} - {""} == set(get_args(Ingredient))
