"""What is written for people is true: links lead somewhere, and every question's results are told."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_house import questions

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SECTIONS = ("Question", "Found", "Data", "Command", "Cost", "Caveats")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
_PATH = re.compile(r"`((?:analysis|bench|common|docs|sweeps|tests|trainables)/[\w./-]*)`")


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
