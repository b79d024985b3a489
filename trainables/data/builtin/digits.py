"""Built-in `digits`: scikit-learn's 1,797 handwritten digits, enlarged to 20×20 within 28×28, as MNIST's are.

Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI repository (its test part).

Fourteen times the same sequence of some 130 labels begins anew: each time another writer fills in the same form. An
image's nearest neighbour of its class comes from the same form in 54 % of cases, against 7 % by chance. The source
speaks of 13 writers, so one may have filled in two forms. No two forms are alike enough to tell which: of the three
nearest neighbours that lie in other forms than the image's, at most 27 % lie in any single one.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from trainables.data.dataset import Arrays, Split

STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1_029, 1_157, 1_287, 1_415, 1_545, 1_667)
"""Where each writer's images begin."""
TRAINING_WRITERS = 10
"""The first so many writers are for training, the others for testing."""
TRAIN = STARTS[TRAINING_WRITERS]
"""The number of training images."""
PACKAGED = Path("datasets", "data", "digits.csv.gz")
"""Where scikit-learn has the digits, below its own folder: a row of 64 gray levels and the label for each."""


class Digits(Arrays):
    """Handwritten digits, split by writer: ten wrote the training images, four others the test images."""

    builtin = True
    caveats = ("digits: only 4 people wrote the test images, so intervals over images say little about other writers.",)

    def blocks(self) -> np.ndarray:
        return np.searchsorted(STARTS, np.arange(TRAIN), side="right") - 1


def open_digits(data_dir: Path | None, cache_dir: Path) -> Digits:
    """Open the data set, which needs neither folder."""
    small, labels = packaged()
    images = enlarge(small.reshape(-1, 8, 8) / 16)
    return Digits(
        map(str, range(10)),
        "built-in: scikit-learn's handwritten digits, enlarged within 28×28, 1,287 + 510 by writer",
        {"train": Split(images[:TRAIN], labels[:TRAIN]), "test": Split(images[TRAIN:], labels[TRAIN:])},
    )


def packaged() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's digits, [1797, 64] float64 in 0 … 16, and their labels [1797] int64.

    Its file is read as its `load_digits` reads it, but without importing it: that takes a second in each process. A
    version that has the file elsewhere is asked itself.
    """
    spec = find_spec("sklearn")
    if spec is not None and spec.origin is not None and (path := Path(spec.origin).parent / PACKAGED).is_file():
        table = np.loadtxt(path, delimiter=",")
        return table[:, :-1], table[:, -1].astype(np.int64)
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    return small, labels.astype(np.int64)


def enlarge(small: np.ndarray) -> np.ndarray:
    """Enlarge images [N, 8, 8] in 0 … 1 to [N, 28, 28] uint8: bicubic to 20×20, with more contrast, framed."""
    import torch
    import torch.nn.functional as F

    x = torch.from_numpy(small)[:, None].float()
    x = F.interpolate(x, size=(20, 20), mode="bicubic", align_corners=False)
    x = F.pad((1.25 * x - 0.1).clamp(0, 1), (4, 4, 4, 4))
    return np.asarray((x[:, 0] * 255).round().byte().numpy())
