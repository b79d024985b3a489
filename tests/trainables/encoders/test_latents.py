"""How latents spread: by hand, against scikit-learn, and whatever their scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import silhouette_score
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from trainables.encoders.latents import effective_dimension, plane, separation, standardised


def drawn(apart: float, count: int = 120) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents [n, 4] of three classes whose means are some distance apart."""
    generator = torch.Generator().manual_seed(2)
    y = torch.arange(count) % 3
    means = apart * torch.eye(3, 4)
    return torch.randn(count, 4, generator=generator) + means[y], y


def test_two_pairs_of_points_by_hand() -> None:
    z, y = torch.tensor([[0.0], [2.0], [10.0], [12.0]]), torch.tensor([0, 0, 1, 1])
    found = separation(standardised(z), y)
    assert found.within_total.mean().item() == pytest.approx(1 / 26)
    assert found.between_within.mean().item() == pytest.approx(25)
    assert found.silhouette.tolist() == pytest.approx([1 - 2 / 11, 1 - 2 / 9, 1 - 2 / 9, 1 - 2 / 11])
    assert found.pure.tolist() == [True] * 4
    crossed = separation(standardised(z), torch.tensor([0, 1, 0, 1]))
    assert crossed.pure.tolist() == [False] * 4
    assert crossed.silhouette.mean() < 0


@pytest.mark.parametrize("apart", [0.0, 2.0, 6.0])
def test_measures_are_those_of_scikit_learn(apart: float) -> None:
    z, y = drawn(apart)
    own = standardised(z)
    np.testing.assert_allclose(own.numpy().std(0), 1)
    found = separation(own, y)
    assert found.silhouette.mean().item() == pytest.approx(silhouette_score(own.numpy(), y.numpy()))
    left_out = cross_val_score(KNeighborsClassifier(1), own.numpy(), y.numpy(), cv=LeaveOneOut())
    assert found.pure.tolist() == left_out.astype(bool).tolist()
    within = [own[y == label].var(0, correction=0) for label in range(3)]
    assert found.within_total.mean().item() == pytest.approx(torch.stack(within).mean().item())
    assert found.between_within.mean().item() == pytest.approx(1 / found.within_total.mean().item() - 1)


def test_no_scale_of_a_coordinate_changes_anything() -> None:
    z, y = drawn(2.0)
    scaled = standardised(z.double() * torch.tensor([1e-3, 1.0, 50.0, 1e4]) - 7)
    for one, other in zip(separation(standardised(z), y), separation(scaled, y), strict=True):
        torch.testing.assert_close(one.double(), other.double(), rtol=1e-6, atol=1e-6)


def test_latents_say_how_surely_their_measures_hold_for_other_images() -> None:
    """Over 300 other samples the measures vary as the values of one sample say."""
    rng = torch.Generator().manual_seed(5)
    y = torch.arange(400) % 4
    samples = [torch.randn(400, 3, generator=rng) + 2 * torch.eye(4, 3)[y] for _ in range(300)]
    every = [separation(standardised(z), y) for z in samples]
    for name in ("within_total", "between_within"):
        simulated = torch.stack([getattr(one, name).mean() for one in every]).std()
        told = torch.stack([getattr(one, name).std() for one in every[:20]]).mean() / 400**0.5
        assert told.item() == pytest.approx(simulated.item(), rel=0.2), name


def test_the_effective_dimension_counts_directions_and_latents_that_are_alike_have_none() -> None:
    generator = torch.Generator().manual_seed(0)
    line = torch.randn(500, 1, generator=generator) @ torch.ones(1, 6)
    assert effective_dimension(standardised(line)) == pytest.approx(1)
    assert effective_dimension(standardised(torch.randn(100_000, 6, generator=generator))) == pytest.approx(6, abs=0.01)
    assert effective_dimension(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])) == pytest.approx(2)
    alike = standardised(torch.full((30, 6), 3.0))
    assert effective_dimension(alike) == 0
    found = separation(alike, torch.arange(30) % 2)
    assert (found.within_total.mean().item(), found.between_within.mean().item()) == (1, 0)


def test_the_plane_has_the_directions_of_most_variance_and_says_how_much() -> None:
    z = torch.tensor([[3.0, 0, 0], [-3, 0, 0], [0, 2, 0], [0, -2, 0], [0, 0, 1], [0, 0, -1]])
    found = plane(z)
    np.testing.assert_allclose(found.places.abs().numpy()[:4], [[3, 0], [3, 0], [0, 2], [0, 2]], atol=1e-9)
    assert found.shares.tolist() == pytest.approx([18 / 28, 8 / 28])
    assert plane(z[:, :1]).places.shape == (6, 1)
