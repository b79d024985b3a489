"""Backbones: the output layer is found and removed, weights are checked, and nothing in a backbone changes."""

from __future__ import annotations

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from common.problems import Refused
from trainables.nets.backbones import build, check_weights, describe, names, torchvision_names

OUTPUT = {  # where torchvision keeps the output layer
    "resnet18": "fc",
    "squeezenet1_1": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "mnasnet0_5": "classifier.1",
    "shufflenet_v2_x0_5": "fc",
}


def network(name: str) -> nn.Module:
    torch.manual_seed(0)
    return get_model(name, weights=None).eval()


@pytest.mark.parametrize("name", OUTPUT)
@torch.inference_mode()
def test_the_output_layer_on_the_embedding_is_the_whole_network(name: str) -> None:
    whole = network(name)
    images = torch.randn(2, 3, 96, 96)
    backbone = build(name, whole.state_dict())
    layer = whole.get_submodule(OUTPUT[name])
    embedding = backbone.module(images)
    assert embedding.shape == (2, backbone.description.width)
    if isinstance(layer, nn.Conv2d):  # SqueezeNet: convolved, rectified, then pooled; here pooled first
        assert backbone.description.head(10) == "linear 512→10 on globally pooled features"
        pooled = whole.get_submodule("features")(images).mean((2, 3))
        torch.testing.assert_close(embedding, pooled)
    else:
        assert backbone.description.head(10) == f"linear {backbone.description.width}→10"
        torch.testing.assert_close(layer(embedding), whole(images))


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_heads_used_in_training_only_are_left_out(name: str) -> None:
    whole = get_model(name, weights=None, init_weights=False)
    backbone = build(name, whole.state_dict())
    assert not [key for key in backbone.module.state_dict() if key.lower().startswith("aux")]


@pytest.mark.parametrize(
    ("name", "width", "dropout", "resolution"),
    [
        ("vgg19", 4096, 0.5, 224),  # with its two hidden layers
        ("resnet50", 2048, 0.0, 224),
        ("squeezenet1_1", 512, 0.0, 224),  # its dropout stands before the pooling
        ("efficientnet_b0", 1280, 0.2, 224),
        ("vit_b_16", 768, 0.0, 224),
        ("vit_h_14", 1280, 0.0, 518),
        ("regnet_y_400mf", 440, 0.0, 224),
        ("letters_cnn", 256, 0.0, 28),
    ],
)
def test_facts_need_no_weights(name: str, width: int, dropout: float, resolution: int) -> None:
    facts = describe(name)
    assert (facts.width, facts.dropout, facts.resolution) == (width, dropout, resolution)


def test_normalisation_is_that_of_the_weights() -> None:
    assert describe("resnet50").mean == (0.485, 0.456, 0.406)
    assert describe("efficientnet_v2_l").mean == (0.5, 0.5, 0.5)


def test_every_torchvision_backbone_can_be_named() -> None:
    assert {"resnet50", "vgg19", "squeezenet1_1", "vit_b_16"} <= set(torchvision_names())
    assert not [name for name in torchvision_names() if "quantized" in name]
    assert names()[0] == "letters_cnn"


def test_a_backbone_is_frozen_in_evaluation_mode() -> None:
    module = build("resnet18", network("resnet18").state_dict()).module
    assert not any(part.training for part in module.modules())
    assert not any(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("layer1.0.conv1.weight"), "lack"),
        (lambda state: state.update(extra=torch.zeros(1)), "have in addition"),
        (
            lambda state: state.update({"conv1.weight": torch.zeros(64, 1, 7, 7)}),
            r"\(64, 1, 7, 7\), not \(64, 3, 7, 7\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(change: object, said: str) -> None:
    state = network("resnet18").state_dict()
    change(state)  # type: ignore[operator]
    with pytest.raises(Refused, match=said):
        build("resnet18", state)


def test_weights_with_another_output_layer_fit() -> None:
    state = network("resnet18").state_dict()
    state["fc.weight"], state["fc.bias"] = torch.zeros(7, 512), torch.zeros(7)
    assert check_weights("resnet18", state) == []
    del state["fc.weight"], state["fc.bias"]
    assert check_weights("resnet18", state) == []


def test_weights_of_old_releases_fit() -> None:
    """DenseNet's had dots in layer names, and none counted batches."""
    state = get_model("densenet121", weights=None).state_dict()
    old: OrderedDict[str, torch.Tensor] = OrderedDict()
    for key, value in state.items():
        if "denselayer" in key:
            for part in ("norm1", "norm2", "conv1", "conv2"):
                key = key.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        if not key.endswith("num_batches_tracked"):
            old[key] = value
    assert check_weights("densenet121", old) == []
