"""Answers that are made again from ledgers of before the redesign.

python -m tests.support.before      # keeps what they are now, after a change of tables or figures that is meant
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tempfile
import zipfile
from pathlib import Path

import matplotlib

from analysis.report.make import make_answer

ARCHIVES = sorted((Path(__file__).resolve().parent.parent / "fixtures" / "before_redesign").glob("*.zip"))
THEN, NOW, FIGURES = "tables/", "now/", "figures.json"
"""Within an archive: the tables of before the redesign, those of now, and digests of the figures of now."""
KINDS = (".png", ".svg")
MOVING = ("tsne",)
"""Figures whose last digits depend on the processor's linear algebra."""


def kept(archive: Path) -> dict[str, bytes]:
    """Return the contents of an archive by name."""
    with zipfile.ZipFile(archive) as before:
        return {name: before.read(name) for name in before.namelist()}


def answered(archive: Path, folder: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Make the answer of an archive's ledger in `folder`; return its tables by name, and digests of its figures."""
    with zipfile.ZipFile(archive) as before:
        before.extractall(folder, [name for name in before.namelist() if name.startswith(("ledger", "arrays/"))])
    make_answer(folder, archive.stem)
    tables = {path.name: path.read_bytes() for path in sorted((folder / "tables").glob("*.csv"))}
    drawn = [path for path in sorted((folder / "figures").iterdir()) if path.suffix in KINDS]
    digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn if path.stem not in MOVING}
    return tables, digests


def columns(content: bytes) -> dict[str, list[str]]:
    """Return the columns of a CSV as they are written."""
    header, *rows = csv.reader(io.StringIO(content.decode()))
    return {name: [row[i] for row in rows] for i, name in enumerate(header)}


def main() -> None:
    """Keep tables and figures as they are now; what was kept of before the redesign stays."""
    for archive in ARCHIVES:
        with tempfile.TemporaryDirectory() as folder:
            tables, digests = answered(archive, Path(folder))
        contents = {name: content for name, content in kept(archive).items() if not name.startswith(NOW)}
        contents |= {f"{NOW}{name}": content for name, content in tables.items()}
        contents[FIGURES] = json.dumps({"matplotlib": matplotlib.__version__, "sha256": digests}, indent=1).encode()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
            for name, content in contents.items():
                made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main()
