"""BigGAN-deep: its keys and shapes, each step of the forward pass, and which statistics a truncation reads."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError

from tests.support.biggan import TINY, made_weights
from trainables.nets.biggan import PUBLISHED, Architecture, BigGAN, statistics_row

KEYS = os.environ.get("LABSWEEP_BIGGAN_KEYS")
"""A JSON file with the keys and shapes of the published weights, by name; without it they are those below."""
COUNTS = {
    "biggan-deep-128": (506, 52_687_425),
    "biggan-deep-256": (602, 58_573_185),
    "biggan-deep-512": (698, 58_908_865),
}
"""Tensors of the published weights, and the numbers in them."""


def shapes(shape: Architecture) -> dict[str, list[int]]:
    with torch.device("meta"):
        return {name: list(value.shape) for name, value in BigGAN(shape).state_dict().items()}


def expected_shapes(shape: Architecture) -> dict[str, list[int]]:
    """Return keys and shapes by the rules of the architecture: a list of layers, each with its normalisation."""
    found: dict[str, list[int]] = {"embeddings.weight": [shape.class_embed_dim, shape.num_classes]}
    width, condition = shape.channel_width, shape.z_dim + shape.class_embed_dim

    def weighted(name: str, *size: int, bias: bool = True) -> None:
        found[f"{name}.weight_orig"] = list(size)
        found[f"{name}.weight_u"], found[f"{name}.weight_v"] = [size[0]], [math.prod(size[1:])]
        found.update({f"{name}.bias": [size[0]]} if bias else {})

    def normalised(name: str, maps: int) -> None:
        found.update({f"{name}.running_{kind}": [shape.n_stats, maps] for kind in ("means", "vars")})

    weighted("generator.gen_z", 4 * 4 * 16 * width, condition)
    number = 0
    for i, (_, before, after) in enumerate(shape.layers):
        if i == shape.attention_layer_position:
            maps, own = before * width, f"generator.layers.{number}"
            for part, outputs, inputs in (("theta", 8, 1), ("phi", 8, 1), ("g", 2, 1), ("o_conv", 1, 2)):
                weighted(f"{own}.snconv1x1_{part}", maps // outputs, maps // inputs, 1, 1, bias=False)
            found[f"{own}.gamma"] = [1]
            number += 1
        inside = before * width // 4
        maps_of = [before * width, inside, inside, inside, after * width]
        for j, kernel in enumerate((1, 3, 3, 1)):
            own = f"generator.layers.{number}"
            normalised(f"{own}.bn_{j}", maps_of[j])
            for part in ("scale", "offset"):
                weighted(f"{own}.bn_{j}.{part}", maps_of[j], condition, bias=False)
            weighted(f"{own}.conv_{j}", maps_of[j + 1], maps_of[j], kernel, kernel)
        number += 1
    normalised("generator.bn", width)
    found["generator.bn.weight"] = found["generator.bn.bias"] = [width]
    weighted("generator.conv_to_rgb", width, width, 3, 3)
    return found


def loaded(state: dict[str, torch.Tensor]) -> BigGAN:
    network = BigGAN(TINY)
    network.load_state_dict(state)
    return network.eval()


def by_hand(state: dict[str, torch.Tensor], latents: torch.Tensor, classes: torch.Tensor, row: int) -> torch.Tensor:
    """Return images by a second writing of the forward pass: from tensors alone, spectral norms by their definition."""

    def weight(name: str) -> torch.Tensor:
        own = state[f"{name}.weight_orig"]
        return own / torch.linalg.matrix_norm(own.flatten(1), 2)

    def statistics(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, variance = state[f"{name}.running_means"][row], state[f"{name}.running_vars"][row]
        return (x - mean[:, None, None]) / (variance[:, None, None] + TINY.eps).sqrt()

    def conditional(name: str, x: torch.Tensor) -> torch.Tensor:
        scale, offset = condition @ weight(f"{name}.scale").T, condition @ weight(f"{name}.offset").T
        return statistics(name, x) * (1 + scale[:, :, None, None]) + offset[:, :, None, None]

    def convolved(name: str, x: torch.Tensor) -> torch.Tensor:
        own = weight(name)
        return F.conv2d(x, own, state.get(f"{name}.bias"), padding=own.shape[2] // 2)

    condition = torch.cat([latents, classes @ state["embeddings.weight"].T], 1)
    flat = condition @ weight("generator.gen_z").T + state["generator.gen_z.bias"]
    x = torch.stack([flat.reshape(-1, 4, 4, 64)[..., channel] for channel in range(64)], 1)
    number = 0
    for i, (doubles, _, after) in enumerate(TINY.layers):
        if i == TINY.attention_layer_position:
            name = f"generator.layers.{number}."
            q = convolved(f"{name}snconv1x1_theta", x).flatten(2)
            k, v = (F.max_pool2d(convolved(f"{name}snconv1x1_{part}", x), 2).flatten(2) for part in ("phi", "g"))
            seen = torch.einsum("nck,nqk->ncq", v, torch.einsum("ncq,nck->nqk", q, k).softmax(2))
            x = x + state[f"{name}gamma"] * convolved(f"{name}snconv1x1_o_conv", seen.reshape(len(x), -1, *x.shape[2:]))
            number += 1
        y = x
        for j in range(4):
            y = conditional(f"generator.layers.{number}.bn_{j}", y).clamp(min=0)
            if j == 1 and doubles:
                y = y.repeat_interleave(2, 2).repeat_interleave(2, 3)
            y = convolved(f"generator.layers.{number}.conv_{j}", y)
        kept = x[:, : after * TINY.channel_width]
        x = y + (kept.repeat_interleave(2, 2).repeat_interleave(2, 3) if doubles else kept)
        number += 1
    x = statistics("generator.bn", x) * state["generator.bn.weight"][:, None, None]
    x = (x + state["generator.bn.bias"][:, None, None]).clamp(min=0)
    return convolved("generator.conv_to_rgb", x)[:, :3].tanh()


@pytest.mark.parametrize("name", PUBLISHED)
def test_keys_shapes_and_counts_are_those_of_the_published_weights(name: str) -> None:
    own = shapes(PUBLISHED[name])
    assert own == expected_shapes(PUBLISHED[name])
    assert (len(own), sum(map(math.prod, own.values()))) == COUNTS[name]
    assert PUBLISHED[name].output_dim == int(name[-3:])
    if KEYS is not None:
        assert own == json.loads(Path(KEYS).read_text())[name]


def test_every_step_of_the_forward_pass_is_the_published_one() -> None:
    state = made_weights(TINY)
    latents, classes = torch.randn(3, 6), F.one_hot(torch.tensor([0, 6, 3]), 7).float()
    images = loaded(state)(latents, classes, 0.5)
    assert images.shape == (3, 3, 16, 16)
    torch.testing.assert_close(images, by_hand(state, latents, classes, 25), rtol=1e-4, atol=1e-5)
    assert images.std() > 0.1, "the example says something"


@pytest.mark.parametrize(
    ("truncation", "row"),
    [(0.14, 7), (0.28, 14), (0.56, 28), (0.58, 29), (0.94, 47), (1.0, 50), (0.5, 25), (0.02, 1), (0.401, 20)],
)
def test_a_truncation_reads_its_own_statistics(truncation: float, row: int) -> None:
    assert statistics_row(truncation, 51) == row
    state = made_weights(TINY)
    for name, value in state.items():
        if "running_" in name:  # all other rows are unreadable
            own = value[row].clone()
            value.fill_(math.nan)
            value[row] = own
    latents, classes = torch.randn(2, 6), torch.eye(7)[:2]
    images = loaded(state)(latents, classes, truncation)
    torch.testing.assert_close(images, by_hand(state, latents, classes, row), rtol=1e-4, atol=1e-5)


def test_truncations_read_wrongly_by_the_published_code_are_among_those_tested() -> None:
    """It divides by the step and takes the whole part, and the rest as the weight of the row below."""
    wrong = []
    for row in range(1, 50):
        rest, below = math.modf((row / 50) / (1.0 / 50))
        read = below if rest == 0 else below + (1 - round(rest))
        wrong += [row / 50] if read != row else []
    assert wrong == [0.14, 0.28, 0.56, 0.58, 0.94]


@pytest.mark.parametrize("truncation", [0.0, -0.1, 1.01, math.nan])
def test_a_truncation_outside_its_range_is_refused(truncation: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        loaded(made_weights(TINY))(torch.zeros(1, 6), torch.eye(7)[:1], truncation)


def test_mixed_classes_are_the_mixture_of_their_embeddings() -> None:
    network, latents = loaded(made_weights(TINY)), torch.randn(5, 6)
    a, b = torch.eye(7)[1], torch.eye(7)[4]
    share = torch.linspace(0, 1, 5)[:, None]
    first, second = network.embeddings(a), network.embeddings(b)
    mixed = network.embedded(latents, (1 - share) * first + share * second, 0.7)
    torch.testing.assert_close(network(latents, (1 - share) * a + share * b, 0.7), mixed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"output_dim": 32}, "must be 16"),
        ({"layers": ((True, 16, 8), (False, 4, 4), (True, 4, 2), (False, 2, 1))}, "begin with the maps"),
        ({"layers": ((True, 16, 8), (False, 8, 8), (True, 8, 2), (False, 2, 1))}, "keeps or halves"),
        ({"layers": ((True, 16, 8), (True, 8, 4))}, "1 last"),
        ({"attention_layer_position": 4}, "below 4"),
        ({"channel_width": 0}, "greater than or equal to 3"),
        ({"heads": 2}, "Extra inputs"),
    ],
)
def test_an_architecture_that_contradicts_itself_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Architecture.model_validate(TINY.model_dump() | change)
