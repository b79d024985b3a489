"""How large a linear classifier's weights are for the margins it has: what bounds of its generalisation rest on."""

from __future__ import annotations

import math

import torch

from trainables.transfer.discriminant import Linear


def norm_over_margin(linear: Linear, features: torch.Tensor, labels: torch.Tensor) -> float:
    """Return R·‖W‖/γ of a classifier of features [N, D] with labels [N] int64; NaN where γ is not above 0.

    γ is the median, over the images, of how far the logit of the true class is above the highest other one. ‖W‖ is the
    Frobenius norm of the weights and R the root mean square of the features' norms. Weights are taken about their mean
    over the classes and features about theirs over the images: neither shift changes a prediction that a bias could not
    undo. No scale of features or logits changes the result either.

    Of a fixed norm ‖W‖, linear classifiers generalise from n images up to a term in proportion to R·‖W‖/(γ·√n), where
    images whose margin is below γ count as wrong (S. Kakade et al., "On the complexity of linear prediction", 2008):
    below √n it can say something, above it nothing.
    """
    logits = linear(features)
    truth = labels[:, None]
    others = logits.scatter(1, truth, -torch.inf).amax(1)
    margin = float((logits.gather(1, truth)[:, 0] - others).double().quantile(0.5))
    if not margin > 0:
        return math.nan
    weight = (linear.weight - linear.weight.mean(0)).double()
    spread = (features - features.mean(0)).double().square().sum(1).mean().sqrt()
    return float(spread * weight.norm()) / margin
