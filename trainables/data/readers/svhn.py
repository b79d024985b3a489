"""SVHN's cropped digits as torchvision keeps them: `train_32x32.mat` and `test_32x32.mat`.

Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", NIPS workshop 2011.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import SPLITS, SplitName
from trainables.data.readers.official import Official, find_files, verified

# MD5 of the official files, the ones torchvision verifies.
MD5 = {"train_32x32.mat": "e26dedcc434d2e4c54c9b2d4a06d8373", "test_32x32.mat": "eb5a983be6a315427106f1b164d9cef3"}


class SVHN(Official):
    """73,257 training and 26,032 test crops of house numbers, 32×32 RGB; neighbouring ones share a photograph."""

    classes = tuple("0123456789")
    origin = "SVHN, 73,257 + 26,032 digits cropped from photographs of house numbers, 32×32 RGB"
    blocked = True
    shape = (32, 32, 3)

    def read_labels(self, split: SplitName) -> np.ndarray:
        return self._read(split, "y").astype(np.int64).ravel() % 10  # [N, 1] uint8; the digit 0 is labelled 10

    def images(self, split: SplitName) -> np.ndarray:
        return np.ascontiguousarray(self._read(split, "X").transpose(3, 0, 1, 2))  # from [32, 32, 3, N]

    def checksums(self, split: SplitName) -> list[str]:
        self._verified(split)
        return [MD5[_name(split)]]

    def _read(self, split: SplitName, variable: str) -> np.ndarray:
        from scipy.io import loadmat  # late: it takes a while to import

        content = io.BytesIO(self._verified(split))
        return np.asarray(loadmat(content, variable_names=[variable])[variable])

    def _verified(self, split: SplitName) -> bytes:
        name = _name(split)
        return verified(self._files[name], MD5[name])


def open_svhn(data_dir: Path | None, cache_dir: Path) -> SVHN:
    """SVHN from `data_dir` (torchvision's own place) or its `SVHN/`, else from the cache. Raises Refused."""
    theirs = [] if data_dir is None else [data_dir, data_dir / "SVHN"]
    ours = cache_dir / "SVHN"

    def fetch(datasets: Any) -> None:
        for split in SPLITS:
            datasets.SVHN(str(ours), split=split, download=True)

    return SVHN(find_files("svhn", list(MD5), [*theirs, ours], cache_dir, fetch))


def _name(split: SplitName) -> str:
    return f"{split}_32x32.mat"
