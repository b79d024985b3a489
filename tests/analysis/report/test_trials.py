"""`--trials`: every trial of a ledger with what became of it, readable by people and by other programs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from analysis.__main__ import main
from analysis.ledger import Ledger, Outcome
from analysis.report.trials import show_trials, trials_of
from tests.conftest import HANG, ROOT
from tests.support.synthetic import DRAWS, add_trial, begin, condition

SIZES = [100, 300]
COLUMNS = ["config", "seed", "phase", "status", "validation accuracy, %", "seconds", "worker", "error"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a ledger with trials that are done, run, and failed."""
    with Ledger(tmp_path / "transfer_sizes") as ledger:
        begin(ledger, factors={"backbone": ["squeezenet1_1"], "train_size": SIZES}, search_trials=2, search_seeds=[0])
        for size in SIZES:
            add_trial(ledger, condition("squeezenet1_1", size), DRAWS[0], 1, 0, accuracy=[0.5, 0.75])
        add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[1], 2, 0, status="running")
        failed = add_trial(ledger, condition("squeezenet1_1", 300), DRAWS[1], 2, 0)
        ledger.finish(failed, Outcome("failed", 1.26, error='Traceback\n  File "x"\nValueError: [no] such head'))
    return tmp_path


def test_a_row_for_each_trial_says_what_became_of_it(folder: Path) -> None:
    table = trials_of(folder / "transfer_sizes")
    assert list(table) == COLUMNS
    assert table["status"].value_counts().to_dict() == {"done": 2, "running": 1, "failed": 1}
    first, last = table.iloc[0], table[table["status"] == "failed"].iloc[0]
    assert {f"lr={DRAWS[0]['lr']}", "train_size=100"} <= {*first["config"].split(", ")}
    assert (first["seed"], first["phase"], first["validation accuracy, %"]) == ("0", "search", "75.0")
    assert (last["error"], last["seconds"]) == ("ValueError: [no] such head", "1.3")
    assert table[table["status"] == "running"]["seconds"].item() == "–"


def test_piped_it_is_tab_separated_and_nothing_else(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transfer_sizes", "--trials", "--out", str(folder)]) == 0
    said = capsys.readouterr()
    rows = [line.split("\t") for line in said.out.splitlines()]
    assert rows[0] == COLUMNS
    assert len(rows) == 5
    assert {len(row) for row in rows} == {len(COLUMNS)}
    assert said.err.strip() == "transfer_sizes: 4 trials (2 done, 1 running, 1 failed)"
    assert not (folder / "transfer_sizes" / "answer.md").exists(), "no answer is made"


def test_a_terminal_shows_all_rows_however_many(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger, factors={"backbone": ["squeezenet1_1"], "train_size": [100]}, search_trials=1)
        for seed in range(300):
            add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[0], 1, seed, accuracy=[0.5])
        ledger.finish(
            add_trial(ledger, condition("squeezenet1_1", 100), DRAWS[1], 2, 0), Outcome("failed", error="[x]")
        )
    console = Console(file=io.StringIO(), force_terminal=True, width=200, height=20, legacy_windows=False)
    show_trials("transfer_sizes", tmp_path, console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "transfer_sizes: 301 trials (300 done, 1 failed)" in printed
    assert printed.count("search") == 301
    assert "[x]" in printed, "an error is no markup"


def test_without_a_ledger_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transfer_sizes", "--trials", "--out", str(tmp_path)]) == 2
    assert "no ledger there" in capsys.readouterr().err


@pytest.mark.slow
def test_who_reads_only_the_first_rows_gets_no_traceback(folder: Path) -> None:
    command = [sys.executable, "-m", "analysis", "transfer_sizes", "--trials", "--out", str(folder)]
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does once it has what it wants
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=HANG)
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
