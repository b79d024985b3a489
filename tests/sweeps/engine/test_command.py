"""A command knows the line to type to go on, and the one for more seeds."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from sweeps import transfer_sizes
from sweeps.engine.cli import print_next_look
from sweeps.engine.command import command_of
from sweeps.engine.options import Options
from sweeps.engine.request import request


def test_the_line_to_type_again_does_not_set_the_ledger_aside(tmp_path: Path) -> None:
    command = command_of("toy", ["--fresh", "--set", "lr=0.1:1"], Options(out=tmp_path, fresh=True))
    assert command.fresh
    assert command.text == "python sweeps/toy.py --set lr=0.1:1"
    assert command.folder == tmp_path / "toy"


def test_the_line_to_type_again_starts_as_it_was_typed() -> None:
    command = command_of("toy", ["--smoke"], Options(smoke=True), ("labsweep", "toy"))
    assert command.text == "labsweep toy --smoke"
    assert command.with_seeds(6) == "labsweep toy --smoke --seeds 6"


def test_more_seeds_replace_those_asked_for_before() -> None:
    for words in (["--seeds", "3", "--smoke"], ["--seeds=3", "--smoke"], ["--smoke"]):
        assert command_of("toy", words, Options()).with_seeds(6) == "python sweeps/toy.py --smoke --seeds 6"


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (5, "The next look would be at 10 seeds, and may spend 1.25 % of 5 %.\n  python sweeps/toy.py --seeds 10\n"),
        (10, "The next look would be at 20 seeds, and may spend 1.25 % of 5 %.\n  python sweeps/toy.py --seeds 20\n"),
        (20, "With 20 seeds this was the last look: another one could claim nothing new.\n"),
    ],
)
def test_the_closing_line_names_the_next_look_and_advises_no_seeds_until_something_shows(seeds: int, said: str) -> None:
    stream = io.StringIO()
    print_next_look(command_of("toy", [], Options()), seeds, Console(file=stream, width=200))
    assert stream.getvalue() == said


def test_a_question_states_on_how_many_seeds_it_starts() -> None:
    sweep = transfer_sizes.SWEEP
    asked = {
        name: len(request(sweep, options)[0].confirm_seeds)
        for name, options in {
            "cheap": Options(), "pre-trained for each seed": Options(builtin=True), "told": Options(seeds=3),
            "smoke": Options(builtin=True, smoke=True),
        }.items()
    }  # fmt: skip
    assert asked == {"cheap": 10, "pre-trained for each seed": 5, "told": 3, "smoke": 2}
