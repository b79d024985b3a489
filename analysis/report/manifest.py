"""The manifest: how an answer was made, and the checksums of its files."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pandas as pd

from analysis.numbers.results import Results
from analysis.report.answer import Answer


def manifest(answer: Answer, results: Results, folder: Path, files: list[Path]) -> str:
    """Return the manifest as JSON: runs, plan, trials, and the SHA-256 of the answer's `files`."""
    content = {
        "question": answer.question,
        "partial": answer.partial,
        "warnings": answer.warnings,
        "data": [data.model_dump() for data in results.data.values()],
        "runs": [
            {**{k: v for k, v in run.items() if k not in ("plan", "started", "finished")},
             "started": _clock(run["started"]), "finished": _clock(run["finished"])}
            for run in results.runs
        ],
        "plan": results.plan.model_dump(),
        "trials": {
            column: {str(value): int(n) for value, n in sorted(results.trials[column].value_counts().items())}
            for column in ("phase", "status", "hardware", "code_fingerprint", "precision")
        },
        "test_openings": int(results.trials["test_openings"].sum()),
        "files": {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
    }  # fmt: skip
    return json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"


def _clock(seconds: float | None) -> str | None:
    """Return a time of the ledger in UTC."""
    known = seconds is not None and not pd.isna(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if known else None
