"""A backbone that is trained here rather than loaded: a small network pre-trained on drawn letters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from common.files import Arrays
from common.seeds import seed_of
from trainables.artifacts.store import Artifact
from trainables.data.builtin.letters import CLASSES, draw
from trainables.data.sources import Sources
from trainables.nets.letters_cnn import WIDTH, LettersCNN

PRETRAINED_ON = "letters"
"""The data set that the network's training images are drawn like."""
IMAGES, BATCH, LEARNING_RATE, WEIGHT_DECAY = 12_800, 64, 0.01, 0.05


def letters_backbone(seed: int) -> Artifact:
    """Return the artifact of the state dict of a `LettersCNN` that was trained to tell 52 letters apart.

    The seed moves drawing and training.
    """
    training = {"images": IMAGES, "batch": BATCH, "learning_rate": LEARNING_RATE, "weight_decay": WEIGHT_DECAY}
    return Artifact("letters_cnn", training | {"seed": seed, "version": 1}, _pretrain)


def _pretrain(artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    seed = int(artifact.spec["seed"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(seed, "letters", "initialisation"))
        network = nn.Sequential(LettersCNN(), nn.Linear(WIDTH, len(CLASSES)))
    _fit(network, seed)
    return {name: value.numpy() for name, value in network[0].state_dict().items()}


def _fit(network: nn.Module, seed: int) -> None:
    """Make one pass over fresh drawings, with AdamW and a learning rate that rises and falls once."""
    labels = np.random.default_rng(seed_of(seed, "letters", "order")).permutation(IMAGES) % len(CLASSES)
    images = torch.from_numpy(draw(labels, seed_of(seed, "letters", "drawing")))  # [N, 28, 28] uint8
    targets = torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=IMAGES // BATCH)
    network.to(memory_format=torch.channels_last).train()
    for start in range(0, IMAGES, BATCH):
        x = images[start : start + BATCH, None].float().div_(255).contiguous(memory_format=torch.channels_last)
        loss = F.cross_entropy(network(x), targets[start : start + BATCH], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
