"""A training as a chain of artifacts: addresses, and equality with a training in one go."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from common.files import Arrays
from trainables.artifacts.store import Artifact, Store
from trainables.data.sources import Sources
from trainables.training.links import averaged, chain
from trainables.training.supervised import Training, TrainingSettings
from trainables.transfer.source_network import source_network


def begin(link: Artifact, sources: Sources, needs: Mapping[str, Arrays]) -> Training:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (40, 3, 8, 8), generator=generator, dtype=torch.uint8)
    torch.manual_seed(1)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    settings = TrainingSettings(lr=0.1, epochs=link.spec["epochs"], batch_size=16, shift=1, ema=0.5)
    return Training(network, images, torch.arange(40) % 2, settings, "fp32")


def test_a_chain_is_one_training(tmp_path: Path) -> None:
    spec: dict[str, Any] = {"epochs": 12}
    last: Artifact = pickle.loads(pickle.dumps(chain("training", spec, begin, {}, seed=7)))  # it travels to workers
    ends = []
    link = last
    while True:
        ends.append(link.spec["end"])
        if "before" not in link.needs:
            break
        link = link.needs["before"]
    assert ends == [12, 10, 5]
    found = Store(tmp_path).get(Artifact("network", spec, averaged, {"before": last}), Sources())
    whole = begin(last, Sources(), {})
    for epoch in range(1, 13):
        whole.train_epoch(epoch, seed=7)
    expected = whole.average.module.state_dict()
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value.numpy())


def test_keys_of_trained_networks_stay_what_they_were() -> None:
    """Ledgers' trials on these networks are found again by their keys, which an earlier version of this code gave."""
    sources: Any = SimpleNamespace(
        weights_dir=None,
        fingerprint=lambda name, split: f"{name}/{split}",
        dataset=lambda name: SimpleNamespace(size=lambda split: 100),
    )
    artifact = source_network("photos", sources, width=8, epochs=12, precision="bf16")
    assert artifact.key == "d575769d494d48ff5938a3676eb0a7a5071d8fa8f042ccfb101774d5912f01b5"
    keys = []
    while "before" in artifact.needs:
        artifact = artifact.needs["before"]
        keys.append(artifact.key)
    assert keys == [
        "ded2876fa5e346d79f974bb8ea12b972b691d13f48e40e415b9b4861a945a63a",
        "f616d0bfca4436e3a0fea19df6f0136397264474e1e4c73651249e8756184335",
        "514f271531c32f8628b730b52b1cdf67042edc711946647c01060adb2addcf47",
    ]
