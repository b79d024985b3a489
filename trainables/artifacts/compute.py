"""Artifacts computed as Ray tasks: piece by piece, as soon as what they need is there, each kept as it comes.

Light ones are computed beforehand, by the process that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import ray

from trainables.artifacts.store import Artifact, Store, with_needs
from trainables.data.sources import Sources
from trainables.device import pin


@dataclass(frozen=True)
class Progress:
    """How far the shared work is: pieces done of all that were missing, and what is under way."""

    done: int
    total: int
    names: tuple[str, ...]


class Stopped(Exception):
    """`stop` asked for an end before all artifacts were there."""


def _compute(
    artifact: Artifact,
    piece: int,
    sources: Sources,
    root: Path,
    needs: Mapping[str, ray.ObjectRef],
    threads: int,
) -> None:
    pin(threads)
    given = {name: ray.get(ref) for name, ref in needs.items()}
    Store(root).save(artifact, piece, artifact.compute(artifact, piece, sources, given))


_TASK = ray.remote(max_retries=3)(_compute)


def compute_light(artifacts: Iterable[Artifact], sources: Sources, root: Path, stop: Callable[[], bool]) -> None:
    """Compute what is light and not there yet, here and without Ray; leaves the rest when `stop()` turns true."""
    pin(1)
    store = Store(root)
    for artifact in with_needs(artifacts):
        for piece in store.missing(artifact) if artifact.light else ():
            if stop():
                return
            needs = {name: store.get(need, sources) for name, need in artifact.needs.items()}
            store.save(artifact, piece, artifact.compute(artifact, piece, sources, needs))


def provide(
    artifacts: Iterable[Artifact],
    sources: Sources,
    root: Path,
    *,
    resources: Mapping[str, float],
    slots: int,
    progress: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> dict[str, ray.ObjectRef]:
    """Every given artifact in the object store, by key; what the disk lacks (or holds damaged) is computed first.

    `resources` are those of a task ("num_cpus", "num_gpus"), `slots` how many fit at a time. Raises Stopped when
    `stop()` turns true, and ray.exceptions.RayTaskError where a computation fails.
    """
    store, wanted = Store(root), list(artifacts)
    refs: dict[str, ray.ObjectRef] = {}
    waiting: dict[str, tuple[Artifact, set[int]]] = {}
    for artifact in with_needs(wanted):
        loaded = store.load(artifact)
        missing = store.missing(artifact)
        if loaded is None and missing:
            waiting[artifact.key] = (artifact, set(missing))
        else:  # perhaps another sweep has just finished it
            refs[artifact.key] = ray.put(loaded or _reload(store, artifact))
    queue = [(artifact, piece) for artifact, pieces in waiting.values() for piece in sorted(pieces)]
    total, threads = len(queue), max(1, int(resources.get("num_cpus", 1)))
    running: dict[ray.ObjectRef, tuple[Artifact, int]] = {}
    while queue or running:
        if stop():
            for ref in running:
                ray.cancel(ref, force=True)
            raise Stopped
        ready = [(a, p) for a, p in queue if all(need.key in refs for need in a.needs.values())]
        for artifact, piece in ready[: max(0, slots - len(running))]:
            queue.remove((artifact, piece))
            needs = {name: refs[need.key] for name, need in artifact.needs.items()}
            task = _TASK.options(**resources, name=artifact.name)
            running[task.remote(artifact, piece, sources, root, needs, threads)] = (artifact, piece)
        names = tuple(dict.fromkeys(artifact.kind for artifact, _ in running.values()))
        progress(Progress(total - len(queue) - len(running), total, names))
        done, _ = ray.wait(list(running), num_returns=1, timeout=0.5)
        for ref in done:
            ray.get(ref)
            artifact, piece = running.pop(ref)
            waiting[artifact.key][1].discard(piece)
            if not waiting[artifact.key][1]:
                refs[artifact.key] = ray.put(_reload(store, artifact))
    return {artifact.key: refs[artifact.key] for artifact in wanted}


def _reload(store: Store, artifact: Artifact) -> dict[str, object]:
    loaded = store.load(artifact)
    if loaded is None:
        raise OSError(f"{store.root / artifact.name}: damaged right after it was written; check the disk")
    return dict(loaded)
