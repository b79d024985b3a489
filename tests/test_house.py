"""The house: which module may import which, that README's map shows it as it stands, and that questions are alike."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("common", "analysis", "trainables", "sweeps")
ALLOWED = {
    "common": set(),
    "analysis": {"common"},
    "trainables": {"common"},
    "sweeps": {"common", "analysis", "trainables"},
}
"""By package: those of ours that it may import."""
MOST_FILES = 6
"""At a package's top, beside the questions."""


def python_files(package: str) -> list[Path]:
    return sorted(path for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py")


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def questions() -> list[str]:
    return [path.stem for path in sorted((ROOT / "sweeps").glob("*.py")) if not path.stem.startswith("__")]


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports, anywhere in it, names imported from them included (`a.b.name`)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imported(path)}


MODULES = {module_of(path): path for package in PACKAGES for path in python_files(package)}
GRAPH = {module: imported(path) & MODULES.keys() for module, path in MODULES.items()}
"""By module: the modules of ours that it imports."""


def room(module: str) -> str:
    """Return the folder of a module; a module that lies beside folders is a room by itself."""
    path = MODULES[module]
    beside = any(child.is_dir() and any(child.glob("*.py")) for child in path.parent.iterdir())
    return module if beside else module.rpartition(".")[0]


def assert_no_circle(graph: dict[str, set[str]]) -> None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports go round: {' → '.join(reversed(error.args[1]))}")


def test_packages_import_one_way() -> None:
    for package in PACKAGES:
        for path in python_files(package):
            others = tops(path) & {*PACKAGES} - {package}
            assert others <= ALLOWED[package], f"{path} imports {others - ALLOWED[package]}"


def test_no_module_and_no_folder_imports_itself_by_a_detour() -> None:
    assert_no_circle(GRAPH)
    rooms: dict[str, set[str]] = {}
    for module, others in GRAPH.items():
        rooms.setdefault(room(module), set()).update({room(other) for other in others} - {room(module)})
    assert_no_circle(rooms)


def test_common_ground_is_four_modules() -> None:
    assert [path.stem for path in python_files("common")] == ["canonical", "files", "problems", "seeds"]


def test_ray_and_torch_are_known_only_where_they_must_be() -> None:
    with_ray = {ROOT / "trainables/core/host.py", ROOT / "trainables/artifacts/remote.py"}
    with_ray |= {*(ROOT / "sweeps" / "engine").glob("*.py")}
    for package in PACKAGES:
        for path in python_files(package):
            assert path in with_ray or "ray" not in tops(path), f"{path} imports Ray"
    for package in ("common", "analysis"):
        for path in python_files(package):
            assert not tops(path) & {"torch", "torchvision", "optuna"}, f"{path} imports PyTorch or Optuna"


def loaded_by(program: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after `program`."""
    code = f"import sys\n{program}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.slow
def test_no_trainable_needs_ray_or_another_package() -> None:
    program = "\n".join(f"import trainables.{question}" for question in questions())
    assert not loaded_by(program) & {"ray", "sweeps", "analysis"}


def test_the_list_of_questions_needs_no_torch() -> None:
    program = "from sweeps.__main__ import main\nassert main([]) == 0\nassert main(['transfer_size']) == 2"
    assert not loaded_by(program) & {"torch", "ray", "numpy"}


def test_a_package_has_few_files_beside_its_questions_and_says_nothing_when_imported() -> None:
    for package in ("sweeps", "trainables", "analysis"):
        beside = [path for path in (ROOT / package).glob("*.py") if path.stem not in (*questions(), "__init__")]
        assert len(beside) <= MOST_FILES, beside
    speaking = {ROOT / "sweeps/engine/__init__.py", ROOT / "trainables/__init__.py"}
    for path in ROOT.glob("[a-z]*/**/__init__.py"):
        assert path in speaking or not path.read_text().strip(), path


def test_importing_trainables_alone_loads_nothing() -> None:
    assert not loaded_by("import trainables") & {"torch", "numpy", "pydantic"}


@pytest.mark.parametrize("question", questions())
def test_a_question_is_a_file_in_each_of_three_folders_and_knows_no_other(question: str) -> None:
    for package in ("sweeps", "trainables", "analysis"):
        path = ROOT / package / f"{question}.py"
        assert path.exists()
        for other in {*questions()} - {question}:
            assert not any(name.endswith(f".{other}") for name in imported(path)), f"{path} imports {other}"


def test_no_module_is_called_utils() -> None:
    assert not [path for path in ROOT.glob("[a-z]*/**/*.py") if path.stem in ("utils", "util", "helpers", "misc")]


def test_the_readmes_map_shows_every_folder_of_code() -> None:
    shown = re.findall(r"^([a-z_]+(?:/[a-z_]+)*)/ {2,}\S", (ROOT / "README.md").read_text(), re.M)
    folders = {path.parent.relative_to(ROOT).as_posix() for package in PACKAGES for path in python_files(package)}
    assert folders <= {*shown}, f"not in the map: {sorted(folders - {*shown})}"
    assert not [name for name in shown if not (ROOT / name).is_dir()], "in the map, and not there"
