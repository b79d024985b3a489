"""Bad input is refused before Ray starts: all of it at once, exit 2, no traceback, nothing written."""

from __future__ import annotations

import gzip
import os
import re
import sqlite3
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import squeezenet1_1

from analysis.ledger import Ledger
from sweeps.engine import cli
from sweeps.engine.cli import run
from sweeps.transfer_sizes import SWEEP
from tests.conftest import HANG, ROOT

BUILTIN = ["--builtin", "--no-dashboard"]


def refused(capsys: pytest.CaptureFixture[str], out: Path, *words: str) -> list[str]:
    """Run in this process; what it said, a line a problem."""
    code = run(SWEEP, ["--out", str(out), *words])
    said = capsys.readouterr()
    assert code == 2, said
    assert "nothing was run" in said.err
    assert not list(out.rglob("ledger.sqlite")), "nothing was begun"
    return said.err.splitlines()[1:]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--gpu", "1"], ["--gpu", "--gpus"]),
        (["--set", "backbone=resnet5"], ["backbone", "resnet5", "resnet50"]),
        (["--data", "minst"], ["minst", "mnist"]),
        (["--set", "learning=1"], ["learning", "config"]),
        (["--set", "train_sise=100"], ["train_sise", "'train_size'"]),
        (["--set", "lr=-0.1"], ["lr", "greater than 0", "-0.1"]),
        (["--set", "lr=nan"], ["lr", "finite number", "nan"]),
        (["--set", "lr=inf"], ["lr", "finite number", "inf"]),
        (["--set", "lr=0.1:0.001"], ["lr", "low < high", "lr=0.001:0.1"]),
        (["--set", "lr=0:1"], ["lr", "logarithm", "0:1"]),
        (["--set", "lr=1e-3:20"], ["lr", "less than or equal to 10", "20"]),
        (["--set", "lr=fast"], ["lr", "valid number", "fast"]),
        (["--set", "epochs=1.5"], ["epochs", "integer", "1.5"]),
        (["--set", "train_size=5"], ["train_size", "each of the 10 classes", "5", "10 or more"]),
        (["--set", "train_size=1001"], ["train_size", "1,000", "1001"]),
        (
            ["--set", "pool=1200"],
            ["pool", "1,029 of digits's 1,287", "240 for validation leave", "1200", "Ask for 1,029"],
        ),
        (["--set", "seed=3"], ["seed", "--seeds"]),
        (["--set", "epochs"], ["--set", "key=value"]),
        (["--set", "train_size=100-900"], ["train_size", "you gave '100-900'", "=100,900", "=100:900"]),
        (["--set", "lr=1e-4-1e-1"], ["lr", "you gave '1e-4-1e-1'", "lr=1e-4,1e-1", "lr=1e-4:1e-1"]),
        (["--set", "epochs=20..50"], ["epochs", "epochs=20,50", "epochs=20:50"]),
        (["--set", "train_size=100,", "300"], ["--set", "you gave '300'", "with commas and no spaces"]),
        (["--set", "learning_rate=0.1"], ["learning_rate", "Did you mean 'lr', AdamW's learning rate?"]),
        (["--set", "LR=0.1"], ["LR", "Did you mean 'lr'?"]),
        (["--lr", "0.1"], ["--lr", "Did you mean --set lr=VALUE?"]),
        (["--train-size=100"], ["--train-size", "Did you mean --set train_size=100?"]),
        (["--gpus", "64"], ["--gpus", "64", "This machine has", "omit it"]),
        (["--cpus", "4096"], ["--cpus", "4096", "This machine has"]),
        (["--seeds", "0"], ["--seeds", "0"]),
        (["--search", "gird"], ["--search", "gird", "'grid'"]),
        (["--scheduler", "hyperband"], ["--scheduler", "none, asha"]),
        (["--precision", "fp16"], ["--precision", "fp16", "bf16"]),
        (["--time-budget", "-1"], ["--time-budget", "-1"]),
        (["--address", "127.0.0.1:1"], ["--address", "refused", "127.0.0.1:1", "ray status"]),
        (["--address", "127.0.0.1:head"], ["--address", "127.0.0.1:head"]),
    ],
)
def test_each_problem_names_key_rule_value_and_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], parts: list[str]
) -> None:
    lines = refused(capsys, tmp_path, *BUILTIN, *words)
    assert any(all(part in line for part in parts) for line in lines), lines


@pytest.mark.parametrize("module", ["sweeps.transfer_sizes", "analysis", "trainables"])
def test_help_shows_no_value_of_python_and_says_what_each_switch_does(module: str) -> None:
    words = [sys.executable, "-m", module, *(["predict"] if module == "trainables" else []), "--help"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=HANG, check=True).stdout
    assert not re.search(r"\b(None|True|False)\b|default: \)", told)
    flat = " ".join(told.replace("│", " ").split())
    if module.startswith("sweeps"):
        assert "--no-prescribed Leave out the config" in flat
        assert "--no-dashboard Do without Ray's dashboard" in flat
    else:
        assert "--no-" not in flat


def test_everything_wrong_is_said_at_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "--gpus",
        "64",
        "--search",
        "gird",
        "--frsh",
        "--set",
        "lr=-1",
        "epoch=3",
        "train_size=5",
        "backbone=resnet5,letters_cnn",
    ]
    lines = refused(capsys, tmp_path, *BUILTIN, *words)
    for key in ("--gpus", "--search", "--frsh", "lr", "epoch", "train_size", "backbone"):
        assert any(line.strip().removeprefix("--set ").startswith(key) for line in lines), (key, lines)
    assert len(lines) == 7, "and each thing once"


def test_ctrl_c_before_ray_is_no_traceback(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt  # as while data is downloaded

    monkeypatch.setattr(cli, "make_plan", interrupted)
    assert run(SWEEP, ["--out", str(tmp_path), *BUILTIN]) == 130
    assert "nothing was run" in capsys.readouterr().err


def test_unwritable_output(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    code = run(SWEEP, [*BUILTIN, "--out", str(file)])
    said = capsys.readouterr().err
    assert code == 2
    assert "--out" in said
    assert str(file) in said


def test_a_ledger_of_a_newer_version_is_refused_clearly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with Ledger(tmp_path / "transfer_sizes"):
        pass
    with sqlite3.connect(tmp_path / "transfer_sizes" / "ledger.sqlite") as database:
        database.execute("UPDATE meta SET value='99'")
    database.close()
    assert run(SWEEP, [*BUILTIN, "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "99" in said
    assert "newer" in said


def mnist(folder: Path) -> Path:
    """A folder in torchvision's layout whose files are sound but not MNIST's."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for stem, n in (("train", 20), ("t10k", 10)):
        images, labels = np.zeros((n, 28, 28), np.uint8), (np.arange(n) % 10).astype(np.uint8)
        head = struct.pack(">IIII", 2051, n, 28, 28), struct.pack(">II", 2049, n)
        (raw / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head[0] + images.tobytes()))
        (raw / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head[1] + labels.tobytes()))
    return folder


def test_wrong_checksum_shows_found_and_expected_and_missing_weights_name_file_and_builtin(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data, weights = mnist(tmp_path / "data"), tmp_path / "weights"
    weights.mkdir()
    state = squeezenet1_1().state_dict()
    torch.save({**state, "features.0.weight": torch.zeros(64, 1, 3, 3)}, weights / "squeezenet1_1.pth")
    (weights / "resnet18.pth").write_bytes(b"no state dict")
    words = ["--data-dir", str(data), "--weights-dir", str(weights), "--set", "backbone=squeezenet1_1,resnet18"]
    said = "\n".join(refused(capsys, tmp_path / "out", *words))
    assert "f68b3c2dcbeaaa9fbdd348bbdeb94873" in said, "the official MD5 of the training images"
    assert "features.0.weight" in said, "which tensor does not fit"
    assert "resnet18.pth" in said


@pytest.mark.slow
def test_the_command_line_itself_exits_2_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "sweeps/transfer_sizes.py", "--out", str(tmp_path), "--gpus", "many"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=HANG, env=dict(os.environ))
    assert done.returncode == 2
    assert "--gpus" in done.stderr
    assert "many" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_lists_everything_and_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = run(SWEEP, [*BUILTIN, "--dry-run", "--out", str(tmp_path), "--samples", "3"])
    said = capsys.readouterr().out
    assert code == 0
    assert "train_size" in said
    assert "config 3: lr=" in said
    configs = "5 sizes × (4 configs × 3 search seeds + 2 configs × 5 confirm seeds), the prescribed config among them"
    assert "110 of 110 trials are left" in said, configs
    assert not list(tmp_path.rglob("*"))
