"""What tests of data sets share."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.problems import Refused
from trainables.data.sources import Sources

REAL = os.environ.get("LABSWEEP_REAL")
"""A data folder with the official MNIST and CIFAR-10; without it their tests are left out."""


def sources(tmp_path: Path, **folders: Any) -> Sources:
    """Return sources that look for paths, and would keep downloads, in a test's own folder."""
    return Sources(**({"cache": tmp_path / "cache", "here": tmp_path} | folders))


def refused(where: Sources, name: str) -> str:
    """Return what is said on refusing the data set."""
    with pytest.raises(Refused) as caught:
        where.summary(name)
    return str(caught.value)


def arrays(**changes: Any) -> dict[str, Any]:
    """Return the arrays of an `.npz` of 30 + 9 coloured images, some of them changed or, given None, left out."""
    rng = np.random.default_rng(1)
    base = {
        "x_train": rng.integers(0, 256, (30, 8, 8, 3), np.uint8),
        "y_train": np.arange(30) % 3,
        "x_test": rng.integers(0, 256, (9, 8, 8, 3), np.uint8),
        "y_test": np.arange(9) % 3,
    }
    return {name: value for name, value in (base | changes).items() if value is not None}


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


class Harmful:
    """Whoever unpickles it makes a folder `harmed` where they are."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("harmed",)
