"""Two data sets made alike: parts, channels, and sets that share images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.artifacts.remote import compute_light
from trainables.artifacts.store import Artifact, Store
from trainables.data.dataset import Arrays, Split
from trainables.data.derived.photos import DigitsOverPhotos
from trainables.data.sources import Sources
from trainables.domains.images import CHANNELS, domain_images, part_rows, related


def test_sets_that_share_digits_are_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """One set is made from the other, so no digit may be in both, in any part."""
    plain = np.repeat(np.arange(100, dtype=np.uint8), 28 * 28).reshape(100, 28, 28)  # image i is all i
    y = np.arange(100) % 2
    base = Arrays("01", "digits", {"train": Split(plain, y), "test": Split(plain[:10], y[:10])})
    made = DigitsOverPhotos(("base", base), ("black", _black()))
    opened = {"base": base, "made": made}
    monkeypatch.setattr(Sources, "dataset", lambda self, name: opened[name])
    sources = Sources(data_dir=Path("made-up"))
    parts = ("pool", "validation", "test")
    artifacts = domain_images({"first": "base", "second": "made"}, sources, *parts, colour="gray", validation=8)
    seen = {name: a.compute(a, 0, sources, {})["x"][:, 0, 16, 16].tolist() for name, a in artifacts.items()}
    assert seen["first_pool"] == list(range(0, 84, 2))
    assert seen["first_validation"] == list(range(84, 100, 2))
    assert seen["second_pool"] == list(range(1, 85, 2))
    assert seen["second_validation"] == list(range(85, 100, 2))
    assert (seen["first_test"], seen["second_test"]) == ([0, 2, 4, 6, 8], [1, 3, 5, 7, 9])


def test_no_writer_trains_in_one_of_two_sets_of_the_same_digits_and_validates_in_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    base = Sources().dataset("digits")
    made = DigitsOverPhotos(("digits", base), ("black", _black()))
    opened = {"digits": base, "made": made}
    monkeypatch.setattr(Sources, "dataset", lambda self, name: opened[name])
    assert related("digits", "made", Sources(data_dir=Path("made-up")))
    by = base.blocks()
    assert by is not None
    rows = {
        part: [part_rows(data, part, 100, start, 2) for start, data in enumerate(opened.values())]
        for part in ("pool", "validation")
    }
    assert [len(own) for own in rows["validation"]] == [100, 100]
    for pool in rows["pool"]:
        assert np.unique(by[pool]).tolist() == [*range(8)]
    for validation in rows["validation"]:
        assert np.unique(by[validation]).tolist() == [8, 9]
    assert not {*rows["validation"][0].tolist()} & {*rows["validation"][1].tolist()}


def _black() -> Arrays:
    x = np.zeros((2, 32, 32, 3), np.uint8)
    return Arrays("ab", "black", {"train": Split(x, np.arange(2)), "test": Split(x, np.arange(2))})


def test_domains_are_made_alike(tmp_path: Path) -> None:
    """28×28 images get a black frame, colour becomes luma, gray is repeated; validation is the block at the end."""
    rng = np.random.default_rng(0)
    y = np.arange(20) % 10
    gray = rng.integers(0, 256, (20, 28, 28), np.uint8)
    coloured = rng.integers(0, 256, (20, 32, 32, 3), np.uint8)
    for name, x in (("gray", gray), ("coloured", coloured)):
        np.savez(tmp_path / f"{name}.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    sources, store = Sources(here=tmp_path), Store(tmp_path / "store")
    made: dict[str, dict[str, Any]] = {}
    for colour, channels in CHANNELS.items():
        names: Any = {"first": "gray.npz", "second": "coloured.npz"}
        wanted = domain_images(names, sources, "pool", "validation", colour=colour, validation=3)
        made[colour] = own = {name: store.get(artifact, sources) for name, artifact in wanted.items()}
        assert own["first_pool"]["x"].shape == (17, channels, 32, 32)
        assert own["second_validation"]["y"].tolist() == [7, 8, 9]
        assert (own["first_pool"]["x"][:, :, 2:30, 2:30] == gray[:17, None]).all()
        assert not own["first_pool"]["x"][:, :, :2].any()
    assert np.array_equal(made["colour"]["second_validation"]["x"][2].transpose(1, 2, 0), coloured[19])
    luma = coloured[19] @ np.array([0.299, 0.587, 0.114])
    assert np.abs(made["gray"]["second_validation"]["x"][2, 0] - luma).max() <= 0.51


def test_images_are_ready_before_ray_is_unless_the_sweep_is_stopped(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    names: dict[Any, str] = {"first": "digits", "second": "digits"}
    images = list(domain_images(names, sources, "pool", "validation", colour="gray", validation=100).values())
    dear = Artifact("dear", {}, lambda *_: pytest.fail("left to a worker"))
    compute_light([*images, dear], sources, tmp_path, stop=lambda: True)
    assert all(store.missing(artifact) for artifact in images)
    compute_light([*images, dear], sources, tmp_path, stop=lambda: False)
    assert not any(store.missing(artifact) for artifact in images)
    assert store.missing(dear)
