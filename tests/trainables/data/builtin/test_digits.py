"""The built-in handwritten digits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.support.data import sources
from trainables.data.builtin import digits


def test_digits_are_split_by_position(tmp_path: Path) -> None:
    where = sources(tmp_path)
    summary = where.summary("digits")
    assert summary.builtin
    assert summary.blocked
    assert (sum(summary.train_counts), sum(summary.test_counts)) == (1300, 497)
    assert summary.shape == (28, 28)
    images = where.train("digits").images
    assert images[:, :4].max() == images[:, :, -4:].max() == 0
    assert images.max() == 255


def test_the_packaged_file_has_what_scikit_learn_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    read = digits.packaged()
    monkeypatch.setattr(digits, "PACKAGED", Path("elsewhere.csv.gz"))
    asked = digits.packaged()
    for one, other, loaded in zip(read, asked, load_digits(return_X_y=True), strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, loaded)
        np.testing.assert_array_equal(other, loaded)


@pytest.mark.slow
def test_the_digits_are_read_without_importing_scikit_learn() -> None:
    program = (
        "import sys\n"
        "from trainables.data.sources import Sources\n"
        "Sources().train('digits')\n"
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
