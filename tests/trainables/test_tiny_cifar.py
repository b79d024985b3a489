"""Small networks under a parameter budget: counts, parts of the training, exact resumption, what is refused."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from common.problems import Refused
from sweeps.tiny_cifar import SWEEP
from tests.conftest import Sweeps
from tests.support.driver import plan
from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.core.loop import Loop, run
from trainables.core.task import Task
from trainables.data.augment import alternately, cutout, mirrored, mixed, shifted
from trainables.data.sources import Sources
from trainables.nets.tiny import Family, TinyNet, layers, parameters, widest
from trainables.tiny_cifar import Config, TinyCifar
from trainables.training.ema import Average
from trainables.training.schedules import OneCycle
from trainables.training.supervised import Training, TrainingSettings

PLAIN = Family("residual", (1,), 1.0, "half", attention=False, head="mean", classes=10)
BY_HAND = [
    (PLAIN, 4, (3 * 4 * 9 + 8) + 2 * (4 * 4 * 9 + 8) + (4 * 10 + 10)),
    (
        Family("separable", (1, 1), 2.0, "full", attention=True, head="mean+max", classes=10),
        2,
        (3 * 2 * 9 + 4)  # stem
        + (2 * 9 + 4 + 2 * 2 + 4) + (2 + 1 + 2 + 2)  # a block of 2 maps, and its attention
        + (2 * 9 + 4 + 2 * 4 + 8)  # halving, to 4 maps
        + (4 * 9 + 8 + 4 * 4 + 8) + (4 + 1 + 4 + 4)
        + (8 * 10 + 10),
    ),
    (replace(PLAIN, block="inverted"), 2, (3 * 2 * 9 + 4) + (2 * 6 + 12) + (6 * 9 + 12) + (6 * 2 + 4) + (2 * 10 + 10)),
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz file of two classes of 32×32 RGB images that differ in brightness."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, images in (("train", 150), ("test", 40)):
        y = np.arange(images) % 2
        arrays[f"x_{split}"] = (rng.integers(0, 120, (images, 32, 32, 3)) + 100 * y[:, None, None, None]).astype("u1")
        arrays[f"y_{split}"] = y
    path = tmp_path_factory.mktemp("data") / "bright.npz"
    np.savez(path, **arrays)
    return path


def config(data: Path, **changes: Any) -> Config:
    prescribed = dict(SWEEP.prescribed or {})
    small = {"data": str(data), "budget": 2_000, "epochs": 3, "batch_size": 32, "seed": 5, "lr": 0.1, "ema": 0.9}
    return Config.model_validate(prescribed | small | changes)


@pytest.mark.parametrize(("family", "width", "count"), BY_HAND)
def test_parameters_are_those_counted_by_hand(family: Family, width: int, count: int) -> None:
    assert parameters(TinyNet(family, width)) == count
    assert sum(layer.parameters for layer in layers(family, width)) == count


def test_a_member_is_as_wide_as_its_budget_lets_it_be_and_never_at_it() -> None:
    count = BY_HAND[0][2]
    assert widest(PLAIN, count + 1) == 4
    assert widest(PLAIN, count) == 3, "a network at its budget is over it"
    assert widest(PLAIN, 20) is None
    for block in ("residual", "separable", "inverted"):
        family = replace(PLAIN, block=block, depths=(2, 2), growth=1.5)
        width = widest(family, 50_000)
        assert width is not None
        assert parameters(TinyNet(family, width)) < 50_000 <= parameters(TinyNet(family, width + 1))


def test_multiplications_of_a_layer_are_those_of_its_convolutions() -> None:
    stem, block, head = layers(PLAIN, 4)
    assert stem.products == 3 * 4 * 9 * 32 * 32, "the pooling comes after it"
    assert (stem.side, block.side, head.side) == (16, 16, 1)
    assert block.products == 2 * 4 * 4 * 9 * 16 * 16
    assert head.products == 4 * 10


def test_a_block_starts_as_the_identity() -> None:
    network = TinyNet(PLAIN, 4).eval()
    x = torch.rand(2, 4, 16, 16)
    assert torch.equal(network.blocks(x), x)


def test_shifts_are_uniform_and_what_comes_in_is_mirrored() -> None:
    ramp = torch.arange(32, dtype=torch.uint8).expand(4_000, 1, 32, 32)
    moved = shifted(ramp, 2, torch.Generator().manual_seed(0))
    assert moved.shape == ramp.shape
    assert moved.dtype == torch.uint8
    by = 16 - moved[:, 0, 16, 16].long()
    counts = torch.bincount(by + 2, minlength=5)
    assert len(counts) == 5
    assert (counts - 800).abs().max() < 5 * (4_000 * 0.2 * 0.8) ** 0.5
    assert moved[by == 2][0, 0, 0].tolist()[:4] == [2, 1, 0, 1], "reflected at the edge"
    assert shifted(ramp, 0, torch.Generator()) is ramp


def test_an_image_is_met_both_ways_in_two_epochs() -> None:
    coins = torch.randint(2, (1_000,), generator=torch.Generator().manual_seed(0))
    first, second, third = (alternately(coins, epoch) for epoch in (1, 2, 3))
    assert (first ^ second).all()
    assert torch.equal(first, third)
    assert 400 < first.sum() < 600
    images = torch.arange(8, dtype=torch.uint8).reshape(2, 1, 1, 4)
    assert mirrored(images, torch.tensor([True, False])).flatten().tolist() == [3, 2, 1, 0, 4, 5, 6, 7]


def test_the_square_cut_out_has_its_size_and_lies_anywhere() -> None:
    images = torch.zeros(2_000, 3, 32, 32, dtype=torch.uint8)
    cut = cutout(images, 8, torch.Generator().manual_seed(0)) == 128
    assert (cut.sum((2, 3)) == 64).all()
    assert cut[:, 0].any(0).all(), "every pixel is cut out of some image"


@pytest.mark.parametrize("mix", ["mixup", "cutmix"])
def test_a_mixed_image_holds_its_share_of_itself(mix: Any) -> None:
    images = torch.arange(6.0)[:, None, None, None].expand(6, 1, 32, 32)
    for seed in range(20):
        blend = mixed(images, mix, torch.Generator().manual_seed(seed))
        expected = blend.share * torch.arange(6.0) + (1 - blend.share) * blend.other
        assert torch.allclose(blend.images.mean((1, 2, 3)), expected, atol=1e-5)
    assert mixed(images, "none", torch.Generator()).images is images


def test_the_learning_rate_rises_to_its_value_and_falls_to_nothing() -> None:
    factors = [OneCycle(100)(step) for step in range(101)]
    assert max(factors) == factors[19] == 1
    assert factors[0] == pytest.approx(0.05)
    assert factors[100] == 0
    assert np.all(np.diff(factors[20:]) < 0)


def test_each_choice_of_the_training_can_be_taken_back_by_itself() -> None:
    images = torch.randint(256, (64, 3, 32, 32), dtype=torch.uint8)
    usual = TrainingSettings(lr=0.1, epochs=2, batch_size=32, shift=0)

    def seen(settings: TrainingSettings) -> tuple[list[float], torch.Tensor]:
        """Return the learning rate of each step, and what the first epoch makes of the images."""
        torch.manual_seed(0)
        training = Training(TinyNet(PLAIN, 4), images, torch.arange(64) % 10, settings, "fp32")
        augmented = training._augmented(images, torch.ones(64, dtype=torch.bool), torch.Generator())
        rates = []
        for epoch in (1, 2):
            rates.append(training.optimizer.param_groups[0]["lr"])
            training.train_epoch(epoch, seed=0)
        return rates, augmented

    rates, augmented = seen(usual)
    assert rates[0] != rates[1]
    assert torch.equal(augmented, images.flip(3))
    assert seen(replace(usual, schedule="constant"))[0] == [0.1, 0.1]
    assert torch.equal(seen(replace(usual, mirror=False))[1], images)


def test_the_variants_that_the_sweep_states_train(data: Path, tmp_path: Path) -> None:
    assert SWEEP.variants is not None
    for name, changes in SWEEP.variants.changes.items():
        loop = run(TinyCifar, config(data, **changes, epochs=2, budget=4_000), Sources(), Store(tmp_path))
        assert loop.status == "done", name
        assert ("annealed" in loop.outcome()["facts"]) == (name != "constant rate")


@pytest.mark.parametrize("keep", [0.0, 0.9])
def test_the_average_is_pytorchs_to_the_last_bit(keep: float) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.LazyLinear(2))
    images = torch.randn(8, 3, 8, 8)
    network(images)
    own = Average(network, keep)
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(keep), use_buffers=True).eval()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for step in range(4):
        network(images).square().mean().backward()
        optimizer.step()
        own.update(network, first=step == 0)
        theirs.update_parameters(network)
        assert torch.equal(own(images), theirs(images))
    assert not any(p.requires_grad for p in own.parameters())


def test_training_leaves_labels_alone_and_averages_everything() -> None:
    torch.manual_seed(0)
    images, labels = torch.randint(256, (96, 3, 32, 32), dtype=torch.uint8), torch.arange(96) % 2
    kept = (images.clone(), labels.clone())
    settings = TrainingSettings(lr=0.1, epochs=2, batch_size=32, ema=0.5, mix="cutmix", cutout=4, label_smoothing=0.1)
    training = Training(TinyNet(replace(PLAIN, classes=2), 4), images, labels, settings, "fp32")
    running = [training.average.state_dict()[f"module.1.norm.running_{name}"].clone() for name in ("mean", "var")]
    for epoch in (1, 2):
        told = training.train_epoch(epoch, seed=0)
    assert told["steps"] == 3
    assert torch.equal(images, kept[0])
    assert torch.equal(labels, kept[1])
    after = [training.average.state_dict()[f"module.1.norm.running_{name}"] for name in ("mean", "var")]
    assert not any(torch.equal(a, b) for a, b in zip(running, after, strict=True)), (
        "running statistics are averaged too"
    )
    decayed, others = training.optimizer.param_groups
    assert (decayed["weight_decay"], others["weight_decay"]) == (settings.weight_decay, 0)
    assert {p.ndim for p in others["params"]} == {1}
    standardised = training.network[0](images)
    assert standardised.mean((0, 2, 3)).abs().max() < 1e-4
    assert (standardised.std((0, 2, 3)) - 1).abs().max() < 1e-3
    mirror = training.averaged(images, mirror=True)
    assert torch.allclose(mirror, training.averaged(images) + training.averaged(images.flip(3)), atol=1e-5)


def test_it_learns_and_tells_what_it_is_made_of(data: Path, tmp_path: Path) -> None:
    loop = run(TinyCifar, config(data, epochs=6), Sources(), Store(tmp_path), confirm=True)
    assert loop.test_openings == 1, "at the last epoch only"
    last, facts, outputs = loop.rows[-1], loop.outcome()["facts"], loop.experiment.gathered()
    assert last["test_accuracy"] > 0.9
    assert "test_mirror_accuracy" in last
    assert "val_mirror_accuracy" not in loop.rows[0]
    assert facts["parameters"] == sum(layer["parameters"] for layer in facts["layers"]) < 2_000
    assert (facts["train_labels"], facts["validation_labels"], facts["test_labels"]) == (120, 30, 40)
    assert outputs["confusion"].sum() == 40
    assert outputs["confusion"].trace() == outputs["test_correct"].sum() == round(40 * last["test_accuracy"])
    json.dumps(facts)


def test_a_killed_trial_goes_on_exactly_as_it_would_have(data: Path, tmp_path: Path) -> None:
    sources, own = Sources(), config(data, mix="mixup", cutout=4)
    given = {
        name: tensors(Store(tmp_path).get(artifact, sources), torch.device("cpu"))
        for name, artifact in own.artifacts(sources).items()
    }
    task = Task(own, id="t", keep_outputs=False)

    def start(folder: Path) -> Loop:
        return Loop(TinyCifar, task, sources, given, folder=folder)

    whole = start(tmp_path / "whole")
    while whole.status == "running":
        whole.advance()
    for _ in range(3):  # one epoch, then the process dies
        start(tmp_path / "killed").report(0)
    resumed = start(tmp_path / "killed")
    timeless = [[{**row, "seconds": 0} for row in loop.rows] for loop in (whole, resumed)]
    assert timeless[0][:2] == timeless[1][:2]
    last = start(tmp_path / "killed")
    while last.status == "running":
        last.advance()
    assert {**last.rows[-1], "seconds": 0} == timeless[0][-1]
    states: list[nn.Module] = [loop.experiment.training.average for loop in (whole, last)]  # type: ignore[attr-defined]
    assert all(torch.equal(a, b) for a, b in zip(*(s.state_dict().values() for s in states), strict=True))


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("budget=0",), "--set budget"),
        (("budget=30",), "budget"),
        (("depths=3-3-3-3", "budget=300"), "budget"),
        (("train_size=1000",), "train_size"),
        (("depths=0-1",), "--set depths"),
        (("ema=1",), "--set ema"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_is_refused_before_ray_starts(
    data: Path, tmp_path: Path, words: tuple[str, ...], key: str
) -> None:
    with pytest.raises(Refused) as refused:
        plan(tmp_path, "--data", str(data), "--set", *words, sweep=SWEEP)
    assert key in {problem.key for problem in refused.value.problems}


@pytest.mark.ray
def test_asha_stops_weak_trials_and_a_killed_sweep_resumes_others_from_their_checkpoints(
    data: Path, tmp_path: Path
) -> None:
    sweeps = Sweeps(tmp_path, "tiny_cifar")
    words = ("--data", str(data), "--scheduler", "asha", "--samples", "8", "--seeds", "1", "--no-dashboard")
    space = ("budget=3000", "epochs=27", "lr=0.0001:2", "block=residual", "stem=half", "batch_size=16", "ema=0")
    process = sweeps.start(*words, "--set", *space)
    checkpoints = sweeps.folder / "checkpoints"
    sweeps.wait_for(lambda: any(int(p.stem[-4:]) >= 4 for p in checkpoints.glob("*/epoch-*.pt")), process)
    process.kill()
    process.communicate()
    open_trials = {p.parent.name for p in checkpoints.glob("*/epoch-*.pt")}
    with sweeps.ledger() as ledger:
        before = ledger.epochs(sorted(open_trials))
    code, output = sweeps.run(*words, "--set", *space)
    assert code == 0, output
    share = re.search(r"(\d+) % of the fastest possible \(η\)", output)
    assert share is not None
    assert 0 < int(share[1]) <= 100, "work of the killed run is not counted again"
    with sweeps.ledger() as ledger:
        trials = ledger.trials()
        after = ledger.epochs(sorted(open_trials))
    search = trials[(trials["phase"] == "search") & (trials["seed"] == 1001)]
    assert set(search["status"]) == {"stopped", "done"}
    resumed = trials[trials["id"].isin(open_trials)]
    assert (resumed["attempts"] == 2).all()
    both = before.merge(after, on=["trial", "epoch"], suffixes=("", "_after"))
    assert len(both) == len(before) > 0
    assert (both["seconds"] == both["seconds_after"]).any(), "an epoch before the checkpoint was not run again"
    for _, own in after.groupby("trial"):
        assert list(own["epoch"]) == list(range(1, len(own) + 1))
