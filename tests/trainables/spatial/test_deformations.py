"""Deformed images are what their parameters say, whoever makes them; nothing wraps around."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import elasticdeform
import numpy as np
import pytest

from trainables.artifacts.store import Store
from trainables.data.sources import Sources
from trainables.spatial import deformations, images
from trainables.spatial.affine import moved
from trainables.spatial.deformations import (
    KINDS,
    Kind,
    Settings,
    deformed,
    displacements,
    drawn,
    package_problems,
    positions,
    zoom_by,
)
from trainables.spatial.images import images_of
from trainables.spatial.points import control_points, in_pixels, pixel_centres


def digits(count: int = 20) -> np.ndarray:
    return Sources().train("digits").images[:count]


def blob(row: float, column: float) -> np.ndarray:
    """Return an image [28, 28] uint8 of a soft spot."""
    y, x = np.mgrid[:28, :28]
    return np.rint(255 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 8)).astype(np.uint8)


def test_no_displacement_gives_back_the_image_that_uint8_would_spoil() -> None:
    nothing = np.zeros((2, 3, 3))
    for image in digits():
        assert (deformed("elastic", Settings(), image, nothing) == image).all()
    spoilt = [elasticdeform.deform_grid(image, nothing).astype(int) - image for image in digits()]
    assert np.abs(spoilt).max() > 50, "why it is computed in floats"


def test_the_displacement_field_is_the_packages() -> None:
    control = np.random.default_rng(0).normal(0, 2, (2, 3, 3))
    row, column = np.mgrid[:28, :28].astype(float)
    seen = [elasticdeform.deform_grid(ramp, control, order=1, mode="nearest") for ramp in (row, column)]
    ours = in_pixels(pixel_centres(28) + displacements(control, pixel_centres(28), 28), 28)
    np.testing.assert_allclose(np.clip(ours, 0, 27), np.stack(seen).reshape(2, -1), atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_shows_what_the_image_has_where_the_parameters_say(kind: Kind) -> None:
    """A spot of the image appears where the map takes to it."""
    settings = Settings(sigma=2.0, zoom=1.25, zoom_method="package")
    for seed in range(5):
        parameters = drawn(kind, settings, 28, np.random.default_rng(seed))
        copy = deformed(kind, settings, blob(12, 16), parameters).astype(float).ravel()
        at = positions(kind, parameters, pixel_centres(28), 28)
        target = np.array([2 * 16.5 / 28 - 1, 2 * 12.5 / 28 - 1])
        expected = pixel_centres(28)[((at - target) ** 2).sum(1).argmin()]
        found = (copy**4 @ pixel_centres(28)) / (copy**4).sum()
        assert np.abs(found - expected).max() < 0.12, f"seed {seed}: less than two pixels apart"


def test_an_elastic_copy_is_what_the_package_makes_of_the_same_displacements() -> None:
    image, control = digits()[3], np.random.default_rng(1).normal(0, 3.5, (2, 3, 3))
    package = elasticdeform.deform_grid(image.astype(float), control)
    assert (deformed("elastic", Settings(), image, control) == np.rint(np.clip(package, 0, 255))).all()


def test_zoom_by_area_keeps_all_ink_and_the_package_points_of_it() -> None:
    for image in digits():
        small = zoom_by(image.astype(float), 4)
        assert small.sum() * 16 == pytest.approx(image.sum(), rel=1e-12)
        assert not small[:10].any()
        assert not small[18:].any()
    by_points = [deformed("zoom", Settings(zoom_method="package"), image, np.eye(3)) for image in digits()]
    kept = np.array([16 * made.sum() / image.sum() for made, image in zip(by_points, digits(), strict=True)])
    assert kept.std() > 0.05, "the package samples points, between which ink is lost or counted twice"


def test_zoom_by_is_about_the_centre_and_by_any_factor() -> None:
    image = blob(13.5, 13.5).astype(float)
    small = zoom_by(image, 3.3)
    np.testing.assert_allclose(small, small[::-1], atol=1e-9)
    np.testing.assert_allclose(small, small.T, atol=1e-9)
    np.testing.assert_allclose(zoom_by(image, 1), image, atol=1e-9)
    assert zoom_by(image, 0.5)[13, 13] == pytest.approx(image[13, 13], rel=0.05), "below 1 it enlarges"


def test_distortions_keep_to_the_ranges_that_are_stated() -> None:
    rng = np.random.default_rng(0)
    turns = [drawn("R", Settings(), 28, rng) for _ in range(300)]
    angles = np.degrees([np.arctan2(m[1, 0], m[0, 0]) for m in turns])
    assert -90 <= angles.min() < -80
    assert 80 < angles.max() <= 90
    sizes = [1 / np.sqrt(np.linalg.det(drawn("RTS", Settings(), 28, rng)[:2, :2])) for _ in range(300)]
    assert 0.7 <= min(sizes) < 0.72
    assert 1.18 < max(sizes) <= 1.2
    for _ in range(300):
        corners = drawn("P", Settings(), 28, rng)
        assert ((np.c_[pixel_centres(28), np.ones(784)] @ corners.T)[:, 2] > 0).mean() > 0.5
        assert np.isfinite(positions("P", corners, pixel_centres(28), 28)).all()
    steps = np.array([drawn("E", Settings(), 28, rng) for _ in range(300)])
    sizes = 1 / (1 + (steps * control_points()).sum((1, 2)) / (control_points() ** 2).sum())
    assert 0.7 < sizes.min() < 0.8
    assert 0.95 < sizes.max() < 1.08


def test_a_digit_that_was_moved_and_turned_is_found_again() -> None:
    parameters = drawn("RTS", Settings(), 28, np.random.default_rng(4))
    points = moved(parameters[None, :2], pixel_centres(28))[0]
    np.testing.assert_allclose(points, positions("RTS", parameters, pixel_centres(28), 28), atol=1e-12)


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "A_PIECE", 300)


@pytest.mark.parametrize("kind", ["elastic", "E"])
def test_copies_are_the_same_whoever_makes_which_part(kind: Kind, tmp_path: Path, in_pieces: None) -> None:
    """Two workers make two pieces each, in any order, as Ray's tasks do."""
    sources = Sources()
    split = images_of(kind, "digits", sources, "test", Settings())
    assert split.pieces == 2
    needs = {"images": Store(tmp_path).get(split.needs["images"], sources)}
    second, first = (split.compute(split, piece, sources, needs) for piece in (1, 0))
    whole = images_of(kind, "digits", sources, "test", Settings())
    object.__setattr__(whole, "pieces", 1)
    alone = whole.compute(whole, 0, sources, needs)
    for name, array in alone.items():
        assert (np.concatenate([first[name], second[name]]) == array).all(), name
    kept = Store(tmp_path).get(split, sources)
    assert (kept["x"] == alone["x"]).all()
    assert not kept["x"].flags.writeable
    assert len(list((tmp_path / split.name).glob("*.sha256"))) == 2


def test_test_images_have_seeds_of_their_own_and_labels_of_their_originals(tmp_path: Path) -> None:
    sources, store = Sources(), Store(tmp_path)
    train, test = (
        store.get(images_of("elastic", "digits", sources, s, Settings()), sources) for s in ("train", "test")
    )
    assert not (train["parameters"][: len(test["parameters"])] == test["parameters"]).any()
    assert (train["y"] == sources.train("digits").labels).all()
    assert train["x"].dtype == np.uint8
    assert train["x"].shape == (1287, 1, 28, 28)


def test_settings_that_do_not_matter_make_no_other_copies() -> None:
    sources = Sources()
    zoomed = [images_of("zoom", "digits", sources, "train", Settings(sigma=sigma)).key for sigma in (3.5, 25.0)]
    bent = [images_of("elastic", "digits", sources, "train", Settings(sigma=sigma)).key for sigma in (3.5, 25.0)]
    assert zoomed[0] == zoomed[1]
    assert bent[0] != bent[1]


def test_without_the_package_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def lacking(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "elasticdeform":
            raise ImportError("numpy.core.multiarray failed to import")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(ImportError, match=r"no-binary.*NumPy 1"):
        deformations.elasticdeform()
    (problem,) = package_problems("copies", ["original", "elastic", "zoom"], Settings())
    assert "multiarray" in str(problem)
    assert "--no-binary" in problem.remedy
    assert not package_problems("copies", ["original", "zoom", "R"], Settings())
    assert package_problems("copies", ["zoom"], Settings(zoom_method="package"))
