"""Methods that leave the source network as it is: a new last layer, and nearest neighbours."""

from __future__ import annotations

import torch

from common.seeds import seed_of
from trainables.core.device import Tensors
from trainables.core.experiment import Metrics
from trainables.training.linear_head import HeadSettings, LinearHead
from trainables.transfer.discriminant import Linear
from trainables.transfer.method import BATCH, Images, Method
from trainables.transfer.neighbours import Metric, Weighting, votes


class NewLayer(Method):
    """A new last layer, trained with AdamW; its learning rate falls to 0 along a cosine."""

    SET_BY = ("lr", "weight_decay", "epochs")

    def __init__(self, sample: Images, classes: int, *, lr: float, weight_decay: float, epochs: int, seed: int) -> None:
        settings = HeadSettings(lr, weight_decay, epochs, BATCH)
        self.sample = sample
        self.seed = seed
        self.head = LinearHead(sample.x, sample.y, classes, settings)

    def train_epoch(self, number: int) -> Metrics:
        return self.head.train_epoch(torch.Generator().manual_seed(seed_of(self.seed, "order", number)))

    def logits(self, images: Images) -> torch.Tensor:
        return self.head(images.x)

    def parameters(self) -> int:
        return sum(value.numel() for value in self.head.layer.parameters())

    def on_fixed_features(self) -> tuple[Linear, torch.Tensor]:
        return Linear(self.head.layer.weight.detach(), self.head.layer.bias.detach()), self.sample.x

    def kept_state(self) -> Tensors:
        return {f"head.{name}": value for name, value in self.head.layer.state_dict().items()}


class Neighbours(Method):
    """A vote of the nearest images of the sample; nothing is trained."""

    SET_BY = ("k", "metric", "weighting")

    def __init__(self, sample: Images, classes: int, *, k: int, metric: Metric, weighting: Weighting) -> None:
        self.sample = sample
        self.classes = classes
        self.k = k
        self.metric = metric
        self.weighting = weighting

    def train_epoch(self, number: int) -> Metrics:
        return {"steps": 0}

    def logits(self, images: Images) -> torch.Tensor:
        """Return the classes' shares of the votes."""
        return self._votes(images.x, self.k)

    def sample_logits(self, count: int) -> torch.Tensor:
        """Return the votes of the other images of the sample: leave-one-out."""
        others = len(self.sample.y) - 1
        own = torch.arange(min(count, others + 1), device=self.sample.y.device)
        return self._votes(self.sample.x[own], min(self.k, others), own)

    def _votes(self, queries: torch.Tensor, k: int, own: torch.Tensor | None = None) -> torch.Tensor:
        return votes(
            self.sample.x, self.sample.y, queries, k=k, metric=self.metric, weighting=self.weighting,
            classes=self.classes, own=own,
        )  # fmt: skip
