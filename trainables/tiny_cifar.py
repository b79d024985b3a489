"""How small can a network be and still pass 85 % on CIFAR-10? The best member of a family under a parameter budget.

An architecture is a member of `nets.tiny`. Its blocks, depths and shape are searched; its width is the greatest with
which it has fewer parameters than the budget, counted before anything is trained: no network reaches its budget. The
hyperparameters of training (`training.supervised`) are searched with it. The network's average over steps is
evaluated; accuracy over each image together with its mirror image is reported separately.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from common.problems import Problem, gather
from trainables.artifacts.images import SIDE, split_images
from trainables.artifacts.store import Artifact
from trainables.core.config import DataName, TrialConfig
from trainables.core.device import Precision, Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss
from trainables.core.network import Input, Network
from trainables.data.augment import Mix
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset, split_train, subset_problems
from trainables.nets.standardize import Standardize
from trainables.nets.tiny import Block, Family, Head, Stem, TinyNet, layers, parameters, widest
from trainables.training.schedules import Schedule
from trainables.training.supervised import Training, TrainingSettings

VALIDATION = 5_000


class Config(TrialConfig):
    data: DataName = Field(description="name or path of the data set")
    budget: int = Field(gt=0, le=10_000_000, description="trainable parameters; a network has fewer")
    block: Block = Field(description="what stages are made of")
    depths: str = Field(pattern=r"^[1-9](-[1-9]){0,3}$", description="blocks of each stage, such as 1-1 or 2-2-2")
    growth: float = Field(ge=1, le=4, description="ratio of a stage's width to that of the stage before")
    stem: Stem = Field(description="resolution at which the first stage works")
    attention: bool = Field(description="whether blocks weigh their maps (squeeze-and-excitation)")
    head: Head = Field(description="how the last maps are pooled")
    lr: float = Field(gt=0, le=10, description="SGD's highest learning rate")
    weight_decay: float = Field(ge=0, le=0.1, description="weight decay of layers' weights")
    epochs: int = Field(gt=0, le=5000, description="passes over the training images")
    batch_size: int = Field(gt=1, description="images a step")
    label_smoothing: float = Field(ge=0, lt=1, description="share of the target that is spread over all classes")
    mix: Mix = Field(description="whether images of a batch are mixed, and how")
    shift: int = Field(ge=0, le=16, description="pixels by which images are shifted at most")
    cutout: int = Field(ge=0, le=32, description="side of the square that is cut out, in pixels")
    ema: float = Field(ge=0, lt=1, description="share of the average that stays after a step; 0: the last step alone")
    schedule: Schedule = Field("one-cycle", description="how the learning rate goes: it rises and falls once, or stays")
    mirror: bool = Field(True, description="whether images are mirrored in every other epoch")
    train_size: int | None = Field(None, gt=1, description="training images, class-balanced; default: all there are")
    validation: int = Field(VALIDATION, gt=0, description="validation images; a fifth of the split where that is fewer")

    def annealed(self) -> bool:
        return self.schedule == "one-cycle"

    def cost(self) -> float:
        family = _family(self, 10)
        products = sum(layer.products for layer in layers(family, widest(family, self.budget) or 1))
        return float(self.epochs) * (self.train_size or 1) * products

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"train": split_images(self.data, sources, "train")}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"test": split_images(self.data, sources, "test")}

    def problems(self, sources: Sources) -> list[Problem]:
        return gather(lambda: _size_problems(self, sources), lambda: _budget_problems(self, sources))


class TinyCifar(Experiment[Config], LeavesNetwork):
    measures = (accuracy(), accuracy("mirror", optional=True), loss())  # mirror: at the last epoch only
    procedure = (
        "A network of residual stages, as wide as its budget of trainable parameters allows, is trained from scratch "
        "on images of 32×32 pixels, with cross-entropy and SGD (Nesterov momentum 0.9); with the one-cycle schedule, "
        "the learning rate rises and falls once over the epochs. Images are mirrored, shifted, cut out and mixed as "
        "the config says. What is evaluated is an exponential average of the weights over the steps. Nothing is frozen."
    )
    test_every_epoch = False

    def setup(self, train: Tensors, test: Tensors | None = None) -> None:
        config = self.config
        data = self.sources.dataset(config.data)
        self.family = _family(config, len(data.classes))
        width = widest(self.family, config.budget)
        if width is None:
            raise ValueError(f"no network of this family has fewer than {config.budget:,} parameters")
        self.width = width
        labels = train["y"].cpu().numpy()
        validation = _validation(config, len(labels))
        pool, rows = split_train(labels, None, validation, data.blocks())
        if config.train_size is not None:
            pool = pool[nested_subset(labels[pool], config.train_size, config.seed)]
        chosen, held_out = (torch.from_numpy(part).to(self.device) for part in (pool, rows))
        images = Labelled(**train).at(chosen)
        self.train = {"data": images}
        self.held_out = {"validation": {"data": Labelled(**train).at(held_out)}}
        if test is not None:
            self.held_out["test"] = {"data": Labelled(**test)}
        network = TinyNet(self.family, width)
        self.parameters = parameters(network)
        self.training = Training(network, images.x, images.y, _settings(config), self.arithmetic())

    def arithmetic(self) -> Precision:
        """Return bf16 where it is asked for and is faster: on a CPU depthwise convolutions are not."""
        faster = self.config.block == "residual" or self.device.type != "cpu"
        return self.config.precision if faster else "fp32"

    def train_epoch(self) -> Metrics:
        return self.training.train_epoch(self.epoch, self.config.seed)

    def evaluate(self, split: EvalSplit) -> Metrics:
        data = self.held_out[split]["data"]
        logits = self.training.averaged(data.x)
        correct = logits.argmax(1) == data.y
        metrics = {"loss": F.cross_entropy(logits, data.y).item(), "accuracy": correct.double().mean().item()}
        if self.epoch >= self.config.epochs:
            both = self.training.averaged(data.x, mirror=True).argmax(1) == data.y
            metrics["mirror_accuracy"] = both.double().mean().item()
            if split == "test":
                confusion = torch.bincount(
                    data.y * self.family.classes + logits.argmax(1), minlength=self.family.classes**2
                )
                self.keep_last("test_correct", correct)
                self.keep_last("test_mirror_correct", both)
                self.keep_last("confusion", confusion.reshape(self.family.classes, -1))
        return metrics

    def network(self) -> Network:
        return Network(
            state=self.training.average.module.state_dict(),
            input=Input(channels=3, side=SIDE),
            classes=self.sources.dataset(self.config.data).classes,
            precision=self.training.precision,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        family = _family(config, classes)
        network = TinyNet(family, widest(family, config.budget) or 1)
        whole = nn.Sequential(Standardize(torch.zeros(1, 3, 2, 2)), network)
        return whole.to(memory_format=torch.channels_last)

    def facts(self) -> dict[str, Any]:
        return {
            "parameters": self.parameters,
            "width": self.width,
            "layers": [layer._asdict() for layer in layers(self.family, self.width)],
            "arithmetic": self.training.precision,
        }


def _family(config: Config, classes: int) -> Family:
    return Family(
        block=config.block,
        depths=tuple(map(int, config.depths.split("-"))),
        growth=config.growth,
        stem=config.stem,
        attention=config.attention,
        head=config.head,
        classes=classes,
    )


def _settings(config: Config) -> TrainingSettings:
    return TrainingSettings(**{name: getattr(config, name) for name in TrainingSettings.__dataclass_fields__})


def _validation(config: Config, images: int) -> int:
    return min(config.validation, images // 5)


def _budget_problems(config: Config, sources: Sources) -> list[Problem]:
    family = _family(config, len(sources.summary(config.data).classes))
    if widest(family, config.budget) is not None:
        return []
    least = parameters(TinyNet(family, 1))
    shape = f"{config.block} blocks {config.depths}"
    rule = f"more than {least:,}, the parameters of the narrowest network of {shape}"
    return [Problem("budget", rule, config.budget, f"Ask for {least + 1:,} or more, or for fewer blocks.")]


def _size_problems(config: Config, sources: Sources) -> list[Problem]:
    data = sources.summary(config.data)
    validation = _validation(config, sum(data.train_counts))
    left = sources.pool_left(config.data, validation)
    return subset_problems(data, config.train_size or left, left, validation)
