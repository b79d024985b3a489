"""A frozen backbone's features, computed once for each image: trials train only heads.

The backbone is in evaluation mode, so that running statistics stay as they are too. Images are resized (the shorter
side to the backbone's resolution, bilinear, antialiased), centre-cropped, and normalised as its weights require.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from common.files import Arrays
from common.problems import Problem, Refused, nearest
from trainables.artifacts.store import Artifact, piece_slice
from trainables.core.device import Precision, pick_device
from trainables.core.network import Borrowed, Input, Pretrained
from trainables.data.sources import Sources
from trainables.data.subsets import split_train
from trainables.nets import weights
from trainables.nets.backbones import LETTERS, Backbone, Description, build, check_weights, describe, names
from trainables.transfer.letters_backbone import IMAGES, PRETRAINED_ON, letters_backbone

Part = Literal["pool", "validation", "test"]
VERSION = 1  # raised by hand when the meaning of the arrays changes
PIECE = 1_000  # images: few enough to lose little with a killed process and to keep all cores busy
BATCH = {"cpu": 16, "cuda": 64}  # 16 was fastest for SqueezeNet at 224×224 on one core


def backbone_features(
    backbone: str,
    data: str,
    sources: Sources,
    *,
    split: Part,
    pool: int,
    validation: int,
    seed: int,
    precision: Precision,
) -> Artifact:
    """Return the artifact of the features of the training pool, the validation images, or the test split.

    Its arrays are x [N, width] float32 and y [N] int64, in the order of the data set. `pool` and `validation` are
    numbers of images. The seed matters only to a backbone that is trained here (`letters_cnn`). Raises Refused.
    """
    spec: dict[str, object] = {
        "backbone": backbone,
        "data": sources.fingerprint(data, "test" if split == "test" else "train"),
        "split": split,
        "resolution": describe(backbone).resolution,
        "precision": precision,
        "version": VERSION,
    }
    if split == "test":
        images = sources.dataset(data).size("test")
    else:
        spec |= {"pool": pool, "validation": validation}
        images = pool if split == "pool" else validation
    needs = {"backbone": letters_backbone(seed)} if backbone == LETTERS else {}
    if not needs:
        spec["weights"] = weights.digest(weights.find(backbone, sources.weights_dir, download=sources.download))
    compute = partial(_features, data)  # the name is not part of the key: the content is, wherever it lies
    return Artifact("features", spec, compute, needs, pieces=max(1, -(-images // PIECE)))


def features_problems(backbone: str, data: str, sources: Sources) -> list[Problem]:
    """Return what keeps the backbone from being used on a data set: an unknown name; weights missing, damaged or of
    another; or that it was pre-trained here on the images of that set, whose labels would then be spent already."""
    if backbone == LETTERS:
        if PRETRAINED_ON not in (data, *sources.dataset(data).made_from):
            return []
        rule = (
            f"a network that was not pre-trained on {PRETRAINED_ON}: this one has seen {IMAGES:,} labels of such images"
        )
        return [Problem("backbone", rule, f"{backbone} on {data}", "Use it on another data set, or another backbone.")]
    if backbone not in names():
        rule = "must be letters_cnn or a torchvision backbone"
        return [Problem("backbone", rule, backbone, nearest(backbone, names()))]
    try:
        path = weights.find(backbone, sources.weights_dir, download=sources.download)
        return _misfits(backbone, path, weights.digest(path))
    except Refused as refused:
        return list(refused.problems)


@lru_cache(maxsize=16)  # a plan asks for each of its values, and VGG19's weights take half a gigabyte
def _misfits(backbone: str, path: Path, fingerprint: str) -> list[Problem]:
    return check_weights(backbone, weights.load(path))


def embed(backbone: Backbone, images: np.ndarray, precision: str) -> np.ndarray:
    """Return features [N, width] float32 for images [N, H, W] or [N, H, W, 3] uint8; use a GPU if there is one."""
    device = pick_device()
    module = backbone.module.to(device)
    size = BATCH[device.type]
    embeddings = np.empty((len(images), backbone.description.width), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), size):
            batch = torch.from_numpy(images[start : start + size].copy()).to(device)
            x = input_of(backbone.description).prepared(batch)
            embeddings[start : start + size] = features_of(module, x, precision).cpu().numpy()
    return embeddings


def features_of(module: nn.Module, x: torch.Tensor, precision: str) -> torch.Tensor:
    """Return features [N, width] float32 of prepared images x [N, channels, R, R]; the module becomes bf16 for bf16."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    module.to(dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    features: torch.Tensor = module(x.to(dtype, memory_format=torch.channels_last))
    return features.float()


def input_of(backbone: Description) -> Input:
    """Return what a backbone takes."""
    return Input(channels=backbone.channels, side=backbone.resolution, mean=backbone.mean, std=backbone.std)


class FrozenBackbone(nn.Module):
    """A frozen backbone and a linear layer on its features: a map from prepared images to logits [N, classes]."""

    def __init__(self, backbone: nn.Module, width: int, classes: int, precision: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(width, classes)
        self.precision = precision

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = [features_of(self.backbone, part, self.precision) for part in x.split(BATCH[x.device.type])]
        logits: torch.Tensor = self.head(torch.cat(features))
        return logits


def kept_backbone(backbone: str, seed: int, sources: Sources) -> Borrowed:
    """Return a frozen backbone that is a module's part "backbone". Raises Refused where its weights are not there.

    Weights of torchvision are named, since they lie elsewhere; a backbone that was trained here is a part of the file.
    """
    if backbone == LETTERS:
        return Borrowed(parts={"backbone": letters_backbone(seed)})
    digest = weights.digest(weights.find(backbone, sources.weights_dir, download=sources.download))
    return Borrowed(pretrained=Pretrained(part="backbone", backbone=backbone, sha256=digest))


def _features(data: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    spec = artifact.spec
    part: Part = spec["split"]
    split = sources.test(data) if part == "test" else sources.train(data)
    rows = np.arange(len(split.labels))
    if part != "test":
        halves = split_train(split.labels, spec["pool"], spec["validation"], sources.dataset(data).blocks())
        rows = halves[0] if part == "pool" else halves[1]
    rows = rows[piece_slice(len(rows), artifact.pieces, piece)]
    backbone = _trained(needs["backbone"]) if needs else _pretrained(sources, spec["backbone"], spec["precision"])
    return {"x": embed(backbone, split.images[rows], spec["precision"]), "y": split.labels[rows]}


def _trained(arrays: Arrays) -> Backbone:
    return build(LETTERS, {name: torch.from_numpy(array.copy()) for name, array in arrays.items()})


@lru_cache(maxsize=1)
def _pretrained(sources: Sources, name: str, precision: str) -> Backbone:
    """Return a backbone, kept between pieces since weights are large, by precision since `embed` casts in place."""
    return build(name, weights.load(weights.find(name, sources.weights_dir, download=sources.download)))
