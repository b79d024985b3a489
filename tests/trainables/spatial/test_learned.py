"""What counts as learned: transforms that undo a known deformation, and no others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import affine_transform

from trainables.data.sources import Sources
from trainables.spatial.affine import moved
from trainables.spatial.deformations import Kind, Settings, deformed, drawn, positions
from trainables.spatial.learned import (
    displacement_left,
    displacement_numbers,
    explained_by_images,
    r_squared,
    shuffled,
    zoom_numbers,
)
from trainables.spatial.moments import moments, sharpness
from trainables.spatial.points import pixel_centres

COUNT = 60
CENTRES = pixel_centres(28)
IDENTITY = np.tile(np.eye(2, 3), (COUNT, 1, 1))


def digits() -> np.ndarray:
    return Sources().train("digits").images[:COUNT]


def left_by(kind: Kind, undoing: Callable[[np.ndarray], np.ndarray], twins: np.ndarray = IDENTITY) -> dict[str, float]:
    """Return the numbers of transformers that sample copies at undoing(parameters) [784, 2], and twins by maps."""
    settings = Settings()
    parameters = np.stack([drawn(kind, settings, 28, np.random.default_rng(i)) for i in range(COUNT)])
    copies = np.stack([deformed(kind, settings, *pair) for pair in zip(digits(), parameters, strict=True)])
    grids = np.stack([undoing(own) for own in parameters])
    ink = [a.reshape(COUNT, -1) / 255 for a in (digits(), copies)]
    return displacement_numbers(displacement_left(kind, parameters, grids, moved(twins, CENTRES), *ink))


def unturned(parameters: np.ndarray) -> np.ndarray:
    inverse: np.ndarray = np.linalg.inv(parameters)
    return CENTRES @ inverse[:2, :2].T + inverse[:2, 2]


def test_a_known_rotation_that_is_undone_is_learned_and_its_shuffled_control_is_not() -> None:
    found = left_by("R", unturned)
    assert found["left"] == pytest.approx(0, abs=1e-9)
    assert found["left_control"] > 0.95
    assert found["left_affine"] == pytest.approx(0, abs=1e-6), "a rotation is affine"


def test_a_transformer_that_does_nothing_has_learned_nothing() -> None:
    for kind in ("R", "elastic"):
        assert left_by(kind, lambda _: CENTRES)["left"] == pytest.approx(1)


def test_half_a_rotation_is_partly_undone() -> None:
    def half(parameters: np.ndarray) -> np.ndarray:
        angle = -np.arctan2(parameters[1, 0], parameters[0, 0]) / 2
        return CENTRES @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]).T

    assert 0.45 < left_by("R", half)["left"] < 0.55


def test_any_canonical_pose_is_allowed() -> None:
    """Twins are turned by 1 radian and made smaller; copies are turned back and then likewise."""
    pose = 1.4 * np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    twins = np.tile(np.c_[pose, [0.1, -0.2]], (COUNT, 1, 1))

    def undone(parameters: np.ndarray) -> np.ndarray:
        inverse = np.linalg.inv(parameters)[:2, :2]
        return (CENTRES @ pose.T + [0.1, -0.2]) @ inverse.T

    assert left_by("R", undone, twins)["left"] == pytest.approx(0, abs=1e-9)


def test_the_best_affine_map_leaves_what_it_is_stated_to_leave_of_an_elastic_deformation() -> None:
    assert 0.35 < left_by("elastic", lambda _: CENTRES)["left_affine"] < 0.55
    back = left_by("elastic", lambda own: 2 * CENTRES - positions("elastic", own, CENTRES, 28))
    assert back["left"] < back["left_control"], "the opposite step undoes most"
    assert back["left"] < 0.73


def test_copies_without_ink_are_left_out() -> None:
    parameters = np.zeros((3, 2, 3, 3))
    nothing = np.zeros((3, 784))
    grids = np.tile(CENTRES, (3, 1, 1))
    assert displacement_numbers(displacement_left("elastic", parameters, grids, grids, nothing, nothing)) == {}


def test_a_zoom_that_is_taken_back_has_share_one() -> None:
    rng = np.random.default_rng(0)
    originals = IDENTITY * np.exp(rng.normal(0, 0.1, (COUNT, 1, 1)))
    quarter, root = originals / 4, originals / 2
    assert zoom_numbers(originals, quarter, 4)["zoom_undone"] == pytest.approx(1)
    assert zoom_numbers(originals, root, 4)["zoom_undone"] == pytest.approx(0.5)
    assert zoom_numbers(originals, originals, 4)["zoom_undone"] == pytest.approx(0)
    assert abs(zoom_numbers(originals, quarter, 4)["zoom_control"]) < 0.05
    turned = quarter @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert zoom_numbers(originals, turned, 4)["zoom_undone"] == pytest.approx(1), "areas compare, not parameters"
    assert zoom_numbers(originals, quarter, 1) == {}


def test_a_map_that_follows_the_slant_is_explained_by_it() -> None:
    images = digits() / 255
    seen = moments(images)
    upright = IDENTITY.copy()
    upright[:, 0, 1] = seen.slant
    upright[:, :, 2] = seen.centre
    found = explained_by_images(upright, images)
    assert found["slant_r2"] == pytest.approx(1)
    assert found["shift_r2"] == pytest.approx(1)
    assert found["slant_control"] < 0.15
    assert found["size_r2"] == 0, "the scale does not vary"
    by_size = IDENTITY * seen.size[:, None, None]
    assert explained_by_images(by_size, images)["size_r2"] == pytest.approx(1)


def test_shares_of_variance_are_linear_and_leave_out_what_is_not_finite() -> None:
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 2000, 1))
    assert r_squared(x + noise, x) == pytest.approx(0.5, abs=0.05)
    assert r_squared(-3 * x + 2, x) == pytest.approx(1)
    x[0] = np.nan
    assert r_squared(-3 * x, x) == pytest.approx(1)
    assert r_squared(np.full((9, 1), np.nan), np.ones((9, 1))) == 0
    assert r_squared(np.ones((9, 1)), x[:9]) == 0


def test_moments_are_those_of_what_was_drawn() -> None:
    image = np.zeros((28, 28))
    image[4:24, 10:14] = 1
    leaning = affine_transform(image, [[1, 0], [0.4, 1]], offset=[0, -0.4 * 13.5], order=1)
    seen = moments(np.stack([image, leaning, np.zeros((28, 28))]))
    assert seen.slant[0] == pytest.approx(0, abs=1e-9)
    assert seen.slant[1] == pytest.approx(-0.4, abs=0.02)
    assert seen.centre[0] == pytest.approx([2 * 12 / 28 - 1, 0], abs=1e-9)
    assert seen.size[0] == pytest.approx(np.sqrt(20 * 4) * 2 / 28)
    assert np.isnan([seen.slant[2], seen.size[2]]).all()


def test_class_means_are_sharp_where_images_are_alike() -> None:
    labels = np.array([0, 0, 1, 1])
    alike = np.stack([np.eye(4), 2 * np.eye(4), np.ones((4, 4)), np.ones((4, 4))])
    apart = np.stack([np.diag([1.0, 0, 0, 0]), np.diag([0, 1.0, 0, 0])] * 2)
    assert sharpness(alike, labels) == pytest.approx((1.5**2 / 2.5 + 1) / 2)
    assert sharpness(apart, labels) == pytest.approx(0.5)
    assert sharpness(np.zeros((4, 4, 4)), labels) == 0


def test_no_image_is_its_own_control() -> None:
    for count in (2, 7, 100):
        order = shuffled(count)
        assert sorted(order) == list(range(count))
        assert not (order == np.arange(count)).any()
