"""Small generators like the published ones, with weights that a test makes."""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F

from trainables.nets.biggan import Architecture, BigGAN

TINY = Architecture(
    output_dim=16, z_dim=6, class_embed_dim=5, channel_width=4, num_classes=7, attention_layer_position=2,
    layers=((True, 16, 8), (False, 8, 4), (True, 4, 2), (False, 2, 1)),
)  # fmt: skip
ITERATIONS = 500


def leading(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the left and right singular vectors of the largest singular value of a weight, by power iteration."""
    matrix = weight.flatten(1)
    v = torch.ones(matrix.shape[1])
    for _ in range(ITERATIONS):
        u = F.normalize(matrix @ v, dim=0)
        v = F.normalize(matrix.T @ u, dim=0)
    return u, v


def made_weights(shape: Architecture, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return a state dict as published ones are: random weights with their singular vectors, and statistics."""
    rng = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        wanted = BigGAN(shape).state_dict()
    state = {name: torch.randn(value.shape, generator=rng) for name, value in wanted.items()}
    for name, value in state.items():
        if name.endswith("_vars"):
            value.abs_().add_(0.5)
        elif name.endswith("_orig"):
            stem = name.removesuffix("orig")
            state[f"{stem}u"], state[f"{stem}v"] = leading(value)
    return state


def publish(folder: Path, name: str, shape: Architecture = TINY, state: dict[str, torch.Tensor] | None = None) -> None:
    """Write the two files of a generator, as they were published."""
    folder.mkdir(exist_ok=True)
    torch.save(made_weights(shape) if state is None else state, folder / f"{name}-pytorch_model.bin")
    (folder / f"{name}-config.json").write_text(shape.model_dump_json())
