"""Where data come from: names and paths, fingerprints, travel."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.support.data import arrays, refused, sources
from trainables.data.sources import Sources


def test_the_training_fingerprint_does_not_see_test_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", **arrays())
    np.savez(tmp_path / "two.npz", **arrays(y_test=(np.arange(9) + 1) % 3))
    where = sources(tmp_path)
    assert where.fingerprint("one.npz", "train") == where.fingerprint("two.npz", "train")
    assert where.fingerprint("one.npz", "test") != where.fingerprint("two.npz", "test")


def test_an_unknown_name_offers_the_nearest(tmp_path: Path) -> None:
    said = refused(sources(tmp_path), "mnits")
    assert "Did you mean 'mnist'?" in said
    assert str(tmp_path / "mnits") in said


def test_sources_travel_and_have_absolute_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    where = Sources(data_dir=Path("data"), weights_dir=Path("w"), cache=Path("c"))
    assert where.data_dir == tmp_path / "data"
    assert pickle.loads(pickle.dumps(where)) == where
