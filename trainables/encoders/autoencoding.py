"""Training an autoencoder by the mean absolute error of its reconstructions.

The questions on encoders share it: `autoencoder` compares its latents, others take the encoder that it leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from torch.optim.lr_scheduler import LambdaLR

from trainables.artifacts.store import Artifact
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Experiment, Labelled, LeavesNetwork, Metrics
from trainables.core.measures import HELD_OUT, Measure, plain
from trainables.core.network import Network
from trainables.data.sources import Sources
from trainables.encoders.baselines import baseline_errors, linear_baselines
from trainables.encoders.config import EncoderConfig
from trainables.encoders.digits import EVALUATED, UNIT_INPUT, digit_images, in_unit_range
from trainables.encoders.networks import SIDE, Autoencoder, layer_table
from trainables.training.schedules import Cosine

CONSTANT = 0.01
"""Below this share of the inputs' variance over images, reconstructions are the same image: the network collapsed."""
SHOWN = 6
"""Images that are kept for figures, of the best, the median and the worst each."""


class AutoencodingConfig(EncoderConfig):
    """The fields of a trial that trains an autoencoder."""

    def artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {
            "train": digit_images(self.data, sources, "train"),
            "fitted": linear_baselines(self.choice, sources),
        }

    def test_artifacts(self, sources: Sources) -> Mapping[str, Artifact]:
        return {"test": digit_images(self.data, sources, "test")}


C = TypeVar("C", bound=AutoencodingConfig)


class Autoencoding(Experiment[C], LeavesNetwork):
    """A trial that trains an autoencoder."""

    measures: ClassVar[tuple[Measure, ...]] = (
        plain("l1", better="min", label="L1", low=0, high=1, decimals=4, images=True),
        plain("pca_l1", better="min", label="L1 of PCA", low=0, high=1, decimals=4, optional=True, splits=HELD_OUT),
        plain(
            "median_l1", better="min", label="L1 of the median image", low=0, high=1, decimals=4, optional=True,
            splits=HELD_OUT,
        ),
    )  # fmt: skip
    procedure = (
        "Encoder, bottleneck and decoder are trained from scratch on gray images of 28×28 pixels in 0 … 1, by the mean "
        "absolute error (L1) of the reconstruction, with Adam; the learning rate falls to zero along a cosine over the "
        "steps. Its output begins dark. Nothing is frozen or augmented. Principal components and the median image are "
        "fitted on the same training images."
    )
    test_every_epoch = False
    supervised = False

    def setup(self, train: Tensors, fitted: Tensors, test: Tensors | None = None) -> None:
        config = self.config
        pool, held_out = (torch.from_numpy(rows).to(self.device) for rows in config.choice.rows(self.sources))
        self.fitted = fitted
        self.train = {"data": Labelled(**train).at(pool)}  # [N, 1, 28, 28] uint8
        self.held_out = {"validation": {"data": Labelled(**train).at(held_out)}}
        if test is not None:
            self.held_out["test"] = {"data": Labelled(**test)}
        self.model = self.build(config, 0).to(self.device).to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config.lr)
        steps = config.epochs * math.ceil(len(pool) / config.batch_size)
        self.schedule = LambdaLR(self.optimizer, Cosine(steps))

    def train_epoch(self) -> Metrics:
        self.model.train()
        images = self.train["data"].x
        total = torch.zeros((), device=self.device)
        batches = torch.randperm(len(images), generator=self.generator("order")).split(self.config.batch_size)
        for rows in batches:
            x = in_unit_range(images[rows.to(self.device)]).contiguous(memory_format=torch.channels_last)
            with self.autocast():
                made = self.model.reconstructed(x)
            loss = (made.float() - x).abs().mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.schedule.step()
            total += loss.detach() * len(rows)
        return {"l1": total.item() / len(images), "steps": len(batches)}

    @torch.inference_mode()
    def evaluate(self, split: EvalSplit) -> Metrics:
        images = self.held_out[split]["data"].x
        made = self._reconstructed(images)
        scores = (made - in_unit_range(images)).abs().mean((1, 2, 3))  # [N]
        measured = {"l1": scores.double().mean().item()}
        if self.epoch >= self.config.epochs:
            measured |= baseline_errors(in_unit_range(images), self.fitted, self.config.latent)
        if split == "validation":
            self.keep_last("spread", _spread(made) / _spread(in_unit_range(images)))
        else:
            self.keep_last("test_l1_scores", scores)
            self._keep_examples(images, made, scores)
        return measured

    def _reconstructed(self, images: torch.Tensor) -> torch.Tensor:
        """Return what is left of images [N, 1, 28, 28] uint8, float32 in 0 … 1."""
        self.model.eval()
        with self.autocast():
            parts = [self.model.reconstructed(in_unit_range(part)) for part in images.split(EVALUATED)]
        return torch.cat(parts).float()

    def _keep_examples(self, images: torch.Tensor, made: torch.Tensor, scores: torch.Tensor) -> None:
        """Keep the images that are reconstructed best, in the middle and worst: examples_… [3, n, 28, 28] uint8."""
        order, shown = scores.argsort(stable=True), min(SHOWN, len(scores) // 3)
        middle = (len(order) - shown) // 2
        rows = torch.stack([order[:shown], order[middle : middle + shown], order[-shown:]]).flatten()
        for name, own in (("input", images), ("made", (made * 255).round().byte())):
            self.keep_last(f"examples_{name}", own[rows].reshape(3, shown, SIDE, SIDE))
        self.keep_last("examples_l1", scores[rows].reshape(3, shown))

    def collapsed(self) -> str | None:
        spread = float(self.gathered()["spread"])
        if spread >= CONSTANT:
            return None
        return f"all reconstructions are alike: their variance is {100 * spread:.2g} % of the images'"

    def network(self) -> Network:
        return Network(state=self.model.state_dict(), input=UNIT_INPUT)

    @classmethod
    def build(cls, config: Any, classes: int) -> Autoencoder:
        return Autoencoder(config.architecture)

    def facts(self) -> dict[str, Any]:
        layers = layer_table(self.model)
        return {
            "parameters": sum(parameters for _, _, parameters in layers),
            "layers": [[kind, list(shape), parameters] for kind, shape, parameters in layers],
        }


def _spread(images: torch.Tensor) -> np.ndarray:
    """Return the variance over images [N, …], summed over pixels, float64."""
    return np.asarray(images.double().var(0, unbiased=False).sum().item())
