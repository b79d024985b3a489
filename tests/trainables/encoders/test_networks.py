"""Encoders, bottlenecks and decoders: every architecture that is searched goes from images to latents and back."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from sweeps.autoencoder import SWEEP
from sweeps.engine.space import Choice
from trainables.encoders.networks import Architecture, Autoencoder, Classifier, FrozenEncoder, Kind, layer_table


def values(name: str) -> list[object]:
    dimension = SWEEP.space[name]
    assert isinstance(dimension, Choice)
    return list(dimension.values)


def shape(bottleneck: Kind, latent: int, strides: str = "2-2-2-2", width: int = 4, norm: str = "batch") -> Architecture:
    return Architecture(bottleneck, latent, width, tuple(map(int, strides.split("-"))), "relu", norm)  # type: ignore[arg-type]


@pytest.mark.parametrize("bottleneck", SWEEP.factors["bottleneck"])
@pytest.mark.parametrize("strides", values("strides"))
def test_every_config_of_the_sweep_maps_images_to_latents_and_back(bottleneck: Kind, strides: str) -> None:
    images = torch.rand(3, 1, 28, 28)
    for latent, norm in product(SWEEP.factors["latent"], values("norm")):
        own = shape(bottleneck, latent, strides, norm=str(norm))
        assert own.problem is None
        network = Autoencoder(own)
        assert own.sides[-1] == 2
        assert network.encoder(images).shape == (3, own.widths[-1], 2, 2)
        assert network(images).shape == (3, latent)
        made = network.reconstructed(images)
        assert made.shape == images.shape
        assert made.min() >= 0
        assert made.max() <= 1


@pytest.mark.parametrize("strides", ["2-2-2", "3-3", "4-4-2", "2-3-2"])
def test_a_decoder_goes_back_through_the_sides_that_the_encoder_came_by(strides: str) -> None:
    network = Autoencoder(shape("fc", 2, strides))
    assert network.reconstructed(torch.rand(2, 1, 28, 28)).shape == (2, 1, 28, 28)


def test_latents_that_do_not_fit_are_told() -> None:
    assert "multiple of 4" in (shape("conv", 2).problem or "")
    assert "multiple of 16" in (shape("conv", 12, "2-2-2").problem or "")
    assert shape("fc", 2).problem is None
    assert "smaller than the image" in (shape("fc", 784).problem or "")


def test_a_latent_of_the_conv_bottleneck_keeps_places_and_one_of_the_fc_bottleneck_mixes_them() -> None:
    torch.manual_seed(0)
    for bottleneck, places in (("conv", 1), ("fc", 4)):
        network = Autoencoder(shape(bottleneck, 4)).eval()  # type: ignore[arg-type]
        maps = torch.zeros(1, 16, 2, 2, requires_grad=True)
        (seen,) = torch.autograd.grad(network.bottleneck.encode(maps)[0, 0], maps)
        assert int((seen.abs().sum((0, 1)) > 0).sum()) == places


def test_the_table_of_layers_has_every_parameter_once() -> None:
    network = Autoencoder(shape("fc", 12))
    table = layer_table(network)
    assert sum(parameters for _, _, parameters in table) == sum(p.numel() for p in network.parameters())
    assert table[0] == ("Conv2d", (4, 14, 14), 4 * 9 + 4)
    assert table[-1][:2] == ("ConvTranspose2d", (1, 28, 28))
    assert network.training, "it is left as it was"


@pytest.mark.parametrize("bottleneck", ["conv", "fc"])
def test_a_frozen_encoder_takes_a_classifiers_and_its_decoder_alone_has_gradients(bottleneck: Kind) -> None:
    given = Classifier(shape(bottleneck, 8), 10).eval()
    network = FrozenEncoder(shape(bottleneck, 8))
    network.take(given.encoder)
    images = torch.rand(20, 1, 28, 28)
    with torch.no_grad():
        latents = given.encoder(images)
    network.standardise(latents)
    network.train()
    torch.testing.assert_close(network(images), (latents - latents.mean(0)) / latents.std(0, correction=0))
    network.reconstructed(images).sum().backward()
    moved = {name.partition(".")[0] for name, own in network.named_parameters() if own.grad is not None}
    assert moved == {"bottleneck", "decoder"}
    assert all(own.grad is None for own in network.latent_encoder.parameters())


def test_a_latent_that_is_the_same_for_all_images_stays_finite() -> None:
    network = FrozenEncoder(shape("fc", 2))
    network.standardise(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert network.deviation.tolist() == [1, 1]
    assert network.mean.tolist() == [2, 5]
