"""An artifact is found again as long as its description and the code that computes it stay what they were."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.edited import Edited
from trainables.artifacts.code import code_behind, modules_of
from trainables.artifacts.store import Artifact, Store
from trainables.data.sources import Sources

MADE = """
import numpy as np

from edited.networks import WIDTH


def compute(artifact, piece, sources, needs):
    return {"x": np.full(3, WIDTH)}
"""
USED = """
def doubled(factor, artifact, piece, sources, needs):
    return {"x": factor() * needs["made"]["x"]}
"""


def two() -> int:
    return 2


def artifact() -> Artifact:
    """Return an artifact that needs another, in a process that has just started."""
    code_behind.cache_clear()
    for name in ("made", "used", "networks"):
        sys.modules.pop(f"edited.{name}", None)
    made = Artifact("made", {"n": 3}, importlib.import_module("edited.made").compute)
    return Artifact("used", {}, partial(importlib.import_module("edited.used").doubled, two), {"made": made})


@pytest.fixture
def before(edited: Edited) -> Artifact:
    edited.write("made", MADE)
    edited.write("used", USED)
    return artifact()


def test_prose_and_other_questions_change_no_address(edited: Edited, before: Artifact) -> None:
    edited.write("made", f'"""Arrays."""\n{MADE}\n# no more\n')
    edited.replace("question", '"accuracy": 0.5', '"accuracy": 0.6')
    edited.write("another", "WIDTH = 7\n")
    assert artifact().address == before.address


@pytest.mark.parametrize(("module", "old", "new"), [("used", "factor() *", "1 +"), ("networks", "= 5", "= 6")])
def test_code_behind_it_or_behind_what_it_needs_moves_it_and_trials_keep_their_ids(
    edited: Edited, before: Artifact, tmp_path: Path, module: str, old: str, new: str
) -> None:
    store = Store(tmp_path / "artifacts")
    assert store.get(before, Sources())["x"].tolist() == [10, 10, 10]
    edited.replace(module, old, new)
    now = artifact()
    assert now.address != before.address
    assert (now.needs["made"].address == before.needs["made"].address) == (module == "used"), "each by its own code"
    assert now.key == before.key, "the ids of trials depend on it"
    assert store.get(now, Sources())["x"].tolist() == ([6, 6, 6] if module == "used" else [12, 12, 12])


def test_functions_that_a_partial_one_is_given_count_too(before: Artifact) -> None:
    assert modules_of(before.compute) == ["edited.used", "tests.trainables.artifacts.test_store"]
