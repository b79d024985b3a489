"""The fingerprint of a question's code follows what the question imports, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sweeps.engine.fingerprint import code_of
from tests.conftest import ROOT as ROOT_FOLDER
from tests.support.edited import Edited
from tests.support.toy import Toy
from trainables.artifacts.code import closure, fingerprint
from trainables.data.builtin import house_digits
from trainables.data.sources import Sources

ROOT = "edited.question"


def changed(before: dict[str, str]) -> set[str]:
    """Return the modules behind the question that have changed since."""
    return {name for name, digest in {*closure(ROOT).items()} ^ {*before.items()}}


def test_prose_changes_nothing(edited: Edited) -> None:
    before = closure(ROOT)
    edited.replace("networks", '"""Networks."""\n', '"""What is trained."""\n\n# five is enough\n')
    edited.replace("networks", "WIDTH = 5", 'WIDTH = (  # layers\n    5\n)\n"""Of what is hidden."""')
    edited.replace("question", "    def setup(self)", '    """A docstring."""\n\n    def setup(self)')
    edited.replace("question", "learning rate", "learning rate of SGD")
    assert closure(ROOT) == before


def test_files_of_other_questions_change_nothing(edited: Edited) -> None:
    before = closure(ROOT)
    edited.write("another", "WIDTH = 7\n")
    edited.write("third", "import torch\n")
    assert closure(ROOT) == before
    assert "edited.another" not in before


@pytest.mark.parametrize(
    ("module", "now"), [("networks", "WIDTH = 6"), ("question", '"accuracy": 0.6'), ("question", "gt=1, description")]
)
def test_a_change_in_what_the_question_imports_is_named(edited: Edited, module: str, now: str) -> None:
    before = closure(ROOT)
    old = {"WIDTH = 6": "WIDTH = 5", '"accuracy": 0.6': '"accuracy": 0.5', "gt=1, description": "gt=0, description"}
    edited.replace(module, old[now], now)
    assert changed(before) == {f"edited.{module}"}
    assert fingerprint(closure(ROOT)) != fingerprint(before)


@pytest.mark.parametrize(
    "imports",
    [
        "from edited.help.deep import x",
        "from edited.help import deep",
        "import edited.help.deep as d",
        "from .help import deep",
        "from .help.deep import x",
        "from edited.help.deep import *",
    ],
)
def test_a_module_is_found_however_it_is_imported(edited: Edited, imports: str) -> None:
    edited.write("help.__init__", "")
    edited.write("help.deep", "from ..far import y\nx = y\n")
    edited.write("far", "y = 1\n")
    body = imports if imports.endswith("*") else f"def later():\n    {imports}"
    edited.write("networks", f"WIDTH = 5\n{body}\n")
    before = closure(ROOT)
    assert {"edited", "edited.help", "edited.help.deep", "edited.far"} <= {*before}
    edited.write("far", "y = 2\n")
    edited.write("help.__init__", "import math\n")
    assert changed(before) == {"edited.far", "edited.help"}, "also one that a function imports, at one remove"


def test_packages_of_others_are_left_out_and_ours_are_in(edited: Edited) -> None:
    assert {name.partition(".")[0] for name in closure(ROOT)} == {"common", "edited", "trainables"}
    assert {"common.seeds", "trainables.core.experiment"} <= {*closure(ROOT)}


def test_a_question_outside_of_trainables_has_its_own_code_and_the_loop_that_runs_it() -> None:
    modules = code_of(Toy).modules
    assert {"tests.support.toy", "trainables.core.loop", "trainables.core.experiment"} <= {*modules}
    assert not [name for name in modules if name.startswith(("sweeps", "ray"))]
    assert not [name for name in modules if name.startswith("trainables.nets")], "it has no networks"


def test_code_that_reads_or_draws_data_counts_since_fingerprints_of_data_do_not_tell_what_it_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ROOT_FOLDER / "trainables" / "data"
    made = [path for folder in ("readers", "derived", "builtin") for path in (data / folder).glob("[a-z]*.py")]
    names = {".".join(path.relative_to(ROOT_FOLDER).with_suffix("").parts) for path in made}
    assert len(names) > 15
    assert names <= {*closure("trainables.transfer_sizes")}
    before = Sources(cache=tmp_path).fingerprint("house_digits", "train")
    monkeypatch.setattr(house_digits, "draw", lambda labels, seed: np.zeros((len(labels), 32, 32, 3), np.uint8))
    assert Sources(cache=tmp_path / "other").fingerprint("house_digits", "train") == before


def test_a_module_that_cannot_be_parsed_or_has_no_source_is_no_end(edited: Edited) -> None:
    edited.write("networks", "def later():\n    import edited.broken, edited.absent\nWIDTH = 5\n")
    edited.write("broken", "not python (\n")
    before = closure(ROOT)
    assert "edited.broken" in before
    assert closure("builtins") == {}
    edited.write("broken", "nor this (\n")
    assert changed(before) == {"edited.broken"}
