"""What is written for people is true: links lead somewhere, and every question's results are told."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.ledger import Ledger
from tests.conftest import HANG, ROOT, Sweeps
from tests.test_house import questions

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FILES = {"best": "best_config", "searched": "search"}
"""Files of the tables of `Findings` that bear another name."""
SECTIONS = ("Question", "Found", "Data", "Command", "Cost", "Caveats")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_EXAMPLE = re.compile(r"```python\n# (\w+/label_noise\.py)\n(.*?)```", re.DOTALL)
_PATH = re.compile(r"`((?:analysis|bench|common|docs|sweeps|tests|trainables)/[\w./-]*)`")


def written_example(folder: Path) -> Path:
    """Write CONTRIBUTING's example question into a copy of the packages, and return the copy's folder."""
    for package in ("common", "sweeps", "trainables", "analysis"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    files = dict(_EXAMPLE.findall((ROOT / "CONTRIBUTING.md").read_text()))
    assert len(files) == 3
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def columns_told() -> dict[str, set[str]]:
    """Return the columns that CONTRIBUTING tells of each table of `Findings`."""
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    return {name: set(re.findall(r"`(\w+)`", columns)) for name, columns in rows}


def python(folder: Path, *words: str, packages: Path | None = None) -> str:
    """Run Python in a folder on a copy of the packages, which lies there too, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env={**os.environ, "PYTHONPATH": str(packages or folder)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=HANG,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def val_accuracy_of(ledger: Ledger, train_size: int, seed: int) -> float:
    """Return the last validation accuracy of a confirmed trial of the chosen config, where that is not prescribed."""
    with ledger:
        trials = ledger.trials(phase="confirm")
        own = trials["config"].map(lambda config: (config["train_size"], config["seed"]) == (train_size, seed))
        (trial,) = trials.loc[own & ~trials["prescribed"], "id"]
        return float(ledger.epochs([trial])["val_accuracy"].iloc[-1])


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    links = [link.partition("#")[0] for link in _LINK.findall(_CODE.sub("", page.read_text()))]
    dead = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_is_named_exists(page: Path) -> None:
    assert not [path for path in _PATH.findall(page.read_text()) if not (ROOT / path).exists()]


@pytest.mark.parametrize("question", questions())
def test_the_results_of_a_question_have_the_same_sections(question: str) -> None:
    page = (ROOT / "docs" / "results" / f"{question}.md").read_text()
    assert tuple(re.findall(r"^## (.+)$", page, re.MULTILINE)) == SECTIONS
    assert f"python sweeps/{question}.py" in page


def test_the_licence_and_version_are_told_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["license"], citation["version"]) == (project["license"], project["version"])
    assert citation["authors"] == project["authors"]
    assert (ROOT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 The Labsweep authors\n")


def test_pre_commit_runs_commands_of_make_check() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    check = subprocess.run(["make", "-n", "check"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for hook in repository["hooks"]:
        command = hook["entry"].split()
        printed = subprocess.run(["make", "-n", *command[1:]], cwd=ROOT, capture_output=True, text=True, check=True)
        assert command[0] == "make"
        assert set(printed.stdout.splitlines()) <= set(check.splitlines())


@pytest.mark.ray
def test_the_readmes_lines_of_python_run_a_sweep_and_end_in_the_ledgers_number(sweeps: Sweeps) -> None:
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    *before, last = lines.strip().splitlines()
    sweeps.out.rename(sweeps.out.with_name("runs"))  # where the sweep finds the shared work
    folder = sweeps.out.parent
    program = "\n".join([*before, f"print('ended in', repr({last}), network.training)"])
    printed = python(folder, "-c", program, packages=ROOT)
    ((value, training),) = re.findall(r"^ended in (\S+) (\S+)$", printed, re.MULTILINE)
    assert training == "False"
    assert float(value) == val_accuracy_of(Ledger(folder / "runs" / "transfer_sizes", readonly=True), 100, seed=1)


@pytest.mark.slow
def test_the_example_of_contributing_runs_without_ray(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(from pathlib.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)
    assert 0.6 < float(python(written_example(tmp_path), "-c", program)) < 0.95


@pytest.mark.ray
def test_the_example_of_contributing_goes_from_images_to_figures(tmp_path: Path) -> None:
    folder = written_example(tmp_path)
    python(folder, "sweeps/label_noise.py", "--builtin", "--smoke", "--no-dashboard", "--seeds", "2", "--out", "out")
    made = folder / "out" / "label_noise-smoke"
    assert json.loads((made / "manifest.json").read_text())["partial"] is None
    assert {path.name for path in (made / "figures").glob("*.png")} == {"test_error.png", "learning_curves.png"}
    told = columns_told()
    assert told.keys() == {"best", "seeds", "curves", "searched", "differences"}
    for name, columns in told.items():
        assert columns <= {*pd.read_csv(made / "tables" / f"{FILES.get(name, name)}.csv")}, f"columns of {name}"


def test_the_example_of_contributing_keeps_to_the_rules(tmp_path: Path) -> None:
    folder = written_example(tmp_path)
    config = str(ROOT / "pyproject.toml")
    files = [str(path) for path in folder.rglob("label_noise.py")]
    python(folder, "-m", "ruff", "check", "--config", config, *files)
    python(folder, "-m", "ruff", "format", "--check", "--config", config, *files)
