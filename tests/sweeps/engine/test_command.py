"""A command knows the line to type to go on, and the one for more seeds."""

from __future__ import annotations

from pathlib import Path

from sweeps.engine.command import command_of
from sweeps.engine.options import Options


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
