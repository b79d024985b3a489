"""What a trial keeps for figures survives a kill, and what a checkpoint would lose is an error at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from common.files import unpack
from tests.support.toy import Config, Toy
from trainables.core import kept
from trainables.core.experiment import EvalSplit, Metrics
from trainables.core.kept import Kept
from trainables.core.loop import Loop
from trainables.core.task import Task
from trainables.data.sources import Sources

CONFIG = Config(seed=3, size=100, lr=0.1, epochs=6)


class Keeping(Toy):
    """Keeps weights of each epoch and of the beginning, every second epoch's loss, and the last predictions."""

    test_every_epoch = False

    def setup(self) -> None:
        super().setup()
        self.keep("weight", self.model[1].weight)

    def evaluate(self, split: EvalSplit) -> Metrics:
        metrics = super().evaluate(split)
        if split == "validation":
            self.keep("weight", self.model[1].weight)
            self.keep_last("last_loss", np.float64(metrics["loss"]))
            if self.epoch % 2 == 0:
                self.keep("loss", np.float32(metrics["loss"]))
        return metrics


def loop(experiment: Any, folder: Path | None) -> Loop:
    return Loop(experiment, Task(CONFIG, id="t", phase="confirm"), Sources(), {}, folder=folder)


def left(trial: Loop) -> bytes:
    """Run a trial to its end and return the content of the arrays' file that the ledger points to."""
    outcome = trial.report(1e9)["outcome"]
    assert trial.folder is not None
    return (trial.folder / outcome["arrays"]).read_bytes()


def test_a_killed_and_resumed_trial_leaves_the_same_arrays_to_the_last_bit(tmp_path: Path) -> None:
    whole = left(loop(Keeping, tmp_path / "undisturbed"))
    for _ in range(3):  # killed after the first, the second and the third epoch
        loop(Keeping, tmp_path / "killed").report(0)
    resumed = loop(Keeping, tmp_path / "killed")
    assert len(resumed.rows) == 3
    assert left(resumed) == whole
    arrays = unpack(whole)
    assert arrays["weight"].shape == (7, 2, 5)
    assert arrays["weight_epoch"].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert not (arrays["weight"][:-1] == arrays["weight"][1:]).any(), "each epoch's own"
    assert arrays["loss_epoch"].tolist() == [2, 4, 6]
    np.testing.assert_array_equal(arrays["loss"], [np.float32(resumed.rows[n]["val_loss"]) for n in (1, 3, 5)])
    assert arrays["last_loss"] == resumed.rows[-1]["val_loss"]
    assert arrays["test_correct"].mean() == resumed.rows[-1]["test_accuracy"]


def test_arrays_that_cannot_be_stacked_stored_or_told_apart_are_refused() -> None:
    own = Kept()
    own.add("maps", np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match=r"maps must be float64 \[2, 3\].*found float64 \[3, 2\] in epoch 2"):
        own.add("maps", np.zeros((3, 2)), 2)
    with pytest.raises(ValueError, match="found float32"):
        own.add("maps", torch.zeros(2, 3), 2)
    with pytest.raises(ValueError, match="kept twice in epoch 1"):
        own.add("maps", np.zeros((2, 3)), 1)
    with pytest.raises(ValueError, match="another name"):
        own.replace("maps", np.zeros(1), 1)
    with pytest.raises(TypeError, match="array of numbers"):
        own.add("names", np.array(["a"]), 1)


def test_a_trial_keeps_no_more_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST", 2 * 2**20)
    own = Kept()
    own.add("maps", np.zeros(2**17), 1)
    own.replace("last", np.zeros(2**16), 1)
    with pytest.raises(ValueError, match=r"at most 2 MiB.*with maps of epoch 2 it would be 2\.5\. Keep fewer"):
        own.add("maps", np.zeros(2**17), 2)


def test_what_is_kept_is_a_copy_and_bf16_becomes_fp32() -> None:
    own, weights = Kept(), torch.ones(2, dtype=torch.bfloat16)
    own.add("w", weights, 1)
    weights.zero_()
    assert own.arrays()["w"].tolist() == [[1, 1]]
    assert own.arrays()["w"].dtype == np.float32


def numbers() -> Iterator[int]:
    yield from range(100)


def grow(own: Any) -> None:
    own.state.append(1)


def deepen(own: Any) -> None:
    own.state["a"]["b"].append(1)


def rebind(own: Any) -> None:
    own.state = own.state + 1


def write(own: Any) -> None:
    own.state[0] += 1


def make(own: Any) -> None:
    own.news = [1]


def forget(own: Any) -> None:
    del own.state


def train(own: Any) -> None:
    with torch.no_grad():
        own.state[0].weight.add_(1)


def draw(own: Any) -> None:
    own.state.random()


def draw_in_torch(own: Any) -> None:
    torch.rand(1, generator=own.state)


def go_on(own: Any) -> None:
    next(own.state)


CHANGES: dict[str, tuple[Any, Callable[[Any], None]]] = {
    "a list": ([], grow),
    "a nested dict": ({"a": {"b": []}}, deepen),
    "a number": (0, rebind),
    "a tensor bound anew": (torch.zeros(2), rebind),
    "a tensor in place": (torch.zeros(2), write),
    "an array in place": (np.zeros(2), write),
    "a new attribute": (None, make),
    "an attribute that is gone": (1, forget),
    "a module in a list": ([nn.Linear(1, 1)], train),
    "a generator of Python": (random.Random(0), draw),
    "a generator of NumPy": (np.random.default_rng(0), draw),
    "a generator of PyTorch": (torch.Generator(), draw_in_torch),
    "an iterator": (numbers(), go_on),
}


@pytest.mark.parametrize("what", CHANGES)
def test_state_that_a_checkpoint_cannot_hold_is_an_error_after_the_first_epoch(what: str) -> None:
    state, change = CHANGES[what]

    class Losing(Toy):
        def setup(self) -> None:
            super().setup()
            self.state = state

        def train_epoch(self) -> Metrics:
            change(self)
            return super().train_epoch()

    name = "news" if what == "a new attribute" else "state"
    with pytest.raises(TypeError, match=rf"^Losing\.{name} changed in training.*self\.keep.*state_dict"):
        loop(Losing, None).advance()


def test_state_that_changes_later_is_an_error_at_the_next_save(tmp_path: Path) -> None:
    class Late(Toy):
        def train_epoch(self) -> Metrics:
            if self.epoch == 3:
                self.late = 1
            return super().train_epoch()

    trial = loop(Late, tmp_path)
    trial.report(0)
    trial.report(0)
    with pytest.raises(TypeError, match=r"Late\.late"):
        trial.report(0)


def test_a_part_in_training_is_watched_too() -> None:
    class Outer(Toy):
        def setup(self) -> None:
            super().setup()
            self.inner = Toy(self.config, self.sources, self.device)
            self.inner.setup()

        def train_epoch(self) -> Metrics:
            self.inner.seen = self.epoch  # type: ignore[attr-defined]
            return super().train_epoch()

    with pytest.raises(TypeError, match=r"Outer\.inner\.seen"):
        loop(Outer, None).advance()


def test_what_is_constant_or_saved_elsewhere_is_no_error(tmp_path: Path) -> None:
    class Sound(Toy):
        def setup(self) -> None:
            super().setup()
            self.weights = list(self.model.parameters())  # saved with the module
            self.step = self.optimizer.step
            self.act = lambda x: x
            self.pictures = {"x": [self.x, np.arange(3)]}
            self.both = (self.model, self.optimizer)

    trial = loop(Sound, tmp_path)
    trial.report(0)
    assert loop(Sound, tmp_path).report(1e9)["outcome"]["status"] == "done"
