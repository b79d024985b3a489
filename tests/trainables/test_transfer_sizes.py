"""Transfer by train size: how many images the pool and validation have by default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from trainables.data.sources import Sources
from trainables.transfer_sizes import Config, TransferSizes


@pytest.mark.parametrize(
    ("data", "given", "sizes"),
    [
        ("digits", {}, (1_000, 240)),
        ("digits", {"pool": 500}, (500, 240)),
        ("digits", {"validation": 300}, (906, 300)),  # three writers validate; the other seven wrote 906 images
        ("textures10", {}, (10_000, 2_000)),
        ("mine.npz", {}, (24, 6)),
        ("mine.npz", {"validation": 3}, (27, 3)),
    ],
)
def test_pool_and_validation_follow_from_the_training_split_unless_given(
    tmp_path: Path, data: str, given: dict[str, Any], sizes: tuple[int, int]
) -> None:
    images = np.arange(30 * 64, dtype=np.uint8).reshape(30, 8, 8)
    labels = np.arange(30) % 3
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    config = Config(
        data=data, backbone="letters_cnn", train_size=9, lr=0.1, epochs=1, weight_decay=0, batch_size=8, **given
    )
    for artifact in config.artifacts(Sources(here=tmp_path)).values():
        assert (artifact.spec["pool"], artifact.spec["validation"]) == sizes


def test_training_is_measured_after_the_epoch_without_dropout() -> None:
    """VGG19 has dropout before its output layer: what is told of training images is what held-out ones would get."""
    config = Config(
        data="digits", backbone="vgg19", train_size=40, lr=0.01, epochs=2, weight_decay=0, batch_size=8, seed=1
    )
    trial = TransferSizes(config, Sources(), torch.device("cpu"))
    y = torch.arange(60) % 10
    x = torch.randn(60, 4096, generator=torch.Generator().manual_seed(0)) + y[:, None] / 10
    trial.setup(pool={"x": x, "y": y}, validation={"x": x, "y": y})
    trial.epoch = 1
    told = trial.train_epoch()
    assert trial.about.dropout == 0.5
    own = trial.train["data"]
    logits = trial.head.layer(own.x)
    assert told["accuracy"] == (logits.argmax(1) == own.y).double().mean().item()
    assert told["loss"] == F.cross_entropy(logits, own.y).item()
    assert told["steps"] == 5
