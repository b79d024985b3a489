"""How hard are the built-in `textures10`, and does a network trained on `textures100` help with them?

    python -m bench.textures             # three minutes on one core
    python -m bench.textures --seed 2    # other initialisations, orders and augmentations

A logistic regression on pixels; plain members of `nets.tiny` on 10,000 images, ten epochs with flips and shifts; and,
on small samples, such a network trained from scratch beside a logistic regression and nearest neighbours in the
embedding that `cifar_transfer --builtin` uses. All on all test images.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
import tyro

from trainables.artifacts.store import Store
from trainables.core.device import Precision
from trainables.data.dataset import Split
from trainables.data.sources import Sources
from trainables.data.subsets import nested_subset
from trainables.nets.tiny import Family, TinyNet, parameters, widest
from trainables.training.supervised import Training, TrainingSettings
from trainables.transfer.embeddings import embeddings
from trainables.transfer.neighbours import votes
from trainables.transfer.source_network import source_network

FAMILY = Family("residual", (1, 1, 1), growth=2, stem="half", attention=False, head="mean", classes=10)
TRAIN = 10_000
PRECISION: Precision = "bf16"


def linear(train: Split, test: Split) -> float:
    """Test accuracy of a logistic regression; images [N, …], whatever they are, standardised as one."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    x, z = (images.reshape(len(images), -1).astype(np.float64) for images in (train.images, test.images))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fifty steps are enough to compare
        model = LogisticRegression(max_iter=50).fit((x - x.mean()) / x.std(), train.labels)
    return float(model.score((z - x.mean()) / x.std(), test.labels))


def convolutional(train: Split, test: Split, budget: int, settings: TrainingSettings, seed: int) -> tuple[float, int]:
    """Test accuracy of the widest network under a budget of parameters, and how many it has."""
    torch.manual_seed(seed)
    network = TinyNet(FAMILY, widest(FAMILY, budget) or 1)
    x, z = (torch.tensor(split.images).permute(0, 3, 1, 2) for split in (train, test))
    training = Training(network, x, torch.tensor(train.labels), settings, PRECISION)
    for epoch in range(1, settings.epochs + 1):
        training.train_epoch(epoch, seed)
    right = training.averaged(z).argmax(1).numpy() == test.labels
    return float(right.mean()), parameters(network)


def neighbours(train: Split, test: Split) -> float:
    """Test accuracy of the ten nearest neighbours by cosine, or of as many as there are images of a class."""
    x, y, z = (torch.tensor(array) for array in (train.images, train.labels, test.images))
    found = votes(x, y, z, k=min(10, len(y) // 10), metric="cosine", weighting="distance", classes=10)
    return float((found.argmax(1).numpy() == test.labels).mean())


def embedded(sources: Sources, folder: Path) -> Mapping[str, Split]:
    """Embeddings of `textures10` as `cifar_transfer --builtin` makes them, training and test."""
    network = source_network("textures100", sources, width=8, epochs=10, precision=PRECISION)
    made = {split: embeddings(network, "textures10", sources, split, PRECISION) for split in ("train", "test")}
    arrays = {split: Store(folder).get(artifact, sources) for split, artifact in made.items()}
    return {split: Split(own["x"], own["y"]) for split, own in arrays.items()}


def main(seed: int = 1) -> None:
    """Print a line a measurement."""
    torch.set_num_threads(1)
    sources = Sources()
    whole, test = sources.train("textures10"), sources.test("textures10")

    def sample(split: Split, size: int) -> Split:
        rows = nested_subset(whole.labels, size, seed)
        return Split(split.images[rows], split.labels[rows])

    def say(size: int, method: str, accuracy: float) -> None:
        print(f"textures10, {size:,} images: {method} {100 * accuracy:.1f} %", flush=True)

    say(5_000, "logistic regression on pixels", linear(sample(whole, 5_000), test))
    for budget in (5_000, 20_000, 50_000):
        settings = TrainingSettings(lr=0.2, epochs=10, ema=0.99)
        accuracy, count = convolutional(sample(whole, TRAIN), test, budget, settings, seed)
        say(TRAIN, f"CNN of {count:,} parameters", accuracy)
    with tempfile.TemporaryDirectory() as folder:
        known = embedded(sources, Path(folder))
    for size, epochs in ((100, 60), (1_000, 20)):
        settings = TrainingSettings(lr=0.1, epochs=epochs, batch_size=32, ema=0.9)
        accuracy, count = convolutional(sample(whole, size), test, 20_000, settings, seed)
        say(size, f"CNN of {count:,} parameters from scratch", accuracy)
        say(size, "logistic regression on the embedding", linear(sample(known["train"], size), known["test"]))
        say(size, "nearest neighbours in the embedding", neighbours(sample(known["train"], size), known["test"]))


if __name__ == "__main__":
    tyro.cli(main)
