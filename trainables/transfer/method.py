"""What a method of transfer is, and what it sees of images."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F

from trainables.core.checkpoint import Resumable
from trainables.core.device import Tensors
from trainables.core.experiment import Labelled, Metrics
from trainables.transfer.discriminant import Linear

BATCH = 64
"""Images of the sample in each step."""
MEASURED = 2_000
"""Images of the sample on which training accuracy is measured at most: it costs less than an epoch of training."""


@dataclass(frozen=True)
class Images(Labelled):
    """Labelled images of one set, as a `source_network` sees them: x [N, 8 · width] float32, the second-last layer."""

    stages: torch.Tensor
    """[N, 22 · width] float32; see `transfer.embeddings.embed`."""
    pixels: torch.Tensor | None = None
    """[N, 3, 32, 32] uint8"""

    def first(self, count: int) -> Images:
        """Return the first `count` images, or all where there are fewer."""
        pixels = self.pixels[:count] if self.pixels is not None else None
        return Images(self.x[:count], self.y[:count], self.stages[:count], pixels)

    @classmethod
    def of(cls, embedded: Tensors, images: Tensors | None, rows: torch.Tensor | None = None) -> Images:
        """Return the images at `rows` of two artifacts: embeddings and, if given, pixels. By default return all."""
        at = slice(None) if rows is None else rows
        pixels = images["x"][at] if images is not None else None
        return cls(embedded["x"][at], embedded["y"][at], embedded["stages"][at], pixels)


class Method(Resumable, ABC):
    """A way to make a classifier of the target's images from a sample of them."""

    SET_BY: ClassVar[tuple[str, ...]]
    """The hyperparameters that the method uses."""
    sample: Images
    """What it is fitted to, in random order."""

    @abstractmethod
    def train_epoch(self, number: int) -> Metrics:
        """Train for the epoch of this number, from 1; return training metrics, and `steps`."""

    @abstractmethod
    def logits(self, images: Images) -> torch.Tensor:
        """Return logits of the target's classes, [N, classes]; the class of the highest is predicted."""

    def sample_logits(self, count: int) -> torch.Tensor:
        """Return logits [count, classes] of the first `count` images of the sample itself.

        A method that looks images up in its sample leaves each out of what it says about it.
        """
        return self.logits(self.sample.first(count))

    def parameters(self) -> int | None:
        """Return how many numbers are fitted to the sample; None for a method that looks images up in it."""
        return None

    def on_fixed_features(self) -> tuple[Linear, torch.Tensor] | None:
        """Return the linear classifier that is fitted to features which do not depend on the sample, and the sample's
        features [N, D]; None for a method that fits none."""
        return None

    def kept_state(self) -> Tensors:
        """Return the state of the module in `transfer.networks` that does the same, without the source network."""
        return {}

    def source_logits(self, images: Images, head: Tensors) -> torch.Tensor:
        """Return logits of the source's classes after the method; `head` is the source network's own last layer."""
        return F.linear(images.x, head["weight"], head["bias"])
