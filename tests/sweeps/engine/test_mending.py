"""A damaged ledger goes on with what is intact of it: only the rest runs again, and the table is the same."""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from analysis.ledger import Ledger, LedgerError
from sweeps.engine.dry_run import _copied_ledger
from sweeps.engine.mending import opened
from tests.support.driver import Driver, command
from tests.support.tampered import flip

WORDS = ("--samples", "2", "--seeds", "2")
TRIALS = 2 * (2 * 2 + 2)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    assert Driver(folder, *WORDS).command() == TRIALS
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "toy"))


def change(folder: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        db.execute(statement)
        db.commit()


def results(folder: Path) -> dict[str, float]:
    """Return the value at which each trial is read."""
    with Ledger(folder, readonly=True) as ledger:
        assert ledger.damage is None
        trials, last = ledger.trials(status="done"), ledger.read_epochs()
    return {trial: last.loc[trial, "val_accuracy"] for trial in trials["id"]}


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("UPDATE trials SET config=replace(config, '0.', '1.') WHERE rowid=2", 1),
        ("UPDATE epochs SET metrics=replace(metrics, '0.', '0.0') WHERE trial IN (SELECT id FROM trials LIMIT 3)", 3),
        ("UPDATE trials SET status='failed' WHERE rowid=1", 1),
        ("DELETE FROM epochs", TRIALS),
        ("UPDATE runs SET plan='{}'", 0),
    ],
)
def test_rows_that_fail_are_named_and_run_again_and_the_file_is_kept(
    folder: Path, capsys: pytest.CaptureFixture[str], statement: str, lost: int
) -> None:
    before = results(folder)
    change(folder, statement)
    damaged = (folder / "ledger.sqlite").read_bytes()
    with _copied_ledger(command(folder)) as copy:
        assert len(copy.statuses()) == TRIALS - lost, "a dry run tells how many are left"
    assert (folder / "ledger.sqlite").read_bytes() == damaged, "and changes nothing"
    opened(folder).close()
    told = capsys.readouterr().err
    assert told.count("is damaged") == 2
    assert "kept as ledger.sqlite.damaged-1" in told
    assert (folder / "ledger.sqlite.damaged-1").read_bytes() == damaged
    assert Driver(folder, *WORDS).command() == lost
    assert results(folder) == before
    opened(folder).close()
    assert capsys.readouterr().err == "", "there is nothing more to mend"


@pytest.mark.slow
def test_whatever_bit_flips_the_same_command_comes_to_the_same_results(
    folder: Path, sound: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, before = (sound / "ledger.sqlite").read_bytes(), results(sound)
    places, draw, refused = [place for place, byte in enumerate(content) if byte], random.Random(1), 0
    for _ in range(40):
        (folder / "ledger.sqlite").write_bytes(content)
        flip(folder / "ledger.sqlite", draw.choice(places), draw.randrange(8))
        try:
            opened(folder).close()
        except LedgerError:
            refused += 1
            continue
        Driver(folder, *WORDS).command()
        assert results(folder) == before
    assert refused < 10
    assert "is damaged" in capsys.readouterr().err


def test_a_log_of_the_damaged_file_is_not_taken_for_one_of_the_mended(folder: Path) -> None:
    ledger = Ledger(folder)
    with ledger.rewriting() as db:
        db.execute("UPDATE trials SET draw=7 WHERE rowid=1")
        db.execute("CREATE TABLE more (x)")
        db.execute("INSERT INTO more VALUES (randomblob(100000))")
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite")) as db:
        db.execute("UPDATE trials SET draw=8 WHERE rowid=1")
        db.commit()
        assert (folder / "ledger.sqlite-wal").stat().st_size
        for end in ("", "-wal"):
            shutil.copy(folder / f"ledger.sqlite{end}", folder / f"copy{end}")
    ledger.close()
    for end in ("", "-wal"):
        (folder / f"copy{end}").rename(folder / f"ledger.sqlite{end}")
    with opened(folder) as mended:
        assert len(mended.trials()) == TRIALS - 1
        assert mended._db.execute("SELECT 1 FROM sqlite_master WHERE name='more'").fetchone() is None
    with contextlib.closing(sqlite3.connect(folder / "ledger.sqlite.damaged-1")) as db:
        assert db.execute("SELECT draw FROM trials WHERE rowid=1").fetchone() == (8,), "its log is kept beside it"
