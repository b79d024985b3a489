"""Ledgers made before the redesign still give the same numbers, and tables and figures that are the same byte for byte.

What a table held then stays as it was to the last digit, unless it was changed on purpose (`changed`).
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib
import pytest

from tests.support.before import ARCHIVES, FIGURES, NOW, THEN, answered, columns, kept

COUNTED = ("epoch", "steps")
SEEDS_ALONE = {"low": "low_these", "high": "high_these"}
"""Bounds of a difference that held for the images at hand, and where they are now that others hold for new ones."""


def changed(name: str) -> bool:
    """Return whether a column was given other numbers on purpose.

    Intervals of shares and counts keep to their scale otherwise, and those on test data hold for new images; the
    standard error over images is that of the mean; what frontier's interval is over has another name.
    """
    stem, _, end = name.rpartition("_")
    if end in ("low", "high"):
        return stem.endswith(("accuracy", "error", *COUNTED)) or "_recall_" in stem or "_map_" in stem
    return name == "interval" or name.endswith("image_se")


def test_what_was_changed_on_purpose_is_bounds_and_errors_over_images() -> None:
    assert [changed(name) for name in ("test_accuracy_low", "best_epoch_high", "test_accuracy_image_se")] == [True] * 3
    assert not any(map(changed, ("test_accuracy", "test_accuracy_sd", "val_loss_low", "low", "difference", "n")))


COUNTED_APART = ("diverged",)
"""Columns that are several now: `search_diverged`, `confirm_collapsed`, and so on."""
SINCE = ("cifar_transfer/bias_variance.csv",)
"""Tables whose numbers are meant to be others now."""


@pytest.mark.slow
@pytest.mark.parametrize("archive", ARCHIVES, ids=lambda path: path.stem)
def test_a_ledger_made_before_the_redesign_gives_the_same_tables_and_figures(archive: Path, tmp_path: Path) -> None:
    contents = kept(archive)
    tables, drawn = answered(archive, tmp_path)
    now = {name.removeprefix(NOW): content for name, content in contents.items() if name.startswith(NOW)}
    assert sorted(tables) == sorted(now)
    for name, content in now.items():
        assert tables[name].decode() == content.decode(), f"{name} differs from the table that is kept"

    for name, content in contents.items():
        if name.startswith(THEN) and f"{archive.stem}/{name.removeprefix(THEN)}" not in SINCE:
            made = columns(tables[name.removeprefix(THEN)])
            for column, values in columns(content).items():
                here = SEEDS_ALONE.get(column, column)
                if not changed(column) and column not in COUNTED_APART:
                    assert made[here if here in made else column] == values, f"{column} of {name}"

    figures = json.loads(contents[FIGURES])
    if matplotlib.__version__ != figures["matplotlib"]:
        pytest.skip(f"figures were drawn by matplotlib {figures['matplotlib']}, which writes its version into them")
    assert drawn == figures["sha256"]
