"""What is said of the config that a question itself prescribes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analysis.findings import Findings
from analysis.words import as_text, listed, missing


def config_text(part: Findings, row: Mapping[str, Any], fields: Mapping[str, str] | None = None) -> str:
    """Return the config of a row of `best` for people: `lr 0.001, epochs 50 and batch size 32`.

    `fields` names the hyperparameters to tell, each with what to call it; without it all are told. Those that have no
    effect in the config are left out.
    """
    called = fields or {name: part.results.titled(name) for name in part.results.hyperparameters}
    return listed(f"{told} {as_text(row[name])}" for name, told in called.items() if not missing(row.get(name)))
