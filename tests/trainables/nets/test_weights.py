"""Files of pre-trained weights: which one is taken, what is refused, and that no code in them runs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from common.problems import Refused
from tests.support.data import Harmful
from trainables.nets import weights


def test_weights_are_found_by_name_and_not_by_a_longer_one(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(2)}, tmp_path / "vgg19.pth")
    torch.save({"b": torch.ones(3)}, tmp_path / "vgg19_bn.pth")
    torch.save({"c": torch.ones(4)}, tmp_path / "resnet50_mine.pth")
    found = [weights.find(name, tmp_path) for name in ("vgg19", "vgg19_bn", "resnet50")]
    assert [list(weights.load(path)) for path in found] == [["a"], ["b"], ["c"]]
    assert weights.digest(found[0]) == hashlib.sha256((tmp_path / "vgg19.pth").read_bytes()).hexdigest()


def test_ambiguous_weights_are_refused(tmp_path: Path) -> None:
    for name in ("resnet50.pth", "resnet50-v2.pth"):
        torch.save({}, tmp_path / name)
    with pytest.raises(Refused, match=r"resnet50-v2\.pth, resnet50\.pth"):
        weights.find("resnet50", tmp_path)


def test_weights_whose_name_bears_another_checksum_are_refused(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "resnet50-11ad3fa6.pth")
    with pytest.raises(Refused, match="must begin with 11ad3fa6"):
        weights.load(weights.find("resnet50", tmp_path))


def test_weights_never_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Harmful()}, tmp_path / "resnet18.pth")
    with pytest.raises(Refused, match="whole state dict"):
        weights.load(weights.find("resnet18", tmp_path))
    assert not (tmp_path / "harmed").exists()
