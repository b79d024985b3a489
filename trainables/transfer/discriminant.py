"""Linear discriminant analysis of a small sample, with a covariance that is borrowed in part from a larger set.

Classes differ by their means and share one covariance. A hundred images are enough for passable means, but not for the
covariance of hundreds of features. The covariance within the *source's* classes, estimated from thousands of images,
has hardly any variance; its bias is the difference between the two sets. The one used is a mixture of both (after
J. Friedman, "Regularized discriminant analysis", 1989), with a ridge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

SHARPNESS = torch.logspace(-3, 0.5, 36)
"""Candidates for the factor that scales the logits."""


class Linear(NamedTuple):
    """A linear classifier of features [N, D]."""

    weight: torch.Tensor
    """[classes, D]"""
    bias: torch.Tensor
    """[classes]"""

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits [N, classes]."""
        return F.linear(features, self.weight, self.bias)


def discriminant(
    x: torch.Tensor, y: torch.Tensor, classes: int, elsewhere: torch.Tensor, *, share: float, ridge: float
) -> Linear:
    """Fit a classifier to a sample x [N, D], y [N] int64 that has an image of each class.

    `elsewhere` [D, D] is a covariance known from other images and `share` its weight, 0 … 1; `ridge` times the mean
    variance is added to every variance. With more features than images the logits would be far too confident, so they
    are scaled by the factor that fits each half of the sample best when the classifier is fitted to the other half.
    """
    fitted = _fit(x, y, classes, elsewhere, share, ridge)
    place = torch.zeros_like(y)
    for label in range(classes):
        members = y == label
        place[members] = torch.arange(int(members.sum()), device=y.device)
    halves = [place % 2 == 0, place % 2 == 1]
    if min(len(y[half].unique()) for half in halves) < classes:
        return fitted  # a class of one image
    logits = []
    labels = []
    for half, other in (halves, halves[::-1]):
        logits.append(_fit(x[half], y[half], classes, elsewhere, share, ridge)(x[other]))
        labels.append(y[other])
    crossed = torch.cat(logits)
    truth = torch.cat(labels)
    losses = torch.stack([F.cross_entropy(by * crossed, truth) for by in SHARPNESS])
    by = SHARPNESS[losses.argmin()].item()
    return Linear(by * fitted.weight, by * fitted.bias)


def within_classes(x: torch.Tensor, y: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the classes' means [classes, D] and the covariance about them [D, D], of x [N, D] and y [N] int64."""
    members = F.one_hot(y, classes).to(x.dtype)
    means = members.T @ x / members.sum(0).clamp(min=1)[:, None]
    residuals = x - means[y]
    return means, residuals.T @ residuals / max(1, len(x) - classes)


def _fit(x: torch.Tensor, y: torch.Tensor, classes: int, elsewhere: torch.Tensor, share: float, ridge: float) -> Linear:
    means, covariance = within_classes(x, y, classes)
    mixed = torch.lerp(covariance, elsewhere, share)
    variance = mixed.diagonal().mean()
    variance = torch.where(variance > 0, variance, 1.0)  # one image a class: all directions are alike
    mixed = mixed + ridge * variance * torch.eye(len(mixed), device=x.device)
    weight = torch.linalg.solve(mixed, means.T).T
    prior = torch.bincount(y, minlength=classes).to(x.dtype) / len(y)
    return Linear(weight, prior.log() - 0.5 * (weight * means).sum(1))
