"""Closed forms of Jacobians against automatic differentiation, and against matrices that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import circulant, toeplitz
from torch import nn

from trainables.theory.jacobians import (
    by_autograd,
    closed_form,
    converse_error,
    convolution_matrix,
    shift_matrix,
    spectrum_error,
)
from trainables.theory.layers import ChannelBias, Convolution, FullyConnected, Padding, PositionBias


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def image(channels: int, side: int) -> torch.Tensor:
    return torch.randn(channels, side, side, dtype=torch.float64)


@pytest.mark.parametrize("padding", ["circular", "zero"])
@pytest.mark.parametrize(
    ("inputs", "outputs", "side", "stride", "kernel"),
    [(1, 1, 5, 1, 3), (2, 3, 6, 1, 3), (3, 2, 6, 2, 3), (2, 2, 8, 4, 5)],
)
def test_a_convolutions_jacobians_are_those_of_autograd(
    padding: Padding, inputs: int, outputs: int, side: int, stride: int, kernel: int
) -> None:
    layer = Convolution(padding, inputs, outputs, kernel=kernel, stride=stride).double()
    x = image(inputs, side)
    derived, automatic = closed_form(layer, x), by_autograd(layer, x)
    assert derived is not None
    positions = (side // stride) ** 2
    assert derived.input.shape == (outputs * positions, inputs * side * side)
    assert derived.parameters.shape == (outputs * positions, outputs * inputs * kernel**2)
    for mine, theirs in zip(derived, automatic, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (ChannelBias(3), image(3, 4)),
        (PositionBias(2, 4), image(2, 4)),
        (FullyConnected(2, 3), image(2, 3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_layers_jacobians_are_those_of_autograd(layer: nn.Module, x: torch.Tensor) -> None:
    derived, automatic = closed_form(layer.double(), x), by_autograd(layer.double(), x)
    assert derived is not None
    for mine, theirs in zip(derived, automatic, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-14)


def test_what_has_no_derivation_says_so_and_several_parameters_are_refused() -> None:
    assert closed_form(nn.Tanh(), image(1, 3)) is None
    with pytest.raises(ValueError, match="has 2"):
        by_autograd(nn.Linear(3, 3).double(), image(1, 3))


def test_sums_of_shift_matrices_are_toeplitz_or_circulant() -> None:
    weights, length = {-1: 2.0, 0: 3.0, 1: 5.0}, 6
    zero = sum(w * shift_matrix(k, length, "zero").numpy() for k, w in weights.items())
    np.testing.assert_array_equal(zero, toeplitz([3, 2, 0, 0, 0, 0], [3, 5, 0, 0, 0, 0]))
    circular = sum(w * shift_matrix(k, length, "circular").numpy() for k, w in weights.items())
    np.testing.assert_array_equal(circular, circulant([3, 2, 0, 0, 0, 5]))


def test_a_convolutions_matrix_is_toeplitz_in_blocks_of_toeplitz_matrices() -> None:
    side = 4
    blocks = convolution_matrix(Convolution("zero", 1, 1).double(), image(1, side)).reshape((side,) * 4)
    for down in range(side - 1):  # [row out, column out, row in, column in]
        for right in range(side - 1):
            here, there = blocks[down, right, :-1, :-1], blocks[down + 1, right + 1, 1:, 1:]
            assert torch.equal(here, there), "one step further along both diagonals it is the same"


def test_the_spectrum_of_one_channel_is_the_fourier_transform_of_the_filter() -> None:
    layer, side = Convolution("circular", 1, 1).double(), 5
    x = image(1, side)
    assert spectrum_error(layer, x) < 1e-13
    kernel = torch.zeros(side, side, dtype=torch.float64)
    for i in range(3):
        for j in range(3):
            kernel[i - 1, j - 1] = layer.weight[0, 0, i, j].detach()
    eigenvalues = np.linalg.eigvals(convolution_matrix(layer, x).numpy())
    expected = np.conj(np.fft.fft2(kernel.numpy())).ravel()  # PyTorch correlates: the filter is not mirrored
    gaps = np.abs(eigenvalues[:, None] - expected[None]).min(1)
    assert gaps.max() < 1e-10
    assert spectrum_error(Convolution("circular", 2, 3).double(), image(2, side)) < 1e-13


def test_a_map_that_commutes_with_shifts_is_the_convolution_with_its_response() -> None:
    layer, side = Convolution("circular", 2, 2).double(), 5
    matrix = convolution_matrix(layer, image(2, side))
    error, response = converse_error(matrix, 2, side)
    assert error < 1e-14
    for i in range(3):
        for j in range(3):  # a response is the filter mirrored
            torch.testing.assert_close(response[:, :, 1 - i, 1 - j], layer.weight[:, :, i, j].detach())
    anything = torch.randn(50, 50, dtype=torch.float64)
    assert converse_error(anything, 2, side)[0] < 1e-14, "its mean over all shifts"
