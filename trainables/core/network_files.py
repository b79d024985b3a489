"""The files of a kept network: weights as safetensors, with a checksum, and a card that says what they are.

runs/transfer_sizes/networks/3f2a90c1d4e5-1b2c3d4e/weights.safetensors
runs/transfer_sizes/networks/3f2a90c1d4e5-1b2c3d4e/card.json
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save

from common.files import write_atomic, write_checked
from trainables.artifacts.store import Artifact
from trainables.core.config import TrialConfig
from trainables.core.device import Precision, Tensors
from trainables.core.experiment import Experiment, LeavesNetwork
from trainables.core.network import Input, Network, Pretrained
from trainables.core.task import Task

FOLDER = "networks"
WEIGHTS = "weights.safetensors"
CARD = "card.json"

Fetch = Callable[[Artifact], Tensors]
"""Returns the arrays of an artifact."""


class DataRecord(BaseModel):
    """A data set that a network was trained on."""

    name: str
    fingerprint: str
    """SHA-256 of its training split."""


class Card(BaseModel):
    """What a network is. The analysis adds `answer`: its measures with intervals, and the command that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    experiment: str
    """The name of the class in `trainables/<question>.py`."""
    trial: str
    """The trial's id in the ledger."""
    phase: str
    config: dict[str, Any]
    seed: int
    data: dict[str, DataRecord]
    """By the config's field."""
    size: tuple[int, int] | None
    """Height and width of the images that it was trained on; None where these differ."""
    input: Input
    classes: tuple[str, ...]
    heads: tuple[str, ...]
    precision: Precision
    pretrained: Pretrained | None
    parameters: int
    """Numbers in the file of weights."""
    sha256: str
    """Of the file of weights."""
    code_fingerprint: str
    answer: dict[str, Any] | None = None

    def to_json(self) -> str:
        """Return the content of `card.json`."""
        return self.model_dump_json(indent=2, exclude={"answer"} if self.answer is None else None) + "\n"


def keep_network(experiment: Experiment[Any], task: Task, folder: Path, fetch: Fetch) -> dict[str, Any]:
    """Write the network of a finished trial into `folder`; return the trial's fact `network`, if it has a network.

    The fact holds `folder` (relative), `sha256` and `bytes`, or, where the network is larger than the task allows,
    `bytes` and `limit`: it is then left out. Raises ValueError where its `build` makes another module.
    """
    if not isinstance(experiment, LeavesNetwork) or (network := experiment.network()) is None:
        return {}
    borrowed = experiment.borrowed(experiment.config, experiment.sources)
    parts = {part: fetch(artifact) for part, artifact in borrowed.parts.items()}
    state = whole_state(type(experiment), experiment.config, network, parts)
    content = save(state)
    if len(content) > task.network_limit:
        return {"network": {"bytes": len(content), "limit": task.network_limit}}
    own = f"{FOLDER}/{task.id[:12]}-{task.code_fingerprint[:8]}"  # other code's stay
    digest = write_checked(folder / own / WEIGHTS, content)
    parameters = sum(tensor.numel() for tensor in state.values())
    card = _card(experiment, task, network, borrowed.pretrained, digest, parameters)
    write_atomic(folder / own / CARD, card.to_json().encode())
    return {"network": {"folder": own, "sha256": digest, "bytes": len(content)}}


def whole_state(
    leaves: type[LeavesNetwork], config: TrialConfig, network: Network, parts: Mapping[str, Tensors]
) -> Tensors:
    """Return the state dict of a network with its borrowed parts, on the CPU, in memory of its own.

    Raises ValueError where `leaves.build` makes another module.
    """
    state = dict(network.state)
    for part, tensors in parts.items():
        state |= {f"{part}.{name}": tensor for name, tensor in tensors.items()}
    _check_form(leaves, config, network, state)
    return {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}


def _check_form(leaves: type[LeavesNetwork], config: TrialConfig, network: Network, state: Tensors) -> None:
    """Raise ValueError where the state is not that of the module which will be built to load it."""
    with torch.device("meta"):
        built = leaves.build(config, len(network.classes)).state_dict()
    wanted = {name: tuple(value.shape) for name, value in built.items()}
    given = {name: tuple(value.shape) for name, value in state.items()}
    if wrong := [name for name in wanted | given if wanted.get(name) != given.get(name)]:
        name = wrong[0]
        raise ValueError(
            f"{leaves.__name__}.build makes another module than network() returns the state of; {name} is"
            f" {wanted.get(name, 'absent')} there and {given.get(name, 'absent')} here"
        )


def _card(
    experiment: Experiment[Any],
    task: Task,
    network: Network,
    pretrained: Pretrained | None,
    digest: str,
    parameters: int,
) -> Card:
    config, sources = experiment.config, experiment.sources
    names = {field: getattr(config, field) for field in config.data_fields()}
    shapes = [sources.dataset(names[field]).shape for field in experiment.train if field in names]
    sizes = list(dict.fromkeys((shape[0], shape[1]) for shape in shapes))
    return Card(
        question=experiment.question(),
        experiment=type(experiment).__name__,
        trial=task.id,
        phase=task.phase,
        config=config.model_dump(mode="json"),
        seed=config.seed,
        data={f: DataRecord(name=name, fingerprint=sources.fingerprint(name, "train")) for f, name in names.items()},
        size=sizes[0] if len(sizes) == 1 else None,
        input=network.input,
        classes=network.classes,
        heads=network.heads,
        precision=network.precision,
        pretrained=pretrained,
        parameters=parameters,
        sha256=digest,
        code_fingerprint=task.code_fingerprint,
    )
