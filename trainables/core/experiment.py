"""What runs a trial: a question fills in an `Experiment` in plain torch.

`core.loop` runs an Experiment from its first epoch to its last, with checkpoints and without Ray; `core.host` hosts
that loop on a cluster. Neither knows any question.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar, get_args

import numpy as np
import torch
from torch import nn

from common.files import Arrays
from common.seeds import seed_of
from trainables.core.checked import checked_outputs
from trainables.core.checkpoint import Resumable
from trainables.core.config import TrialConfig
from trainables.core.device import Precision
from trainables.core.kept import Kept
from trainables.core.measures import Measure
from trainables.core.network import Borrowed, Network
from trainables.data.sources import Sources

Metrics = dict[str, float]
EvalSplit = Literal["validation", "test"]

C = TypeVar("C", bound=TrialConfig)


@dataclass(frozen=True)
class Labelled:
    """Labelled images, or what stands for them."""

    x: torch.Tensor
    """[N, …]"""
    y: torch.Tensor
    """[N] int64"""

    def at(self, rows: torch.Tensor) -> Labelled:
        """Return those at the positions `rows` [n] int64."""
        return Labelled(self.x[rows], self.y[rows])


class Experiment(Resumable, ABC, Generic[C]):
    """One trial of a question, in plain torch.

    The loop calls `setup` once, then for each epoch `train_epoch`, `evaluate("validation")` and, when confirming,
    `evaluate("test")`. All randomness comes from `generator(name)` or torch's global generator, which the loop seeds
    by (seed, epoch): an interrupted trial therefore resumes exactly, with no generator state to store.

    A checkpoint holds the attributes that have a `state_dict`, and what `keep` and `keep_last` keep. Where training
    changes another attribute, the trial fails at once (`core.unsaved`): a resumed trial would have lost the change.
    """

    measures: ClassVar[tuple[Measure, ...]] = ()
    """All that `train_epoch` and `evaluate` return, declared once: columns, headings, axes and intervals follow from
    it."""
    seen_on_test: ClassVar[Mapping[str, str]] = {}
    """What was decided about the question's code while looking at test images, by the name of the data set that they
    are of: a phrase that answers on that set tell among their caveats."""
    procedure: ClassVar[str] = ""
    """How a trial trains, in sentences for the answer's methods section: network, what is frozen, loss, optimiser, size
    of the images. A config field in braces, such as `{first}`, stands for the data set that it names."""
    precision: ClassVar[Precision | None] = None
    """The only arithmetic that the question makes sense in; None leaves it to the option `--precision`."""
    has_test: ClassVar[bool] = True
    """Whether the question ends in test data; without it there is no confirm step."""
    test_every_epoch: ClassVar[bool] = True
    """Whether confirming opens test data in each epoch, for the oracle and test curves, or at the last one only."""
    supervised: ClassVar[bool] = True
    """Whether training and choosing use labels; where they do not, none are counted as spent."""
    epoch_chosen: ClassVar[Literal["last", "best"]] = "last"
    """The epoch at which a trial is read. With "best" it is the first with the best value of the selecting metric, for
    training that is not monotone: the trial ends with the state of that epoch, and test data is opened with it."""

    def __init__(self, config: C, sources: Sources, device: torch.device) -> None:
        self.config = config
        self.sources = sources
        self.device = device
        self.epoch = 0
        """The epoch under way, from 1; 0 during `setup`."""
        self.train: Mapping[str, Labelled] = {}
        """What the trial trains on, by the config's field that names the data set. `setup` sets it."""
        self.held_out: Mapping[str, Mapping[str, Labelled]] = {}
        """By split ("validation", and "test" when confirming), then likewise. `setup` sets it."""
        self._kept = Kept()

    @classmethod
    def config_class(cls) -> type[C]:
        """Return the Config that `Experiment[Config]` was given; of a type variable, its bound."""
        for base in getattr(cls, "__orig_bases__", ()):
            for given in get_args(base):
                argument = given.__bound__ if isinstance(given, TypeVar) else given
                if isinstance(argument, type) and issubclass(argument, TrialConfig):
                    return argument  # type: ignore[return-value]  # the type variable's value at run time
        raise TypeError(f"{cls.__name__} must be declared as Experiment[ItsConfig]")

    @classmethod
    def question(cls) -> str:
        """Return the question's name, which is that of its module."""
        return cls.__module__.rpartition(".")[2]

    # What a question fills in.

    @abstractmethod
    def setup(self, *args: Any, **artifacts: Any) -> None:
        """Build networks, optimiser and data; set `train` and `held_out`, from which the loop counts labels.

        Each artifact comes as a keyword argument: its name is its key in the config's `artifacts` or `test_artifacts`,
        its value its tensors by name, on the device. A question names those it needs: `def setup(self, train:
        Tensors, test: Tensors | None = None)`. (`*args` only tells type checkers that it may; nothing is passed so.)
        """

    @abstractmethod
    def train_epoch(self) -> Metrics:
        """Make one pass over the training data.

        Return measures on training data, recorded as `train_…`, and `steps`, the number of optimiser steps. What is
        measured on training data alone (a generator's loss) is declared with `splits=("train",)`.
        """

    @abstractmethod
    def evaluate(self, split: EvalSplit) -> Metrics:
        """Return the declared `measures` on held-out data, recorded as `val_…` or `test_…`.

        "test" comes only when confirming. A trial fails where a name is not declared, where a measure is missing that
        is not `optional`, or where a value lies outside its bounds.
        """

    def facts(self) -> dict[str, Any]:
        """Return constants of the trial worth a column: the head's name, … (JSON values; others fail the trial)."""
        return {}

    def outputs(self) -> Arrays:
        """Return further arrays for figures, made from what training ended with.

        A measure that is declared with `images` has its value for each test image here or by `keep_last`, and is their
        mean: `test_correct` [images] bool for `accuracy()` (`test_X_correct` for `accuracy("X")` or
        `accuracy(of="X")`), `test_X_scores` [images] float for any other measure X. Where it is a mean over parts of
        unequal size, `test_strata` (`test_X_strata`) [images] int numbers them. Arrays that `evaluate` has at hand are
        for `keep_last`.
        """
        return {}

    def collapsed(self) -> str | None:
        """Return why the trained network counts as collapsed, such as to a constant; None where it did not.

        It is asked once, when training has ended. A config that collapses on a seed is chosen last, and a mean over
        seeds that holds one has no number.
        """
        return None

    # What it may use.

    def keep(self, name: str, array: np.ndarray | torch.Tensor) -> None:
        """Keep an array of this epoch for figures: they get those of all epochs, stacked in order, as `name`.

        A figure also gets `<name>_epoch` [epochs], their numbers; in `setup` that is 0. Raises ValueError where the
        array has another shape or type than before, or where a trial would keep more than 64 MiB.
        """
        self._kept.add(name, array, self.epoch)

    def keep_last(self, name: str, array: np.ndarray | torch.Tensor) -> None:
        """Keep an array for figures in the place of the one before, such as `test_correct` (see `outputs`)."""
        self._kept.replace(name, array, self.epoch)

    def generator(self, name: str) -> torch.Generator:
        """Return a CPU generator for the stream `name` of this epoch, fresh at each call."""
        return torch.Generator().manual_seed(seed_of(self.config.seed, name, self.epoch))

    def autocast(self) -> AbstractContextManager[Any]:
        """Return a context of mixed precision, if the config asks for it."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")

    # What the loop asks for.

    def begin(self, epoch: int) -> None:
        """Set the number of the epoch under way, also of experiments that this one holds as attributes."""
        self.epoch = epoch
        for value in vars(self).values():
            if isinstance(value, Experiment):
                value.begin(epoch)

    def state_of_epoch(self) -> dict[str, Any]:
        """Return a copy of the state, to return to from a later epoch; the arrays kept of each epoch then stay."""
        state = self.state_dict()
        del state["_kept"]["by_epoch"]
        return copy.deepcopy(state)

    @contextmanager
    def evaluated_again(self) -> Iterator[None]:
        """Let arrays of an epoch that is evaluated again take the place of those that were kept before."""
        self._kept.replaces = True
        yield
        self._kept.replaces = False

    def gathered(self) -> Arrays:
        """Return all arrays for figures: what was kept, and `outputs`. Raises ValueError where both have a name."""
        kept, made = self._kept.arrays(), checked_outputs(self.question(), self.outputs())
        if twice := sorted(kept.keys() & made.keys()):
            raise ValueError(f"outputs() returns what was kept already: {', '.join(twice)}; rename one of the two")
        return kept | made


class LeavesNetwork(ABC):
    """What an experiment adds whose trials leave the network that they trained.

    class TinyCifar(Experiment[Config], LeavesNetwork): ...

    Sweeps keep such networks, `trainables.load` gives them, and other questions may use them
    (`trainables.training.trained`). `Config.leaves_network` says which configs have one, if not all do.
    """

    @abstractmethod
    def network(self) -> Network | None:
        """Return the trained network, which is kept; None where the config leaves none."""

    @classmethod
    @abstractmethod
    def build(cls, config: Any, classes: int) -> nn.Module:
        """Return an untrained module whose state dict is that of `network()`, without data or artifacts.

        It maps images, as the network's `Input` prepares them, to logits [N, classes], or [N, heads, classes] where the
        network names heads, or to embeddings [N, D] where it names no classes. A backbone that is `Pretrained` is
        `nn.Identity()` here.
        """

    @classmethod
    def borrowed(cls, config: Any, sources: Sources) -> Borrowed:
        """Return what the network has that the trial does not train. Raises Refused where weights are not there."""
        return Borrowed()
