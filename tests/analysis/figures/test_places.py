"""Where values of a factor stand on an axis."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.figures.axes import places


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ([900, 100, 500], {100: 100, 500: 500, 900: 900}),
        ([100, 300, "all"], {100: 100, 300: 300, "all": 500}),  # one step beyond, on a linear axis
        (["all", 100, 10_000], {100: 100, 10_000: 10_000, "all": 30_000}),  # three times as far, on a logarithmic one
        ([500, "all"], {500: 500, "all": 501}),
        (["all"], {"all": 1}),
    ],
)
def test_numbers_stand_at_themselves_and_words_beyond_them(values: list[Any], at: dict[Any, float]) -> None:
    found = places(values)
    assert found == at
    assert list(found.values()) == sorted(found.values())
