"""What the images that are searched add to the variance of retrieval."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analysis.numbers.galleries import Links, gallery_variance
from analysis.numbers.intervals import image_standard_error
from analysis.numbers.results import PerImage
from analysis.numbers.seeds import image_error


def test_it_is_the_square_of_what_an_image_brings_as_query_and_in_the_gallery_without_a_querys_own_part() -> None:
    """Three queries, of which two rest on image 4, and one on image 0, which is a query itself."""
    scores = np.array([[1.0, 0.0, 1.0]])
    links = Links(np.array([[4], [4], [0]]), np.array([[-1.0], [0.0], [-1.0]]))
    as_query = (scores[0] - 2 / 3) / 3
    in_gallery = np.array([1 / 3, 0, 0, 0, 1 / 3])  # what is lost without the image
    both = np.append(as_query, [0, 0]) + in_gallery
    own_parts = 2 * (1 / 3) ** 2
    expected = (both**2).sum() - (as_query**2).sum() - own_parts
    assert gallery_variance(scores, None, [links]) == pytest.approx(expected)


def test_pairs_of_queries_that_one_gallery_image_serves_vary_together() -> None:
    images = 100
    scores = np.ones((1, images))
    one = Links(np.full((images, 1), images), np.full((images, 1), -1.0))
    several = Links(images + np.arange(images)[:, None], np.full((images, 1), -1.0))
    assert gallery_variance(scores, None, [several]) == pytest.approx(0, abs=1e-12), "each query has one of its own"
    assert gallery_variance(scores, None, [one]) == pytest.approx(1 - 1 / images), "all stand and fall with one image"
    assert image_standard_error(scores, None, [one]) == pytest.approx(math.sqrt(1 - 1 / images))


def test_what_a_network_alone_does_is_left_to_the_spread_over_seeds() -> None:
    images, draws = 60, np.random.default_rng(0)
    scores = np.ones((2, images))
    own = [Links(np.full((images, 1), images + seed), np.full((images, 1), -1.0)) for seed in range(2)]
    assert gallery_variance(scores, None, own) == 0, "each network rests on an image of its own"
    same = [Links(draws.integers(images, 2 * images, (images, 1)), np.full((images, 1), -1.0))] * 2
    one = gallery_variance(scores[:1], None, same[:1])
    assert gallery_variance(scores, None, same) == pytest.approx(one)


def test_strata_weigh_alike_and_galleries_never_narrow_an_interval() -> None:
    draws, strata = np.random.default_rng(1), np.repeat([0, 1], [20, 80])
    scores = (draws.random((3, 100)) < 0.7).astype(float)
    links = [Links(draws.integers(100, size=(100, 1)), draws.integers(-1, 2, (100, 1)).astype(float)) for _ in range(3)]
    assert image_standard_error(scores, strata, links) >= image_standard_error(scores, strata)
    alone = Links(np.full((100, 1), 100), np.where(strata[:, None] == 0, -1.0, 0.0))
    assert gallery_variance(np.ones((1, 100)), strata, [alone]) == pytest.approx((1 / 2) ** 2 * (1 - 1 / 20))


def test_a_difference_of_a_network_to_itself_does_not_vary() -> None:
    draws = np.random.default_rng(2)
    links = Links(draws.integers(50, size=(50, 1)), draws.integers(-1, 2, (50, 1)).astype(float))
    network = PerImage(draws.random(50) < 0.8, None, links)
    assert image_error([network.less(network)] * 2) == 0
    plain = PerImage(draws.random(50) < 0.6, None)
    gap = network.less(plain)
    assert gap.links is not None
    assert np.array_equal(gap.links.on, links.on)
    assert plain.less(plain).links is None
