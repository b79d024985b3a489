"""SVHN's cropped digits as torchvision keeps and reads them: `train_32x32.mat` and `test_32x32.mat`.

Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", NIPS workshop 2011.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.dataset import SPLITS, DataSet, SplitName
from trainables.data.readers.official import Facts, Official, open_official

COUNTS: dict[SplitName, tuple[int, ...]] = {
    "train": (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),
    "test": (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),
}
MEGABYTES = 234.9
"""Its two files, in units of 2^20 bytes."""


class SVHN(Official):
    """73,257 training and 26,032 test crops of house numbers, 32×32 RGB; neighbouring ones share a photograph."""

    classes = tuple("0123456789")
    origin = "SVHN, 73,257 + 26,032 digits cropped from photographs of house numbers, 32×32 RGB"
    shape = (32, 32, 3)

    def blocks(self) -> np.ndarray:
        return np.arange(len(self.labels("train")))

    def read_labels(self, split: SplitName) -> np.ndarray:
        return np.asarray(self._read(split).labels)

    def images(self, split: SplitName) -> np.ndarray:
        return np.ascontiguousarray(self._read(split).data.transpose(0, 2, 3, 1))

    def checksums(self, split: SplitName) -> dict[str, str]:
        return _checksums(split)

    def _read(self, split: SplitName) -> Any:
        """Return torchvision's data set: `data` [N, 3, 32, 32] uint8 and `labels` [N] int64."""
        folder = next(iter(self.files.values())).parent
        return self.read_by(lambda: _reader()(folder, split=split))


def _checksums(split: SplitName) -> dict[str, str]:
    _, name, md5 = _reader().split_list[split]
    return {name: md5}


FACTS = Facts("svhn", "SVHN", SVHN.classes, SVHN.origin, SVHN.shape, COUNTS, MEGABYTES, _checksums, blocked=True)


def open_svhn(data_dir: Path | None, cache_dir: Path, download: bool) -> DataSet:
    """Open SVHN from `data_dir` (torchvision's own place) or its `SVHN/`, else from the cache, into which it is
    downloaded if it may be. Raises Refused."""
    cached = cache_dir / "SVHN"
    folders = [cached] if data_dir is None else [data_dir, data_dir / "SVHN", cached]

    def fetch() -> None:
        for split in SPLITS:
            _reader()(cached, split=split, download=True)

    wanted = [_reader().split_list[split][1] for split in SPLITS]
    return open_official(FACTS, wanted, folders, fetch, SVHN, download=download)


def _reader() -> Any:
    from torchvision.datasets import SVHN as Reader  # late: it takes a second to import

    return Reader
