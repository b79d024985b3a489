"""Affine maps come apart and together again; the nearest one to a map is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.spatial.affine import (
    Parts,
    decomposed,
    degenerate,
    determinants,
    moved,
    nearest_maps,
    recomposed,
)
from trainables.spatial.points import control_points, in_pixels, pixel_centres, thin_plate


def parts(angle: float, shear: float, scale_x: float, scale_y: float) -> Parts:
    return Parts(*(np.array([value]) for value in (angle, shear, scale_x, scale_y)))


@given(st.floats(-3, 3), st.floats(-2, 2), st.floats(0.1, 5), st.sampled_from([-3.0, -1.0, -0.2, 0.2, 1.0, 3.0]))
def test_maps_have_the_parts_that_they_were_made_of(angle: float, shear: float, x: float, y: float) -> None:
    made = recomposed(parts(angle, shear, x, y))
    found = decomposed(made)
    for name, value in (("angle", angle), ("shear", shear), ("scale_x", x), ("scale_y", y)):
        assert getattr(found, name)[0] == pytest.approx(value, abs=1e-9), name
    np.testing.assert_allclose(recomposed(found), made, atol=1e-9)
    assert determinants(made)[0] == pytest.approx(x * y)


def test_known_matrices_come_apart() -> None:
    stretched = np.array([[[2.0, 0], [0, 0.5]]])
    mirrored = np.array([[[-1.0, 0], [0, 1]]])
    sheared = np.array([[[1.0, 0.3], [0, 1]]])
    assert decomposed(stretched).scale_x[0] == 2
    assert decomposed(stretched).scale_y[0] == 0.5
    assert decomposed(sheared).shear[0] == pytest.approx(0.3)
    found = decomposed(mirrored)  # mirrored left to right: upside down, and turned by half a turn
    assert (found.scale_x[0], found.scale_y[0]) == (1, -1)
    assert abs(found.angle[0]) == pytest.approx(np.pi)


def test_an_inverse_does_not_have_the_negative_parts() -> None:
    whole = parts(0.4, 0.5, 2.0, 0.5)
    inverse = decomposed(np.linalg.inv(recomposed(whole)))
    assert abs(inverse.angle[0] + 0.4) > 0.1, "which is why maps are composed"


def test_reflections_and_next_to_nothing_are_degenerate() -> None:
    maps = np.stack([np.diag(d) for d in ([1.0, 1.0], [0.06, 1.0], [0.04, 1.0], [1.0, 0.04], [1.0, -1.0], [0.0, 0.0])])
    assert degenerate(maps).tolist() == [False, False, True, True, True, True]
    turned = recomposed(parts(2.0, 0.0, 1.0, 1.0))
    assert not degenerate(turned)[0]


def test_the_nearest_map_is_the_map_itself_where_that_is_affine() -> None:
    rng = np.random.default_rng(0)
    maps, points = rng.normal(0, 1, (5, 2, 3)), pixel_centres(28)
    targets = moved(maps, points)
    np.testing.assert_allclose(nearest_maps(points, targets), maps, atol=1e-9)
    weights = rng.random((5, len(points)))
    np.testing.assert_allclose(nearest_maps(points, targets, weights), maps, atol=1e-9)


def test_weights_say_which_points_count() -> None:
    points, targets = pixel_centres(8), np.zeros((1, 64, 2))
    targets[0, 32:] = 5.0
    weights = np.zeros((1, 64))
    weights[0, :32] = 1
    np.testing.assert_allclose(moved(nearest_maps(points, targets, weights), points)[0, :32], 0, atol=1e-9)


def test_coordinates_are_those_of_grid_sample() -> None:
    centres = pixel_centres(4)
    assert centres[0].tolist() == [-0.75, -0.75]
    assert centres[1].tolist() == [-0.25, -0.75], "x comes first, and rows one after the other"
    np.testing.assert_allclose(in_pixels(centres, 4)[:, 6], [1, 2])


def test_a_thin_plate_spline_goes_through_its_control_points_and_keeps_affine_maps() -> None:
    steps = np.random.default_rng(0).normal(0, 0.2, (16, 2))
    np.testing.assert_allclose(thin_plate(control_points()) @ steps, steps, atol=1e-9)
    points, matrix = pixel_centres(28), np.array([[0.3, -0.2], [0.5, 0.1]])
    np.testing.assert_allclose(thin_plate(points) @ (control_points() @ matrix + 0.1), points @ matrix + 0.1, atol=1e-9)
