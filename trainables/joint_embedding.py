"""One metric space for two digit domains, by triplet loss: the same digits are near in it, whatever their domain.

`nets.base_cnn` maps an image to an embedding, which is normalised. Anchor and positive of a triplet show the same class
in different domains (`domains.triplets`). Half of a batch comes from either set, with the set's proportions of classes;
the loss is the mean over the triplets that violate the margin. `mining=classifier` is the yardstick: it uses no
triplets but cross-entropy on both domains through a linear head on the same trunk, and then the trunk's embeddings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from common.files import Arrays
from common.problems import Problem
from common.seeds import seed_of
from trainables.core.device import Tensors, to_device
from trainables.core.experiment import EvalSplit, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import HELD_OUT, accuracy, loss, plain, share
from trainables.core.network import Input, Network
from trainables.data.sources import Sources
from trainables.data.streams import batches, stratified
from trainables.domains.experiment import EVALUATED, DomainsConfig, DomainsExperiment, pooled
from trainables.domains.images import CHANNELS, DOMAINS, SIDE
from trainables.domains.retrieval import DEPTHS, nearest_correct, picture, rests_on, retrieve
from trainables.domains.triplets import all_triplets, mean_of_active, mine, triplet_losses
from trainables.nets.base_cnn import BaseCNN

WAYS = ("first_to_second", "second_to_first")
"""Retrieval across domains: the first domain's images are queries in the second's gallery, and the reverse."""


class Config(DomainsConfig):
    mining: Literal["random", "semi-hard", "hard", "classifier"] = Field(
        description="triplets trained on; classifier: none"
    )
    lr: float = Field(gt=0, le=1, description="Adam's learning rate")
    margin: float = Field(0.2, gt=0, lt=2, description="required between distances, which are at most 2")
    dimensions: int = Field(gt=0, le=4096, description="dimensions of the embedding")
    width: int = Field(gt=0, le=512, multiple_of=4, description="maps of the first block; 2 and 4 times as many after")
    epochs: int = Field(gt=0, le=2000, description="passes over the training images")
    batch_size: int = Field(
        gt=0, le=512, multiple_of=2, description="images a step, of both sets; triplets grow as its cube"
    )

    def cost(self) -> float:
        return float(self.epochs * (self.expected_size + EVALUATED) * (CHANNELS[self.colour] + 20))

    def unused(self) -> frozenset[str]:
        return frozenset({"margin"}) if self.mining == "classifier" else frozenset()

    def problems(self, sources: Sources) -> list[Problem]:
        return super().problems(sources) or _batch_problems(self, sources)


class JointEmbedding(DomainsExperiment[Config], LeavesNetwork):
    procedure = (
        "A trunk of three blocks of convolutions and a linear layer maps images of 32×32 pixels to normalised "
        "embeddings. It is trained from scratch with Adam at a constant learning rate by a triplet loss: anchor and "
        "positive are of the same class and from different data sets, half of a batch is from either set, and the loss "
        "is the mean over the triplets that violate the margin. The classifier has no triplets, but cross-entropy on "
        "both sets through a linear head. Nothing is frozen or augmented."
    )
    measures = (
        accuracy("cross", retrieval=True),  # the mean over both ways
        accuracy("first_to_second", of="first", label="{first} to {second}", retrieval=True),
        accuracy("second_to_first", of="second", label="{second} to {first}", retrieval=True),
        *(accuracy(of=domain, retrieval=True) for domain in DOMAINS),
        *(accuracy(f"head_{domain}", of=domain, label=f"head {{{domain}}}", optional=True) for domain in DOMAINS),
        *(share(f"recall_at_{k}", better="max", splits=HELD_OUT) for k in DEPTHS),
        plain("map_at_r", better="max", low=0, high=1, splits=HELD_OUT),
        loss(),
        plain("active", better="min", label="share of active triplets", low=0, high=1, optional=True),
    )

    def setup(self, **images: Tensors) -> None:
        config = self.config
        self.take(images)
        self.trunk = BaseCNN(CHANNELS[config.colour], config.width, config.dimensions).to(self.device)
        self.head = nn.Linear(config.dimensions, self.classes).to(self.device)  # only the classifier trains it
        parameters = [*self.trunk.parameters(), *self.head.parameters()]
        self.optimizer = torch.optim.Adam(parameters, lr=config.lr)

    def train_epoch(self) -> Metrics:
        self.trunk.train()
        found = []
        for x, y, domains in _batches(list(self.train.values()), self.config.batch_size, self.generator("order")):
            with self.autocast():
                embeddings = self.trunk(x).float()
            loss = self.loss(embeddings, y, domains)
            found.append(self._measured(embeddings.detach(), y, domains, loss.detach()))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        return _mean(found) | {"steps": len(found)}

    def loss(self, embeddings: torch.Tensor, y: torch.Tensor, domains: torch.Tensor) -> torch.Tensor:
        """Return the loss of a batch, a scalar: the trunk's embeddings [B, D], labels y [B], domains [B]."""
        if self.config.mining == "classifier":
            return F.cross_entropy(self.head(embeddings.relu()), y)
        space = F.normalize(embeddings)
        mined = mine(self.config.mining, space.detach(), y, domains, self.config.margin)
        return mean_of_active(triplet_losses(space, y, mined, self.config.margin))

    def _measured(
        self, embeddings: torch.Tensor, y: torch.Tensor, domains: torch.Tensor, loss: torch.Tensor | None = None
    ) -> Metrics:
        """Return sums over all triplets of a batch (the classifier: over its images), and their number `n`.

        All triplets count, whichever were mined. `loss` is the batch's loss if it is known already.
        """
        if self.config.mining == "classifier":
            loss = self.loss(embeddings, y, domains) if loss is None else loss
            return {"loss": loss.item() * len(y), "n": len(y)}
        every = triplet_losses(F.normalize(embeddings), y, all_triplets(y, domains), self.config.margin)
        return {"loss": every.sum().item(), "active": (every > 0).sum().item(), "n": len(every)}

    @torch.inference_mode()
    def evaluate(self, split: EvalSplit) -> Metrics:
        self.trunk.eval()
        data = list(self.held_out[split].values())
        labels = [part.y for part in data]
        raw = [self.embed(part.x) for part in data]
        spaces = [F.normalize(embeddings) for embeddings in raw]
        there = retrieve(spaces[0], labels[0], spaces[1], labels[1])
        back = retrieve(spaces[1], labels[1], spaces[0], labels[0])
        correct = dict(zip(WAYS, (there.correct, back.correct), strict=True))
        correct |= {d: nearest_correct(own, y) for d, own, y in zip(DOMAINS, spaces, labels, strict=True)}
        if self.config.mining == "classifier":
            for domain, embeddings, y in zip(DOMAINS, raw, labels, strict=True):
                correct[f"head_{domain}"] = self.head(embeddings.relu()).argmax(1) == y
        metrics = {f"{name}_accuracy": right.double().mean().item() for name, right in correct.items()}
        metrics["cross_accuracy"] = sum(metrics[f"{way}_accuracy"] for way in WAYS) / 2
        metrics |= {f"recall_at_{k}": (there.recall[k] + back.recall[k]) / 2 for k in DEPTHS}
        metrics["map_at_r"] = (there.map_at_r + back.map_at_r) / 2
        if split == "test":
            self._keep_tested(spaces, correct)
        parts = [Labelled(embeddings, y) for embeddings, y in zip(raw, labels, strict=True)]
        same = torch.Generator().manual_seed(seed_of("labsweep", "held-out batches"))
        return metrics | _mean([self._measured(*batch) for batch in _batches(parts, self.config.batch_size, same)])

    @torch.inference_mode()
    def embed(self, images: torch.Tensor) -> torch.Tensor:
        """Return embeddings [N, dimensions] float32 of images [N, C, 32, 32] uint8, before they are normalised."""
        with self.autocast():
            return torch.cat([self.trunk(part).float() for part in images.split(EVALUATED)])

    def network(self) -> Network:
        config, classified = self.config, self.config.mining == "classifier"
        parts = {"trunk": self.trunk} | ({"head": self.head} if classified else {})
        return Network(
            state={f"{part}.{name}": x for part, own in parts.items() for name, x in own.state_dict().items()},
            input=Input(channels=CHANNELS[config.colour], side=SIDE),
            classes=self.sources.dataset(config.first).classes if classified else (),
            precision=config.precision,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        trunk = BaseCNN(CHANNELS[config.colour], config.width, config.dimensions)
        return Embedder(trunk, nn.Linear(config.dimensions, classes) if config.mining == "classifier" else None)

    def facts(self) -> dict[str, Any]:
        return {"parameters": sum(p.numel() for p in self.trunk.parameters())}

    def _keep_tested(self, spaces: list[torch.Tensor], correct: Mapping[str, torch.Tensor]) -> None:
        """Keep what figures show of the test images: which are right, and the picture of both embeddings [N, D]."""
        arrays = {f"test_{name}_correct": right.cpu().numpy() for name, right in correct.items()}
        arrays |= pooled([arrays[f"test_{way}_correct"] for way in WAYS], "cross")
        held_out = self.held_out["test"].values()
        arrays |= _rests_on(spaces, [part.y for part in held_out])
        images, labels = [part.x.cpu() for part in held_out], [part.y.cpu() for part in held_out]
        arrays["class_share"] = np.stack([np.bincount(y.numpy(), minlength=self.classes) / len(y) for y in labels])
        for name, array in (arrays | picture(images, labels, [space.cpu() for space in spaces])).items():
            self.keep_last(name, array)


class Embedder(nn.Module):
    """A trunk: from images to normalised embeddings [N, D], or with a head to its logits [N, classes]."""

    def __init__(self, trunk: nn.Module, head: nn.Module | None) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        embeddings = self.trunk(images).float()
        if self.head is None:
            return F.normalize(embeddings)
        with torch.autocast(images.device.type, enabled=False):
            logits: torch.Tensor = self.head(embeddings.relu())
        return logits


def _batches(
    parts: list[Labelled], batch_size: int, generator: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Yield batches of both domains: x [B, …], labels [B], domains [B] (0 or 1)."""
    device = parts[0].y.device
    streams = [stratified(part.y.cpu().numpy()) for part in parts]
    for rows in batches(streams, batch_size, [generator, generator]):
        taken = [part.at(to_device(row, device)) for part, row in zip(parts, rows, strict=True)]
        y = torch.cat([part.y for part in taken])
        yield torch.cat([part.x for part in taken]), y, torch.arange(2, device=device).repeat_interleave(len(y) // 2)


def _rests_on(spaces: Sequence[torch.Tensor], labels: Sequence[torch.Tensor]) -> Arrays:
    """Return on which test image each query's result rests, and what it would be without: `Measure.nearest`.

    `spaces` [N, D] and `labels` [N] are of both domains.
    """
    arrays: dict[str, np.ndarray] = {}
    cross = []
    for way, own, other in zip((*WAYS, *DOMAINS), (0, 1, 0, 1), (1, 0, 0, 1), strict=True):
        gallery = () if own == other else (spaces[other], labels[other])
        nearest, without = (found.cpu().numpy() for found in rests_on(spaces[own], labels[own], *gallery))
        start = len(labels[own]) if gallery else 0  # a gallery of its own is numbered after the queries
        arrays |= {f"test_{way}_nearest": start + nearest, f"test_{way}_without": without}
        if gallery:
            cross.append((nearest + (len(labels[0]) if other else 0), without))
    both = (np.concatenate(parts) for parts in zip(*cross, strict=True))
    return arrays | dict(zip(("test_cross_nearest", "test_cross_without"), both, strict=True))


def _mean(measured: list[Metrics]) -> Metrics:
    """Return means over all triplets of all batches; a small last batch may have none."""
    total = {name: math.fsum(own[name] for own in measured) for name in measured[0]}
    n = total.pop("n")
    return {name: value / n for name, value in total.items()}


def _batch_problems(config: Config, sources: Sources) -> list[Problem]:
    """Return a problem where half a batch is too small for all classes: nearly every image should be an anchor."""
    least = 2 * len(sources.summary(config.first).classes)
    if config.batch_size >= least:
        return []
    rule = f"at least {least}: an image of each class from both domains, so that there are triplets"
    return [Problem("batch_size", rule, config.batch_size, f"Ask for {least} or more.")]
