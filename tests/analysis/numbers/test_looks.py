"""Looks at 5, 10 and 20 seeds spend ½, ¼ and ¼ of the level, whatever was read between them counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from analysis.ledger import Ledger
from analysis.numbers.looks import Look, look_at, next_look, next_told, spent
from analysis.numbers.results import Results
from tests.support.answers import make_answer
from tests.support.synthetic import DRAWS, FACTORS, add_trial, begin, condition

KEY = condition("squeezenet1_1", 100)


def looked(folder: Path) -> Look:
    with Ledger(folder, readonly=True) as ledger:
        return look_at(Results(ledger))


def confirm(folder: Path, seeds: Sequence[int], outcome: str | None, planned: int) -> None:
    """Run a command for so many `planned` seeds, which finished these and ended so; None: it was killed."""
    with Ledger(folder) as ledger:
        run = begin(ledger, factors=FACTORS, search_trials=1, search_seeds=[0], confirm_seeds=range(1, planned + 1))
        add_trial(ledger, KEY, DRAWS[1], 1, 0)
        for seed in seeds:
            add_trial(ledger, KEY, DRAWS[1], 1, seed, "confirm")
        if outcome:
            ledger.end_run(run, outcome=outcome, shared_seconds=0.0)


@pytest.mark.parametrize(
    ("seeds", "share"), [(0, 0), (1, 0.1), (3, 0.3), (5, 0.5), (10, 0.75), (15, 0.875), (20, 1), (40, 1)]
)
def test_looks_between_spend_in_proportion(seeds: int, share: float) -> None:
    assert spent(seeds) == pytest.approx(share)


def test_the_levels_of_the_planned_looks_add_up() -> None:
    looks = [Look(5, ()), Look(10, (5,)), Look(20, (5, 10))]
    assert [look.level for look in looks] == pytest.approx([0.025, 0.0125, 0.0125])
    assert Look(10, ()).level == pytest.approx(0.0375), "of an answer that is on 10 seeds at once"
    assert Look(40, (20,)).level == 0
    assert looks[0].told == "at most 2.5 %, which a look at 5 seeds may spend of 5 %"
    assert "none is" in Look(40, (20,)).told


def test_the_next_look_is_named_and_none_after_the_last() -> None:
    assert [next_look(n) for n in (3, 5, 7, 10, 19, 20, 40)] == [5, 10, 10, 20, 20, None, None]
    assert next_told(5) == "The next look would be at 10 seeds, and may spend 1.25 % of 5 %."
    assert "last look" in next_told(20)


def test_answers_that_were_read_count_whether_complete_or_partial(tmp_path: Path) -> None:
    confirm(tmp_path, [1, 2, 3], "partial", planned=5)
    assert looked(tmp_path) == Look(3, ())
    confirm(tmp_path, [4, 5], "complete", planned=5)
    assert looked(tmp_path) == Look(5, (3,)), "the partial answer was read"
    confirm(tmp_path, [], "complete", planned=5)
    assert looked(tmp_path) == Look(5, (3,)), "the same answer again is no look"
    confirm(tmp_path, range(6, 11), "complete", planned=10)
    found = looked(tmp_path)
    assert (found, found.level) == (Look(10, (3, 5)), pytest.approx(0.0125))
    answer = make_answer(tmp_path, "transfer_sizes")
    (said,) = [warning for warning in answer.warnings if "after an answer on" in warning]
    assert said == (
        "10 seeds, after an answer on 3 and 5: of the 5 % of all looks, 1.25 % is left for what this one claims."
    )


def test_a_command_that_was_killed_has_shown_nothing(tmp_path: Path) -> None:
    confirm(tmp_path, [1, 2, 3], None, planned=5)
    confirm(tmp_path, [4, 5], "complete", planned=5)
    assert looked(tmp_path) == Look(5, ())
