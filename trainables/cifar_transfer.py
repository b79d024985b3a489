"""Ways to use a network of one set for another with few images: a new last layer, neighbours, or adaptation.

A VGG16 is trained on the source once for all trials (`transfer.source_network`): results are conditional on it. The
sample of the target is scikit-learn's `train_test_split(train_size=…, random_state=seed, stratify=y)` of the whole
training split; validation is the beginning of the rest. (Of a target whose neighbours share a writer or a photograph,
validation is the end, and the sample is drawn from what precedes it.) `finetune` and `knn` leave the network as it is
and use embeddings that are computed once. `own` is `transfer.adaptation`, and `own_no_…` leaves out one of its
ingredients. `source_accuracy` is the accuracy on the source by its own last layer; what it loses is forgetting.
Training accuracy is that of the sample's own images after each epoch, by the prediction that is tested (of `own`, the
blended one); `knn` leaves each image out of its own vote, since it would find itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from common.problems import Problem, gather
from trainables.artifacts.images import SIDE, split_images
from trainables.artifacts.store import Artifact
from trainables.core.config import DataName, TrialConfig
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, LeavesNetwork, Metrics
from trainables.core.measures import accuracy, loss
from trainables.core.network import Input, Network
from trainables.data.dataset import SplitName
from trainables.data.sources import Sources
from trainables.data.subsets import stratified_sample
from trainables.nets.vgg import EMBEDDING
from trainables.transfer.adaptation import UNIT, Adaptation, AdaptationSettings, Replay, left_out, tunes
from trainables.transfer.dimension import geometry
from trainables.transfer.embeddings import embeddings
from trainables.transfer.margins import norm_over_margin
from trainables.transfer.method import MEASURED, Images, Method
from trainables.transfer.methods import Neighbours, NewLayer
from trainables.transfer.neighbours import Metric, Weighting
from trainables.transfer.networks import Adapted, NewHead, headless_state
from trainables.transfer.problems import neighbour_problems, pair_problems, sample_problems
from trainables.transfer.source_network import held_out_rows, network_problems, rebuilt, source_network

MethodName = Literal[
    "finetune", "knn", "own", "own_no_stages", "own_no_shrinkage", "own_no_tuning", "own_no_replay", "own_no_average"
]


class Config(TrialConfig):
    source: DataName = Field(description="name or path of the data set that the network is trained on")
    target: DataName = Field(description="name or path of the data set that it is then used for")
    method: MethodName = Field(description="how the network is used; each method has hyperparameters of its own")
    train_size: int = Field(gt=1, description="training images of the target, in its classes' proportions")
    source_width: int = Field(gt=0, le=256, description="maps of the network's first layers; VGG16 has 64")
    source_epochs: int = Field(gt=0, le=1000, description="passes of the network over the source's images")
    validation: int = Field(1_000, gt=0, description="validation images of the target")
    lr: float = Field(0.01, gt=0, le=1, description="finetune: AdamW's learning rate")
    weight_decay: float = Field(0.01, ge=0, le=10, description="finetune: AdamW's decoupled weight decay")
    epochs: int = Field(50, gt=0, le=2000, description="finetune: passes over the sample")
    k: int = Field(1, gt=0, description="knn: number of neighbours that vote")
    metric: Metric = Field("euclidean", description="knn: distance")
    weighting: Weighting = Field("uniform", description="knn: weight of a neighbour's vote; distance: its inverse")
    first_stage: int = Field(2, ge=2, le=5, description="own: first stage that the discriminant reads, up to the last")
    shrinkage: float = Field(0.5, ge=0, le=1, description="own: weight of the source's covariance")
    ridge: float = Field(0.1, gt=0, le=100, description="own: added to every variance, in mean variances")
    tuning_steps: int = Field(
        200, ge=0, le=100_000, description=f"own: steps for {UNIT} images; they grow as the square root of the size"
    )
    tuning_lr: float = Field(1e-3, gt=0, le=1, description="own: Adam's highest learning rate, for the last layers")
    layer_decay: float = Field(0.7, gt=0, le=1, description="own: ratio of a stage's learning rate to the next stage's")
    blend: float = Field(0.5, ge=0, le=1, description="own: share of the discriminant in the averaged probabilities")

    def planned_epochs(self) -> int:
        if self.method == "finetune":
            return self.epochs
        if self.method == "knn":
            return 1
        return Adaptation.epochs_without(left_out(self.method))

    def cost(self) -> float:
        if self.method == "finetune":
            return 1e-5 * self.epochs * self.train_size
        if self.method == "knn":
            return 0.1
        tuned = float(self.tuning_steps * (self.train_size / UNIT) ** 0.5) if tunes(self.method) else 0.0
        return 1 + 0.1 * tuned

    def unused(self) -> frozenset[str]:
        every = {*NewLayer.SET_BY, *Neighbours.SET_BY, *Adaptation.SET_BY}
        return frozenset(every - {*_kind(self).SET_BY} | Adaptation.unused_without(left_out(self.method)))

    def annealed(self) -> bool:
        return True

    def leaves_network(self) -> bool:
        return self.method != "knn"  # its neighbours are the sample itself

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return _artifacts(self, sources, "train") | {"network": _network(self, sources)}

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {f"test_{name}": artifact for name, artifact in _artifacts(self, sources, "test").items()}

    def problems(self, sources: Sources) -> list[Problem]:
        return gather(
            lambda: pair_problems(self.source, self.target, sources),
            lambda: sample_problems(self.target, sources, self.train_size, self.validation),
            lambda: neighbour_problems(self.k, self.train_size) if self.method == "knn" else [],
            lambda: network_problems(self.source, sources, self.source_width),
        )


class CifarTransfer(Experiment[Config], LeavesNetwork):
    measures = (
        accuracy(),
        accuracy(of="source", optional=True),  # at the last epoch only
        loss(splits=("train",)),
    )
    procedure = (
        "A VGG16 with batch normalisation, of the width that is given, is trained on the source's images of 32×32 "
        "pixels once for all trials, with cross-entropy and SGD (Nesterov momentum 0.9), or loaded; an exponential "
        "average of its weights is used. It stays frozen for finetune, a new last layer trained with cross-entropy and "
        "AdamW, and for knn, a vote of nearest neighbours in its embedding. own fits a linear discriminant to several "
        "of its stages, tunes the whole network from there with Adam, earlier stages more slowly, while images of the "
        "source are replayed, and averages the probabilities of both; each own_no_… leaves out one of these parts. "
        f"Training accuracy is that of the first {MEASURED:,} images of the sample at most after each epoch, without "
        "augmentation; knn leaves each image out of its own vote."
    )
    seen_on_test: ClassVar = {
        "cifar10": "that own reads several stages and adds a ridge (on 4,000 of them, with an earlier source network); "
        "which stages and how much ridge is searched on validation images"
    }
    test_every_epoch = False

    def setup(self, network: Tensors, target: Tensors, source: Tensors, **more: Tensors) -> None:
        config = self.config
        blocks = {name: self.sources.dataset(name).blocks() for name in (config.source, config.target)}
        labels = target["y"].cpu().numpy()
        positions = (
            *stratified_sample(labels, config.train_size, config.validation, blocks[config.target], config.seed),
            *held_out_rows(source["y"].cpu().numpy(), blocks[config.source]),
        )
        chosen, held_out, known, unseen = (torch.from_numpy(rows).to(self.device) for rows in positions)
        target_images = more.get("target_images")
        source_images = more.get("source_images")
        sample = Images.of(target, target_images, chosen)
        self.train = {"target": sample}
        self.held_out: dict[str, dict[str, Images]] = {
            "validation": {
                "target": Images.of(target, target_images, held_out),
                "source": Images.of(source, source_images, unseen),
            }
        }
        if "test_target" in more:
            self.held_out["test"] = {
                "target": Images.of(more["test_target"], more.get("test_target_images")),
                "source": Images.of(more["test_source"], more.get("test_source_images")),
            }
        self.source_head = {name: network[f"1.classifier.6.{name}"] for name in ("weight", "bias")}
        classes = len(self.sources.dataset(config.target).classes)
        replay = Replay(Images.of(source, None, known), source_images, known)
        self.source = network
        self.method = _method(config, sample, classes, rebuilt(network), replay)

    def train_epoch(self) -> Metrics:
        metrics = self.method.train_epoch(self.epoch)
        return metrics | {"accuracy": self._training_accuracy()}

    @torch.inference_mode()
    def evaluate(self, split: EvalSplit) -> Metrics:
        target = self.held_out[split]["target"]
        source = self.held_out[split]["source"]
        predicted = self.method.logits(target).argmax(1)
        correct = predicted == target.y
        metrics = {"accuracy": correct.double().mean().item()}
        if self.epoch >= self.config.planned_epochs():
            kept = self.method.source_logits(source, self.source_head).argmax(1) == source.y
            metrics["source_accuracy"] = kept.double().mean().item()
            if split == "test":
                self.keep_last("test_correct", correct)
                self.keep_last("test_source_correct", kept)
                self.keep_last("test_predicted", predicted.short())
                self.keep_last("test_labels", target.y.short())
        return metrics

    def network(self) -> Network | None:
        if not self.config.leaves_network():
            return None
        return Network(
            state=headless_state(self.source, "source") | self.method.kept_state(),
            input=Input(channels=3, side=SIDE),
            classes=self.sources.dataset(self.config.target).classes,
        )

    @classmethod
    def build(cls, config: Config, classes: int) -> nn.Module:
        width = config.source_width
        if config.method == "finetune":
            return NewHead(width, EMBEDDING * width, classes, config.precision)
        stage = None if "stages" in left_out(config.method) else config.first_stage
        return Adapted(width, stage, classes, config.precision, tunes(config.method))

    def facts(self) -> dict[str, Any]:
        """Return the embedding's size and, of a trial that is tested, the quantities of learning theory.

        `parameters` are fitted to the sample, `head_parameters` are those of a linear classifier of fixed features and
        `norm_over_margin` is as in `transfer.margins`. Of knn they are `dimension` and `nearest`, as in
        `transfer.dimension`. What has no number is None.
        """
        sample = self.train["target"]
        facts: dict[str, Any] = {"embedding": sample.x.shape[1]}
        if "test" not in self.held_out:
            return facts
        facts["parameters"] = self.method.parameters()
        if (fitted := self.method.on_fixed_features()) is not None:
            linear, features = fitted
            facts["head_parameters"] = linear.weight.numel() + linear.bias.numel()
            facts["norm_over_margin"] = _known(norm_over_margin(linear, features, sample.y))
        if self.config.method == "knn" and len(sample.y) > 2:
            found = geometry(sample.x, MEASURED)
            facts |= {"dimension": _known(found.dimension), "nearest": _known(found.distance)}
        return facts

    @torch.inference_mode()
    def _training_accuracy(self) -> float:
        predicted = self.method.sample_logits(MEASURED).argmax(1)
        return float((predicted == self.train["target"].y[:MEASURED]).double().mean())


def _known(value: float) -> float | None:
    """Return a number, None for one that is not finite: JSON has none."""
    return value if math.isfinite(value) else None


def _kind(config: Config) -> type[Method]:
    kinds: dict[str, type[Method]] = {"finetune": NewLayer, "knn": Neighbours}
    return kinds.get(config.method, Adaptation)


def _method(config: Config, sample: Images, classes: int, network: nn.Sequential, source: Replay) -> Method:
    settings: dict[str, Any] = {name: getattr(config, name) for name in _kind(config).SET_BY}
    if config.method == "finetune":
        return NewLayer(sample, classes, **settings, seed=config.seed)
    if config.method == "knn":
        return Neighbours(sample, classes, **settings)
    more: dict[str, Any] = {"without": left_out(config.method), "precision": config.precision, "seed": config.seed}
    return Adaptation(sample, classes, network, source, AdaptationSettings(**settings), **more)


def _network(config: Config, sources: Sources) -> Artifact:
    size = {"width": config.source_width, "epochs": config.source_epochs}
    return source_network(config.source, sources, **size, precision=config.precision)


def _artifacts(config: Config, sources: Sources, split: SplitName) -> dict[str, Artifact]:
    """Return embeddings `target` and `source`; for a method that tunes also `target_images` and `source_images`."""
    network = _network(config, sources)
    made = {}
    for role, name in (("target", config.target), ("source", config.source)):
        made[role] = embeddings(network, name, sources, split, config.precision)
        if tunes(config.method):
            made[f"{role}_images"] = split_images(name, sources, split)
    return made
