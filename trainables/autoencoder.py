"""How small a latent reconstructs digits: autoencoders whose bottleneck is convolutional or fully connected.

The sheet prescribes no config. What is trained, and how, stands in `encoders.autoencoding`; other questions use the
encoders. Baselines are the median image, which of all constants has the least L1, and as many principal components.

The sheet notes that an autoencoder takes more epochs than a classifier. Each confirmed config is therefore measured
against a classifier with the same encoder, trained beside it on the same images with the same settings; it changes
nothing of the autoencoder. What training takes is
the first epoch by which `SETTLED` of the way is done, on validation images, from a constant prediction (the median
image, or the most frequent class) to the last epoch. It takes more where the paired interval lies above 0; both were
stated beforehand.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from common.seeds import seed_of
from trainables.core.device import Tensors
from trainables.core.experiment import EvalSplit, Metrics
from trainables.core.measures import plain
from trainables.encoders.autoencoding import Autoencoding, AutoencodingConfig
from trainables.encoders.classifying import Classifying, ClassifyingConfig

SETTLED = 0.95
"""The share of the way from a constant prediction to the last epoch that is done when training counts as settled."""
VALIDATION: tuple[Literal["validation"]] = ("validation",)


class Config(AutoencodingConfig):
    """The fields of a trial; all are those of `AutoencodingConfig`."""


class Autoencoder(Autoencoding[Config]):
    """A trial of the question; a confirmed one is measured against a classifier, too."""

    measures = (
        *Autoencoding.measures,
        plain(
            "epochs_taken", better="min", label="epochs taken", low=1, decimals=1, optional=True, splits=VALIDATION
        ),
        plain(
            "classifier_epochs_taken", better="min", label="epochs taken by a classifier", low=1, decimals=1,
            optional=True, splits=VALIDATION,
        ),
        plain(
            "more_epochs_taken", better="min", label="epochs taken more than by a classifier", decimals=1,
            optional=True, splits=VALIDATION,
        ),
    )  # fmt: skip

    def setup(self, train: Tensors, fitted: Tensors, test: Tensors | None = None) -> None:
        super().setup(train, fitted, test)
        self.classifier = None
        if test is not None:
            config = ClassifyingConfig.model_validate(self.config.model_dump())
            self.classifier = Classifying(config, self.sources, self.device)
            torch.manual_seed(seed_of(config.seed, "setup"))  # as when it is trained by itself
            self.classifier.setup(train)

    def train_epoch(self) -> Metrics:
        measured = super().train_epoch()
        if self.classifier is not None:
            self.classifier.train_epoch()
        return measured

    def evaluate(self, split: EvalSplit) -> Metrics:
        measured = super().evaluate(split)
        if split == "validation" and self.classifier is not None:
            self.keep("validation_l1", np.asarray(measured["l1"]))
            self.keep("classifier_accuracy", np.asarray(self.classifier.evaluate("validation")["accuracy"]))
            if self.epoch >= self.config.epochs:
                measured |= self._epochs_taken(measured["median_l1"])
        return measured

    def _epochs_taken(self, median_l1: float) -> Metrics:
        labels = self.held_out["validation"]["data"].y
        constant = labels.bincount().max().item() / len(labels)
        kept = self.gathered()
        own, other = epochs_taken(kept["validation_l1"], median_l1), epochs_taken(kept["classifier_accuracy"], constant)
        return {"epochs_taken": own, "classifier_epochs_taken": other, "more_epochs_taken": own - other}


def epochs_taken(values: np.ndarray, constant: float) -> int:
    """Return the first epoch, from 1, by which `SETTLED` of the way from a constant's value to the last one is done.

    `values` [epochs] are of any measure. Where the last one is the constant's, it is the last epoch.
    """
    done = (values - constant) * np.sign(values[-1] - constant)
    return int(np.argmax(done >= SETTLED * done[-1])) + 1 if done[-1] > 0 else len(values)
