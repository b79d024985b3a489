"""Transformers begin as the identity, sample where they say, and have the sizes that the sheet counts."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from trainables.spatial.networks import (
    MEAN,
    Shape,
    SpatialNetwork,
    ThinPlate,
    Transformer,
    localised_side,
    parameters,
)


def images(count: int = 5) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def network(transformer: Transformer, **changed: object) -> SpatialNetwork:
    torch.manual_seed(0)
    return SpatialNetwork(Shape(transformer, **changed)).eval()  # type: ignore[arg-type]


def with_bias(made: SpatialNetwork, bias: list[float]) -> SpatialNetwork:
    assert made.transformer is not None
    with torch.no_grad():
        made.transformer.localisation.last.bias.copy_(torch.tensor(bias))
    return made


def test_networks_have_the_parameters_of_the_tutorial_and_plain_ones_as_many() -> None:
    assert parameters(network("affine")) == 27_360
    assert parameters(network("plain", hidden=50)) == 21_840
    assert parameters(network("plain")) == 27_467
    assert Shape("plain").classifier_hidden == 67


@pytest.mark.parametrize("width", [1, 4, 16])
def test_a_plain_network_has_as_many_parameters_as_the_affine_one_of_its_width(width: int) -> None:
    plain, affine = (parameters(network(kind, width=width)) for kind in ("plain", "affine"))
    assert affine <= plain < affine + 331, "one hidden unit less would be too few"


@pytest.mark.parametrize("transformer", ["affine", "tps"])
@pytest.mark.parametrize("sampled", ["raw", "normalised"])
def test_an_untrained_transformer_returns_its_input(transformer: Transformer, sampled: str) -> None:
    made, _ = network(transformer, sampled=sampled).transformed(images())
    torch.testing.assert_close(made, images(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("transformer", ["affine", "tps"])
def test_a_plain_classifier_and_an_untrained_transformer_say_the_same(transformer: Transformer) -> None:
    made = network(transformer)
    plain = network("plain", hidden=50)
    plain.classifier.load_state_dict(made.classifier.state_dict())
    torch.testing.assert_close(made(images()), plain(images()), atol=1e-4, rtol=0)


def test_what_enters_is_black_or_in_the_tutorials_order_gray() -> None:
    away = [1.0, 0, 3.0, 0, 1.0, 0]  # the output looks to the right of the image
    for sampled, level in (("raw", 0.0), ("normalised", MEAN)):
        made, _ = with_bias(network("affine", sampled=sampled), away).transformed(images())
        torch.testing.assert_close(made, torch.full_like(made, level), atol=1e-6, rtol=0)


def test_an_affine_transformer_samples_where_its_map_says() -> None:
    moved, grid = with_bias(network("affine"), [1.0, 0, 2 / 28 * 3, 0, 1.0, 0]).transformed(images())
    torch.testing.assert_close(moved[..., :-3], images()[..., 3:], atol=1e-5, rtol=0)
    torch.testing.assert_close(grid[0, 0, 0], torch.tensor([2 * 3.5 / 28 - 1, 1 / 28 - 1]))


def test_a_plain_network_transforms_nothing_and_says_so() -> None:
    with pytest.raises(ValueError, match="affine or tps"):
        network("plain").transformed(images())


@pytest.mark.parametrize("transformer", ["affine", "tps"])
def test_the_samplers_gradient_is_that_of_finite_differences(transformer: Transformer) -> None:
    """The transformer's output is a function of what the last layer adds, in float64; kinks are avoided by chance."""
    made = network(transformer, width=1).double()
    assert made.transformer is not None
    last: nn.Linear = made.transformer.localisation.last
    smooth = F.interpolate(images(1)[:, :, ::4, ::4], 28, mode="bicubic").double()
    steps = 0.013 * torch.randn(len(last.bias), generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def output(bias: torch.Tensor) -> torch.Tensor:
        seen = torch.func.functional_call(made, {"transformer.localisation.last.bias": bias}, (smooth,))
        return seen.sum()[None]

    start = (last.bias.detach() + steps).requires_grad_()
    assert torch.autograd.gradcheck(output, (start,), eps=1e-7, atol=1e-4, rtol=1e-3)


def test_gradients_reach_the_localisation_net() -> None:
    made = network("tps").train()
    F.cross_entropy(made(images()), torch.arange(5)).backward()
    assert made.transformer is not None
    gradient = made.transformer.localisation.last.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_a_spline_has_no_parameters_but_those_of_its_localisation_net() -> None:
    assert not [name for name in ThinPlate(8, 2).state_dict() if "basis" in name or "centres" in name]


@pytest.mark.parametrize(("depth", "side"), [(1, 11), (2, 3)])
def test_a_localisation_net_of_this_depth_ends_in_maps_of_this_side(depth: int, side: int) -> None:
    assert localised_side(depth) == side
    network("affine", depth=depth)(images())
    assert localised_side(3) < 1
