"""Artifacts: work that trials share, computed once, content-addressed, kept on disk with checksums.

An artifact is a description: what it is (`kind`, `spec`), what it depends on (`needs`) and a function that computes it
in one or more pieces. Its key is a hash of the description. Where it lies follows from the key and from the code behind
that function, so that whatever changes the content changes the address.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from common.canonical import canonical
from common.files import Arrays, Damaged, pack, read_checked, set_aside, unpack, write_checked
from trainables.artifacts.code import code_behind, modules_of
from trainables.data.sources import Sources

Compute = Callable[["Artifact", int, Sources, Mapping[str, Arrays]], Arrays]


@dataclass(frozen=True)
class Artifact:
    """The description of arrays that several trials share.

    `compute(artifact, piece, sources, needs)` returns the arrays of one piece. It is a module-level function or a
    partial of one, since it travels to other processes. The pieces are joined along the first axis, in order.
    """

    kind: str
    spec: Mapping[str, Any]
    """All that determines the content beside the code, as JSON values: names, sizes, seeds, fingerprints, a version."""
    compute: Compute
    needs: Mapping[str, Artifact] = field(default_factory=dict)
    pieces: int = 1
    light: bool = False
    """Whether it takes seconds and needs only light artifacts: it is computed while Ray starts, without a worker."""

    @cached_property
    def key(self) -> str:
        """SHA-256 of the description, in hexadecimal: what a trial's id depends on."""
        needs = {name: need.key for name, need in self.needs.items()}
        description = {"kind": self.kind, "spec": self.spec, "needs": needs, "pieces": self.pieces}
        return hashlib.sha256(json.dumps(description, sort_keys=True, allow_nan=False).encode()).hexdigest()

    @cached_property
    def address(self) -> str:
        """SHA-256 of the description and of the code that computes this and all that it needs, in hexadecimal."""
        needs = {name: need.address for name, need in self.needs.items()}
        own = {"key": self.key, "needs": needs, "code": code_behind(*modules_of(self.compute))}
        return hashlib.sha256(canonical(own).encode()).hexdigest()

    @property
    def name(self) -> str:
        """A short name for people and folders."""
        return f"{self.kind}-{self.address[:16]}"


def lacking(artifacts: Iterable[Artifact], absent: Callable[[Artifact], bool]) -> Iterator[Artifact]:
    """Yield the absent artifacts and their absent dependencies, each once, dependencies first."""
    seen: set[str] = set()

    def visit(artifact: Artifact) -> Iterator[Artifact]:
        if artifact.key in seen:
            return
        seen.add(artifact.key)
        if absent(artifact):
            for need in artifact.needs.values():
                yield from visit(need)
            yield artifact

    for artifact in artifacts:
        yield from visit(artifact)


class Store:
    """Artifacts on disk, as `root/<kind>-<address>/piece-000.npz` with `.sha256` files beside them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, artifact: Artifact, piece: int) -> Path:
        """Return where a piece lies or would lie."""
        return self.root / artifact.name / f"piece-{piece:03d}.npz"

    def missing(self, artifact: Artifact) -> list[int]:
        """Return the pieces that still have to be computed."""
        return [piece for piece in range(artifact.pieces) if not self.path(artifact, piece).exists()]

    def save(self, artifact: Artifact, piece: int, arrays: Arrays) -> None:
        """Write a piece durably."""
        write_checked(self.path(artifact, piece), pack(arrays))

    def load_piece(self, artifact: Artifact, piece: int) -> Arrays | None:
        """Return a piece's arrays; None if it is absent, or damaged and therefore set aside."""
        path = self.path(artifact, piece)
        try:
            return unpack(read_checked(path))
        except FileNotFoundError:
            return None
        except (Damaged, ValueError, OSError):
            set_aside(path)
            return None

    def load(self, artifact: Artifact) -> Arrays | None:
        """Return the arrays of an artifact, read-only; None if a piece is missing or was damaged."""
        pieces = [self.load_piece(artifact, piece) for piece in range(artifact.pieces)]
        present = [piece for piece in pieces if piece is not None]
        if len(present) < artifact.pieces:
            return None
        return join(present)

    def get(self, artifact: Artifact, sources: Sources) -> Arrays:
        """Return the arrays of an artifact; compute them first, in this process, if the store lacks them."""
        found = self.load(artifact)
        if found is not None:
            return found
        needs = {name: self.get(need, sources) for name, need in artifact.needs.items()}
        for piece in self.missing(artifact):
            self.save(artifact, piece, artifact.compute(artifact, piece, sources, needs))
        return self.reload(artifact)

    def reload(self, artifact: Artifact) -> Arrays:
        """Return the arrays of an artifact that was just written. Raises OSError if the disk did not keep them."""
        loaded = self.load(artifact)
        if loaded is None:
            raise OSError(f"{self.root / artifact.name}: damaged right after it was written; check the disk")
        return loaded


def join(pieces: list[Arrays]) -> Arrays:
    """Join pieces along the first axis; the arrays are read-only."""
    if len(pieces) == 1:
        joined = pieces[0]
    else:
        joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    for array in joined.values():
        array.setflags(write=False)
    return joined


def piece_slice(total: int, pieces: int, piece: int) -> slice:
    """Return the rows of `total` that belong to a piece: contiguous, with sizes that differ by one at most."""
    return slice(total * piece // pieces, total * (piece + 1) // pieces)
