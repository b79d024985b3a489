"""Ledgers made before the redesign still give the same tables and figures, byte for byte."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import matplotlib
import pytest

from analysis.report.make import make_answer

ARCHIVES = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "before_redesign").glob("*.zip"))

SINCE = ("cifar_transfer/bias_variance", "cifar_transfer/generalisation")
"""Tables and figures whose numbers are meant to be others now, or that are new."""


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_a_ledger_made_before_the_redesign_gives_the_same_tables_and_figures(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as before:
        kept = {name: before.read(name) for name in before.namelist()}
        before.extractall(tmp_path, [name for name in kept if name.startswith(("ledger", "arrays/"))])
    make_answer(tmp_path, archive.stem)

    def since(name: str) -> bool:
        return f"{archive.stem}/{Path(name).stem}" in SINCE

    tables = {name: content for name, content in kept.items() if name.startswith("tables/") and not since(name)}
    written = [path for path in (tmp_path / "tables").glob("*.csv") if not since(path.name)]
    made = {f"tables/{path.name}": path.read_bytes() for path in written}
    assert sorted(made) == sorted(tables)
    for name, content in tables.items():
        assert made[name].decode() == content.decode(), f"{name} differs from the table made before"

    figures = json.loads(kept["figures.json"])
    if matplotlib.__version__ != figures["matplotlib"]:
        pytest.skip(f"figures were drawn by matplotlib {figures['matplotlib']}, which writes its version into them")
    for name, digest in figures["sha256"].items():
        if since(name):
            continue
        drawn = hashlib.sha256((tmp_path / "figures" / name).read_bytes()).hexdigest()
        assert drawn == digest, f"{name} differs from the figure drawn before"
