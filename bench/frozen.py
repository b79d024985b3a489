"""A frozen backbone's sweep, features computed once, beside the script that forwards the backbone in every epoch.

    python -m bench.frozen [--backbone squeezenet1_1] [--data digits --data-dir … --weights-dir …]

Ours is the whole command, Ray's start, features, search, confirmation and answer included, in a fresh folder, in the
precision that it picks by itself. The plain way is a Tune script as one would write it: a DataLoader that resizes to
224×224, the backbone in evaluation mode under `no_grad` in fp32, a new linear layer, all images of an epoch (training
and held-out) forwarded in every epoch; printed beside it, held-out images forwarded only after the last epoch. A few
of its trials are measured, one on each slot at a time, two epochs each; that gives seconds per image, and all else is
extrapolated: seconds per image × images forwarded, over all of the plan's trials, divided by the slots. Its start-up,
which would add to it, is left out. Without --weights-dir the backbone has random weights: they change no time.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
import tyro
from ray import tune
from torch.utils.data import DataLoader, Dataset
from torchvision.models import get_model
from torchvision.transforms import v2

from analysis.ledger import Ledger
from analysis.numbers.results import records
from sweeps.engine.cli import run
from sweeps.engine.hardware import cores
from sweeps.transfer_sizes import SWEEP
from trainables.data.sources import Sources
from trainables.nets.backbones import build

EPOCHS, TRIAL_IMAGES = 2, 100


@dataclass(frozen=True)
class Arguments:
    backbone: str = "squeezenet1_1"
    data: str = "digits"
    data_dir: Path | None = None
    weights_dir: Path | None = None


class Images(Dataset[Any]):
    """images [N, H, W] uint8 -> [3, 224, 224] float32, normalised, one at a time."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels
        mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
        self.transform = v2.Compose(
            [
                v2.ToImage(),
                v2.RGB(),
                v2.Resize((224, 224)),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(mean, std),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> Any:
        return self.transform(self.images[i]), int(self.labels[i])


def plain_trial(config: dict[str, Any]) -> None:
    """What a Tune tutorial's training function would do; reports its seconds per image."""
    images, labels = ray.get(config["data"])
    loader = DataLoader(Images(images[:TRIAL_IMAGES], labels[:TRIAL_IMAGES]), batch_size=32, shuffle=True)
    backbone = build(config["backbone"], get_model(config["backbone"]).state_dict()).module
    head: torch.nn.Module | None = None
    for _ in range(EPOCHS):
        started = time.perf_counter()
        for x, y in loader:
            with torch.no_grad():
                features = backbone(x).flatten(1)
            if head is None:
                head = torch.nn.Linear(features.shape[1], 10)
                optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3)
            loss = torch.nn.functional.cross_entropy(head(features), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = (time.perf_counter() - started) / TRIAL_IMAGES
        tune.report({"loss": loss.item(), "seconds_per_image": seconds})


def plain_seconds_per_image(arguments: Arguments) -> float:
    """The median over the second epochs of two trials a slot, all slots busy, one thread each as Tune gives them."""
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    train = Sources(data_dir=arguments.data_dir).train(arguments.data)
    ray.init(
        address="local", num_cpus=cores(), include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
    )
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = ray.put((train.images[:TRIAL_IMAGES].copy(), train.labels[:TRIAL_IMAGES].copy()))
            results = tune.Tuner(
                plain_trial,
                param_space={"backbone": arguments.backbone, "data": data},
                tune_config=tune.TuneConfig(num_samples=2 * cores()),
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            ).fit()
        return float(np.median([result.metrics["seconds_per_image"] for result in results]))
    finally:
        ray.shutdown()


def our_seconds(arguments: Arguments, out: Path) -> float:
    """The whole command, in this process."""
    weights = arguments.weights_dir
    if weights is None:
        weights = out / "weights"
        weights.mkdir(parents=True)
        torch.save(get_model(arguments.backbone).state_dict(), weights / f"{arguments.backbone}.pth")
    words = ["--out", str(out), "--data", arguments.data, "--weights-dir", str(weights), "--no-dashboard"]
    words += ["--data-dir", str(arguments.data_dir)] if arguments.data_dir else []
    words += ["--set", f"backbone={arguments.backbone}"]
    started = time.perf_counter()
    if run(SWEEP, words) != 0:
        sys.exit("the sweep did not complete")
    return time.perf_counter() - started


def forwards(ledger: Ledger) -> tuple[int, int, int]:
    """Images that the plain way forwards over all trials of the ledger: evaluated in every epoch, as ours are, and
    evaluated only after the last one; and how many trials there are."""
    every = last = 0
    trials = records(ledger.trials())
    for trial in trials:
        facts, epochs = trial["facts"], trial["config"]["epochs"]
        held_out = facts["validation_labels"] + facts.get("test_labels", 0)
        every += (facts["train_labels"] + held_out) * epochs
        last += facts["train_labels"] * epochs + held_out
    return every, last, len(trials)


def main() -> None:
    arguments = tyro.cli(Arguments, description=__doc__)
    with tempfile.TemporaryDirectory() as folder:
        ours = our_seconds(arguments, Path(folder))
        with Ledger(Path(folder) / SWEEP.question, readonly=True) as ledger:
            every, last, trials = forwards(ledger)
    per_image = plain_seconds_per_image(arguments)
    print(f"{arguments.backbone} on {arguments.data}, {trials} trials, {cores()} slots")
    print(f"ours, measured, whole command: {ours:.1f} s")
    print(
        f"plain, measured: {1000 * per_image:.2f} ms an image on one core ({2 * cores()} trials, {TRIAL_IMAGES} images)"
    )
    for when, images in (("evaluated in every epoch, as ours", every), ("evaluated after the last epoch only", last)):
        plain = per_image * images / cores()
        ratio = f"plain / ours {plain / ours:.0f}"
        print(f"plain, {when}: extrapolated to {images:,} forwarded images {plain:,.0f} s; {ratio}")


if __name__ == "__main__":
    main()
