"""The derivations of layer theory, each with the trials that check it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from analysis.words import Block, Paragraph, Strong, Text, text


@dataclass(frozen=True)
class Derivation:
    """A claim, why it is true, and what checks it."""

    claim: str
    why: str
    checks: Sequence[tuple[str, str, str]]
    """(layer, border, measure): the trials and the measures of them that check it."""


DERIVATIONS = (
    Derivation(
        "A convolution commutes with shifts.",
        "Let y[i] = Σₖ w[k] x[i + k] and (S x)[i] = x[i − s]. For S x the output at i is Σₖ w[k] x[i + k − s] = y[i −"
        " s], which is (S y)[i]. Under circular padding indices are taken modulo the side, so this holds at every i"
        " and for any filter. Under zero padding it holds where neither i + k nor i + k − s leaves the image; at the"
        " border it fails, whatever a shift lets in.",
        [
            ("convolution", "circular", "violation"), ("convolution_5x5", "circular", "violation"),
            ("convolution", "zeros", "violation"), ("convolution", "zeros", "inside"),
        ],
    ),
    Derivation(
        "On a finite circular domain the converse holds: a linear map that commutes with all shifts is a convolution.",
        "Every x is Σⱼ x[j] Sʲ δ, a sum of shifted impulses. Hence f(x) = Σⱼ x[j] f(Sʲ δ) = Σⱼ x[j] Sʲ f(δ), which is"
        " the circular convolution with f's response to an impulse. A random linear map does not commute; its mean"
        " over all shifts, (1/n) Σₛ S⁻ˢ f Sˢ, does, and is compared with the convolution with its own response.",
        [("fully_connected", "circular", "violation"), ("fully_connected", "circular", "converse")],
    ),
    Derivation(
        "(a) An additive constant for each channel commutes with rolls, and not with shifts that let zeros in.",
        "f(S x) = S x + c, and S f(x) = S x + S c. A roll leaves a constant as it is, S c = c. Where zeros enter, S c"
        " is 0 in the rows and columns that enter, and c is not: the claim fails there, and only there.",
        [
            ("channel_bias", "circular", "violation"), ("channel_bias", "zeros", "violation"),
            ("channel_bias", "zeros", "inside"),
        ],
    ),
    Derivation(
        "(b) A constant for each position does not commute with shifts.",
        "As above, but S b = b would need b to be the same at all positions that a shift exchanges.",
        [("position_bias", "circular", "violation"), ("position_bias", "circular", "inside")],
    ),
    Derivation(
        "(c) A pointwise non-linearity commutes with every shift.",
        "(φ(S x))[i] = φ(x[i − s]) = (S φ(x))[i]. Where zeros enter, φ(0) must be 0, as it is for ReLU and tanh.",
        [("relu", "circular", "violation"), ("relu", "zeros", "violation"), ("tanh", "zeros", "violation")],
    ),
    Derivation(
        "(d) Pooling and convolution with stride t commute with shifts by multiples of t, and with no others.",
        "y[j] = g(x[t j], …, x[t j + m]). For a shift by s = t r the output at j is g(x[t (j − r)], …) = y[j − r]: a"
        " shift by t steps in is one step out. For other s the windows hold other values, which y has nowhere: no"
        " shift of the output fits.",
        [
            ("max_pool", "circular", "violation"), ("max_pool", "circular", "off_stride"),
            ("average_pool", "circular", "violation"), ("average_pool", "circular", "off_stride"),
            ("strided_convolution", "circular", "violation"), ("strided_convolution", "circular", "off_stride"),
        ],
    ),
    Derivation(
        "What commutes layer by layer commutes as a whole; so does a convolutional network, under circular padding.",
        "If f S = S′ f and g S′ = S″ g, then g f S = g S′ f = S″ g f. Strides multiply. One layer that fails is"
        " enough for the network to fail: under zero padding it does at the border, with a stride even at its"
        " multiples.",
        [
            ("cnn", "circular", "violation"), ("strided_cnn", "circular", "violation"),
            ("cnn", "zeros", "violation"), ("cnn", "zeros", "inside"),
            ("strided_cnn", "zeros", "violation"), ("strided_cnn", "zeros", "inside"),
        ],
    ),
    Derivation(
        "A mean over all positions after it makes the network invariant, to rolls under circular padding.",
        "Equivariant is f(S x) = S f(x), invariant is f(S x) = f(x); the first is not the second. A roll only changes"
        " the order of the positions, and Σᵢ (S y)[i] = Σᵢ y[i]. With a stride this holds for its multiples alone.",
        [
            ("cnn_global", "circular", "violation"), ("cnn_global", "zeros", "violation"),
            ("strided_cnn_global", "circular", "violation"), ("strided_cnn_global", "circular", "off_stride"),
        ],
    ),
    Derivation(
        "The Jacobians of an additive bias.",
        "For y = x + b, ∂y/∂x = I. With a value for each position ∂y/∂b = I; with one for each channel y = x + b ⊗ 1"
        " and ∂y/∂b = I ⊗ 1, the ones of each channel in a column of its own.",
        [
            ("position_bias", "circular", "jacobian_input"), ("position_bias", "circular", "jacobian_parameters"),
            ("channel_bias", "circular", "jacobian_input"), ("channel_bias", "circular", "jacobian_parameters"),
        ],
    ),
    Derivation(
        "The Jacobians of a fully-connected layer.",
        "For y = W x, ∂y/∂x = W. Since dy = dW x, output o depends on row o of W alone, and with W read row by row"
        " ∂y/∂W = I ⊗ xᵀ.",
        [
            ("fully_connected", "circular", "jacobian_input"), ("fully_connected", "circular", "jacobian_parameters"),
        ],
    ),
    Derivation(
        "The Jacobians of a convolution.",
        "It is linear, and ∂y/∂x is its matrix, A = Σₖ w[:, :, k] ⊗ Dₖ ⊗ Dₖ′, where Dₖ shifts by k positions and"
        " keeps every t-th: doubly block Toeplitz under zero padding, doubly block circulant under circular padding."
        " Each output is also linear in the filter: ∂y/∂w = I ⊗ P, where a row of P holds what an output sees"
        " (im2col).",
        [
            (layer, border, measure)
            for layer in ("convolution", "strided_convolution")
            for border in ("circular", "zeros")
            for measure in ("jacobian_input", "jacobian_parameters")
        ],
    ),
    Derivation(
        "The spectrum of a circular convolution is the Fourier transform of its filter.",
        "Shifts commute, hence have common eigenvectors, exp(2πi f·j / n), on which Dₖ multiplies by exp(2πi f·k /"
        " n). In this basis A is block diagonal, with the block Σₖ w[:, :, k] exp(2πi f·k / n) at frequency f.",
        [("convolution", "circular", "spectrum"), ("convolution_5x5", "circular", "spectrum")],
    ),
)  # fmt: skip


def derivations(checked: Callable[[str, str, str], Text | None]) -> Iterator[Block]:
    """Yield a paragraph for each derivation; `checked` returns what a trial measured, None where it was not run."""
    for one in DERIVATIONS:
        found = [told for check in one.checks if (told := checked(*check)) is not None]
        runs: list[Text] = [text("{} {}", Strong(one.claim), one.why)]
        if found:
            runs.append((" Checked: ",))
            runs += [(*told, "; " if i < len(found) - 1 else ".") for i, told in enumerate(found)]
        yield Paragraph(tuple(run for part in runs for run in part))
