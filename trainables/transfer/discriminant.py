"""Linear discriminant analysis where a sample is small: what it cannot tell is taken from another, larger set.

Each class is a mean; all share one covariance within classes. A sample of a hundred images tells means passably and the
covariance of hundreds of features not at all. The one within the *source's* classes, of thousands of images, has hardly
any variance, and as bias the difference between two sets. What is used lies between both (after J. Friedman,
"Regularized discriminant analysis", 1989), with a ridge.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

SHARPNESS = torch.logspace(-3, 0.5, 36)
"""By which logits may be multiplied."""


class Linear(NamedTuple):
    """features [N, D] -> logits [N, classes]."""

    weight: torch.Tensor
    """[classes, D]"""
    bias: torch.Tensor
    """[classes]"""

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        return F.linear(features, self.weight, self.bias)


def discriminant(
    x: torch.Tensor, y: torch.Tensor, classes: int, elsewhere: torch.Tensor, *, share: float, ridge: float
) -> Linear:
    """The classifier of a sample x [N, D], y [N] int64 in which each of the classes has an image.

    `elsewhere` [D, D] is a covariance known from other images, `share` its weight in 0 … 1, and `ridge`, times the mean
    variance, is added to every variance. Logits are multiplied by what makes them fit best the one half of the sample
    when they are learnt from the other: with more features than images they would be far too sure.
    """
    fitted = _fit(x, y, classes, elsewhere, share, ridge)
    place = torch.zeros_like(y)
    for label in range(classes):
        members = y == label
        place[members] = torch.arange(int(members.sum()), device=y.device)
    halves = [place % 2 == 0, place % 2 == 1]
    if min(len(y[half].unique()) for half in halves) < classes:
        return fitted  # a class of one image
    logits, labels = [], []
    for half, other in (halves, halves[::-1]):
        logits.append(_fit(x[half], y[half], classes, elsewhere, share, ridge)(x[other]))
        labels.append(y[other])
    crossed, truth = torch.cat(logits), torch.cat(labels)
    losses = torch.stack([F.cross_entropy(by * crossed, truth) for by in SHARPNESS])
    by = SHARPNESS[losses.argmin()].item()
    return Linear(by * fitted.weight, by * fitted.bias)


def within_classes(x: torch.Tensor, y: torch.Tensor, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """x [N, D], y [N] int64 -> the classes' means [classes, D], and the covariance [D, D] about them."""
    members = F.one_hot(y, classes).to(x.dtype)
    means = members.T @ x / members.sum(0).clamp(min=1)[:, None]
    residuals = x - means[y]
    return means, residuals.T @ residuals / max(1, len(x) - classes)


def _fit(x: torch.Tensor, y: torch.Tensor, classes: int, elsewhere: torch.Tensor, share: float, ridge: float) -> Linear:
    means, covariance = within_classes(x, y, classes)
    mixed = torch.lerp(covariance, elsewhere, share)
    variance = mixed.diagonal().mean()
    variance = torch.where(variance > 0, variance, 1.0)  # one image a class, and no others: all directions are alike
    mixed = mixed + ridge * variance * torch.eye(len(mixed), device=x.device)
    weight = torch.linalg.solve(mixed, means.T).T
    prior = torch.bincount(y, minlength=classes).to(x.dtype) / len(y)
    return Linear(weight, prior.log() - 0.5 * (weight * means).sum(1))
