"""A question in files of its own, which a test edits as its author would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from sweeps.engine import Sweep, loguniform

FILES = {
    "__init__": "",
    "networks": '"""Networks."""\n\nWIDTH = 5\n',
    "question": """
from pydantic import Field

from edited.networks import WIDTH
from trainables.core.config import DataName, TrialConfig
from trainables.core.experiment import EvalSplit, Experiment, Metrics
from trainables.core.measures import accuracy


class Config(TrialConfig):
    size: int = Field(gt=0, description="points")
    lr: float = Field(gt=0, description="learning rate")
    epochs: int = Field(3, gt=0, description="passes")


class Question(Experiment[Config]):
    measures = (accuracy(),)

    def setup(self) -> None:
        self.width = WIDTH

    def train_epoch(self) -> Metrics:
        return {"loss": 1.0}

    def evaluate(self, split: EvalSplit) -> Metrics:
        return {"accuracy": 0.5}
""",
    "another": "from edited.networks import WIDTH\n",
}


class Edited:
    """The package `edited`: a question, a module that it imports, and the file of another question."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.package = folder / "edited"
        self.package.mkdir()
        for name, text in FILES.items():
            self.write(name, text)
        monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may be written twice in a second
        for name in [*sys.modules]:
            if name.partition(".")[0] == "edited":
                monkeypatch.delitem(sys.modules, name)

    def write(self, module: str, text: str) -> None:
        """Write a module, `folder.name` or `name`."""
        path = self.package.joinpath(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def replace(self, module: str, before: str, now: str) -> None:
        """Change a part of a module."""
        text = (self.package / f"{module}.py").read_text()
        assert before in text
        self.write(module, text.replace(before, now))

    def sweep(self) -> Sweep:
        """Return a sweep of the question as its files are now, as a new process would import it."""
        for name in ("edited.question", "edited.networks", "edited"):
            sys.modules.pop(name, None)
        experiment = importlib.import_module("edited.question").Question
        return Sweep(
            experiment, factors={"size": [20, 200]}, space={"lr": loguniform(1e-3, 1)}, samples=2, search_seeds=2
        )


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Edited:
    return Edited(tmp_path, monkeypatch)
