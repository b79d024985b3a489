"""Every question runs from one command to an answer, on built-in data, at its smallest."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

import trainables
from tests.conftest import ROOT, Sweeps
from tests.test_house import questions
from trainables.core.experiment import LeavesNetwork


@pytest.mark.ray
@pytest.mark.parametrize("question", [name for name in questions() if name != "transfer_sizes"])
def test_a_smoke_run_of_every_other_question_ends_in_an_answer(tmp_path: Path, question: str) -> None:
    """`transfer_sizes` runs in other tests. Were all started at once, Ray would give some of them up after 30 s."""
    sweeps = Sweeps(tmp_path, question)
    code, output = sweeps.run("--builtin", "--smoke", "--no-dashboard", "--seeds", "1")
    assert code == 0, output
    folder = tmp_path / f"{question}-smoke"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["partial"] is None, output
    assert set(manifest["trials"]["status"]) == {"done"}
    assert all(data["builtin"] for data in manifest["data"])
    page = (folder / "answer.md").read_text()
    figures = [name for name in manifest["files"] if name.endswith(".png")]
    assert len(figures) >= 2
    assert all(name in page for name in figures)
    assert page.count("(built-in)") >= 2 or not manifest["data"], "each data set is called what it is"
    assert "Traceback" not in output
    for card in folder.glob("networks/*/card.json"):
        said = trainables.load(card.parent).card.answer
        assert said["command"].startswith(f"python sweeps/{question}.py")
        assert said["measures"]
    leaves = issubclass(importlib.import_module(f"sweeps.{question}").SWEEP.experiment, LeavesNetwork)
    assert (f"python -m trainables predict {folder / 'networks'}" in output) == leaves


@pytest.mark.parametrize("question", questions())
def test_a_factor_that_may_be_searched_instead_is_known_to_the_answer(question: str) -> None:
    sweep = importlib.import_module(f"sweeps.{question}").SWEEP
    ranges = {name for name, values in sweep.factors.items() if isinstance(values[0], int | float)}
    assert ranges <= {*importlib.import_module(f"analysis.{question}").COMPARED}, "--set k=low:high searches it"


@pytest.mark.parametrize("question", questions())
def test_a_question_says_how_its_trials_train(question: str) -> None:
    procedure = importlib.import_module(f"sweeps.{question}").SWEEP.experiment.procedure
    assert procedure.endswith("."), "the answer's methods section quotes it"


@pytest.mark.parametrize("question", questions())
def test_the_docstring_states_the_question_its_commands_and_what_was_found(question: str) -> None:
    text = (ROOT / "sweeps" / f"{question}.py").read_text()
    docstring = text.split('"""')[1]
    assert docstring.splitlines()[0].endswith("?")
    for part in (f"python sweeps/{question}.py", "--builtin", "Found", f"docs/results/{question}.md"):
        assert part in docstring
