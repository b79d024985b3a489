"""How hard are the built-in `house_digits`, beside real SVHN crops?

    python -m bench.house_digits                                     # linear and CNN, 783 and 5,000 training images
    python -m bench.house_digits --data svhn_small --data-dir DIR    # the same for another set of digits in colour

A logistic regression on pixels, and `nets.base_cnn` with a head (Adam 1e-3, batches of 128, 20 epochs: what
`digit_pair` prescribes for one set alone), on all test images.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import tyro

from trainables.artifacts.store import Store
from trainables.data.sources import Sources
from trainables.device import default_precision
from trainables.digit_pair import Config, DigitPair
from trainables.loop import run


def linear(sources: Sources, data: str, size: int) -> float:
    """Test accuracy of a logistic regression on pixels, trained on `size` images."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    train, test = sources.train(data), sources.test(data)
    rows = np.random.default_rng(0).permutation(len(train.labels))[:size]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred steps are enough to compare
        model = LogisticRegression(max_iter=100).fit(
            train.images[rows].reshape(len(rows), -1) / 255, train.labels[rows]
        )
    return float(model.score(test.images.reshape(len(test.labels), -1) / 255, test.labels))


def main(data: str = "house_digits", data_dir: Path | None = None, seeds: int = 2) -> None:
    """Print one line a measurement."""
    sources = Sources(data_dir=data_dir)
    images = len(sources.train(data).labels)
    for size in [n for n in (783, 5_000) if n <= images]:
        print(f"{data}, {size:,} images: logistic regression on pixels {100 * linear(sources, data, size):.1f} %")
        for colour in ("gray", "colour"):
            with tempfile.TemporaryDirectory() as folder:
                values = {"first": "digits", "second": data, "regime": "second", "colour": colour, "validation": 1_000,
                          "train_size": min(size, images - min(1_000, images // 5)), "lr": 1e-3, "width": 16,
                          "second_weight": 0.5, "epochs": 20, "batch_size": 128,
                          "precision": default_precision(0)}  # fmt: skip
                configs = [Config.model_validate(values | {"seed": seed}) for seed in range(1, seeds + 1)]
                done = [run(DigitPair, config, sources, Store(Path(folder)), confirm=True) for config in configs]
            accuracies = ", ".join(f"{100 * loop.rows[-1]['test_second_accuracy']:.1f}" for loop in done)
            print(f"{data}, {configs[0].train_size:,} images, {colour}: CNN {accuracies} %", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
