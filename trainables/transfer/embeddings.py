"""Embeddings of images by a frozen network, computed once for all trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn

from common.files import Arrays
from trainables.artifacts.images import split_images
from trainables.artifacts.store import Artifact, piece_slice
from trainables.core.device import Precision, Tensors, pick_device, tensors
from trainables.data.dataset import SplitName
from trainables.data.sources import Sources
from trainables.nets.vgg import VGG
from trainables.training.supervised import EVALUATED
from trainables.transfer.source_network import rebuilt

PIECE = 2_500
"""Images a piece: few enough to lose little with a killed process and to keep all cores busy."""
VERSION = 1  # raised by hand when the meaning of the arrays changes


def embeddings(network: Artifact, name: str, sources: Sources, split: SplitName, precision: Precision) -> Artifact:
    """Return the artifact of a whole split's embeddings, in its order: what `embed` returns, and y [N] int64.

    `network` is a `source_network`. Raises Refused.
    """
    spec = {"data": sources.fingerprint(name, split), "split": split, "precision": precision, "version": VERSION}
    pieces = max(1, -(-sources.dataset(name).size(split) // PIECE))
    needs = {"network": network, "images": split_images(name, sources, split)}
    return Artifact("embeddings", spec, _embedded, needs, pieces, light=network.light)


@torch.inference_mode()
def embed(network: nn.Sequential, images: torch.Tensor, precision: Precision) -> Tensors:
    """Return x [N, 8 · width], the second-last layer, and stages [N, 22 · width], for images [N, 3, 32, 32] uint8.

    `stages` holds the mean of each map at the end of the stages of a `rebuilt` network, from the second stage on,
    averaged over an image and its mirror image. Both are float32.
    """
    standardize = network[0]
    vgg = cast(VGG, network[1])
    x = []
    stages = []
    with torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16"):
        for part in images.split(EVALUATED):
            maps, pooled = vgg.stages(standardize(part))
            _, mirrored = vgg.stages(standardize(part.flip(3)))
            x.append(vgg.second_last(maps).float())
            stages.append((pooled.float() + mirrored.float()) / 2)
    return {"x": torch.cat(x), "stages": torch.cat(stages)}


def _embedded(artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    images = needs["images"]
    rows = piece_slice(len(images["y"]), artifact.pieces, piece)
    network = rebuilt(tensors(needs["network"], pick_device()))
    x = torch.from_numpy(images["x"][rows].copy()).to(pick_device())
    found = {name: value.cpu().numpy() for name, value in embed(network, x, artifact.spec["precision"]).items()}
    return {**found, "y": images["y"][rows]}
