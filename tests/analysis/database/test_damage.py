"""A damaged ledger gives the rows that are intact, to the last digit, and says what is wrong: never other numbers."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import time
from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import main
from analysis.database import schema
from analysis.ledger import DamagedLedger, Ledger, LedgerError
from tests.support.synthetic import begin, small
from tests.support.tampered import as_version_1, flip

CHANGES = ("1000 + {0}", "'x' || {0}", "CAST({0} AS BLOB)", "CAST(x'ff' || {0} AS TEXT)")
"""Another number, another text, another type of the same bytes, and a text that is not UTF-8."""
SAME = {("runs", "id"): CHANGES[:1], ("epochs", "metrics"): (*CHANGES[:2], CHANGES[3])}
"""Cells that take fewer changes: a row's number is a number, and JSON is read from bytes as from text."""
CELLS = [
    (table, column, how)
    for table in ("trials", "epochs", "runs")
    for column in schema.COLUMNS[table]
    for how in SAME.get((table, column), CHANGES)
]
FLIPS = 200
LOST = "does not fit its hash"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of seven trials and a command, in one file."""
    folder = tmp_path_factory.mktemp("sound") / "transfer_sizes"
    small(folder)
    with Ledger(folder) as ledger:
        ledger.end_run(1, outcome="complete", shared_seconds=1.5, slots=2)
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "transfer_sizes"))


def change(folder: Path, *statements: str) -> None:
    """Change a ledger behind its back."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()


def read(folder: Path) -> tuple[dict[str, str], str]:
    """Return what can be read of a ledger, by trial, and under `runs` its commands; and what is said of its damage."""
    with Ledger(folder, readonly=True) as ledger:
        trials, epochs, runs = ledger.trials(), ledger.epochs(), ledger.runs()
        own = dict(tuple(epochs.groupby("trial"))) if len(epochs) else {}
        found = {row["id"]: f"{[*row]} {told(own.get(row['id']))}" for _, row in trials.iterrows()}
        return found | {f"run {row['id']}": str([*row]) for _, row in runs.iterrows()}, str(ledger.damage or "")


def told(epochs: pd.DataFrame | None) -> str:
    """Return the epochs of one trial as text, in which every digit counts."""
    return (
        "" if epochs is None else str([sorted(row.items()) for row in epochs.dropna(axis="columns").to_dict("records")])
    )


@pytest.mark.parametrize(("table", "column", "how"), CELLS)
def test_a_cell_that_has_changed_costs_its_row_and_is_told(folder: Path, table: str, column: str, how: str) -> None:
    before, _ = read(folder)
    one = "(SELECT trial, epoch FROM epochs LIMIT 1)"
    where = f"(trial, epoch) IN {one}" if table == "epochs" else "rowid=1"
    value = how.format(f"coalesce({column}, 'x')")
    change(folder, f"UPDATE {table} SET {column}={value} WHERE {where}")
    after, damage = read(folder)
    lost = before.keys() - after.keys()
    assert len(lost) == 1
    assert after == {name: row for name, row in before.items() if name not in lost}, "all others as they were"
    assert LOST in damage
    assert f"{7 - (table != 'runs')} other trials are intact" in damage
    with pytest.raises(DamagedLedger, match=LOST):
        Ledger(folder)


@pytest.mark.parametrize("statement", ["DELETE FROM epochs WHERE trial", "UPDATE trials SET digest=NULL WHERE id"])
def test_lost_epochs_and_lost_hashes_are_missed(folder: Path, statement: str) -> None:
    change(folder, f"{statement} IN (SELECT id FROM trials LIMIT 2)")
    assert "2 trials do not fit their hash" in read(folder)[1]


@pytest.mark.slow
def test_whatever_bit_flips_no_other_number_is_read_and_nothing_ends_in_a_traceback(folder: Path, sound: Path) -> None:
    content, (before, _) = (sound / "ledger.sqlite").read_bytes(), read(sound)
    bytes_in_use = [place for place, byte in enumerate(content) if byte]
    draw, counts = random.Random(0), {"refused": 0, "told": 0, "harmless": 0}
    for _ in range(FLIPS):
        (folder / "ledger.sqlite").write_bytes(content)
        flip(folder / "ledger.sqlite", draw.choice(bytes_in_use), draw.randrange(8))
        try:
            after, damage = read(folder)
        except LedgerError:
            counts["refused"] += 1
            continue
        assert after.items() <= before.items(), "what is read is what was written"
        assert damage or after == before, "what is lost is told"
        counts["told" if damage else "harmless"] += 1
    assert counts["told"] > FLIPS / 2, f"of most that are damaged something is left: {counts}"


@pytest.mark.slow
def test_the_answer_to_a_damaged_ledger_is_partial_and_names_what_is_lost(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Ledger(folder, readonly=True) as ledger:
        lost = ledger.trials(phase="confirm")["id"].iloc[0]
    change(folder, f"UPDATE trials SET config=replace(config, '0.01', '0.05') WHERE id='{lost}'")
    words = ["transfer_sizes", "--out", str(folder.parent), "--png-only"]
    assert main(words) == 1
    said = capsys.readouterr().out
    assert "6/7" in said
    assert f"1 trial does not fit its hash ({lost[:12]}); 6 other trials are intact" in " ".join(said.split())
    assert lost[:12] in (folder / "answer.md").read_text()
    assert main([*words, "--trials"]) == 0
    said, told = capsys.readouterr()
    assert len(said.splitlines()) == 1 + 6
    assert lost[:12] in told


def test_a_ledger_of_the_first_version_is_read_as_it_is_and_gets_hashes_when_it_is_added_to(folder: Path) -> None:
    as_version_1(folder)
    content, (before, _) = (folder / "ledger.sqlite").read_bytes(), read(folder)
    assert len(before) == 7 + 1
    assert (folder / "ledger.sqlite").read_bytes() == content
    with Ledger(folder) as ledger:
        assert ledger.code() == {}
    assert read(folder) == (before, "")
    change(folder, "UPDATE trials SET seed=9 WHERE rowid=1")
    assert LOST in read(folder)[1]


@pytest.mark.slow
def test_opening_a_ledger_of_thousands_of_trials_takes_less_time_than_reading_its_epochs(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        begin(ledger)
        with ledger.rewriting() as db:
            cells = ", ".join(f"'{n}'" if n != "id" else "hex(randomblob(32))" for n in schema.COLUMNS["trials"])
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {})"
            names = ", ".join(schema.COLUMNS["trials"])
            db.execute(f"{numbers.format(3000)} INSERT INTO trials ({names}) SELECT {cells} FROM n")
            metrics = """'{"val_accuracy":' || (random() / 1e19) || ',"val_loss":0.123456789,"seconds":1.5}'"""
            db.execute(f"{numbers.format(20)} INSERT INTO epochs SELECT id, i, {metrics} FROM trials, n")
    began = time.perf_counter()
    with Ledger(tmp_path, readonly=True) as ledger:
        opened = time.perf_counter() - began
        assert ledger.damage is None
        began = time.perf_counter()
        assert len(ledger.epochs()) == 60_000
        assert opened < time.perf_counter() - began
