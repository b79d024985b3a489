"""How hard are the built-in `house_digits`, beside real SVHN crops?

    python -m bench.house_digits                                     # trained on 783 and on 5,000 images
    python -m bench.house_digits --data svhn_small --data-dir DIR    # the same for another set of digits in colour

A logistic regression on pixels, and `nets.base_cnn` (16 maps, Adam 3e-3 on one cycle, batches of 64, 20 epochs), on all
test images.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import nn

from trainables.data.dataset import Split
from trainables.data.sources import Sources
from trainables.domains.images import CHANNELS, Colour, domain_images
from trainables.nets.base_cnn import BaseCNN


def linear(train: Split, test: Split) -> float:
    """Test accuracy of a logistic regression on pixels."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a hundred steps are enough to compare
        model = LogisticRegression(max_iter=100).fit(train.images.reshape(len(train.images), -1) / 255, train.labels)
    return float(model.score(test.images.reshape(len(test.images), -1) / 255, test.labels))


def convolutional(train: Split, test: Split, seed: int) -> float:
    """Test accuracy of a small network; images [N, C, 32, 32] uint8."""
    torch.manual_seed(seed)
    network = nn.Sequential(BaseCNN(train.images.shape[1], 16, 128), nn.ReLU(), nn.Linear(128, 10))
    x, y = torch.from_numpy(train.images), torch.from_numpy(train.labels)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=20 * -(-len(y) // 64))
    for _ in range(20):
        for rows in torch.randperm(len(y)).split(64):
            loss = F.cross_entropy(network(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.inference_mode():
        predicted = torch.cat([network(part).argmax(1) for part in torch.from_numpy(test.images).split(500)])
    return float((predicted.numpy() == test.labels).mean())


def prepared(sources: Sources, data: str, colour: Colour) -> tuple[Split, Split]:
    """The training and test images as networks take them: [N, C, 32, 32] uint8."""
    parts = domain_images({"first": "digits", "second": data}, sources, "pool", "test", colour=colour, validation=1)
    made = [parts[f"second_{part}"] for part in ("pool", "test")]
    arrays = [artifact.compute(artifact, 0, sources, {}) for artifact in made]
    return Split(arrays[0]["x"], arrays[0]["y"]), Split(arrays[1]["x"], arrays[1]["y"])


def main(data: str = "house_digits", data_dir: Path | None = None, seeds: int = 3) -> None:
    """Print a line a measurement."""
    torch.set_num_threads(1)
    sources = Sources(data_dir=data_dir)
    whole, test = sources.train(data), sources.test(data)
    for size in [n for n in (783, 5_000) if n <= len(whole.labels)]:
        rows = np.random.default_rng(0).permutation(len(whole.labels) - 1)[:size]
        accuracy = linear(Split(whole.images[rows], whole.labels[rows]), test)
        print(f"{data}, {len(rows):,} images: logistic regression on pixels {100 * accuracy:.1f} %", flush=True)
        for colour in CHANNELS:
            pool, held_out = prepared(sources, data, colour)
            chosen = Split(pool.images[rows], pool.labels[rows])
            found = [convolutional(chosen, held_out, seed) for seed in range(1, seeds + 1)]
            told = ", ".join(f"{100 * accuracy:.1f}" for accuracy in found)
            print(f"{data}, {len(rows):,} images, {colour}: CNN {told} %", flush=True)


if __name__ == "__main__":
    tyro.cli(main)
