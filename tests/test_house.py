"""Nothing before the confirm step depends on test data; nothing is shown that was not measured."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.ledger import Ledger
from tests.conftest import ROOT, SMALL, Sweeps

WORDS = ("--no-dashboard", "--samples", "3", "--seeds", "2", "--set", "backbone=letters_cnn", "train_size=60")
SELECTED = [*WORDS, "epochs=10,20"]


def digits(folder: Path, *, poisoned: bool) -> Path:
    """The digits as .npz; poisoned: every test label is wrong and every test image is noise."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = np.kron(x.reshape(-1, 8, 8), np.ones((3, 3))).astype(np.uint8) * 15  # [N, 24, 24]
    test_x, test_y = x[1300:], y[1300:]
    if poisoned:
        test_x = np.random.default_rng(0).integers(0, 256, test_x.shape, np.uint8)
        test_y = (test_y + 1) % 10
    folder.mkdir()
    np.savez(folder / "mine.npz", x_train=x[:1300], y_train=y[:1300], x_test=test_x, y_test=test_y)
    return folder


def search_of(sweeps: Sweeps) -> tuple[pd.DataFrame, pd.DataFrame]:
    with Ledger(sweeps.folder, readonly=True) as ledger:
        trials = ledger.trials(where="phase='search'")
        epochs = ledger.epochs(trials["id"])
    return trials, epochs.drop(columns="seconds").dropna(axis=1, how="all")


def test_poisoned_test_data_change_nothing_before_the_confirm_step(
    tmp_path: Path, sweeps: Sweeps, undisturbed: Sweeps
) -> None:
    outcomes = []
    for poisoned in (False, True):
        run = Sweeps(tmp_path / f"poisoned-{poisoned}")
        run.out.mkdir()
        (run.out / "artifacts").symlink_to(sweeps.out / "artifacts")  # the letters backbones
        data = digits(tmp_path / f"data-{poisoned}", poisoned=poisoned)
        code, output = run.run("--data", "mine.npz", "--data-dir", str(data), *SELECTED)
        assert code == 0, output
        outcomes.append((search_of(run), pd.read_csv(run.folder / "tables" / "best_config.csv")))
    ((trials, epochs), table), ((other_trials, other_epochs), other_table) = outcomes
    assert trials["id"].tolist() == other_trials["id"].tolist(), "search trials do not even know test data by name"
    pd.testing.assert_frame_equal(epochs, other_epochs)
    for column in ("lr", "epochs", "weight_decay", "batch_size", "val_accuracy"):
        assert table[column].tolist() == other_table[column].tolist(), "the same config is chosen, validated the same"
    assert table["test_accuracy"].min() > 0.6
    assert other_table["test_accuracy"].max() < 0.3, "and the poison did reach the test"


def imports(path: Path) -> set[str]:
    """Top-level and `analysis.x`-style names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def questions() -> list[str]:
    return sorted(path.stem for path in (ROOT / "sweeps").glob("*.py") if path.stem not in ("__init__", "__main__"))


def test_imports_run_one_way() -> None:
    forbidden = {"trainables": {"analysis", "sweeps"}, "analysis": {"trainables", "sweeps", "torch", "ray", "optuna"}}
    for package, others in forbidden.items():
        for path in python_files(package):
            tops = {name.split(".")[0] for name in imports(path)}
            assert not tops & others, f"{path} imports {tops & others}"


def test_only_the_engine_base_and_artifacts_know_ray() -> None:
    allowed = [ROOT / "trainables" / "core" / "host.py", *(ROOT / "trainables" / "artifacts").glob("*.py")]
    allowed += (ROOT / "sweeps" / "engine").glob("*.py")
    for package in ("sweeps", "trainables", "analysis"):
        for path in python_files(package):
            knows = any(name.split(".")[0] == "ray" for name in imports(path))
            assert path in allowed or not knows, path


@pytest.mark.parametrize("question", questions())
def test_a_question_is_one_small_file_in_each_folder_and_knows_no_other(question: str) -> None:
    for package in ("sweeps", "trainables", "analysis"):
        path = ROOT / package / f"{question}.py"
        assert path.exists()
        for other in set(questions()) - {question}:
            assert not any(name.endswith(f".{other}") for name in imports(path)), f"{path} imports {other}"


def test_no_module_is_called_utils() -> None:
    for package in ("common", "sweeps", "trainables", "analysis", "bench"):
        assert not [path for path in python_files(package) if path.stem == "utils"]


def test_the_small_sweep_says_which_data_it_comes_from(undisturbed: Sweeps) -> None:
    assert SMALL[0] == "--builtin"
    for name in ("answer.md", "verdict.md"):
        assert "digits (built-in)" in (undisturbed.folder / name).read_text()
