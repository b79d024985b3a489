"""What a spatial transformer learns to undo: digits and their deformed copies, with a transformer and without.

The network is a small classifier (`spatial.networks`), by itself or behind a transformer that samples the image first.
It is trained on digits and, if asked for, on a copy of each with an elastic deformation, one zoomed out, or both; the
test images have copies likewise. What the transformer undoes of a deformation is measured at the last epoch
(`spatial.learned`): on the originals, to which nothing was done, by how far their slant, place and size explain its
maps; on copies, against the map that it gives to the original.

An image and its copies count as one: labels are those of the originals, and intervals for new images are for new
originals with their copies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from common.problems import Problem, gather
from common.seeds import seed_of
from trainables.artifacts.store import Artifact
from trainables.core.config import DataName, TrialConfig
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.network import Input, Network
from trainables.data.choice import VALIDATION, Choice
from trainables.data.sources import Sources
from trainables.spatial.deformations import Settings, ZoomMethod, package_problems
from trainables.spatial.examination import EVALUATED, Examination, viewed
from trainables.spatial.images import ORIGINS, Copies, Origin, images_of
from trainables.spatial.measures import BY_ORIGIN, MEASURES
from trainables.spatial.networks import (
    SIDE,
    Sampled,
    Shape,
    SpatialNetwork,
    Transformer,
    localised_side,
    parameters,
)

DEGENERATE = 0.05
"""Share of validation images, originals and copies, above which a transformer has collapsed: images whose map reflects,
or scales by less than 0.05 along an axis."""
LITTLE_INK = 0.2
"""Share of its original's ink below which little is left of a copy."""
WHOLE = 60_000
"""The training images that a set is taken to have in estimates of time."""

Optimiser = Literal["sgd", "momentum", "adam"]


class Config(TrialConfig):
    data: DataName = Field(description="name or path of the data set")
    network: Transformer = Field(description="plain: a classifier alone; affine, tps: behind such a transformer")
    copies: Copies = Field(
        description="none: the images as they are; elastic, zoom, elastic+zoom: and these copies of each; R, RTS, P, E:"
        " a copy with that distortion in the place of each"
    )
    lr: float = Field(gt=0, le=1, description="the optimiser's learning rate, which stays")
    optimiser: Optimiser = Field(description="sgd: without momentum; momentum: SGD with Nesterov's, 0.9; adam")
    width: int = Field(
        gt=0, le=256, description="maps of the localisation net's first convolution; a plain network is as large"
    )
    epochs: int = Field(gt=0, le=1000, description="passes over the training images and their copies")
    sampled: Sampled = Field("raw", description="what is sampled: raw pixels, then normalised; or normalised ones")
    zoom_method: ZoomMethod = Field("area", description="how zoomed copies are made: by area, or by the package")
    batch_size: int = Field(64, gt=0, description="images a step")
    sigma: float = Field(3.5, ge=0, le=100, description="elastic: standard deviation of displacements, in pixels")
    points: int = Field(3, ge=2, le=14, description="elastic: control points along each axis")
    zoom: float = Field(4.0, gt=0, le=28, description="zoom: how many times smaller a copy is")
    depth: int = Field(2, gt=0, le=8, description="convolutions of the localisation net")
    hidden: int | None = Field(
        None, gt=0, description="hidden units of the classifier; default: 50, of a plain one as many as it takes"
    )
    train_size: int | None = Field(None, gt=0, description="training images, class-balanced; default: all there are")
    validation: int = Field(VALIDATION, gt=0, description="validation images; a fifth of the split where that is fewer")
    train_evaluated: int = Field(10_000, gt=0, description="training images, copies too, that are evaluated each epoch")

    @property
    def origins(self) -> tuple[Origin, ...]:
        """What the images that are trained and tested on are: originals, copies or both."""
        return ORIGINS[self.copies]

    @property
    def settings(self) -> Settings:
        """How far copies are deformed."""
        return Settings(self.sigma, self.points, self.zoom, self.zoom_method)

    @property
    def choice(self) -> Choice:
        """The images that are trained on and held out."""
        return Choice(self.data, self.validation, self.train_size, self.seed)

    def shape(self, classes: int) -> Shape:
        """Return the sizes of the network."""
        return Shape(self.network, self.width, self.depth, classes, self.sampled, self.hidden)

    def cost(self) -> float:
        images = (self.train_size or WHOLE) * len(self.origins)
        return float(self.epochs * images) * (1.0 if self.network == "plain" else 2.0)

    def unused(self) -> frozenset[str]:
        plain = {"sampled"} | ({"width", "depth"} if self.hidden is not None else set())
        lacks = {"elastic": {"sigma", "points"}, "zoom": {"zoom", "zoom_method"}}
        unused = set().union(*(fields for origin, fields in lacks.items() if origin not in self.origins))
        return frozenset(unused | (plain if self.network == "plain" else set()))

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return self._images(sources, "train")

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return self._images(sources, "test")

    def _images(self, sources: Sources, split: Literal["train", "test"]) -> dict[str, Artifact]:
        """Return the images of a split by origin; originals always, as copies are compared with them."""
        origins = dict.fromkeys(("original", *self.origins))
        return {f"{split}_{o}": images_of(o, self.data, sources, split, self.settings) for o in origins}

    def problems(self, sources: Sources) -> list[Problem]:
        return gather(
            self._depth_problems,
            lambda: package_problems("copies", self.origins, self.settings),
            lambda: self.choice.problems(sources),
        )

    def _depth_problems(self) -> list[Problem]:
        most = max(depth for depth in range(1, 9) if localised_side(depth) > 0)
        if self.depth <= most:
            return []
        rule = f"at most {most}: with more convolutions nothing is left of an image of {SIDE}×{SIDE}"
        return [Problem("depth", rule, self.depth, f"Ask for {most} or fewer.")]


class StnDeformations(Experiment[Config], LeavesNetwork):
    measures = MEASURES
    precision = "fp32"  # bf16 would round where pixels are sampled to a twentieth of one
    procedure = (
        "A classifier of two convolutions and two linear layers, with dropout, is trained from scratch on gray images "
        "of 28×28 pixels, with cross-entropy and a constant learning rate. Behind a spatial transformer it sees the "
        "image sampled under an affine map, or a thin-plate spline with 16 control points, that a localisation net of "
        "two convolutions and two linear layers gives to each image; at first that is the identity. A plain network "
        "has as many parameters as the affine one. Images are normalised by MNIST's mean and standard deviation. "
        "Copies are made once, and an image and its copies are in the same split. Nothing is frozen or augmented."
    )

    def setup(self, **images: Tensors) -> None:
        config, origins = self.config, self.config.origins
        pool, held_out = (torch.from_numpy(rows).to(self.device) for rows in config.choice.rows(self.sources))
        classes = len(self.sources.dataset(config.data).classes)
        labels = images["train_original"]["y"]
        self.train = {"data": Labelled(images["train_original"]["x"][pool], labels[pool])}  # labels are spent once
        x = torch.cat([images[f"train_{origin}"]["x"][pool] for origin in origins])
        self.images = Labelled(x, labels[pool].repeat(len(origins)))  # copies too: [N · origins, 1, 28, 28] uint8
        self.tested = {"validation": _held_out(images, "train", held_out)}
        if "test_original" in images:
            rows = torch.arange(len(images["test_original"]["y"]), device=self.device)
            self.tested["test"] = _held_out(images, "test", rows)
        self.held_out = {
            split: {"data": Labelled(own["original"]["x"], own["original"]["y"])} for split, own in self.tested.items()
        }
        fixed = torch.Generator().manual_seed(seed_of("labsweep", "evaluated training images"))
        count = min(config.train_evaluated, len(x))
        self.evaluated = torch.randperm(len(x), generator=fixed)[:count].to(self.device)
        network = SpatialNetwork(config.shape(classes)).to(self.device)
        self.model = network.to(memory_format=torch.channels_last)  # faster on a core
        self.optimizer = _optimizer(config, self.model)

    def train_epoch(self) -> Metrics:
        self.model.train()
        images = self.images
        batches = torch.randperm(len(images.y), generator=self.generator("order")).split(self.config.batch_size)
        for rows in batches:
            batch = images.at(rows.to(self.device))
            loss = F.cross_entropy(self.model(batch.x / 255), batch.y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        seen = images.at(self.evaluated)
        losses, right = self._read(seen.x, seen.y)
        return {"loss": losses.mean().item(), "accuracy": right.double().mean().item(), "steps": len(batches)}

    def evaluate(self, split: EvalSplit) -> Metrics:
        own = self.tested[split]
        read = {origin: self._read(own[origin]["x"], own[origin]["y"]) for origin in self.config.origins}
        losses, right = (torch.stack([part[i] for part in read.values()]).double().mean(0) for i in range(2))
        found = {"loss": losses.mean().item(), "accuracy": right.mean().item()}
        named = {origin: read[origin][1] for origin in BY_ORIGIN if origin in read}
        found |= {f"{origin}_accuracy": correct.double().mean().item() for origin, correct in named.items()}
        if split == "test":  # of an image and its copies, the share that is right
            self.keep_last("test_correct", right)
            for origin, correct in named.items():
                self.keep_last(f"test_{origin}_correct", correct)
        if self.epoch >= self.config.epochs:
            found |= self._ink_lost(split)
            if self.config.network != "plain" and math.isfinite(found["loss"]):
                found |= self._examined(split, read)
        return found

    @torch.inference_mode()
    def _read(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the loss on each of images [N, 1, 28, 28] uint8, and whether it is read right, [N] bool."""
        self.model.eval()
        logits = torch.cat([self.model(part / 255) for part in images.split(EVALUATED)])
        return F.cross_entropy(logits, labels, reduction="none"), logits.argmax(1) == labels

    def _ink_lost(self, split: EvalSplit) -> Metrics:
        """Return the share of elastic copies, if there are any, that keep too little ink to be read."""
        if "elastic" not in self.config.origins:
            return {}
        before, after = (self.tested[split][o]["x"].double().sum((1, 2, 3)) for o in ("original", "elastic"))
        return {"little_ink": (after < LITTLE_INK * before).double().mean().item()}

    def _examined(self, split: EvalSplit, read: Mapping[Origin, tuple[torch.Tensor, torch.Tensor]]) -> Metrics:
        """Return what the transformer has learned; keep what figures show, and whether it has collapsed."""
        own = self.tested[split]
        self.model.eval()
        examination = Examination(
            {origin: viewed(self.model, images["x"]) for origin, images in own.items()},
            self.config.origins,
            {o: images["parameters"].cpu().numpy() for o, images in own.items() if o != "original"},
            own["original"]["y"].cpu().numpy(),
            self.config.settings,
        )
        found = examination.numbers() | {"degenerate": examination.degenerate_share}
        if split == "validation":
            self.keep_last("degenerate", np.array(found["degenerate"]))
        else:
            losses, right = ({origin: part[i].cpu().numpy() for origin, part in read.items()} for i in range(2))
            for name, array in examination.pictures(losses, right).items():
                self.keep_last(name, array)
        return found

    def collapsed(self) -> str | None:
        reflected = float(self.gathered().get("degenerate", 0.0))
        if reflected <= DEGENERATE:
            return None
        return f"the transformer reflects {100 * reflected:.1f} % of images, or makes next to nothing of them"

    def network(self) -> Network:
        return Network(
            state=self.model.state_dict(),
            input=Input(channels=1, side=SIDE, mean=(0.0,), std=(1.0,)),
            classes=self.sources.dataset(self.config.data).classes,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        return SpatialNetwork(config.shape(classes))

    def facts(self) -> dict[str, Any]:
        return {
            "parameters": parameters(self.model),
            "training_images": len(self.images.y),
        }


def _held_out(images: Mapping[str, Tensors], split: str, rows: torch.Tensor) -> dict[Origin, Tensors]:
    """Return the tensors of a split's images at some rows, by origin."""
    return {
        name.removeprefix(f"{split}_"): {part: values[rows] for part, values in own.items()}  # type: ignore[misc]
        for name, own in images.items()
        if name.startswith(f"{split}_")
    }


def _optimizer(config: Config, model: nn.Module) -> torch.optim.Optimizer:
    if config.optimiser == "adam":
        return torch.optim.Adam(model.parameters(), lr=config.lr)
    momentum = 0.9 if config.optimiser == "momentum" else 0.0
    return torch.optim.SGD(model.parameters(), lr=config.lr, momentum=momentum, nesterov=momentum > 0)
