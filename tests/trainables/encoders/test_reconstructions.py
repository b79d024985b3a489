"""What reconstructions keep of images, where it is known by hand."""

from __future__ import annotations

import pytest
import torch

from trainables.encoders.reconstructions import kept, kept_by_class

CLASSES, EACH = 3, 200


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    """Images [600, 1, 4, 4] of three classes that differ in their means."""
    generator = torch.Generator().manual_seed(0)
    means = torch.randn(CLASSES, 1, 4, 4, generator=generator).repeat_interleave(EACH, 0)
    return means + torch.randn(CLASSES * EACH, 1, 4, 4, generator=generator)


Y = torch.arange(CLASSES).repeat_interleave(EACH)


def shares(images: torch.Tensor, made: torch.Tensor) -> list[float]:
    """Return what is kept within classes, what of that is explained, and what is kept between them."""
    found = kept(images, made, Y)
    return [own.mean().item() for own in (found.within, found.explained, found.between)]


def class_mean(images: torch.Tensor) -> torch.Tensor:
    return images.unflatten(0, (CLASSES, EACH)).mean(1, keepdim=True).expand(-1, EACH, -1, -1, -1).flatten(0, 1)


def test_the_images_keep_all_their_means_keep_none_within_and_a_constant_keeps_nothing(images: torch.Tensor) -> None:
    assert shares(images, images) == pytest.approx([1, 1, 1])
    assert shares(images, images + 5) == pytest.approx([1, 1, 1]), "a shift of all changes no variance"
    assert shares(images, class_mean(images)) == pytest.approx([0, 0, 1], abs=1e-6)
    assert shares(images, torch.ones_like(images)) == pytest.approx([0, 0, 0], abs=1e-6)


def test_half_of_the_contrast_keeps_a_quarter_of_the_variance_and_explains_three(images: torch.Tensor) -> None:
    middle = class_mean(images)
    within, explained, between = shares(images, middle + (images - middle) / 2)
    assert (within, explained, between) == pytest.approx((0.25, 0.75, 1))


def test_images_of_the_class_in_each_others_place_keep_the_variance_and_explain_none_of_it(
    images: torch.Tensor,
) -> None:
    swapped = images.unflatten(0, (CLASSES, EACH)).roll(1, 1).flatten(0, 1)
    within, explained, between = shares(images, swapped)
    assert (within, between) == pytest.approx((1, 1))
    assert explained < -0.8, "they miss twice the variance"


def test_class_by_class_what_is_lost_of_one_is_lost_of_it_alone(images: torch.Tensor) -> None:
    made = images.clone()
    made[Y == 1] = class_mean(images)[Y == 1]
    found = kept_by_class(images, made, Y)
    assert found.within.tolist() == pytest.approx([1, 0, 1], abs=1e-6)
    assert found.between.tolist() == pytest.approx([1, 1, 1])
    assert shares(images, made)[0] == pytest.approx(2 / 3, abs=0.05)
