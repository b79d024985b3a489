"""What lets test images be known beforehand is refused before Ray starts, or recorded for the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.plan_record import PlanRecord
from common.problems import Refused
from sweeps.cifar_transfer import SWEEP as CIFAR_TRANSFER
from sweeps.digit_pair import SWEEP as DIGIT_PAIR
from sweeps.engine.cli import run
from sweeps.engine.recorded import recorded
from sweeps.engine.sweep import Sweep
from sweeps.transfer_sizes import SWEEP
from tests.support.driver import plan
from trainables.data import sources as sources_module
from trainables.data.dataset import Arrays, Split

TESTED = 200


def with_copies(count: int, **more: Any) -> dict[str, np.ndarray]:
    """Return 60 + 200 images of three classes, of which `count` stand in both splits."""
    rng = np.random.default_rng(count)
    x_train, x_test = (rng.integers(0, 256, (n, 8, 8), np.uint8) for n in (60, TESTED))
    x_test[:count] = x_train[:count]
    return {"x_train": x_train, "y_train": np.arange(60) % 3, "x_test": x_test, "y_test": np.arange(TESTED) % 3} | more


def on(folder: Path, copies: int) -> list[str]:
    """Return the words of a command on such a set."""
    np.savez(folder / "mine.npz", **with_copies(copies))
    return ["--builtin", "--no-dashboard", "--data", str(folder / "mine.npz"), "--set", "train_size=9"]


def record_of(folder: Path, *words: str, sweep: Sweep = SWEEP) -> PlanRecord:
    return recorded(plan(folder / "runs", *words, sweep=sweep))


def test_more_than_one_in_a_hundred_test_images_in_training_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(SWEEP, [*on(tmp_path, 3), "--out", str(tmp_path / "runs")])
    said = capsys.readouterr().err.splitlines()
    assert (code, len(said)) == (2, 2)
    told = "'3 of 200 test images (1.5 %) are among the training images'"
    for part in ("data: at most 1 % of the test images of", "mine.npz", told, "--allow-duplicates"):
        assert part in said[1]
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("copies", "words"), [(0, []), (2, []), (3, ["--allow-duplicates"])])
def test_fewer_and_those_that_are_allowed_are_recorded(tmp_path: Path, copies: int, words: list[str]) -> None:
    (data,) = record_of(tmp_path, *on(tmp_path, copies), *words).data
    assert (data.duplicates, data.test_images) == (copies, TESTED)


def test_they_are_told_beside_all_else_that_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*on(tmp_path, 3), "lr=-1", "--seeds", "0"]
    assert run(SWEEP, [*words, "--out", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr().err
    assert all(part in said for part in ("--seeds", "lr", "pixel for pixel")), said


def test_each_of_two_sets_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, copies in (("source", 3), ("target", 4)):
        np.savez(tmp_path / f"{name}.npz", **with_copies(copies))
    words = ["--data", f"{tmp_path / 'source.npz'},{tmp_path / 'target.npz'}", "--builtin"]
    assert run(CIFAR_TRANSFER, [*words, "--out", str(tmp_path / "runs")]) == 2
    said = capsys.readouterr().err
    assert "source: at most 1 %" in said
    assert "target: at most 1 %" in said


def test_all_test_images_of_a_set_may_be_its_training_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With random labels that gave 53 % instead of 31 %."""
    given = with_copies(0)
    np.savez(tmp_path / "mine.npz", **given | {"x_test": given["x_train"][:30], "y_test": given["y_test"][:30]})
    words = ["--builtin", "--data", str(tmp_path / "mine.npz"), "--set", "train_size=9"]
    assert run(SWEEP, [*words, "--out", str(tmp_path / "runs")]) == 2
    assert "30 of 30 test images (100 %) are among the training images" in capsys.readouterr().err


def test_test_images_of_one_set_among_the_training_images_of_the_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(9)
    first, second = (
        {name: rng.integers(0, 256, (n, 8, 8), np.uint8) for name, n in (("x_train", 300), ("x_test", 100))}
        | {"y_train": np.arange(300) % 3, "y_test": np.arange(100) % 3}
        for _ in range(2)
    )
    second["x_train"][::10] = first["x_test"][:30]
    np.savez(tmp_path / "first.npz", **first)
    np.savez(tmp_path / "second.npz", **second)
    words = ["--data", f"{tmp_path / 'first.npz'},{tmp_path / 'second.npz'}", "--set", "train_size=9", "validation=60"]
    code = run(DIGIT_PAIR, ["--builtin", *words, "--out", str(tmp_path / "runs")])
    said = capsys.readouterr().err.splitlines()
    assert (code, len(said)) == (2, 2), said
    assert said[1].strip().startswith("first: at most 1 %")
    assert "30 of 100 test images (30 %) are among the training images" in said[1]
    assert "second.npz" in said[1].partition(";")[0]
    (one, two) = record_of(tmp_path, "--builtin", *words, "--allow-duplicates", sweep=DIGIT_PAIR).data
    assert (one.duplicates, two.duplicates) == (30, 0)


def test_a_single_trial_that_opens_test_data_is_refused_too(tmp_path: Path) -> None:
    on(tmp_path, 3)
    values = {"data": str(tmp_path / "mine.npz"), "backbone": "letters_cnn", "train_size": 9, "seed": 1}
    values |= {"lr": 0.1, "epochs": 1, "weight_decay": 0.1, "batch_size": 4}
    with pytest.raises(Refused, match="pixel for pixel"):
        SWEEP.trial(values, confirm=True)
    assert SWEEP.trial(values).task.config.data == values["data"]
    assert SWEEP.trial(values, confirm=True, allow_duplicates=True).task.config.data == values["data"]


@pytest.mark.parametrize("data", ["letters", "letters[0-25]"])
def test_a_backbone_is_not_used_on_what_it_was_pre_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: str
) -> None:
    words = ["--builtin", "--data", data, "--set", "train_size=100"]
    assert run(SWEEP, [*words, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"'letters_cnn on {data}'" in said
    assert "has seen 12,800 labels of such images" in said


@pytest.mark.parametrize(
    ("pair", "refused"),
    [
        ("textures100,textures100", True),
        ("textures100,textures100[0-9]", True),
        ("textures100[0-9],textures100[5-14]", True),
        ("textures100[0-9],textures100[10-19]", False),
        ("textures100,textures10", False),
    ],
)
def test_a_source_network_is_not_transferred_to_classes_it_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pair: str, refused: bool
) -> None:
    words = ["--builtin", "--data", pair, "--set", "train_size=100"]
    code = run(CIFAR_TRANSFER, [*words, "validation=100", "--dry-run", "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert (code, "other images than the source's" in said) == ((2, True) if refused else (0, False)), said


def test_what_was_decided_on_test_images_is_recorded_for_answers_on_that_data_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (2_000, 32, 32, 3), np.uint8), np.arange(2_000) % 4
    small = Arrays("abcd", "photos", {"train": Split(x[:1_800], y[:1_800]), "test": Split(x[1_800:], y[1_800:])})
    monkeypatch.setitem(sources_module.OFFICIAL, "cifar10", lambda data_dir, cache, download: small)
    words = ["--builtin", "--set", "train_size=100", "method=own", f"validation={100}"]
    assert record_of(tmp_path, *words, sweep=CIFAR_TRANSFER).seen_on_test == {}
    for target in ("cifar10", "cifar10[0-2]"):
        seen = record_of(tmp_path, *words, f"target={target}", sweep=CIFAR_TRANSFER).seen_on_test
        assert [*seen] == ["cifar10"]
        assert "stages" in seen["cifar10"]
        assert "ridge" in seen["cifar10"]


def test_what_the_splits_of_a_data_set_share_is_recorded(tmp_path: Path) -> None:
    (digits,) = record_of(tmp_path, "--builtin").data
    assert "only 4 people wrote the test images" in digits.caveats[0]
    plain, drawn = record_of(tmp_path, "--builtin", sweep=DIGIT_PAIR).data
    assert (plain.caveats, len(drawn.caveats)) == (digits.caveats, 1)
    assert "share all 20 fonts" in drawn.caveats[0]
