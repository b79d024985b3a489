"""The methods section of an answer is made from the plan, and agrees with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.ledger import Ledger
from analysis.report.make import gathered
from analysis.report.markup import blocks_to_markdown
from analysis.report.methods import methods
from sweeps.engine.sweep import Sweep, Variants
from tests.support.driver import CHANGES, PRESCRIBED, REFERENCED, VARIED, Driver
from tests.support.toy import SWEEP, Hill


def told(folder: Path, *words: str, sweep: Sweep = SWEEP) -> str:
    """Return the methods section of a sweep of the toy question."""
    Driver(folder, *words, sweep=sweep).command()
    with Ledger(folder, readonly=True) as ledger:
        return blocks_to_markdown(methods(gathered(ledger).results))


def test_it_names_what_was_searched_how_a_config_was_chosen_and_where_test_data_was_opened(tmp_path: Path) -> None:
    said = told(tmp_path, "--seeds", "4", "--precision", "fp32")
    assert "In each of 2 conditions (size), 3 configs of epochs (3, 6) and lr (0.001 to 1) ran" in said
    assert "scrambled Sobol sequence" in said
    assert "Each ran on 2 search seeds." in said
    assert "the highest validation accuracy at the last epoch, as a mean over its search seeds" in said
    assert "The chosen config was trained anew on 4 fresh seeds" in said
    assert "opened, in each epoch" in said
    assert "stopped early" not in said
    assert "The same throughout: data drawn, fault none, precision fp32 and sleep 0." in said


@pytest.mark.parametrize(
    ("words", "changed", "expected"),
    [
        (("--search", "grid", "--set", "lr=0.1"), {}, "2 configs of epochs (3, 6) ran: all combinations"),
        (("--scheduler", "asha"), {}, "stopped early (ASHA), compared within their condition only"),
        ((), {"finalists": 2}, "Each ran on one search seed, and the best 2 of a condition on 2."),
        ((), {"experiment": Hill}, "at the best validation epoch"),
        ((), {"experiment": Hill}, "opened, once, at the epoch that is read"),
        ((), {"select": "min val_loss"}, "the lowest validation loss"),
        ((), {"extra_seeds": (42,)}, "What the question asks of seed 42 is shown by itself"),
        (("--set", "size=20"), {}, "In the one condition, 3 configs"),
    ],
)
def test_it_says_what_a_command_asked_for(
    tmp_path: Path, words: tuple[str, ...], changed: dict[str, Any], expected: str
) -> None:
    assert expected in told(tmp_path, *words, sweep=replace(SWEEP, **changed))


def test_the_prescribed_config_and_the_questions_own_words_have_their_place(tmp_path: Path) -> None:
    class Stated(SWEEP.experiment):  # type: ignore[name-defined,misc]
        procedure = "A line through drawn points."

    Stated.__module__ = SWEEP.experiment.__module__
    said = told(tmp_path, sweep=replace(PRESCRIBED, experiment=Stated))
    assert said.startswith("**Training.** A line through drawn points. The same throughout:")
    assert "3 configs of epochs (3, 6) and lr (0.001 to 1) ran" in said
    assert "; so did the prescribed config." in said
    assert "The chosen and the prescribed config were trained anew" in said
    assert "**Intervals.** Of 95 %" in said


@pytest.mark.parametrize(
    ("sweep", "what"),
    [(VARIED, "variants of the prescribed config"), (REFERENCED, "a reference of our own making and variants of it")],
)
def test_variants_are_named_with_their_condition_and_what_they_vary(tmp_path: Path, sweep: Sweep, what: str) -> None:
    said = told(tmp_path, sweep=sweep)
    assert f"At size 200, so were {what}, each with one choice changed: slow and long." in said


def test_conditions_with_the_same_variants_are_named_in_one_sentence(tmp_path: Path) -> None:
    several = Variants(CHANGES, at=[{"size": 20}, {"size": 200}])
    said = told(tmp_path, sweep=replace(PRESCRIBED, variants=several))
    assert "At size 20; size 200, so were variants of the prescribed config" in said
