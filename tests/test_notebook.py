"""The notebook runs as it would for a reader: in a kernel, with an event loop, from a folder that is no checkout."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from tests.conftest import HANG, ROOT, Sweeps

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def test_the_notebook_is_kept_without_what_it_printed() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(cells) == 10
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"] is not None]


@pytest.mark.ray
@pytest.mark.filterwarnings("default")  # of Jupyter's own, about its folders and sockets
def test_the_notebook_runs_a_sweep_and_its_trial_and_network_equal_the_ledgers(
    sweeps: Sweeps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]))
    sweeps.out.rename(sweeps.out.with_name("runs"))  # where the notebook's sweep finds the shared work
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=HANG, kernel_name="python3")
    client.create_kernel_manager()
    client.km.kernel_spec.argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    client.execute(cwd=str(tmp_path))
    shown = [results(cell) for cell in notebook.cells if cell.cell_type == "code"]
    assert "data:image/png;base64," in shown[1][0]["text/html"]
    assert "True" in shown[5][0]["text/plain"], "the second run has the same table"
    trial, ledgers = pair(shown[7])
    assert trial == ledgers
    network, ledgers = pair(shown[8])
    assert abs(network - ledgers) < 1.5 / 510, "one of 510 test images may be a tie, which batches break otherwise"
    runs = json.loads((tmp_path / "runs/transfer_sizes-smoke/manifest.json").read_text())["runs"]
    assert [run["command"] for run in runs] == ["python sweeps/transfer_sizes.py --builtin --smoke"]
    assert runs[0]["environment"]["argv"] == ["--builtin", "--smoke"], "the kernel's own words are not the command's"


def pair(shown: list[Any]) -> list[float]:
    """Return the two numbers that a cell shows; NumPy writes its own as `np.float64(0.5)`."""
    return [float(number) for number in re.findall(r"\d\.\d+(?:e-\d+)?", shown[0]["text/plain"])]


def results(cell: Any) -> list[Any]:
    """Return what a cell's last line shows, by kind."""
    return [output["data"] for output in cell.outputs if output.output_type == "execute_result"]
