"""Scatter within and between classes: by hand, against scikit-learn, and the error of a ratio over images."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.feature_selection import f_classif

from trainables.encoders.scatter import class_means, of_ratio, scatter

BY_HAND = torch.tensor([[0.0], [2.0], [10.0], [12.0]]), torch.tensor([0, 0, 1, 1])


def test_variance_within_and_between_two_pairs_of_points_is_what_it_is_by_hand() -> None:
    found = scatter(*BY_HAND)
    assert class_means(*BY_HAND).flatten().tolist() == [1, 11]
    assert found.within.flatten().tolist() == [1, 1, 1, 1]
    assert found.total.flatten().tolist() == [36, 16, 16, 36]
    assert found.between.mean().item() == 25


def test_between_over_within_is_the_f_statistic_of_scikit_learn_up_to_degrees_of_freedom() -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(4, (300,), generator=generator)
    x = torch.randn(300, 5, generator=generator) + torch.randn(4, 5, generator=generator)[y]
    found = scatter(x, y)
    own = (found.between.mean(0) / found.within.mean(0)).numpy()
    expected, _ = f_classif(x.numpy(), y.numpy())
    np.testing.assert_allclose(own * (300 - 4) / (4 - 1), expected, rtol=1e-4)


def test_the_values_of_a_ratio_have_it_as_their_mean_and_its_error_as_their_spread() -> None:
    """Ratios of 4,000 other samples of the kind vary as the values of one sample say."""
    rng = np.random.default_rng(1)
    below = rng.gamma(4, 1, (4_000, 500))
    above = 0.6 * below + rng.gamma(2, 0.2, below.shape)
    values = of_ratio(torch.from_numpy(above[0]), torch.from_numpy(below[0]))
    assert values.mean().item() == pytest.approx(above[0].mean() / below[0].mean())
    simulated = (above.mean(1) / below.mean(1)).std()
    assert values.std().item() / 500**0.5 == pytest.approx(simulated, rel=0.15)
    assert above[0].std() / below[0].mean() / 500**0.5 > 2 * simulated, "without the second term it would be too wide"
