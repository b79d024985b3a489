"""Networks that a sweep has kept, as modules in evaluation mode that take images as they are.

    network = trainables.load("runs/tiny_cifar/networks/3f2a90c1d4e5-1b2c3d4e")
    network(images)                  # logits [N, classes] of images [N, H, W] or [N, H, W, 3] uint8
    network.card.classes

A file of weights holds all that was trained in the sweep. Only the weights of a torchvision backbone are elsewhere:
they are looked for as the sweep does, and must be the file that it used.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load as tensors_in
from torch import nn

from common.files import Damaged, read_checked
from common.problems import Refused
from trainables.core.experiment import LeavesNetwork
from trainables.core.network_files import CARD, FOLDER, WEIGHTS, Card
from trainables.data.dataset import refuse
from trainables.nets.restored import restored
from trainables.training.supervised import EVALUATED

KEY = "network"


class Loaded(nn.Module):
    """A kept network, with what its sweep did to images and in the same arithmetic.

    `module` is the network itself, for images that are prepared already (`card.input`); it may be trained further.
    """

    def __init__(self, card: Card, module: nn.Module) -> None:
        super().__init__()
        self.card = card
        self.module = module

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes] float32, [N, heads, classes] of several heads, or embeddings [N, D].

        images are [N, H, W] or [N, H, W, 3] uint8, of any height and width.
        """
        return torch.cat([self.of_prepared(self.prepared(part)) for part in images.split(EVALUATED)])

    def prepared(self, images: torch.Tensor) -> torch.Tensor:
        """Return images as the module takes them, on its device."""
        return self.card.input.prepared(images.to(next(self.module.parameters()).device))

    @torch.inference_mode()
    def of_prepared(self, prepared: torch.Tensor) -> torch.Tensor:
        """Return what `forward` does, for images that are prepared."""
        parts = []
        for part in prepared.split(EVALUATED):
            with torch.autocast(part.device.type, torch.bfloat16, enabled=self.card.precision == "bf16"):
                parts.append(self.module(part).float())
        return torch.cat(parts)


def load(path: Path | str, *, weights_dir: Path | str | None = None) -> Loaded:
    """Return the network in a folder, in evaluation mode and on the CPU.

    `weights_dir` has the weights of a pre-trained backbone; without it they are torchvision's, and are downloaded where
    torch's cache lacks them. Raises Refused where there is no network, where a file is damaged, and where the network
    does not fit this program.
    """
    folder = Path(path).expanduser()
    card = read_card(folder)
    state = _state(folder, card)
    module = _built(folder, card)
    lies = Path(weights_dir).expanduser() if weights_dir is not None else None
    try:
        return Loaded(card, restored(module, state, card.pretrained, lies)).eval()
    except RuntimeError as error:
        raise _other_code(folder, " ".join(str(error).split())[:200]) from None


def read_card(folder: Path) -> Card:
    """Return the card in a folder. Raises Refused where there is none, naming networks that lie below the folder."""
    try:
        return Card.model_validate_json((folder / CARD).read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        raise refuse(
            f"{folder / CARD} must be the card of a network",
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}",
            "Take the file back from where the sweep ran, or run the sweep again.",
            key=KEY,
            given=False,
        ) from None
    except OSError:
        raise refuse(f"must be a folder with a {CARD}", str(folder), _remedy(folder), key=KEY) from None


def _remedy(folder: Path) -> str:
    below = sorted(path.parent for path in [*folder.glob(f"*/{CARD}"), *folder.glob(f"{FOLDER}/*/{CARD}")])
    if not below:
        return f"Sweeps keep networks in runs/QUESTION/{FOLDER}/, unless they run with --keep-networks none."
    shown = "; ".join(f"{path} (seed {_seed(path)})" for path in below[:5])
    return f"Name one of the {len(below)} networks below it: {shown}{'; …' if len(below) > 5 else ''}."


def _seed(folder: Path) -> Any:
    try:
        return json.loads((folder / CARD).read_bytes())["seed"]
    except (OSError, ValueError, KeyError, TypeError):
        return "unknown"


def _state(folder: Path, card: Card) -> dict[str, torch.Tensor]:
    path = folder / WEIGHTS
    remedy = "Take the file back from where the sweep ran, or run the sweep again with --fresh."
    try:
        content = read_checked(path)
        state = tensors_in(content)
    except FileNotFoundError:
        raise refuse(f"must have {WEIGHTS} beside {CARD}", str(folder), remedy, key=KEY) from None
    except (Damaged, OSError, SafetensorError, ValueError) as error:
        raise refuse(f"{path} must be whole", str(error), remedy, key=KEY, given=False) from None
    found = (path.with_name(path.name + ".sha256")).read_text().split()[0]
    if found != card.sha256:
        raise refuse(
            f"{path} must have the SHA-256 that {CARD} names, {card.sha256}", found, remedy, key=KEY, given=False
        )
    return state


def _built(folder: Path, card: Card) -> nn.Module:
    """Return the untrained module, built by the question's own class."""
    try:
        experiment: Any = getattr(importlib.import_module(f"trainables.{card.question}"), card.experiment)
        leaves = isinstance(experiment, type) and issubclass(experiment, LeavesNetwork)
        if not leaves:
            raise _other_code(folder, f"{card.question}.{card.experiment}, which leaves no network")
        module: nn.Module = experiment.build(experiment.config_class().model_validate(card.config), len(card.classes))
    except (ImportError, AttributeError, ValidationError) as error:
        raise _other_code(folder, " ".join(str(error).split())[:200]) from None
    return module


def _other_code(folder: Path, found: str) -> Refused:
    rule = f"{folder} must hold a network that this program builds"
    return refuse(
        rule, found, "Use the program that ran the sweep; manifest.json names its commit.", key=KEY, given=False
    )
