"""What training changes and no checkpoint holds: it is an error at once, as a resumed trial would lose it in silence.

A checkpoint holds the attributes of an experiment that have a `state_dict`. All others must be what `setup` made them.
They are compared as pickles: a tensor counts as changed when its version does, functions and classes never do. An
attribute that cannot be pickled, such as a lock, is only compared by identity.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from trainables.core.checkpoint import Resumable
from trainables.core.config import TrialConfig
from trainables.core.experiment import Experiment
from trainables.data.sources import Sources

GIVEN = ("config", "sources", "device", "epoch")
"""Attributes that the loop gives an experiment, and experiments within it, and gives them again when it resumes."""
CONSTANT = (type, FunctionType, BuiltinFunctionType, ModuleType, TrialConfig, Sources)
"""What counts as unchanged while it is the same object."""


class Watch:
    """Tells what of an experiment has changed since the watch began, and is not in its `state_dict`."""

    def __init__(self, experiment: Resumable) -> None:
        self._experiment = experiment
        self._seen: dict[int, object] = {}
        """By id: what is compared by identity, held so that nothing else can get its id."""
        self._before = self._marks()

    def check(self) -> None:
        """Raise TypeError, naming the attributes, where a checkpoint would lose something."""
        now = self._marks()
        changed = [name for name in {**self._before, **now} if now.get(name) != self._before.get(name)]
        moving = [name for name, value in self._unsaved() if isinstance(value, Iterator)]
        if lost := sorted({*changed, *moving}):
            owner = type(self._experiment).__name__
            raise TypeError(
                f"{', '.join(f'{owner}.{name}' for name in lost)} changed in training, and no checkpoint holds it: a"
                " resumed trial would lose it. For figures, use self.keep (each epoch) or self.keep_last. For"
                " training, use what has a state_dict, such as a buffer of a module or an nn.ModuleList. What lasts for"
                " an epoch is a local variable, and what never changes is made in setup."
            )

    def _marks(self) -> dict[str, bytes]:
        saved = {id(value): value for value in _saved(self._experiment)}
        return {name: self._mark(value, saved) for name, value in self._unsaved()}

    def _mark(self, value: object, saved: dict[int, object]) -> bytes:
        sink = _Digest()
        try:
            _Pickler(sink, self._seen, saved).dump(value)
        except Exception:  # whatever an object's own code raises: it cannot be looked into
            self._seen[id(value)] = value
            return str(id(value)).encode()
        return sink.hash.digest()

    def _unsaved(self) -> Iterator[tuple[str, object]]:
        for name, value in _attributes(self._experiment):
            if not hasattr(value, "state_dict"):
                yield name, value


def _attributes(owner: Resumable, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield the attributes of something in training and of its parts in training, as `training.average`."""
    for name, value in vars(owner).items():
        if isinstance(owner, Experiment) and name in GIVEN:
            continue
        yield f"{prefix}{name}", value
        if isinstance(value, Resumable):
            yield from _attributes(value, f"{prefix}{name}.")


def _saved(experiment: Resumable) -> Iterator[object]:
    """Yield what a checkpoint holds: the experiment, its attributes with a `state_dict`, and the tensors of modules."""
    yield experiment
    for _, value in _attributes(experiment):
        if hasattr(value, "state_dict"):
            yield value
        if isinstance(value, nn.Module):
            yield from (*value.parameters(), *value.buffers())


class _Digest:
    """A file that only takes what is written into a hash."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=16)

    def write(self, content: bytes) -> None:
        self.hash.update(content)


class _Pickler(pickle.Pickler):
    """Pickles an attribute; tensors, and what is constant or saved, are named instead of being looked into."""

    def __init__(self, sink: Any, seen: dict[int, object], saved: dict[int, object]) -> None:
        super().__init__(sink, protocol=5)
        self._seen = seen
        self._saved = saved

    def persistent_id(self, value: Any) -> str | None:
        if id(value) in self._saved or isinstance(value, CONSTANT):
            version = ""
        elif isinstance(value, torch.Tensor):
            version = str(_content(value) if value.is_inference() else value._version)
        elif isinstance(value, torch.Generator):
            version = str(_content(value.get_state()))
        else:
            return None
        self._seen[id(value)] = value
        return f"{id(value)} {version}"


def _content(tensor: torch.Tensor) -> str:
    """Return the digest of a tensor's content: tensors of inference mode have no version."""
    content: bytes = tensor.cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
    return hashlib.blake2b(content, digest_size=16).hexdigest()
