"""A whole sweep at 224×224 with the backbones whose weights are not at hand, using random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.models import get_model

from tests.conftest import Sweeps


@pytest.mark.ray
def test_resnet50_and_vgg19_from_weights_file_to_table_features_cached(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = tmp_path / "weights"
    weights.mkdir()
    data = tmp_path / "data"
    data.mkdir()
    for name in ("resnet50", "vgg19"):
        torch.save(get_model(name).state_dict(), weights / f"{name}.pth")
    draw = np.random.default_rng(0)
    labels = np.arange(40) % 10
    images = (draw.integers(0, 100, (40, 28, 28)) + 15 * labels[:, None, None]).astype(np.uint8)  # brightness tells
    np.savez(data / "drawn.npz", x_train=images[:30], y_train=labels[:30], x_test=images[30:], y_test=labels[30:])
    sweeps = Sweeps(tmp_path / "out")
    words = ["--weights-dir", str(weights), "--data-dir", str(data), "--data", "drawn.npz", "--no-dashboard"]
    words += ["--samples", "2", "--seeds", "2", "--set", "train_size=20", "epochs=5", "pool=20", "validation=10"]
    code, output = sweeps.run(*words)
    assert code == 0, output
    features = {p: p.stat().st_mtime_ns for p in (sweeps.out / "artifacts").rglob("*.npz")}
    assert len(features) == 2 * 3, "pool, validation and test of each backbone"
    with sweeps.ledger() as ledger:
        trials = ledger.trials()
    heads = {row.config["backbone"]: row.facts["head"] for row in trials.itertuples()}
    assert heads == {"resnet50": "linear 2048→10", "vgg19": "linear 4096→10"}
    assert set(trials["status"]) == {"done"}
    code, output = sweeps.run(*words, "--samples", "3")
    assert code == 0, output
    assert {p: p.stat().st_mtime_ns for p in (sweeps.out / "artifacts").rglob("*.npz")} == features, "not recomputed"
