"""Artifacts computed as Ray tasks: piece by piece, as soon as what a piece needs is there, each kept as it comes.

Light artifacts are computed beforehand, by the process that asks for them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ray
from threadpoolctl import threadpool_limits

from common.canonical import canonical
from trainables.artifacts.store import Artifact, Store, lacking
from trainables.data.sources import Sources

Pieces = tuple[int, ...]


@dataclass(frozen=True)
class Progress:
    """How far the shared work is."""

    done: int
    """Pieces computed."""
    total: int
    """Pieces that were missing at first."""
    names: tuple[str, ...]
    """Kinds of the artifacts under way."""
    seconds_left: float | None = None
    """An estimate from pieces like those that are left; None while none of some sort has been computed."""


@dataclass(frozen=True)
class Slots:
    """Where tasks run."""

    count: int
    """How many run at a time."""
    resources: Mapping[str, float]
    """What one task occupies: `num_cpus` and `num_gpus`."""
    prepare: Callable[[], None]
    """Called first in each task's process, such as to fix its threads; a module-level function or a partial of one."""

    @property
    def on_gpu(self) -> bool:
        """Whether a task has a share of a GPU."""
        return self.resources.get("num_gpus", 0) > 0


class Stopped(Exception):
    """`stop` asked for an end before all artifacts were there."""


def compute_light(artifacts: Iterable[Artifact], sources: Sources, root: Path, stop: Callable[[], bool]) -> None:
    """Compute the light artifacts that are missing, here and without Ray; end early when `stop()` turns true.

    Linear algebra has one thread, as in workers: where something else keeps a core busy, two threads of OpenBLAS wait
    for each other so long that the eigenvectors of 784 pixels take 7 s and more for 0.1 s.
    """
    store = Store(root)
    with threadpool_limits(1, "blas"):
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
    slots: Slots,
    progress: Callable[[Progress], None],
    stop: Callable[[], bool],
) -> dict[str, ray.ObjectRef]:
    """Put every given artifact into the object store, by key; compute first what the disk lacks or holds damaged.

    Raises Stopped when `stop()` turns true, and ray.exceptions.RayTaskError where a computation fails.
    """
    wanted = list(artifacts)
    work = _Work(wanted, sources, Store(root), slots)
    while work.unfinished:
        if stop():
            work.cancel()
            raise Stopped
        work.start_ready()
        progress(work.progress())
        work.collect(seconds=0.5)
    return {artifact.key: work.refs[artifact.key] for artifact in wanted}


class _Work:
    """The missing pieces of some artifacts, and the tasks that compute them."""

    def __init__(self, wanted: Sequence[Artifact], sources: Sources, store: Store, slots: Slots) -> None:
        self.sources = sources
        self.store = store
        self.slots = slots
        self.refs: dict[str, ray.ObjectRef] = {}
        """Arrays in the object store, by artifact key: of all artifacts that are complete."""
        self._missing: dict[str, set[int]] = {}
        """Pieces still to be computed, by artifact key."""
        self._queue: list[tuple[Artifact, Pieces]] = []
        self._running: dict[ray.ObjectRef, tuple[Artifact, Pieces]] = {}
        self._began: dict[ray.ObjectRef, float] = {}
        self._took: dict[str, list[float]] = {}
        """Seconds that each piece took, by `_sort`."""
        for artifact in lacking(wanted, self._is_absent):
            missing = store.missing(artifact)
            if not missing:  # another sweep has just finished it
                self._complete(artifact)
                continue
            self._missing[artifact.key] = set(missing)
            tasks = slots.count if slots.on_gpu else len(missing)  # on a GPU each task starts a process: few
            self._queue += [(artifact, pieces) for pieces in _split(missing, tasks)]
        self._total = self._left()

    @property
    def unfinished(self) -> bool:
        return bool(self._queue or self._running)

    def start_ready(self) -> None:
        """Start tasks whose needs are there, as many as there are free slots."""
        ready = [
            (artifact, pieces)
            for artifact, pieces in self._queue
            if all(need.key in self.refs for need in artifact.needs.values())
        ]
        for artifact, pieces in ready[: max(0, self.slots.count - len(self._running))]:
            self._queue.remove((artifact, pieces))
            needs = {name: self.refs[need.key] for name, need in artifact.needs.items()}
            task = (_GPU_TASK if self.slots.on_gpu else _TASK).options(**self.slots.resources, name=artifact.name)
            ref = task.remote(artifact, pieces, self.sources, self.store.root, needs, self.slots.prepare)
            self._running[ref], self._began[ref] = (artifact, pieces), time.monotonic()

    def collect(self, seconds: float) -> None:
        """Wait up to `seconds` for a task to end, and take in what it computed. Raises what the task raised."""
        ended, _ = ray.wait(list(self._running), num_returns=1, timeout=seconds)
        for ref in ended:
            ray.get(ref)
            artifact, pieces = self._running.pop(ref)
            seconds = (time.monotonic() - self._began.pop(ref)) / len(pieces)
            self._took.setdefault(_sort(artifact), []).extend([seconds] * len(pieces))
            self._missing[artifact.key].difference_update(pieces)
            if not self._missing[artifact.key]:
                self._complete(artifact)

    def progress(self) -> Progress:
        names = tuple(dict.fromkeys(artifact.kind for artifact, _ in self._running.values()))
        return Progress(self._total - self._left(), self._total, names, self._seconds_left())

    def _seconds_left(self) -> float | None:
        """Return about how long the rest takes, at the mean so far of pieces of its sorts, if all of them are known."""
        left = [(artifact, len(pieces)) for artifact, pieces in (*self._queue, *self._running.values())]
        if not left or not all(_sort(artifact) in self._took for artifact, _ in left):
            return None
        mean = {sort: sum(seconds) / len(seconds) for sort, seconds in self._took.items()}
        now = time.monotonic()
        begun = [(mean[_sort(self._running[ref][0])], now - began) for ref, began in self._began.items()]
        whole = sum(mean[_sort(artifact)] * count for artifact, count in left)
        return max(0.0, whole - sum(map(min, begun))) / self.slots.count

    def cancel(self) -> None:
        """End all running tasks; pieces that are kept already stay."""
        for ref in self._running:
            ray.cancel(ref, force=True)

    def _is_absent(self, artifact: Artifact) -> bool:
        """Return whether the disk lacks the artifact or holds it damaged; where it is whole, put it at hand."""
        loaded = self.store.load(artifact)
        if loaded is None and self.store.missing(artifact):
            return True
        self.refs[artifact.key] = ray.put(loaded or self.store.reload(artifact))  # perhaps just finished elsewhere
        return False

    def _complete(self, artifact: Artifact) -> None:
        self.refs[artifact.key] = ray.put(self.store.reload(artifact))

    def _left(self) -> int:
        return sum(len(pieces) for _, pieces in (*self._queue, *self._running.values()))


def _sort(artifact: Artifact) -> str:
    """Return what artifacts share whose pieces take about as long: all but the seed and the part of the data."""
    spec = {name: value for name, value in artifact.spec.items() if name not in ("seed", "split", "part")}
    return canonical({"kind": artifact.kind, "spec": spec})


def _compute(
    artifact: Artifact,
    pieces: Pieces,
    sources: Sources,
    root: Path,
    needs: Mapping[str, ray.ObjectRef],
    prepare: Callable[[], None],
) -> None:
    prepare()
    given = {name: ray.get(ref) for name, ref in needs.items()}
    for piece in pieces:
        Store(root).save(artifact, piece, artifact.compute(artifact, piece, sources, given))


_TASK = ray.remote(max_retries=3)(_compute)
# CUDA keeps the GPU that its process began with, and memory on it: the process ends with the task.
_GPU_TASK = ray.remote(max_retries=3, max_calls=1)(_compute)


def _split(pieces: Sequence[int], most: int) -> Iterator[Pieces]:
    """Yield the pieces in order, in at most `most` runs of about equal length."""
    length = -(-len(pieces) // max(1, most))
    for start in range(0, len(pieces), length):
        yield tuple(pieces[start : start + length])
