"""How latents spread within and between classes, each coordinate scaled to mean 0 and variance 1.

Without that, a coordinate would count by its scale, which a decoder can undo.
"""

from __future__ import annotations

from typing import NamedTuple

import torch

from trainables.encoders.scatter import of_ratio, scatter


class Separation(NamedTuple):
    """How far classes are apart, for each latent [N]: the means over the latents are the measures."""

    within_total: torch.Tensor
    """The share of the variance that lies within classes, as pseudo-values (`scatter`)."""
    between_within: torch.Tensor
    """The variance between class means over that within classes, as pseudo-values."""
    silhouette: torch.Tensor
    """(b − a) / max(a, b), where a is the mean distance to the others of the class and b to the nearest other class
    (P. Rousseeuw, "Silhouettes", 1987), by scikit-learn."""
    pure: torch.Tensor
    """Whether the nearest other latent is of the same class, bool."""


class Plane(NamedTuple):
    """Latents on their first two principal components."""

    places: torch.Tensor
    """[N, 2]"""
    shares: torch.Tensor
    """The shares of the variance that lie along them, [2]."""


def standardised(z: torch.Tensor) -> torch.Tensor:
    """Return latents z [N, D] with mean 0 and variance 1 in each coordinate, float64; 0 where all are alike."""
    centred = z.double() - z.double().mean(0)
    deviation = centred.square().mean(0).sqrt()
    return centred / torch.where(deviation > 0, deviation, 1.0)


def separation(z: torch.Tensor, y: torch.Tensor) -> Separation:
    """Return how far classes y [N] int64 are apart in standardised latents z [N, D]."""
    from sklearn.metrics import silhouette_samples  # a second to import, which search trials need not wait for
    from sklearn.neighbors import NearestNeighbors

    within = _within_total(z, y)
    share = within.mean()
    points, labels = z.cpu().numpy(), y.cpu().numpy()
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]  # itself left out
    return Separation(
        within,
        (1 - share) / share - (within - share) / share**2,  # of a function of the share, by its derivative
        torch.from_numpy(silhouette_samples(points, labels)),
        torch.from_numpy(labels[nearest] == labels),
    )


def effective_dimension(z: torch.Tensor) -> float:
    """Return (Σλ)² / Σλ² of the variances λ along the principal components of z [N, D]: from 1, a line, to D.

    It is called the participation ratio (P. Gao et al., "A theory of multineuronal dimensionality, dynamics and
    measurement", 2017). It is 0 where all latents are alike.
    """
    centred = z.double() - z.double().mean(0)
    covariance = centred.T @ centred / len(z)
    trace, squares = covariance.trace().item(), covariance.square().sum().item()
    return trace**2 / squares if squares > 0 else 0.0


def plane(z: torch.Tensor) -> Plane:
    """Return latents z [N, D] on the two principal components of most variance; on one where D is 1."""
    from sklearn.decomposition import PCA

    components = PCA(min(2, z.shape[1]), svd_solver="covariance_eigh")
    places = components.fit_transform(z.cpu().numpy())
    return Plane(torch.from_numpy(places), torch.from_numpy(components.explained_variance_ratio_))


def _within_total(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the share of the variance of latents within classes, as pseudo-values [N]; 1 where all are alike.

    It is the mean over the coordinates that vary, since the scale of each is estimated from the same latents.
    """
    spread = scatter(z, y)
    varied = spread.total.mean(0) > 0
    if not varied.any():
        return torch.ones(len(z), dtype=torch.float64, device=z.device)
    pairs = zip(spread.within.T[varied], spread.total.T[varied], strict=True)
    return torch.stack([of_ratio(within, total) for within, total in pairs]).mean(0)
