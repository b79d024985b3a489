"""The epoch loop, its checkpoints, and an Experiment without Ray."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from common.files import Damaged, pack, read_checked, set_aside, unpack, write_checked
from common.seeds import seed_of
from tests.support.toy import Config, Toy
from trainables.artifacts.store import Store
from trainables.core.checkpoint import Checkpoints
from trainables.core.config import TrialConfig
from trainables.core.device import Precision, default_precision
from trainables.core.experiment import Labelled
from trainables.core.loop import Loop, label_counts, run
from trainables.core.measures import accuracy
from trainables.core.task import Task
from trainables.data.sources import Sources


def config(**changes: object) -> Config:
    return Config.model_validate({"seed": 3, "size": 100, "lr": 0.1, "epochs": 6, **changes})


def loop(folder: Path | None, **changes: object) -> Loop:
    return Loop(Toy, Task(config(**changes), id="t"), Sources(), {}, folder=folder)


def weights(of: Loop) -> torch.Tensor:
    return of.experiment.model[1].weight.detach().clone()


def without_time(rows: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows]


def test_an_interrupted_trial_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    whole = loop(None)
    whole.report(1e9)
    torch.manual_seed(999)  # whatever else the process did must not matter
    first = loop(tmp_path)
    first.report(0)
    first.report(0)
    del first
    second = loop(tmp_path)
    assert len(second.rows) == 2
    second.report(1e9)
    assert without_time(second.rows) == without_time(whole.rows)
    assert torch.equal(weights(second), weights(whole))


def test_a_resumed_trial_reports_the_epochs_before_it_too(tmp_path: Path) -> None:
    loop(tmp_path).report(0)
    resumed = loop(tmp_path)
    assert resumed.report(1e9)["rows"].count('"epoch"') == 6


@pytest.mark.parametrize("damage", ["truncate", "flip", "no checksum"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_used(tmp_path: Path, damage: str) -> None:
    first = loop(tmp_path)
    first.report(0)
    first.report(0)
    newest = max((tmp_path / "checkpoints" / "t").glob("*.pt"))
    content = newest.read_bytes()
    if damage == "truncate":
        newest.write_bytes(content[:-7])
    elif damage == "flip":
        newest.write_bytes(content[:100] + bytes([content[100] ^ 1]) + content[101:])
    else:
        newest.with_name(newest.name + ".sha256").unlink()
    second = loop(tmp_path)
    assert len(second.rows) == 1
    assert list(newest.parent.glob("*.damaged-1"))
    second.report(1e9)
    whole = loop(None)
    whole.report(1e9)
    assert without_time(second.rows) == without_time(whole.rows)


def test_other_codes_checkpoints_are_not_gone_on_from_and_do_not_outlive_those_of_this_code(tmp_path: Path) -> None:
    def begun(code: str) -> Loop:
        return Loop(Toy, Task(config(), id="t", code_fingerprint=code), Sources(), {}, folder=tmp_path)

    before = begun("before")
    for _ in range(3):
        before.report(0)
    now = begun("now")
    assert not now.rows
    now.report(0)
    assert len(begun("now").rows) == 1, "though the other code had come further"


def test_only_the_newest_checkpoints_are_kept_and_clear_removes_all(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path / "c")
    for epoch in range(1, 6):
        checkpoints.save(epoch, {"rows": [epoch]})
    assert sorted(p.name for p in (tmp_path / "c").glob("*.pt")) == ["epoch-000004.pt", "epoch-000005.pt"]
    assert checkpoints.load() == {"rows": [5]}
    checkpoints.clear()
    assert checkpoints.load() is None


def test_nan_stops_the_trial_as_diverged_and_keeps_its_row() -> None:
    sick = loop(None, fault="nan")
    result = sick.report(1e9)
    assert result["outcome"]["status"] == "diverged"
    assert "val_loss" in result["outcome"]["error"]
    assert len(sick.rows) == 2
    assert math.isnan(sick.rows[-1]["val_loss"])
    assert 0 <= sick.rows[-1]["val_accuracy"] <= 1


def test_reports_stop_exactly_at_the_epochs_asked_for() -> None:
    trial = loop(None)
    seen = []
    while not seen or not seen[-1]["done"]:
        seen.append(trial.report(1e9, frozenset({2, 4})))
    assert [r["epoch"] for r in seen] == [2, 4, 6]


def test_labels_are_counted_by_split_and_by_the_set_that_a_measure_is_of() -> None:
    def labelled(size: int) -> Labelled:
        return Labelled(torch.zeros(size, 1), torch.zeros(size, dtype=torch.long))

    experiment = loop(None).experiment
    assert not [name for name in loop(None).outcome()["facts"] if name.endswith("labels")], "no declared sets, no count"
    experiment.train = {"target": labelled(5)}
    experiment.held_out = {
        "validation": {"target": labelled(7), "source": labelled(3)},
        "test": {"target": labelled(20), "source": labelled(30)},
    }
    experiment.measures = (accuracy(), accuracy(of="source"))  # type: ignore[misc]
    assert label_counts(experiment) == {
        "train_labels": 5,
        "validation_labels": 7,
        "validation_source_labels": 3,
        "test_labels": 20,
        "test_source_labels": 30,
    }
    experiment.supervised = False  # type: ignore[misc]
    assert label_counts(experiment) == {"test_labels": 20, "test_source_labels": 30}, "no labels, yet test images"


def test_without_ray_a_trial_runs_in_a_plain_loop_and_opens_test_data_only_when_confirming(
    tmp_path: Path,
) -> None:
    searched = run(Toy, config(), Sources(), Store(tmp_path))
    assert searched.status == "done"
    assert searched.test_openings == 0
    assert not any(name.startswith("test") for row in searched.rows for name in row)
    confirmed = run(Toy, config(), Sources(), Store(tmp_path), confirm=True)
    assert confirmed.test_openings == 6
    assert "test_accuracy" in confirmed.rows[-1]
    assert confirmed.rows[-1]["val_loss"] == searched.rows[-1]["val_loss"]


def test_the_seed_changes_the_trial_and_nothing_else_does() -> None:
    one, two, other = loop(None), loop(None), loop(None, seed=4)
    for trial in (one, two, other):
        trial.report(1e9)
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))


def test_seeds_derive_from_names() -> None:
    assert seed_of(1, "order") == seed_of(1, "order") != seed_of(1, "subset")
    assert 0 <= seed_of("x") < 2**63


def test_configs_are_frozen_and_forbid_unknown_keys() -> None:
    with pytest.raises(ValueError, match="frozen"):
        config().lr = 1.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="Extra inputs"):
        config(learning_rate=1)
    assert issubclass(Config, TrialConfig)
    assert Toy.config_class() is Config
    assert {*get_args(Precision)} >= {default_precision(gpus) for gpus in (0, 1)}


def test_who_reads_while_a_checked_file_is_written_finds_none_or_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, found = tmp_path / "piece.npz", []

    def between(*names: Path, real: Any = os.replace) -> None:
        real(*names)
        found.append(path.exists() and read_checked(path))

    monkeypatch.setattr(os, "replace", between)
    write_checked(path, b"content")
    assert found == [False, b"content"]


def test_checked_files_round_trip_and_detect_damage(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.npz"
    write_checked(path, pack({"x": torch.arange(5).numpy()}))
    assert unpack(read_checked(path))["x"].tolist() == [0, 1, 2, 3, 4]
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(Damaged, match="SHA-256"):
        read_checked(path)
    assert set_aside(path).name == "b.npz.damaged-1"
    with pytest.raises(FileNotFoundError):
        read_checked(path)
