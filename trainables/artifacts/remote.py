"""Artifacts computed as Ray tasks: piece by piece, as soon as what they need is there, each kept as it comes.

Light ones are computed beforehand, by the process that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ray

from trainables.artifacts.store import Artifact, Store, lacking
from trainables.core.device import pin
from trainables.data.sources import Sources


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
    pieces: Sequence[int],
    sources: Sources,
    root: Path,
    needs: Mapping[str, ray.ObjectRef],
    threads: int,
) -> None:
    pin(threads)
    given = {name: ray.get(ref) for name, ref in needs.items()}
    for piece in pieces:
        Store(root).save(artifact, piece, artifact.compute(artifact, piece, sources, given))


_TASK = ray.remote(max_retries=3)(_compute)
# CUDA keeps the GPU that its process began with, and memory on it: the process ends with the task.
_GPU_TASK = ray.remote(max_retries=3, max_calls=1)(_compute)


def compute_light(artifacts: Iterable[Artifact], sources: Sources, root: Path, stop: Callable[[], bool]) -> None:
    """Compute what is light and not there yet, here and without Ray; leaves the rest when `stop()` turns true."""
    pin(1)
    store = Store(root)
    for artifact in lacking(artifacts, lambda artifact: bool(store.missing(artifact))):
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

    def absent(artifact: Artifact) -> bool:
        loaded = store.load(artifact)
        if loaded is None and store.missing(artifact):
            return True
        refs[artifact.key] = ray.put(loaded or store.reload(artifact))  # perhaps another sweep has just finished it
        return False

    for artifact in lacking(wanted, absent):
        if pieces := set(store.missing(artifact)):
            waiting[artifact.key] = (artifact, pieces)
        else:  # or only now
            refs[artifact.key] = ray.put(store.reload(artifact))
    on_gpu = resources.get("num_gpus", 0) > 0
    queue = [
        (artifact, part)
        for artifact, pieces in waiting.values()
        for part in _runs(sorted(pieces), slots if on_gpu else len(pieces))  # on a GPU a process each: few
    ]
    total, threads = sum(len(part) for _, part in queue), max(1, int(resources.get("num_cpus", 1)))
    task = _GPU_TASK if on_gpu else _TASK
    running: dict[ray.ObjectRef, tuple[Artifact, tuple[int, ...]]] = {}
    while queue or running:
        if stop():
            for ref in running:
                ray.cancel(ref, force=True)
            raise Stopped
        ready = [(a, p) for a, p in queue if all(need.key in refs for need in a.needs.values())]
        for artifact, part in ready[: max(0, slots - len(running))]:
            queue.remove((artifact, part))
            needs = {name: refs[need.key] for name, need in artifact.needs.items()}
            named = task.options(**resources, name=artifact.name)
            running[named.remote(artifact, part, sources, root, needs, threads)] = (artifact, part)
        names = tuple(dict.fromkeys(artifact.kind for artifact, _ in running.values()))
        left = sum(len(part) for _, part in (*queue, *running.values()))
        progress(Progress(total - left, total, names))
        done, _ = ray.wait(list(running), num_returns=1, timeout=0.5)
        for ref in done:
            ray.get(ref)
            artifact, part = running.pop(ref)
            waiting[artifact.key][1].difference_update(part)
            if not waiting[artifact.key][1]:
                refs[artifact.key] = ray.put(store.reload(artifact))
    return {artifact.key: refs[artifact.key] for artifact in wanted}


def _runs(pieces: Sequence[int], most: int) -> list[tuple[int, ...]]:
    """The pieces in order, in at most so many runs of about equal length."""
    length = -(-len(pieces) // max(1, most))
    return [tuple(pieces[start : start + length]) for start in range(0, len(pieces), length)]
