"""Features of frozen backbones: right images, right transform, kept once, and frozen."""

from __future__ import annotations

import hashlib
import os
import pickle
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torchvision.models import get_model
from torchvision.transforms.v2 import functional as T

from trainables.artifacts.store import Artifact, Store
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train
from trainables.nets import weights
from trainables.nets.backbones import Backbone, build, describe
from trainables.transfer import features
from trainables.transfer.features import backbone_features, embed, features_problems, input_of

REAL = os.environ.get("LABSWEEP_REAL")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of SqueezeNet and a small data set of 28×28 images."""
    folder = tmp_path_factory.mktemp("features")
    torch.manual_seed(0)
    torch.save(get_model("squeezenet1_1", weights=None).state_dict(), folder / "squeezenet1_1.pth")
    rng = np.random.default_rng(0)
    np.savez(
        folder / "small.npz",
        x_train=rng.integers(0, 256, (40, 28, 28), np.uint8),
        y_train=np.arange(40) % 2,
        x_test=rng.integers(0, 256, (10, 28, 28), np.uint8),
        y_test=np.arange(10) % 2,
    )
    return folder


@pytest.fixture
def sources(folder: Path) -> Sources:
    return Sources(weights_dir=folder, data_dir=folder, cache=folder / "cache", here=folder)


def squeezenet(sources: Sources, split: features.Part, **changes: Any) -> Artifact:
    given: dict[str, Any] = {"pool": 20, "validation": 10, "seed": 0, "precision": "fp32"}
    return backbone_features("squeezenet1_1", "small", sources, split=split, **(given | changes))


def squeezenet_of(sources: Sources) -> Backbone:
    return build("squeezenet1_1", weights.load(weights.find("squeezenet1_1", sources.weights_dir)))


def fingerprint(state: Mapping[str, torch.Tensor]) -> str:
    return hashlib.sha256(b"".join(value.numpy().tobytes() for value in state.values())).hexdigest()


def test_features_are_those_of_the_chosen_images(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "PIECE", 5)
    train = sources.train("small")
    pool, validation = split_train(train.labels, 12, 6, blocks=None)
    backbone = squeezenet_of(sources)
    for split, rows in (("pool", pool), ("validation", validation)):
        artifact = squeezenet(sources, split, pool=12, validation=6)  # type: ignore[arg-type]
        assert artifact.pieces == -(-len(rows) // 5)
        found = Store(tmp_path).get(artifact, sources)
        assert found["x"].dtype == np.float32
        assert found["y"].tolist() == train.labels[rows].tolist()
        np.testing.assert_allclose(found["x"], embed(backbone, train.images[rows], "fp32"), atol=1e-5)


def test_the_transform_is_torchvisions(sources: Sources) -> None:
    facts = describe("squeezenet1_1")
    images = torch.from_numpy(np.array(sources.train("small").images[:3]))
    wide = torch.randint(0, 256, (3, 40, 60, 3), dtype=torch.uint8)
    for given, planes in ((images, images[:, None].expand(-1, 3, -1, -1)), (wide, wide.permute(0, 3, 1, 2))):
        x = T.resize(T.to_dtype(planes, torch.float32, scale=True), [224], antialias=True)
        expected = T.normalize(T.center_crop(x, [224, 224]), list(facts.mean), list(facts.std))
        torch.testing.assert_close(input_of(facts).prepared(given), expected, atol=1e-4, rtol=1e-4)


def test_colour_becomes_luminance_for_a_grayscale_backbone() -> None:
    images = torch.full((1, 28, 28, 3), 100, dtype=torch.uint8)
    prepared = input_of(describe("letters_cnn")).prepared(images)
    torch.testing.assert_close(prepared, torch.full((1, 1, 28, 28), 100 / 255))


@pytest.mark.parametrize("name", ["resnet18", "letters_cnn"])
def test_nothing_of_a_backbone_moves(name: str) -> None:
    """Checksums before and after include batch norm's running statistics."""
    from trainables.nets.letters_cnn import LettersCNN

    torch.manual_seed(0)
    state = (LettersCNN() if name == "letters_cnn" else get_model(name, weights=None)).state_dict()
    backbone: Backbone = build(name, {key: value.clone() for key, value in state.items()})
    before = fingerprint(backbone.module.state_dict())
    assert any("running_mean" in key for key in backbone.module.state_dict())
    embed(backbone, np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8), "fp32")
    assert fingerprint(backbone.module.state_dict()) == before


def test_bf16_is_near_fp32(sources: Sources) -> None:
    images = sources.test("small").images[:4]
    whole, half = (embed(squeezenet_of(sources), images, precision) for precision in ("fp32", "bf16"))
    assert half.dtype == np.float32
    assert not np.array_equal(whole, half)
    assert np.linalg.norm(whole - half) < 0.03 * np.linalg.norm(whole)


def test_addresses_follow_content(sources: Sources, folder: Path, tmp_path: Path) -> None:
    base = squeezenet(sources, "pool")
    assert base.key == squeezenet(sources, "pool", seed=9).key  # pre-trained: the trial's seed is nothing to it
    changed = ({"precision": "bf16"}, {"pool": 21}, {"validation": 9})
    others = {squeezenet(sources, "pool", **change).key for change in changed}
    assert len(others | {base.key}) == 4
    assert squeezenet(sources, "test", pool=5).key == squeezenet(sources, "test").key
    # The same content elsewhere is the same artifact; other weights are another.
    (tmp_path / "small.npz").write_bytes((folder / "small.npz").read_bytes())
    torch.save(get_model("squeezenet1_1", weights=None).state_dict(), tmp_path / "squeezenet1_1.pth")
    moved = Sources(weights_dir=folder, data_dir=tmp_path)
    retrained = Sources(weights_dir=tmp_path, data_dir=tmp_path)
    assert squeezenet(moved, "pool").key == base.key
    assert squeezenet(retrained, "pool").key != base.key


def test_test_data_moves_the_test_features_alone(sources: Sources, folder: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(folder / "small.npz"))
    np.savez(tmp_path / "small.npz", **(arrays | {"y_test": 1 - arrays["y_test"]}))
    poisoned = Sources(weights_dir=folder, data_dir=tmp_path)
    for split in ("pool", "validation"):
        assert squeezenet(poisoned, split).key == squeezenet(sources, split).key  # type: ignore[arg-type]
    assert squeezenet(poisoned, "test").key != squeezenet(sources, "test").key


def test_a_trained_backbone_follows_the_seed(sources: Sources) -> None:
    def artifact(seed: int, precision: Literal["bf16", "fp32"] = "fp32") -> Artifact:
        return backbone_features(
            "letters_cnn", "digits", sources, split="pool", pool=1_000, validation=240, seed=seed, precision=precision
        )

    assert artifact(0).key != artifact(1).key
    assert artifact(0).needs["backbone"].key == artifact(0, "bf16").needs["backbone"].key


def test_artifacts_travel(sources: Sources, tmp_path: Path) -> None:
    artifact = pickle.loads(pickle.dumps(squeezenet(sources, "validation")))
    assert artifact.key == squeezenet(sources, "validation").key
    assert Store(tmp_path).get(artifact, sources)["x"].shape == (10, 512)


# What preflight asks


def test_usable_backbones_have_no_problems(sources: Sources) -> None:
    assert features_problems("squeezenet1_1", "digits", sources) == []
    assert features_problems("letters_cnn", "digits", sources) == []
    for name in ("letters", "letters[0-25]"):
        (problem,) = features_problems("letters_cnn", name, sources)
        assert (problem.key, problem.value) == ("backbone", f"letters_cnn on {name}")
        assert "has seen 12,800 labels" in problem.rule
        assert features_problems("squeezenet1_1", name, sources) == []


def test_an_unknown_backbone_offers_the_nearest(sources: Sources) -> None:
    (problem,) = features_problems("resnet500", "digits", sources)
    assert problem.key == "backbone"
    assert "'resnet50'" in problem.remedy


def test_missing_weights_name_the_file_the_folders_and_the_way_out(
    sources: Sources, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody answers: no download, wherever this runs
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setattr(urllib.request, "_opener", None)  # made anew, so that it sees the proxy
    (problem,) = features_problems("resnet50", "digits", sources)
    said = str(problem)
    assert f"resnet50.pth, resnet50-*.pth or resnet50_*.pth in {folder}" in said
    assert str(tmp_path / "hub" / "checkpoints" / "resnet50-11ad3fa6.pth") in said
    assert "https://download.pytorch.org/models/resnet50-11ad3fa6.pth" in said
    assert "--builtin" in said


def test_truncated_and_other_weights_are_problems(folder: Path, tmp_path: Path) -> None:
    whole = (folder / "squeezenet1_1.pth").read_bytes()
    (tmp_path / "squeezenet1_1.pth").write_bytes(whole[:-5_000])
    (tmp_path / "resnet18.pth").write_bytes(whole)
    torch.save(get_model("mnasnet0_5", weights=None), tmp_path / "mnasnet0_5.pth")  # a module, not its state
    sources = Sources(weights_dir=tmp_path)
    (truncated,) = features_problems("squeezenet1_1", "digits", sources)
    assert "truncated" in truncated.remedy
    said = " ".join(problem.rule for problem in features_problems("resnet18", "digits", sources))
    assert "they lack" in said
    assert "they have in addition" in said
    (module,) = features_problems("mnasnet0_5", "digits", sources)
    assert "state_dict()" in module.remedy


if REAL:

    def test_real_mnist_features_are_balanced(tmp_path: Path, folder: Path) -> None:
        sources = Sources(data_dir=Path(str(REAL)), weights_dir=folder)
        artifact = backbone_features(
            "squeezenet1_1", "mnist", sources, split="pool", pool=100, validation=100, seed=0, precision="fp32"
        )
        found = Store(tmp_path).get(artifact, sources)
        assert np.bincount(found["y"]).tolist() == [10] * 10
        assert len(nested_subset(found["y"], 50, 0)) == 50
