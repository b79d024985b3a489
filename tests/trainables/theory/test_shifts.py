"""Shifts, and how a map's violation of a claim is measured: right values on maps that are known."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from trainables.theory.shifts import Border, Map, Violation, offsets, probes, shifted, violation

X = torch.arange(9, dtype=torch.float64).reshape(1, 1, 3, 3)


@pytest.mark.parametrize(
    ("by", "border", "expected"),
    [
        ((1, 0), "roll", [[6, 7, 8], [0, 1, 2], [3, 4, 5]]),
        ((1, 0), "fill", [[0, 0, 0], [0, 1, 2], [3, 4, 5]]),
        ((0, -1), "roll", [[1, 2, 0], [4, 5, 3], [7, 8, 6]]),
        ((0, -1), "fill", [[1, 2, 0], [4, 5, 0], [7, 8, 0]]),
        ((-1, 2), "fill", [[0, 0, 3], [0, 0, 6], [0, 0, 0]]),
    ],
)
def test_a_shift_moves_down_and_right_and_lets_in_what_it_says(
    by: tuple[int, int], border: Border, expected: list[list[int]]
) -> None:
    assert shifted(X, by, border)[0, 0].tolist() == expected


def test_all_shifts_of_so_many_steps_are_tried_the_smallest_first() -> None:
    by = offsets(2)
    assert len(set(by)) == len(by) == 25
    assert by[0] == (0, 0)
    assert by[1:3] == [(1, 0), (0, 1)]
    assert {*by[1:5]} == {(0, 1), (1, 0), (0, -1), (-1, 0)}


def test_the_probes_of_a_linear_map_are_a_basis_and_others_are_tried_on_negative_impulses_too() -> None:
    basis = probes(2, 3, torch.Generator().manual_seed(0), linear=True, random=4)
    assert basis.shape == (18 + 4, 2, 3, 3)
    assert torch.equal(basis[:18].flatten(1), torch.eye(18, dtype=torch.float64))
    others = probes(2, 3, torch.Generator().manual_seed(0), linear=False, random=4)
    assert torch.equal(others[18:36], -basis[:18])


def tried(
    f: Map, by: tuple[int, int], border: Border, *, stride: int = 1, reach: tuple[int, int] = (0, 0)
) -> Violation:
    inputs = probes(1, 4, torch.Generator().manual_seed(0), linear=False)
    return violation(f, inputs, f(inputs), by, border, stride=stride, reach=reach)


def test_a_map_that_knows_where_it_is_violates_by_as_much_as_its_constants_differ() -> None:
    rows = torch.arange(4, dtype=torch.float64)[:, None]
    found = tried(lambda x: x + rows, (1, 0), "roll")
    assert found.largest == pytest.approx(3)  # the last row's 3 comes where 0 was


def test_a_constant_fails_only_where_zeros_enter() -> None:
    found = tried(lambda x: x + 5, (0, 1), "fill")
    assert found.largest == 5
    assert found.interior == 0
    assert tried(lambda x: x + 5, (0, 1), "roll").largest == 0


def test_a_stride_halves_the_shift_and_between_strides_the_best_output_counts() -> None:
    whole = tried(lambda x: F.avg_pool2d(x, 2), (2, 0), "roll", stride=2, reach=(0, 1))
    assert (whole.largest, whole.output) == (0, (1, 0))
    between = tried(lambda x: F.avg_pool2d(x, 2), (1, 0), "roll", stride=2, reach=(0, 1))
    assert between.largest > 0.1
    constant = tried(lambda x: torch.ones_like(F.avg_pool2d(x, 2)), (1, 0), "roll", stride=2)
    assert constant.largest == 0


def test_a_map_to_one_value_is_expected_not_to_change() -> None:
    assert tried(lambda x: x.sum((-2, -1)), (1, 2), "roll").largest < 1e-12
    assert tried(lambda x: x[..., 0, 0], (1, 2), "roll").largest >= 1
