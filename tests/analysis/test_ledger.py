"""The ledger keeps what it was told, through kills, and says so when it cannot be read."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.database import schema
from analysis.ledger import Ledger, LedgerError, Outcome
from common.canonical import canonical
from tests.conftest import ROOT
from tests.support.entry import Entry
from tests.support.synthetic import DRAWS, add_trial, begin, condition, fill, save_arrays

KEY = condition("squeezenet1_1", 100)


def entry(seed: int = 0, **changed: object) -> Entry:
    values: dict[str, object] = {
        "id": f"trial{seed}", "question": "transfer_sizes", "phase": "search", "condition": KEY, "draw": 1,
        "prescribed": False, "stored_config": {"lr": 0.1, "seed": seed}, "seed": seed, "precision": "fp32",
        "data_fingerprint": "d", "code_fingerprint": "c",
    }  # fmt: skip
    return Entry(**{**values, **changed})  # type: ignore[arg-type]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger)
        ledger.start(entry(), worker="7@here", hardware="cpu")
        ledger.add_epochs("trial0", [{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2, "val_accuracy": math.nan}])
        ledger.finish("trial0", Outcome("diverged", seconds=1.5, facts={"width": 512}, error="not finite"))
    with Ledger(tmp_path, readonly=True) as ledger:
        row = ledger.trials().iloc[0]
        assert row["config"] == {"lr": 0.1, "seed": 0}
        assert row["condition"]["backbone"] == "squeezenet1_1"
        assert row["condition_key"] == KEY
        assert (row["status"], row["seconds"], row["facts"], row["error"]) == (
            "diverged",
            1.5,
            {"width": 512},
            "not finite",
        )
        assert not row["prescribed"]
        assert list(ledger.epochs()["epoch"]) == [1, 2]
        assert ledger.last_epochs().loc["trial0", "epoch"] == 2
        assert math.isnan(ledger.last_epochs().loc["trial0", "val_accuracy"])
        assert ledger.runs().iloc[0]["plan"].question == "transfer_sizes"
        assert ledger.runs().iloc[0]["environment"]["commit"] == "0123abc"


def test_a_retry_counts_as_an_attempt_and_replaces_its_epochs(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for value in (0.1, 0.2):
            ledger.start(entry(), worker=None, hardware="cpu")
            ledger.add_epochs("trial0", [{"epoch": 1, "val_accuracy": value}])
        assert ledger.trials()["attempts"].tolist() == [2]
        assert ledger.statuses() == {"trial0": "running"}
        assert list(ledger.epochs()["val_accuracy"]) == [0.2]


def test_a_running_trial_beside_a_finished_one_has_no_facts_yet(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        add_trial(ledger, KEY, DRAWS[0], 1, 0)
        add_trial(ledger, KEY, DRAWS[0], 1, 1, status="running")
        assert [bool(facts) for facts in ledger.trials()["facts"]] == [True, False]


def test_order_of_rows_does_not_depend_on_order_of_execution(tmp_path: Path) -> None:
    orders = []
    for name, seeds in (("forth", [0, 1, 2]), ("back", [2, 1, 0])):
        with Ledger(tmp_path / name) as ledger:
            for seed in seeds:
                add_trial(ledger, KEY, DRAWS[0], 1, seed)
            orders.append(list(ledger.trials()["id"]))
    assert orders[0] == orders[1]


def test_an_empty_ledger_reads_as_empty_tables(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        assert ledger.trials().empty
        assert {"phase", "condition_key", "config", "status"} <= set(ledger.trials().columns)
        assert ledger.epochs().empty
        assert ledger.last_epochs().empty
        assert ledger.runs().empty


def test_what_is_finished_survives_kill_9(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.support.synthetic import *\n"
        "ledger = Ledger(Path(sys.argv[1])); key = condition('squeezenet1_1', 100)\n"
        "for seed in range(10**6): print(add_trial(ledger, key, DRAWS[0], 1, seed), flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        told = [process.stdout.readline().strip() for _ in range(20)]
        os.kill(process.pid, signal.SIGKILL)
        told += process.stdout.read().split()
    with Ledger(tmp_path) as ledger:
        statuses = ledger.statuses()
        assert {statuses[trial] for trial in told if len(trial) == 64} == {"done"}
        assert list(ledger.epochs(told[:1])["epoch"]) == list(range(1, 21))


def test_writes_are_durable_and_readers_do_not_wait(tmp_path: Path) -> None:
    with Ledger(tmp_path) as writer:
        assert writer._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        assert writer._db.execute("PRAGMA synchronous").fetchone()[0] == 2
        add_trial(writer, KEY, DRAWS[0], 1, 0)
        writer.start(entry(5), worker=None, hardware="cpu")  # a transaction is open
        with Ledger(tmp_path, readonly=True) as reader:
            assert len(reader.trials()) == 1


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    Ledger(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("UPDATE meta SET value='99' WHERE key='schema_version'")
    db.close()
    with pytest.raises(LedgerError, match=f"version is 99, this program reads 1 to {schema.VERSION}.*newer"):
        Ledger(tmp_path)


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 30)
    with pytest.raises(LedgerError, match="no ledger, or damaged"):
        Ledger(tmp_path, readonly=True)


def test_what_other_code_began_is_begun_anew(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        for code, kept in (("before", []), ("before", [1, 2, 3]), ("after", [])):
            ledger.start(replace(entry(), code_fingerprint=code), worker=None, hardware="cpu")
            assert [*ledger.epochs().get("epoch", [])] == kept, "the same code goes on where it was"
            ledger.add_epochs("trial0", [{"epoch": epoch, "loss": 0.5} for epoch in (1, 2, 3)])
        assert ledger.last_epochs()["epoch"].item() == 3


def test_a_damaged_ledger_is_told_without_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path / "transfer_sizes")
    path = tmp_path / "transfer_sizes" / "ledger.sqlite"
    with path.open("r+b") as file:
        file.seek(8 * 4096)
        file.write(b"\xff" * (path.stat().st_size - 8 * 4096))
    assert main(["transfer_sizes", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "damaged" in said
    assert "--fresh" in said


def test_a_reader_waits_for_a_ledger_that_is_just_being_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ledger.sqlite").touch()
    threading.Timer(0.2, lambda: Ledger(tmp_path).close()).start()
    with Ledger(tmp_path, readonly=True) as ledger:
        assert ledger.trials().empty
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "ledger.sqlite").touch()
    monkeypatch.setattr("analysis.ledger.STARTING", 0.1)
    with pytest.raises(LedgerError, match="holds nothing yet"):
        Ledger(tmp_path / "empty", readonly=True)


def test_a_missing_ledger_is_not_created_by_a_reader(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger there"):
        Ledger(tmp_path / "nowhere", readonly=True)
    assert not (tmp_path / "nowhere").exists()


def test_arrays_are_checked(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.start(entry(), worker=None, hardware="cpu")
        name, digest = save_arrays(tmp_path, "trial0", test_correct=np.array([True, False]))
        ledger.finish("trial0", Outcome("done", arrays=name, arrays_sha256=digest))
        assert list(ledger.arrays("trial0")["test_correct"]) == [True, False]
        assert ledger.arrays("unknown") == {}
        content = bytearray((tmp_path / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LedgerError, match="SHA-256"):
            ledger.arrays("trial0")
        (tmp_path / name).unlink()
        with pytest.raises(LedgerError, match="missing"):
            ledger.arrays("trial0")


def test_canonical_json_is_the_same_for_equal_values() -> None:
    assert canonical({"b": np.float64(0.5), "a": (1, np.int64(2))}) == canonical({"a": [1, 2], "b": 0.5})
    assert canonical({"x": math.inf}) == '{"x":"inf"}'
