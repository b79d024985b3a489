"""The built-in handwritten digits."""

from __future__ import annotations

import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tests.support.data import sources
from trainables.data.builtin import digits
from trainables.data.builtin.digits import STARTS, TRAIN
from trainables.data.sources import Sources
from trainables.data.subsets import split_train
from trainables.domains.images import Part, part_rows
from trainables.transfer_sizes import DIGITS


def writers() -> np.ndarray:
    """Number the writer of each of all 1,797 images."""
    return np.searchsorted(STARTS, np.arange(1_797), side="right") - 1


def test_digits_are_split_by_writer(tmp_path: Path) -> None:
    where = sources(tmp_path)
    summary = where.summary("digits")
    assert summary.builtin
    assert (sum(summary.train_counts), sum(summary.test_counts)) == (1_287, 510)
    assert summary.shape == (28, 28)
    images = where.train("digits").images
    assert images[:, :4].max() == images[:, :, -4:].max() == 0
    assert images.max() == 255
    assert TRAIN in STARTS, "no writer is in both splits"
    assert where.dataset("digits").blocks().tolist() == writers()[:TRAIN].tolist()  # type: ignore[union-attr]


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


def test_each_writer_writes_the_same_labels_in_the_same_order() -> None:
    """Each form begins with 0 to 9 and has the first one's labels, less a few that are missing."""
    labels = load_digits(return_X_y=True)[1]
    texts = ["".join(map(str, part)) for part in np.split(labels, STARTS[1:])]
    for number, text in enumerate(texts):
        assert SequenceMatcher(None, texts[0], text, autojunk=False).ratio() > 0.96, number
        begins = [SequenceMatcher(None, texts[0][:30], text[i : i + 30]).ratio() for i in range(4)]
        assert begins[0] >= max(begins), f"writer {number} begins later"
        assert text[-3:] in ("898", "893", "908"), f"writer {number + 1} begins earlier"  # a slip, a label missing


def test_images_are_most_like_those_of_their_writer() -> None:
    small, labels = load_digits(return_X_y=True)
    distances = ((small[:, None] - small[None]) ** 2).sum(2)
    distances[labels[:, None] != labels[None]] = np.inf
    np.fill_diagonal(distances, np.inf)
    alike = writers() == writers()[distances.argmin(1)]
    assert alike.mean() == pytest.approx(0.536, abs=0.005)
    assert min(alike[writers() == number].mean() for number in range(14)) > 0.35  # by chance 0.07


@pytest.mark.parametrize("validation", [100, 240, 257, 300, 500])
def test_no_writer_trains_and_validates(validation: int) -> None:
    data = Sources().dataset("digits")
    labels, by = data.labels("train"), writers()
    pool, held_out = split_train(labels, None, validation, data.blocks())
    assert len(held_out) == validation
    assert np.ptp(np.bincount(labels[held_out])) <= 1
    assert not {*by[pool].tolist()} & {*by[held_out].tolist()}
    parts: tuple[Part, ...] = ("pool", "validation", "test")
    pool, held_out, test = (part_rows(data, part, validation) for part in parts)
    assert (len(held_out), len(test)) == (min(validation, 257), 510)
    assert not {*by[pool].tolist()} & {*by[held_out].tolist()}


def test_two_writers_validate_the_question_on_train_sizes() -> None:
    data = Sources().dataset("digits")
    pool, validation = split_train(data.labels("train"), *DIGITS, data.blocks())
    assert {*writers()[pool].tolist()} == {*range(8)}
    assert {*writers()[validation].tolist()} == {8, 9}
    for rows in (pool, validation):
        assert np.ptp(np.bincount(data.labels("train")[rows])) <= 1
