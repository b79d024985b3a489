"""The barrier at which fresh workers wait for one another."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from trainables.core.barrier import barrier


def test_nobody_passes_before_all_have_arrived_and_late_comers_do_not_wait(tmp_path: Path) -> None:
    passed: list[str] = []
    with barrier(tmp_path, parties=2) as gate:
        first = threading.Thread(target=lambda: (gate.arrive(), passed.append("first")))
        first.start()
        first.join(0.2)
        assert passed == [], "one of two has arrived"
        gate.arrive()
        first.join(60)
        assert passed == ["first"]
        replace(gate, parties=100).arrive()  # it is open: a worker that takes a dead one's place need not wait
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_it_opens_when_fewer_come_than_were_expected(tmp_path: Path) -> None:
    with barrier(tmp_path, parties=2) as gate:
        replace(gate, timeout=0.05).arrive()
