"""The network that is transferred: a VGG16 trained on the source's images, once for all trials, or loaded.

Its training may take an hour, so it is a chain of artifacts (`training.links`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from common.files import Arrays
from common.problems import Problem, Refused
from common.seeds import seed_of
from trainables.artifacts.images import as_planes, split_images
from trainables.artifacts.store import Artifact
from trainables.core.device import Precision, pick_device
from trainables.data.dataset import refuse
from trainables.data.sources import Sources
from trainables.data.subsets import split_train
from trainables.nets import weights as weight_files
from trainables.nets.restored import restored
from trainables.nets.standardize import Standardize
from trainables.nets.vgg import VGG
from trainables.training.links import averaged, chain
from trainables.training.supervised import Training, TrainingSettings

SEED = 0
"""There is one source network, whatever a trial's seed: results are conditional on it."""
SETTINGS: dict[str, Any] = {"lr": 0.1, "batch_size": 128, "weight_decay": 5e-4, "shift": 4, "ema": 0.99}
"""Hyperparameters of its training."""
VERSION = 2  # raised by hand when the meaning of the arrays changes
MOST_VALIDATION = 2_000
"""Images held out of the training split at most."""
LIGHT = 100_000
"""Up to this many images · epochs · width², one core trains a network faster than a worker starts."""


def source_network(source: str, sources: Sources, *, width: int, epochs: int, precision: Precision) -> Artifact:
    """Return the artifact of a state dict that `rebuilt` takes: a standardisation and a `VGG`. Raises Refused.

    The network is trained on the source's training split without the images that `held_out_rows` holds out. A state
    dict of `VGG` in the folder of weights (`vgg_NAME.pth`, `vgg_NAME-….pth` or `vgg_NAME_….pth`) is loaded instead.
    """
    spec: dict[str, Any] = {"data": sources.fingerprint(source, "train"), "width": width, "version": VERSION}
    path = weights_file(source, sources)
    if path is not None:
        return Artifact("source_network", spec | {"weights": weight_files.digest(path)}, partial(_loaded, source))
    spec |= {"epochs": epochs, "precision": precision, "seed": SEED, **SETTINGS}
    size = sources.dataset(source).size("train")
    light = size * epochs * width**2 <= LIGHT and pick_device().type == "cpu"
    images = {"images": split_images(source, sources, "train")}
    seed = seed_of(SEED, "source network")
    last = chain("source_training", spec, partial(_begin, source), images, seed=seed, light=light)
    return Artifact("source_network", spec, averaged, {"before": last}, light=light)


def weights_file(source: str, sources: Sources) -> Path | None:
    """Return the file that holds a source network's weights, if there is one. Raises Refused where several match."""
    name = f"vgg_{Path(source).stem}"
    matches = weight_files.in_folder(name, sources.weights_dir) if sources.weights_dir is not None else []
    if len(matches) > 1:
        found = ", ".join(path.name for path in matches)
        rule = f"{sources.weights_dir} must hold one file for {name}"
        raise refuse(rule, found, "Move the others away.", key="weights-dir", given=False)
    return matches[0] if matches else None


def network_problems(source: str, sources: Sources, width: int) -> list[Problem]:
    """Return a problem where weights to be loaded do not fit. Raises Refused where they cannot be read."""
    path = weights_file(source, sources)
    if path is None:
        return []
    classes = len(sources.summary(source).classes)
    wrong = _misfit(path, path.stat().st_mtime_ns, width, classes)
    if wrong is None:
        return []
    rule = f"{path} must be the state dict of a VGG16 of width {width} with {classes} classes"
    remedy = "Ask for the width it has with --set source_width=N, or move the file away: a network is then trained."
    return [Problem("weights-dir", rule, wrong, remedy, given=False)]


@lru_cache(maxsize=8)  # a plan asks many times
def _misfit(path: Path, modified: int, width: int, classes: int) -> str | None:
    """Return the first layer of another shape, if any. Raises Refused where the file is no state dict."""
    given = {name: tuple(value.shape) for name, value in weight_files.load(path).items()}
    wanted = {name: tuple(value.shape) for name, value in VGG(width, classes).state_dict().items()}
    for name in wanted | given:
        if wanted.get(name) != given.get(name) and not name.endswith(_COUNTED):
            return f"{name}: {given.get(name, 'absent')} for {wanted.get(name, 'no such layer')}"
    return None


def held_out_rows(labels: np.ndarray, blocks: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return positions to train on and positions that only measure forgetting; labels [N] of the training split."""
    held_out = min(MOST_VALIDATION, len(labels) // 10)
    return split_train(labels, None, held_out, blocks)


def rebuilt(state: Mapping[str, torch.Tensor]) -> nn.Sequential:
    """Return a standardisation and a VGG with these weights of a `source_network`, in evaluation mode."""
    width = len(state["1.features.0.weight"])
    classes = len(state["1.classifier.6.weight"])
    network = nn.Sequential(Standardize(torch.zeros(1, 3, 2, 2)), VGG(width, classes))
    restored(network.to(memory_format=torch.channels_last), state)
    return network


_COUNTED = "num_batches_tracked"  # of a normalisation: it counts batches, and changes nothing here


def _begin(source: str, link: Artifact, sources: Sources, needs: Mapping[str, Arrays]) -> Training:
    """Return the training of a source network at its beginning."""
    spec = link.spec
    data = sources.dataset(source)
    split = needs["images"]
    rows, _ = held_out_rows(split["y"], data.blocks())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(SEED, "source network", "initialisation"))
        network = VGG(spec["width"], len(data.classes))
    x, y = (torch.from_numpy(split[name][rows]).to(pick_device()) for name in ("x", "y"))
    return Training(network, x, y, TrainingSettings(epochs=spec["epochs"], **SETTINGS), spec["precision"])


def _loaded(source: str, artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    path = weights_file(source, sources)
    if path is None or (found := network_problems(source, sources, artifact.spec["width"])):
        raise Refused(found if path else [])
    split = sources.train(source)
    data = sources.dataset(source)
    rows, _ = held_out_rows(split.labels, data.blocks())
    images = torch.from_numpy(as_planes(split.images, rows, "colour"))
    network = nn.Sequential(Standardize(images), VGG(artifact.spec["width"], len(data.classes)))
    network[1].load_state_dict(weight_files.load(path), strict=False)  # strict in all but `_COUNTED`, see above
    return {name: value.numpy() for name, value in network.state_dict().items()}
