"""What a session of Ray leaves behind in the process that goes on: nothing."""

from __future__ import annotations

import os

import pytest

from sweeps.engine.session import quiet


def test_the_variables_of_ray_and_tune_are_those_of_before_after_a_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE_WARN_THRESHOLD_S", "3")
    monkeypatch.delenv("RAY_AIR_NEW_OUTPUT", raising=False)
    before = dict(os.environ)
    with quiet():
        assert os.environ["TUNE_WARN_THRESHOLD_S"] == "60"
        assert os.environ["RAY_AIR_NEW_OUTPUT"] == "0"
        os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = "4"  # as tuning.fit sets it
    assert dict(os.environ) == before
