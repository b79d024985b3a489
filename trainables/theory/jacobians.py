"""Jacobians of layers in closed form, as matrices that are built explicitly, and their comparison with autograd's.

An image [C, H, W] is read as a vector, row by row, channel by channel; so are outputs and parameters. ⊗ is the
Kronecker product. With D_k the matrix that shifts by k positions (and keeps every t-th one for stride t), a convolution
is A = Σ_k w[:, :, k] ⊗ D_k ⊗ D_k', summed over rows k and columns k' of the filter. In one dimension, D_k summed with
weights is a Toeplitz matrix under zero padding and a circulant one under circular padding; here it is doubly blocked.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import torch
from torch import nn
from torch.func import functional_call, jacrev

from trainables.theory.layers import ChannelBias, Convolution, FullyConnected, Padding, PositionBias


class Jacobians(NamedTuple):
    """Derivatives of all outputs, a row each, with respect to all values of the input and of the parameter."""

    input: torch.Tensor
    """[outputs, C H W]"""
    parameters: torch.Tensor
    """[outputs, parameters]"""


def closed_form(layer: nn.Module, x: torch.Tensor) -> Jacobians | None:
    """Return the Jacobians at x [C, H, W] as derived by hand, or None for a layer for which there is no derivation."""
    if isinstance(layer, PositionBias):  # y = x + b
        return Jacobians(_identity(x.numel()), _identity(x.numel()))
    if isinstance(layer, ChannelBias):  # y = x + b ⊗ 1
        ones = torch.ones(x[0].numel(), 1, dtype=x.dtype)
        return Jacobians(_identity(x.numel()), torch.kron(_identity(len(x)), ones))
    if isinstance(layer, FullyConnected):  # y = W x, hence dy = dW x = (I ⊗ xᵀ) dW
        return Jacobians(layer.weight.detach(), torch.kron(_identity(len(layer.weight)), x.reshape(1, -1)))
    if isinstance(layer, Convolution):
        outputs = len(layer.weight)
        return Jacobians(convolution_matrix(layer, x), torch.kron(_identity(outputs), patches(layer, x)))
    return None


def convolution_matrix(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
    """Return the matrix of a convolution on images like x [C, H, W]: doubly block Toeplitz, or circulant."""
    weight = layer.weight.detach()
    kernel, side = weight.shape[-1], x.shape[-1]
    matrices = [shift_matrix(k - kernel // 2, side, layer.padding, layer.stride) for k in range(kernel)]
    terms = (
        torch.kron(weight[:, :, i, j].contiguous(), torch.kron(matrices[i], matrices[j]))
        for i, j in product(range(kernel), repeat=2)
    )
    return torch.stack(list(terms)).sum(0)


def patches(layer: Convolution, x: torch.Tensor) -> torch.Tensor:
    """Return what each output position sees of x [C, H, W], [positions, C kernel kernel] ("im2col")."""
    kernel, side = layer.weight.shape[-1], x.shape[-1]
    matrices = [shift_matrix(k - kernel // 2, side, layer.padding, layer.stride) for k in range(kernel)]
    seen = [rows @ x @ columns.T for rows, columns in product(matrices, repeat=2)]  # each [C, H', W']
    return torch.stack(seen, 1).flatten(2).permute(2, 0, 1).flatten(1).contiguous()


def shift_matrix(by: int, length: int, padding: Padding, stride: int = 1) -> torch.Tensor:
    """Return D with (D x)[i] = x[stride i + by], [length / stride, length]; beyond the ends x is 0 or begins anew."""
    matrix = torch.zeros(length // stride, length, dtype=torch.float64)
    for i in range(len(matrix)):
        j = stride * i + by
        if padding == "circular" or 0 <= j < length:
            matrix[i, j % length] = 1
    return matrix


def by_autograd(layer: nn.Module, x: torch.Tensor) -> Jacobians:
    """Return the same by automatic differentiation, which knows nothing of the derivations."""
    (name, value), *others = layer.named_parameters()
    if others:
        raise ValueError(f"the layer has one parameter; it has {1 + len(others)}")

    def outputs(parameter: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = functional_call(layer, {name: parameter}, image[None])
        return found.flatten()

    of_parameter, of_input = jacrev(outputs, argnums=(0, 1))(value.detach(), x)
    return Jacobians(of_input.flatten(1), of_parameter.flatten(1))


def spectrum_error(layer: Convolution, x: torch.Tensor) -> float:
    """Return how far the Fourier transform is from block-diagonalising a circular convolution, at most.

    With F the two-dimensional discrete Fourier transform, F A F⁻¹ has one block [C', C] for each frequency f, and it is
    Σ_k w[:, :, k] exp(2πi f·k / side): the spectrum of A follows from the filter alone.
    """
    matrix = convolution_matrix(layer, x)  # [C' H W, C H W]
    side, weight = x.shape[-1], layer.weight.detach()
    outputs, inputs, kernel = weight.shape[0], weight.shape[1], weight.shape[-1]
    columns = matrix.reshape(outputs, side, side, inputs, side, side).to(torch.complex128)
    moved = torch.fft.fft2(columns, dim=(1, 2))
    spectrum = torch.fft.ifft2(moved, dim=(4, 5))  # F A F⁻¹, by frequency of the output and of the input
    frequency = torch.arange(side, dtype=torch.float64)
    steps = torch.arange(kernel, dtype=torch.float64) - kernel // 2
    phases = torch.exp(2j * torch.pi * frequency[:, None] * steps / side)  # [frequencies, kernel]
    blocks = torch.einsum("ocij,fi,gj->ofcg", weight.to(torch.complex128), phases, phases)  # [C', f, C, g]
    expected = torch.zeros_like(spectrum)
    for f, g in product(range(side), repeat=2):
        expected[:, f, g, :, f, g] = blocks[:, f, :, g]
    return float((spectrum - expected).abs().max())


def converse_error(matrix: torch.Tensor, channels: int, side: int) -> tuple[float, torch.Tensor]:
    """Return how far a linear map, made to commute with all shifts, is from a circular convolution; and its filter.

    `matrix` [C H W, C H W] is any. Its mean over all shifts, (1/HW) Σ_s S⁻ˢ A Sˢ, commutes with each. The filter is
    what it makes of an impulse in each channel, [C, C, H, W]: a linear map that commutes with shifts is the circular
    convolution with its response to an impulse.
    """
    blocks = matrix.reshape(channels, side, side, channels, side, side)
    shifts = list(product(range(side), repeat=2))
    mean = torch.stack([blocks.roll((*by, *by), dims=(1, 2, 4, 5)) for by in shifts]).mean(0)
    response = mean[..., 0, 0].permute(0, 3, 1, 2)  # [C', C, H, W]
    convolved = torch.stack([response.roll(by, dims=(2, 3)) for by in shifts], -1)  # [C', C, H, W, shifts]
    expected = convolved.permute(0, 2, 3, 1, 4).reshape(blocks.shape)
    return float((mean - expected).abs().max()), response


def _identity(size: int) -> torch.Tensor:
    return torch.eye(size, dtype=torch.float64)
