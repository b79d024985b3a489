"""Published generators: where their files lie, that they load strictly, and that what does not fit is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from common.problems import Refused
from tests.support.biggan import TINY, made_weights, publish
from tests.support.data import Harmful, sources
from trainables.artifacts.store import Store
from trainables.core.device import tensors
from trainables.gan import published

NAME = "biggan-deep-16"


def told(folder: Path, name: str = NAME) -> str:
    return "\n".join(map(str, published.problems(name, folder)))


def test_a_generator_goes_through_the_artifact_and_back(tmp_path: Path) -> None:
    publish(tmp_path / "weights", NAME)
    where = sources(tmp_path, weights_dir=tmp_path / "weights")
    assert published.problems(NAME, where.weights_dir) == []
    artifact = published.weights_artifact(NAME, where)
    network = published.module(tensors(Store(tmp_path / "store").get(artifact, where), torch.device("cpu")))
    assert network.shape == TINY
    state = network.state_dict()
    assert state.keys() == made_weights(TINY).keys()
    for name, value in made_weights(TINY).items():
        torch.testing.assert_close(state[name], value, rtol=0, atol=0)
    assert not any(part.training for part in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())
    assert network(torch.zeros(1, 6), torch.eye(7)[:1], 1.0).isfinite().all()


def test_other_weights_are_another_artifact(tmp_path: Path) -> None:
    keys = []
    for seed in (0, 1):
        publish(tmp_path / f"{seed}", NAME, state=made_weights(TINY, seed))
        keys.append(published.weights_artifact(NAME, sources(tmp_path, weights_dir=tmp_path / f"{seed}")).key)
    assert keys[0] != keys[1]


def test_files_are_found_as_published_or_in_a_folder_of_the_name(tmp_path: Path) -> None:
    assert published.names_in(None) == published.names_in(tmp_path / "absent") == []
    publish(tmp_path, NAME)
    own = tmp_path / "biggan-deep-8"
    own.mkdir()
    (own / "config.json").write_text("{}")
    (tmp_path / "resnet50-config.json").write_text("{}")
    (tmp_path / "resnet50.pth").write_text("")
    assert published.names_in(tmp_path) == ["biggan-deep-8", NAME], "smaller images first"
    for file in ("pytorch_model.bin", "config.json"):
        (tmp_path / f"{NAME}-{file}").rename(own / file)
    assert told(tmp_path, "biggan-deep-8").count("whose images have 8 pixels a side; found 'output_dim 16'") == 1
    own.rename(tmp_path / NAME)
    assert told(tmp_path) == ""


def missing(state: dict[str, torch.Tensor]) -> None:
    del state["generator.layers.2.gamma"]


def surplus(state: dict[str, torch.Tensor]) -> None:
    state["generator.layers.9.gamma"] = torch.zeros(1)


def wider(state: dict[str, torch.Tensor]) -> None:
    state["generator.bn.weight"] = torch.zeros(128)


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (missing, ["they lack", "generator.layers.2.gamma"]),
        (surplus, ["they have in addition", "generator.layers.9.gamma"]),
        (wider, ["in another shape", "generator.bn.weight (128,), not (4,)"]),
    ],
)
def test_weights_that_do_not_fit_are_refused_and_the_keys_named(
    tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None], parts: list[str]
) -> None:
    state = made_weights(TINY)
    change(state)
    publish(tmp_path, NAME, state=state)
    said = told(tmp_path)
    assert all(part in said for part in [*parts, f"{NAME}-pytorch_model.bin"]), said
    with pytest.raises(Refused, match="must fit"):
        published.weights_artifact(NAME, sources(tmp_path, weights_dir=tmp_path))


def test_a_config_of_another_size_is_refused(tmp_path: Path) -> None:
    publish(tmp_path, NAME)
    config = tmp_path / f"{NAME}-config.json"
    larger = TINY.model_dump() | {"output_dim": 32, "layers": [(True, 16, 8), (True, 8, 4), *TINY.layers[2:]]}
    config.write_text(json.dumps(larger))
    assert "whose images have 16 pixels a side; found 'output_dim 32'" in told(tmp_path)
    config.write_text(json.dumps(TINY.model_dump() | {"channel_width": 8}))
    assert "in another shape; found 'generator.gen_z.bias (1024,), not (2048,), " in told(tmp_path)
    config.write_text(json.dumps(TINY.model_dump() | {"output_dim": 32}))
    assert "`output_dim` must be 16" in told(tmp_path)
    config.write_text("{")
    assert "must be the config of a BigGAN-deep generator" in told(tmp_path)


def test_what_is_missing_is_named_with_where_it_was_looked_for(tmp_path: Path) -> None:
    assert "in the folder that --weights-dir names" in "\n".join(map(str, published.problems(NAME, None)))
    said = told(tmp_path)
    assert f"{tmp_path / NAME}-pytorch_model.bin and {tmp_path / NAME}-config.json" in said
    publish(tmp_path, NAME)
    (tmp_path / f"{NAME}-config.json").unlink()
    assert f"there is no {tmp_path / NAME}-config.json" in told(tmp_path)


def test_weights_never_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    publish(tmp_path, NAME, state={"a": Harmful()})  # type: ignore[dict-item]
    assert "whole state dict" in told(tmp_path)
    assert not (tmp_path / "harmed").exists()
