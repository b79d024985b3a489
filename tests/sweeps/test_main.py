"""`python -m sweeps`."""

from __future__ import annotations

import pytest

from sweeps.__main__ import main


def test_it_lists_every_question_with_its_first_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert "python sweeps/transfer_sizes.py" in said
    assert "test error" in said


def test_an_unknown_question_is_refused_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["transfer_size"]) == 2
    assert "'transfer_sizes'" in capsys.readouterr().err
