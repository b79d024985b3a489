"""The epoch loop: seeds by name, validation after each epoch, checkpoints, a stop on NaN. It knows no Ray.

loop = run(TransferSizes, config, sources, store)       # a whole trial in this process
loop.rows[-1]["val_accuracy"]
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from common.files import pack, write_checked
from common.seeds import seed_of
from trainables.artifacts.store import Artifact, Store
from trainables.core.checked import checked_facts
from trainables.core.checkpoint import Checkpoints
from trainables.core.config import TrialConfig
from trainables.core.device import Tensors, pick_device, tensors
from trainables.core.experiment import Experiment, Metrics
from trainables.core.measures import check_images, recorded
from trainables.core.network_files import Fetch, keep_network
from trainables.core.task import Task
from trainables.core.unsaved import Watch
from trainables.data.sources import Sources

Row = dict[str, float]


@dataclass(frozen=True)
class Best:
    """The best epoch so far, where that is the one at which a trial is read."""

    epoch: int
    value: float
    """Of the task's metric."""
    state: dict[str, Any]
    """Of the experiment."""


class Loop:
    """One trial under way.

    `rows` holds a dict an epoch: `epoch` (from 1), `train_…`, `val_…`, `test_…` (when confirming), `steps` (of the
    optimiser, so far) and `seconds` (so far). With a `folder` it starts from the newest good checkpoint there.

    A trial that is read at its best epoch ends with the experiment in the state of that epoch. Its row then has the
    measures on test data, which is opened with that state once more where it was opened in each epoch. One without the
    selecting measure is read at its last epoch.

    `fetch` returns the arrays of artifacts that a kept network has as parts.
    """

    def __init__(
        self,
        experiment: type[Experiment[Any]],
        task: Task,
        sources: Sources,
        artifacts: Mapping[str, Tensors],
        *,
        folder: Path | None = None,
        fetch: Fetch | None = None,
    ) -> None:
        config = task.config
        self.task = task
        self.folder = folder
        self.fetch = fetch or _nothing_fetched
        self.rows: list[Row] = []
        self.status = "running"
        self.error: str | None = None
        self.test_openings = 0
        self.epochs = config.planned_epochs()
        self.seconds = 0.0
        self.best: Best | None = None
        """None for a trial that is read at its last epoch."""
        self._reported = 0
        self._amended: list[int] = []
        """Positions of rows that changed after they were reported."""
        self._checkpoints = Checkpoints(folder / "checkpoints" / task.id) if folder else None
        self.experiment = experiment(config, sources, pick_device())
        torch.manual_seed(seed_of(config.seed, "setup"))
        self.experiment.setup(**artifacts)
        self._watch = Watch(self.experiment)
        self._restore()
        self._settle()

    def advance(self) -> Row:
        """Train for one epoch and evaluate; return its row."""
        experiment = self.experiment
        started = time.perf_counter()
        experiment.begin(len(self.rows) + 1)
        torch.manual_seed(seed_of(experiment.config.seed, "epoch", experiment.epoch))
        steps = self.rows[-1]["steps"] if self.rows else 0.0
        row: Row = {"epoch": experiment.epoch}
        train = experiment.train_epoch()
        row["steps"] = steps + train.pop("steps", 0.0)
        row |= recorded(experiment.measures, "train", train)
        row |= self._evaluate(last=len(self.rows) + 1 >= self.epochs)
        self.seconds += time.perf_counter() - started
        row["seconds"] = self.seconds
        self.rows.append(row)
        self._note_divergence(row)
        self._note_best(row)
        if len(self.rows) == 1:  # not only where there is a checkpoint: a mistake must not hide on a fast machine
            self._watch.check()
        self._settle()
        return row

    def report(self, seconds: float, at_epochs: frozenset[int] = frozenset()) -> dict[str, Any]:
        """Advance for about `seconds`: an epoch or more, not past one of `at_epochs`. Return the result for Tune."""
        until = time.monotonic() + seconds
        while self.status == "running":
            self.advance()
            if len(self.rows) in at_epochs or time.monotonic() >= until:
                break
        finished = self.status != "running"
        if not finished:
            self._save()
        outcome = self.outcome() if finished else None  # before the rows are given out: it may find a wrong fact
        result: dict[str, Any] = {
            **self.rows[-1],
            "rows": self.unreported_json(),
            "done": finished,
            "finished": finished,
            "outcome": outcome,
        }
        if self.best is not None:  # early stopping compares the best values so far: they are what a trial would end as
            result |= {self.task.metric: self.best.value, "read_epoch": self.best.epoch}
        return result

    def outcome(self) -> dict[str, Any]:
        """Return what the ledger records; first write the outputs and the network, if they are kept."""
        experiment = self.experiment
        facts = label_counts(experiment) | checked_facts(experiment.question(), experiment.facts())
        if unused := experiment.config.unused():
            facts["unused"] = sorted(unused)
        if experiment.config.annealed():
            facts["annealed"] = True
        if self.best is not None:
            facts["read_epoch"] = self.best.epoch
        outcome: dict[str, Any] = {
            "status": self.status,
            "seconds": self.seconds,
            "facts": facts,
            "error": self.error,
            "test_openings": self.test_openings,
        }
        arrays = experiment.gathered() if self.task.keep_outputs and self.status == "done" else {}
        if self.task.confirm and self.status == "done":
            read = len(self.rows) if self.best is None else self.best.epoch
            check_images(experiment.measures, arrays, self.rows[read - 1])
        if arrays and self.folder:
            name = f"arrays/{self.task.id[:32]}-{self.task.code_fingerprint[:12]}.npz"  # other code's stay
            outcome |= {"arrays": name, "arrays_sha256": write_checked(self.folder / name, pack(arrays))}
        if self.task.network_limit and self.status == "done" and self.folder:
            facts |= keep_network(experiment, self.task, self.folder, self.fetch)
        return outcome

    def unreported_json(self) -> str:
        """Return the rows that were not reported yet, as JSON, since Tune would flatten a list of dicts."""
        again = [self.rows[position] for position in self._amended if position < self._reported]
        rows = [*again, *self.rows[self._reported :]]
        self._reported = len(self.rows)
        self._amended.clear()
        return json.dumps(rows)

    def state_dict(self) -> dict[str, Any]:
        """Return all that has changed since `setup`. Raises TypeError where the experiment would lose something."""
        self._watch.check()
        return {
            "rows": self.rows,
            "seconds": self.seconds,
            "test_openings": self.test_openings,
            "experiment": self.experiment.state_dict(),
            "best": vars(self.best) if self.best is not None else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state_dict` returned before the last epoch, with its tensors on the CPU."""
        self.rows = state["rows"]
        self.seconds = state["seconds"]
        self.test_openings = state["test_openings"]
        self.experiment.begin(len(self.rows))
        self.experiment.load_state_dict(state["experiment"])
        self.best = Best(**state["best"]) if state["best"] is not None else None

    def _evaluate(self, *, last: bool) -> Metrics:
        experiment = self.experiment
        metrics = recorded(experiment.measures, "validation", experiment.evaluate("validation"))
        ended = last and experiment.epoch_chosen == "last"
        if self.task.confirm and (ended or experiment.test_every_epoch):
            metrics |= self._test()
        return metrics

    def _test(self) -> Metrics:
        self.test_openings += 1
        return recorded(self.experiment.measures, "test", self.experiment.evaluate("test"))

    def _note_divergence(self, row: Row) -> None:
        broken = [name for name, value in row.items() if not math.isfinite(value)]
        if broken and self.status == "running":
            self.status = "diverged"
            self.error = f"not finite at epoch {row['epoch']:.0f}: {', '.join(broken)}"

    def _note_best(self, row: Row) -> None:
        """Keep the state of this epoch if it is better than all before; of equal ones the first stays."""
        value = row.get(self.task.metric, math.nan)
        if self.experiment.epoch_chosen == "last" or not math.isfinite(value):
            return
        sign = 1 if self.task.mode == "max" else -1
        if self.best is None or sign * value > sign * self.best.value:
            self.best = Best(len(self.rows), value, self.experiment.state_of_epoch())

    def _settle(self) -> None:
        if self.status == "running" and len(self.rows) >= self.epochs:
            if self.best is not None:
                self._return_to(self.best)
            elif self.experiment.epoch_chosen == "best" and self.task.confirm:  # nothing to choose an epoch by
                self._open_test(len(self.rows))
            if self.status == "running":
                self.error = self.experiment.collapsed()
                self.status = "done" if self.error is None else "collapsed"

    def _return_to(self, best: Best) -> None:
        """Bring the experiment back to the best epoch and, when confirming, open test data with that state."""
        started = time.perf_counter()
        self.experiment.load_state_dict(best.state)
        self.experiment.begin(best.epoch)
        self.seconds += time.perf_counter() - started
        if self.task.confirm:
            self._open_test(best.epoch)

    def _open_test(self, epoch: int) -> None:
        """Add the measures on test data to the row of the epoch whose state the experiment has."""
        started = time.perf_counter()
        row = self.rows[epoch - 1]
        with self.experiment.evaluated_again():
            row |= self._test()
        self._amended.append(epoch - 1)
        self._note_divergence(row)
        self.seconds += time.perf_counter() - started

    def _save(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.save(len(self.rows), {"code": self.task.code_fingerprint, **self.state_dict()})

    def _restore(self) -> None:
        state = self._checkpoints.load() if self._checkpoints is not None else None
        if self._checkpoints is None or state is None:
            return
        if state["code"] != self.task.code_fingerprint:
            self._checkpoints.clear()  # of other code: among them, those of this code's first epochs would count as old
            return
        self.load_state_dict(state)


def label_counts(experiment: Experiment[Any]) -> dict[str, int]:
    """Return how many labels the trial was given: of an experiment that uses none, how many test images.

    `train_labels`, `validation_labels` and `test_labels` count those of the sets trained on; `train_X_labels` and so on
    those of the set X, where a measure is declared to be of it.
    """
    if not experiment.train:
        return {}
    spent = {"train_labels": sum(len(own.y) for own in experiment.train.values())}
    named = dict.fromkeys(measure.of for measure in experiment.measures if measure.of is not None)
    spent |= {f"train_{name}_labels": len(experiment.train[name].y) for name in named if name in experiment.train}
    counts = spent if experiment.supervised else {}
    for split, sets in experiment.held_out.items():
        if split != "test" and not experiment.supervised:
            continue
        counts[f"{split}_labels"] = sum(len(sets[name].y) for name in experiment.train)
        counts |= {f"{split}_{name}_labels": len(sets[name].y) for name in named}
    return counts


def run(
    experiment: type[Experiment[Any]],
    config: TrialConfig,
    sources: Sources,
    store: Store,
    *,
    confirm: bool = False,
    epochs: int | None = None,
) -> Loop:
    """Run a trial, or its first `epochs`, in this process and without Ray: for tests, notebooks and debuggers.

    Where it is read at its best epoch, that is the one with the highest validation accuracy.
    """
    wanted = dict(config.artifacts(sources))
    if confirm:
        wanted |= config.test_artifacts(sources)
    task = Task(config, wanted, phase="confirm" if confirm else "search")
    return run_task(experiment, task, sources, store, epochs=epochs)


def run_task(
    experiment: type[Experiment[Any]], task: Task, sources: Sources, store: Store, *, epochs: int | None = None
) -> Loop:
    """Run a trial, or its first `epochs`, in this process; artifacts that the store lacks are computed first."""
    given = {name: tensors(store.get(artifact, sources), pick_device()) for name, artifact in task.artifacts.items()}
    loop = Loop(experiment, task, sources, given)
    while loop.status == "running" and (epochs is None or len(loop.rows) < epochs):
        loop.advance()
    return loop


def _nothing_fetched(artifact: Artifact) -> Tensors:
    raise ValueError(f"a kept network has the artifact {artifact.name} as a part: give the loop `fetch`")
