"""How a sample scatters about the means of its classes and about its mean, and ratios of such variances.

A ratio of two means over images has a *pseudo-value* for each image: their mean is the ratio, and their variance over
images that of the ratio, to first order (its influence function; A. van der Vaart, "Asymptotic statistics", 1998,
chapter 20). A measure with such values has an interval that holds for new images, and differences of it too.
"""

from __future__ import annotations

from typing import NamedTuple

import torch


class Scatter(NamedTuple):
    """Squared distances of a sample's points from means, coordinate by coordinate, [N, D] float64."""

    within: torch.Tensor
    """From the mean of the point's class; its mean over the points is the variance within classes."""
    total: torch.Tensor
    """From the mean of all; its mean is the variance."""

    @property
    def between(self) -> torch.Tensor:
        """What has the variance between the means of the classes as its mean over the points; it may be below 0."""
        return self.total - self.within


def scatter(x: torch.Tensor, y: torch.Tensor) -> Scatter:
    """Return how points x [N, D] with classes y [N] int64 scatter; a class counts as often as it has points."""
    x = x.double()
    return Scatter((x - class_means(x, y)[y]).square(), (x - x.mean(0)).square())


def class_means(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the means [classes, D] of the classes of points x [N, D]; 0 for a class without points."""
    members = torch.nn.functional.one_hot(y).to(x.dtype)
    return members.T @ x / members.sum(0).clamp(min=1)[:, None]


def of_ratio(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Return the pseudo-values [N] of mean(above) / mean(below), both [N]."""
    mean = below.mean()
    ratio = above.mean() / mean
    return ratio + (above - ratio * below) / mean
