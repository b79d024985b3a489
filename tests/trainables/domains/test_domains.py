"""Questions about two data sets: batches, networks, triplets, retrieval, and what is refused. No Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from sweeps.digit_pair import SWEEP as DIGIT_PAIR
from sweeps.engine.cli import run as command
from sweeps.joint_embedding import SWEEP as JOINT_EMBEDDING
from tests.support.driver import plan
from trainables import digit_pair, joint_embedding
from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.core.experiment import Experiment
from trainables.core.loop import Loop, run
from trainables.core.task import Task
from trainables.data.sources import Sources
from trainables.data.streams import batches, shuffled, stratified
from trainables.domains.images import part_rows
from trainables.domains.retrieval import nearest_correct, neighbours, picture, rests_on, retrieve
from trainables.domains.triplets import Mining, across, all_triplets, mean_of_active, mine, triplet_losses

CPU = torch.device("cpu")
SHARED = {"first": "gray.npz", "second": "coloured.npz", "colour": "gray", "train_size": 40, "epochs": 3, "lr": 1e-3}
PAIR = SHARED | {"regime": "both", "width": 4, "second_weight": 0.3, "batch_size": 32, "seed": 5}
JOINT = SHARED | {"mining": "semi-hard", "width": 4, "margin": 0.3, "dimensions": 8, "batch_size": 32, "seed": 5}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    """Two sets of ten classes, gray at 28×28 and coloured at 32×32; a class is the place of a bright bar."""
    folder = tmp_path_factory.mktemp("domains")
    rng = np.random.default_rng(0)
    for name, side, channels, train in (("gray", 28, 1, 200), ("coloured", 32, 3, 120)):
        arrays = {}
        for split, n in (("train", train), ("test", 50)):
            y = np.arange(n) % 10
            x = rng.integers(0, 90, (n, side, side, channels), np.uint8)
            for row, label in zip(x, y, strict=True):
                row[3 + 2 * label : 6 + 2 * label, 4:-4] += 120
            arrays |= {f"x_{split}": x[..., 0] if channels == 1 else x, f"y_{split}": y}
        np.savez(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
        if name == "gray":
            np.savez(folder / "same.npz", **arrays)  # type: ignore[arg-type]
            order = np.argsort(arrays["y_train"], kind="stable")
            by_class = {"x_train": arrays["x_train"][order], "y_train": arrays["y_train"][order]}
            np.savez(folder / "sorted.npz", **arrays | by_class)  # type: ignore[arg-type]
            other = {"x_train": 255 - by_class["x_train"], "x_test": 255 - arrays["x_test"]}
            np.savez(folder / "sorted2.npz", **arrays | by_class | other)  # type: ignore[arg-type]
    return Sources(here=folder)


def started(experiment: type[Experiment[Any]], values: dict[str, Any], sources: Sources, folder: Path) -> Loop:
    """Return a trial with its test data, at its beginning or, if `folder` has a checkpoint, resumed from that."""
    config = experiment.config_class().model_validate(values)
    wanted = dict(config.artifacts(sources)) | dict(config.test_artifacts(sources))
    given = {name: tensors(Store(folder / "store").get(a, sources), CPU) for name, a in wanted.items()}
    task = Task(config, id="t", phase="confirm")
    return Loop(experiment, task, sources, given, folder=folder)


# Batches.


def test_a_batch_is_half_of_each_stream_and_no_image_of_the_longer_one_is_lost() -> None:
    drawn = list(batches([shuffled(150), shuffled(500)], 128, [torch.Generator().manual_seed(i) for i in (1, 2)]))
    assert [(len(a), len(b)) for a, b in drawn] == [(64, 64)] * 7 + [(52, 52)]
    short, long = (torch.cat([batch[i] for batch in drawn]) for i in (0, 1))
    assert sorted(long.tolist()) == list(range(500))
    for start in (0, 150, 300):
        assert sorted(short[start : start + 150].tolist()) == list(range(150)), "it goes round, shuffled anew"
    assert short[:150].tolist() != short[150:300].tolist()


def test_a_stratified_order_has_every_class_in_every_ten() -> None:
    y = np.random.default_rng(0).permutation(np.arange(100) % 10)
    order = stratified(y)(torch.Generator().manual_seed(0)).numpy()
    assert sorted(order) == list(range(100))
    assert all(sorted(y[order[i : i + 10]]) == list(range(10)) for i in range(0, 100, 10))


def test_an_unbalanced_set_is_met_in_its_proportions_from_beginning_to_end() -> None:
    y = np.repeat([0, 1, 2], [60, 30, 10])
    order = stratified(y)(torch.Generator().manual_seed(0)).numpy()
    for start in range(0, 100, 20):
        assert np.abs(np.bincount(y[order[start : start + 20]], minlength=3) - [12, 6, 2]).max() <= 1


# Sharing a trunk.


@pytest.mark.parametrize("task", ["first", "second"])
def test_gradients_of_a_task_reach_the_trunk_and_its_own_head_only(sources: Sources, tmp_path: Path, task: Any) -> None:
    experiment: digit_pair.DigitPair = started(digit_pair.DigitPair, PAIR, sources, tmp_path).experiment  # type: ignore[assignment]
    data = experiment.train[task]
    F.cross_entropy(experiment.heads[task](experiment.trunk(data.x)), data.y).backward()  # type: ignore[operator]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in experiment.trunk.parameters())
    for name, head in experiment.heads.items():
        assert all((p.grad is not None) == (name == task) for p in head.parameters())


def test_the_loss_weighs_the_second_task_as_asked(sources: Sources, tmp_path: Path) -> None:
    experiment: digit_pair.DigitPair = started(digit_pair.DigitPair, PAIR, sources, tmp_path).experiment  # type: ignore[assignment]
    assert experiment.weighted([torch.tensor(1.0), torch.tensor(2.0)]).item() == pytest.approx(0.7 * 1 + 0.3 * 2)
    assert experiment.weighted([torch.tensor(2.0)]).item() == 2.0


@pytest.mark.parametrize(("regime", "labels"), [("first", 40), ("second", 40), ("both", 80)])
def test_every_network_is_evaluated_on_both_sets_and_test_data_once(
    sources: Sources, tmp_path: Path, regime: str, labels: int
) -> None:
    config = digit_pair.Config.model_validate(PAIR | {"regime": regime})
    done = run(digit_pair.DigitPair, config, sources, Store(tmp_path), confirm=True)
    last, arrays, facts = done.rows[-1], done.experiment.gathered(), done.outcome()["facts"]
    tasks = ["first", "second"] if regime == "both" else [regime]
    for split in ("val", "test"):
        assert last[f"{split}_accuracy"] == np.mean([last[f"{split}_{task}_accuracy"] for task in tasks])
    for domain in ("first", "second"):
        assert last[f"test_{domain}_accuracy"] == arrays[f"test_{domain}_correct"].mean()
        assert (f"train_{domain}_loss" in last) == (domain in tasks)
    strata = arrays["test_strata"]
    assert np.mean([arrays["test_correct"][strata == s].mean() for s in set(strata)]) == last["test_accuracy"]
    assert facts["train_labels"] == labels
    assert (facts["validation_first_labels"], facts["validation_second_labels"]) == (40, 24)
    assert done.test_openings == 1
    assert not any(name.startswith("test_") for row in done.rows[:-1] for name in row)


# Both experiments.


@pytest.mark.parametrize(
    ("experiment", "values"), [(digit_pair.DigitPair, PAIR), (joint_embedding.JointEmbedding, JOINT)]
)
def test_a_trial_goes_on_from_its_checkpoint_as_if_nothing_had_been(
    sources: Sources, tmp_path: Path, experiment: type[Experiment[Any]], values: dict[str, Any]
) -> None:
    def told(of: Loop) -> list[dict[str, float]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in of.rows]

    whole = started(experiment, values, sources, tmp_path / "whole")
    whole.report(1e9)
    cut = started(experiment, values, sources, tmp_path / "cut")
    cut.report(0)
    torch.manual_seed(99)
    resumed = started(experiment, values, sources, tmp_path / "cut")
    assert len(resumed.rows) == 1
    resumed.report(1e9)
    assert told(resumed) == told(whole)
    arrays, same = resumed.experiment.gathered(), whole.experiment.gathered()
    assert all(np.array_equal(arrays[name], same[name]) for name in arrays | same)


def test_subsets_are_nested_and_a_set_has_its_own(sources: Sources, tmp_path: Path) -> None:
    small, large = (
        started(digit_pair.DigitPair, PAIR | {"train_size": size}, sources, tmp_path).experiment for size in (20, 60)
    )
    for domain in ("first", "second"):
        a, b = small.train[domain], large.train[domain]  # type: ignore[attr-defined]
        assert torch.equal(a.x, b.x[:20])
        assert b.y.bincount().tolist() == [6] * 10
    assert large.train["first"].y.tolist() != large.train["second"].y.tolist()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("experiment", "values"), [(digit_pair.DigitPair, PAIR), (joint_embedding.JointEmbedding, JOINT)]
)
def test_with_all_each_set_is_at_its_full_size(
    sources: Sources, tmp_path: Path, experiment: type[Experiment[Any]], values: dict[str, Any]
) -> None:
    """Of 200 and 120 training images, a fifth is for validation."""
    trial = started(experiment, values | {"train_size": "all"}, sources, tmp_path)
    train = trial.experiment.train
    assert [len(train[domain].y) for domain in ("first", "second")] == [160, 96]
    trial.report(1e9)
    assert trial.status == "done"
    assert trial.rows[0]["steps"] == 10, "an epoch ends when the larger set does: 160 images, 16 a step"
    facts = trial.outcome()["facts"]
    assert (facts["train_first_labels"], facts["train_second_labels"], facts["train_labels"]) == (160, 96, 256)
    cost = experiment.config_class().model_validate(values | {"train_size": "all"}).cost()
    assert cost > experiment.config_class().model_validate(values | {"train_size": 59_000}).cost()


# Triplets and retrieval.


@pytest.mark.parametrize("mining", ["random", "semi-hard", "hard"])
def test_no_triplet_breaks_its_definition(mining: Mining) -> None:
    generator = torch.Generator().manual_seed(0)
    z = F.normalize(torch.randn(60, 8, generator=generator))
    y, domains = torch.randint(0, 5, (60,), generator=generator), torch.arange(60) % 2
    a, p, n = mine(mining, z, y, domains, 0.3)
    assert len(a) > 100
    assert bool((y[a] == y[p]).all() and (domains[a] != domains[p]).all() and (y[a] != y[n]).all())
    near, far = (z[a] - z[p]).norm(dim=1), (z[a] - z[n]).norm(dim=1)
    assert torch.allclose(triplet_losses(z, y, (a, p, n), 0.3), (near - far + 0.3).clamp(min=0), atol=1e-5)
    if mining == "semi-hard":
        assert bool(((far > near) & (far <= near + 0.3)).all())
    if mining == "hard":
        assert bool((far <= near).all())


def test_all_triplets_are_counted_by_hand() -> None:
    y, domains = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    assert len(all_triplets(y, domains)[0]) == 8  # each of 4 anchors: one positive in the other domain, two negatives
    same = torch.zeros(4, dtype=torch.long)
    assert len(across(all_triplets(y, domains), same)[0]) == 0
    z = torch.rand(4, 2, requires_grad=True)
    none = triplet_losses(z, y, all_triplets(y, same), 0.1)
    assert len(none) == 0
    mean_of_active(none).backward()  # type: ignore[no-untyped-call]
    assert z.grad is not None
    assert not z.grad.any(), "a batch in which nothing was mined is a step that does nothing"


def test_an_embedding_that_ignores_the_domain_is_perfect_and_a_random_one_is_at_chance() -> None:
    y = torch.arange(1000) % 10
    perfect = F.one_hot(y, 10).float()
    found = retrieve(perfect, y, perfect.flip(0), y.flip(0))
    assert (found.correct.all().item(), found.recall[5], found.map_at_r) == (True, 1.0, 1.0)
    assert nearest_correct(perfect, y).all()
    generator = torch.Generator().manual_seed(0)
    a, b = (F.normalize(torch.randn(1000, 16, generator=generator)) for _ in range(2))
    found = retrieve(a, y, b, y)
    assert found.correct.double().mean().item() == pytest.approx(0.1, abs=0.03)  # 3 standard errors
    assert found.recall[5] == pytest.approx(1 - 0.9**5, abs=0.05)
    assert nearest_correct(a, y).double().mean().item() == pytest.approx(0.1, abs=0.03)


def test_retrieval_agrees_with_distances_worked_out_here() -> None:
    generator = torch.Generator().manual_seed(1)
    a, b = (F.normalize(torch.randn(n, 6, generator=generator)) for n in (40, 23))
    y, z = torch.arange(40) % 4, torch.arange(23) % 4
    order = torch.cdist(a, b).argsort(1)
    hit = z[order] == y[:, None]
    found = retrieve(a, y, b, z)
    assert torch.equal(found.correct, hit[:, 0])
    assert found.recall == pytest.approx({k: hit[:, :k].any(1).double().mean().item() for k in (5, 10)})
    of_class = z.bincount()[y]
    ranks = torch.arange(1, 24)
    precision = hit.cumsum(1) / ranks
    within = ranks <= of_class[:, None]
    assert found.map_at_r == pytest.approx(((precision * hit * within).sum(1) / of_class).mean().item())
    assert torch.equal(neighbours(a, b, 6), order[:, :6])
    assert neighbours(a, b[:4], 6).shape == (40, 4)


def test_what_a_result_rests_on_is_the_nearest_and_what_comes_next_without_it() -> None:
    generator = torch.Generator().manual_seed(2)
    a, b = (F.normalize(torch.randn(n, 6, generator=generator)) for n in (40, 23))
    y, z = torch.arange(40) % 4, torch.arange(23) % 4
    nearest, without = rests_on(a, y, b, z)
    distance = torch.cdist(a, b)
    assert torch.equal(nearest, distance.argmin(1))
    for query in range(0, 40, 7):
        left = torch.arange(23) != nearest[query]
        alone = retrieve(a[query, None], y[query, None], b[left], z[left])
        assert without[query] == alone.correct[0]
    nearest, without = rests_on(a, y)
    within = torch.cdist(a, a).fill_diagonal_(9)
    order = within.argsort(1)
    assert torch.equal(nearest, order[:, 0])
    assert torch.equal(without, y[order[:, 1]] == y)
    copies = torch.zeros(5, 6)
    assert (rests_on(copies, torch.zeros(5, dtype=torch.int64))[0] < 5).all(), (
        "where all are alike there is a nearest too"
    )


def test_the_picture_shows_the_nearest_of_the_other_domain() -> None:
    y = torch.arange(20) % 10
    images = [torch.full((20, 1, 2, 2), domain) * 100 + y[:, None, None, None] for domain in (0, 1)]
    spaces = [F.one_hot(y, 10).float(), F.one_hot(y, 10).float()]
    arrays = picture([x.byte() for x in images], [y, y], spaces)
    assert arrays["sheet_query"][:, :, 0, 0, 0].tolist() == [list(range(10)), list(range(100, 110))]
    assert arrays["sheet_neighbour"][0, :, :2, 0, 0, 0].tolist() == [[100 + i] * 2 for i in range(10)]
    assert (arrays["sheet_neighbour_label"][:, :, :2] == np.arange(10)[None, :, None]).all()
    assert np.allclose(arrays["class_distance"], 2**0.5 * (1 - np.eye(10)), atol=1e-3)


def test_the_classifier_reports_its_own_head_and_no_triplets(sources: Sources, tmp_path: Path) -> None:
    config = joint_embedding.Config.model_validate(JOINT | {"mining": "classifier", "colour": "colour"})
    done = run(joint_embedding.JointEmbedding, config, sources, Store(tmp_path), confirm=True)
    last, arrays, facts = done.rows[-1], done.experiment.gathered(), done.outcome()["facts"]
    assert (facts["train_labels"], facts["validation_labels"], facts["test_labels"]) == (80, 64, 100)
    assert (facts["validation_first_labels"], facts["validation_second_labels"]) == (40, 24)
    of = {measure.name: measure.of for measure in joint_embedding.JointEmbedding.measures}
    assert (of["first_to_second_accuracy"], of["second_to_first_accuracy"]) == ("first", "second"), "of the queries"
    assert (of["head_first_accuracy"], of["cross_accuracy"]) == ("first", None)
    assert {"val_head_first_accuracy", "test_head_second_accuracy"} <= last.keys()
    assert not {"train_active", "val_active"} & last.keys()
    assert arrays["sheet_query"].shape == (2, 10, 32, 32, 3)
    ways = [last[f"test_{way}_accuracy"] for way in ("first_to_second", "second_to_first")]
    assert last["test_cross_accuracy"] == pytest.approx(np.mean(ways))
    assert arrays["test_second_to_first_correct"].mean() == pytest.approx(ways[1])


# Sets that are sorted by class, as class folders are.


@pytest.fixture(scope="module")
def folders(sources: Sources) -> Sources:
    """The two sets as class folders, the classes one after the other."""
    for name in ("gray", "coloured"):
        for split, part in (("train", sources.train(f"{name}.npz")), ("test", sources.test(f"{name}.npz"))):
            for number, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
                path = sources.here / name / split / str(label) / f"{number:03d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(image).save(path)
    return sources


@pytest.mark.parametrize(
    ("sweep", "experiment", "values"),
    [(DIGIT_PAIR, digit_pair.DigitPair, PAIR), (JOINT_EMBEDDING, joint_embedding.JointEmbedding, JOINT)],
)
@pytest.mark.parametrize("data", ["gray,coloured", "gray.npz,sorted2.npz", "sorted2.npz,coloured"])
def test_of_two_sets_that_are_sorted_by_class_every_part_has_all_classes(
    folders: Sources, tmp_path: Path, monkeypatch: Any, sweep: Any, experiment: Any, values: Any, data: str
) -> None:
    monkeypatch.chdir(folders.here)
    words = ["--data", data, "--set", "train_size=40", "--out", str(tmp_path), "--dry-run"]
    assert command(sweep, words) == 0
    first, second = data.split(",")
    trial = started(experiment, values | {"first": first, "second": second, "epochs": 1}, folders, tmp_path)
    for domain in ("first", "second"):
        train, validation = trial.experiment.train[domain], trial.experiment.held_out["validation"][domain]
        assert train.y.bincount(minlength=10).tolist() == [4] * 10
        counts = validation.y.bincount(minlength=10)
        assert counts.max() - counts.min() <= 1
        seen = [{row.numpy().tobytes() for row in part.x} for part in (train, validation)]
        assert not seen[0] & seen[1]
    trial.report(1e9)
    assert trial.status == "done"


def test_a_set_in_mixed_order_is_cut_off_at_its_end_as_it_always_was(sources: Sources) -> None:
    data = sources.dataset("gray.npz")
    assert part_rows(data, "pool", 40).tolist() == [*range(160)]
    assert part_rows(data, "validation", 40).tolist() == [*range(160, 200)]
    data = sources.dataset("sorted.npz")
    halves = [[part_rows(data, part, 20, start, 2) for part in ("pool", "validation")] for start in (0, 1)]
    assert sorted(np.concatenate([rows for half in halves for rows in half]).tolist()) == [*range(200)]
    assert all(set(rows % 2) == {start} for start, half in enumerate(halves) for rows in half)


# What is refused, before Ray starts.


@pytest.mark.parametrize(
    ("sweep", "words", "parts"),
    [
        (DIGIT_PAIR, ["--set", "train_size=97"], ["train_size", "96", "coloured.npz", "97"]),
        (DIGIT_PAIR, ["--set", "train_size=9"], ["train_size", "each of the 10 classes", "9"]),
        (DIGIT_PAIR, ["--set", "train_size=lots"], ["train_size", "a whole number above 0, or the word all", "lots"]),
        (DIGIT_PAIR, ["--set", "train_size=0"], ["train_size", "a whole number above 0, or the word all", "0"]),
        (DIGIT_PAIR, ["--set", "train_size=97,all"], ["96 or fewer of each set, or with --set train_size=all"]),
        (DIGIT_PAIR, ["--set", "second_weight=1"], ["second_weight", "less than 1"]),
        (DIGIT_PAIR, ["--set", "second=gray.npz"], ["second", "another data set", "gray.npz"]),
        (DIGIT_PAIR, ["--set", "second=nowhere"], ["second", "nowhere"]),
        (DIGIT_PAIR, ["--data", "gray.npz"], ["--data", "first, second", "gray.npz"]),
        (DIGIT_PAIR, ["--set", "width=6"], ["width", "multiple of 4"]),
        (DIGIT_PAIR, ["--data", "gray.npz,same.npz"], ["second", "another data set", "same.npz"]),
        (DIGIT_PAIR, ["--data", "gray.npz,letters"], ["second", "same classes as gray.npz", "A, B, C"]),
        (JOINT_EMBEDDING, ["--set", "validation=5"], ["validation", "an image of each class"]),
        (JOINT_EMBEDDING, ["--set", "batch_size=33"], ["batch_size", "multiple of 2"]),
        (JOINT_EMBEDDING, ["--set", "margin=0"], ["margin", "greater than 0"]),
        (JOINT_EMBEDDING, ["--set", "margin=-0.1:0.2"], ["margin", "low > 0", "-0.1"]),
        (JOINT_EMBEDDING, ["--set", "dimensions=0"], ["dimensions", "greater than 0"]),
        (JOINT_EMBEDDING, ["--set", "batch_size=18"], ["batch_size", "at least 20", "18"]),
        (JOINT_EMBEDDING, ["--set", "mining=easy"], ["mining", "easy"]),
    ],
)
def test_what_cannot_be_is_refused(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, sweep: Any, words: Any, parts: Any
) -> None:
    monkeypatch.chdir(sources.here)
    data = [] if "--data" in words else ["--data", "gray.npz,coloured.npz"]
    size = [] if "train_size" in words[1] else ["--set", "train_size=40"]
    assert command(sweep, ["--out", str(tmp_path), "--no-dashboard", *data, *size, *words]) == 2
    lines = capsys.readouterr().err.splitlines()[1:]
    assert any(all(part in line for part in parts) for line in lines), lines
    assert not list(tmp_path.iterdir())


def test_all_is_compared_beside_numbers(sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(sources.here)
    made = plan(tmp_path, "--data", "gray.npz,coloured.npz", "--set", "train_size=40,all", sweep=DIGIT_PAIR)
    assert made.request.factors["train_size"] == [40, "all"]
    assert len(made.conditions) == 6
