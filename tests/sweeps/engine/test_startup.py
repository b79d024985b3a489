"""What starts no trial imports no Ray, which takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import HANG, ROOT

PROGRAM = """
import json, sys
from sweeps.engine.cli import run
from sweeps.transfer_sizes import SWEEP
code = run(SWEEP, json.loads(sys.argv[1]))
print(code, "ray" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("words", "code"), [(["--dry-run"], 0), (["--set", "lr=fast"], 2)])
def test_a_dry_run_and_a_refused_command_do_not_import_ray(words: list[str], code: int, tmp_path: Path) -> None:
    argv = json.dumps(["--builtin", *words, "--out", str(tmp_path)])
    done = subprocess.run([sys.executable, "-c", PROGRAM, argv], cwd=ROOT, capture_output=True, text=True, timeout=HANG)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{code} False"
