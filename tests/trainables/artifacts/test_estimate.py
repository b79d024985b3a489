"""The time that shared work still takes is told from pieces like those that are left, and never invented."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from common.files import Arrays
from trainables.artifacts.remote import Slots, _sort, _Work
from trainables.artifacts.store import Artifact, Store
from trainables.data.sources import Sources


def compute(artifact: Artifact, piece: int, sources: Sources, needs: Mapping[str, Arrays]) -> Arrays:
    return {"x": np.zeros(1)}


def artifact(kind: str, pieces: int, **spec: object) -> Artifact:
    return Artifact(kind, spec, compute, pieces=pieces)


def test_shared_work_is_estimated_once_each_sort_of_piece_has_been_timed(tmp_path: Path) -> None:
    features = [artifact("features", 4, backbone="a", seed=seed) for seed in (1, 2)]
    others = [artifact("features", 2, backbone="b", seed=1)]
    slots = Slots(2, {"num_cpus": 1}, lambda: None)
    work = _Work([*features, *others], Sources(), Store(tmp_path), slots)
    assert (work.progress().total, work.progress().seconds_left) == (10, None), "nothing is known yet"
    work._took[_sort(features[0])] = [3.0, 5.0]
    assert work.progress().seconds_left is None, "nobody knows how long the other backbone takes"
    work._took[_sort(others[0])] = [10.0]
    assert work.progress().seconds_left == pytest.approx((8 * 4.0 + 2 * 10.0) / 2)
    work._queue.clear()
    assert work.progress().seconds_left is None, "nothing is left"
