"""`labsweep` and `python -m sweeps`: one entry to all commands."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sweeps.__main__ import COMMANDS, main, questions
from tests.conftest import HANG, ROOT


def test_it_lists_every_question_with_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "python sweeps/transfer_sizes.py" in said
    assert "test error" in said
    assert main(["--help"], "labsweep") == 0
    said = capsys.readouterr().out
    assert "\nlabsweep transfer_sizes\n" in said
    assert "labsweep answer" in said


def test_an_unknown_question_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transfer_size"]) == 2
    assert "'transfer_sizes'" in capsys.readouterr().err
    assert main(["anser"]) == 2
    assert "'answer'" in capsys.readouterr().err
    assert not {*questions()} & {*COMMANDS}, "a question of this name could not be run"


def test_the_installed_command_runs_a_question_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["labsweep"]
    module, _, name = entry.partition(":")
    labsweep = getattr(importlib.import_module(module), name)
    words = ["transfer_sizes", "--builtin", "--out", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["labsweep", *words, "--dry-run"])
    with pytest.raises(SystemExit, match=r"^0$"):
        labsweep()
    assert "trials" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["labsweep", *words, "--seeds", "0"])
    with pytest.raises(SystemExit, match=r"^2$"):
        labsweep()
    assert "--seeds" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["labsweep", "transfer_sizes", "--help"])
    with pytest.raises(SystemExit, match=r"^0$"):
        labsweep()
    assert "labsweep transfer_sizes" in capsys.readouterr().out


@pytest.mark.slow
def test_the_installed_script_lists_the_questions(tmp_path: Path) -> None:
    script = shutil.which("labsweep", path=str(Path(sys.executable).parent))
    assert script is not None, "installing the project puts it beside Python"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stderr
    assert {*questions()} <= {*done.stdout.split()}


def test_other_commands_are_those_of_the_other_packages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["answer", "transfer_sizes", "--out", str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert main(["predict", str(tmp_path / "network"), str(tmp_path)]) == 2
    assert "network" in capsys.readouterr().err
