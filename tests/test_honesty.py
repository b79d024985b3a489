"""Nothing before the confirm step depends on test data; nothing is shown that was not measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from analysis.ledger import Ledger
from tests.conftest import SMALL, Sweeps

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
        trials = ledger.trials(phase="search")
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


def test_the_small_sweep_says_which_data_it_comes_from(undisturbed: Sweeps) -> None:
    assert SMALL[0] == "--builtin"
    for name in ("answer.md", "verdict.md"):
        assert "digits (built-in)" in (undisturbed.folder / name).read_text()
