"""What is kept of decoded images for figures: the same digits for all, and classes as they are."""

from __future__ import annotations

import numpy as np
import torch

from trainables.encoders.decoded import MEASURES, dimension, scores, shown

Y = torch.tensor([7] * 8 + [0] * 90 + [3] * 300)
IMAGES = torch.rand(len(Y), 1, 28, 28, generator=torch.Generator().manual_seed(1))


def test_sixty_digits_of_ten_classes_are_shown_and_no_other_ones_for_another_encoder() -> None:
    y = torch.arange(500) % 10
    images = (y / 10)[:, None, None, None].expand(-1, 1, 28, 28)
    a, b = (shown(images, images * share, torch.randn(500, 4), y) for share in (1.0, 0.5))
    assert a["digits_input"].shape == (10, 6, 28, 28)
    assert np.array_equal(a["digits_input"], b["digits_input"])
    assert np.array_equal(a["plane_label"], b["plane_label"])
    assert np.array_equal(a["digits_made"], a["digits_input"])
    assert [int(own.max()) for own in a["digits_input"]] == [round(255 * label / 10) for label in range(10)]
    assert a["plane"].shape == (300, 2)
    assert np.bincount(a["plane_label"]).tolist() == [30] * 10


def test_classes_that_are_absent_or_rare_leave_a_figure_of_the_others() -> None:
    found = shown(IMAGES, IMAGES, torch.randn(len(Y), 5), Y)
    assert found["digits_input"].shape == (3, 6, 28, 28)
    few = shown(IMAGES[4:], IMAGES[4:], torch.randn(len(Y) - 4, 5), Y[4:])
    assert few["digits_input"].shape == (3, 4, 28, 28), "as many of each"


def test_every_measure_has_values_within_its_bounds() -> None:
    latents = torch.randn(len(Y), 5)
    found = scores(IMAGES, IMAGES * 0.9, latents, Y)
    assert {*found, "dimension"} == {measure.name for measure in MEASURES}
    assert all(own.shape == Y.shape for own in found.values())
    for measure in MEASURES:
        value = dimension(latents) if measure.name == "dimension" else found[measure.name].double().mean().item()
        assert not measure.is_outside(value), measure.name
