"""Triplets across two domains: anchor and positive show one class in different domains, the negative another class.

Mining and loss are pytorch-metric-learning's; only the rule that anchor and positive come from different domains is
added. Distances are Euclidean between normalised embeddings (F. Schroff, D. Kalenichenko, J. Philbin,
"FaceNet", 2015, for the loss and for semi-hard mining).
"""

from __future__ import annotations

from typing import Literal

import torch
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import TripletMarginMiner
from pytorch_metric_learning.reducers import DoNothingReducer
from pytorch_metric_learning.utils import loss_and_miner_utils as indices

Mining = Literal["random", "semi-hard", "hard"]
Triplets = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Positions of anchors, positives and negatives, each [T] int64."""


def across(triplets: Triplets, domains: torch.Tensor) -> Triplets:
    """Return the triplets whose anchor and positive differ in their domain, `domains` [N]."""
    anchors, positives, negatives = triplets
    kept = domains[anchors] != domains[positives]
    return anchors[kept], positives[kept], negatives[kept]


def all_triplets(labels: torch.Tensor, domains: torch.Tensor) -> Triplets:
    """Return every triplet of a batch; labels [N], domains [N]."""
    return across(indices.get_all_triplets_indices(labels), domains)


def mine(
    mining: Mining, embeddings: torch.Tensor, labels: torch.Tensor, domains: torch.Tensor, margin: float
) -> Triplets:
    """Return the triplets of a batch to train on; embeddings [N, D], labels [N], domains [N].

    With "random", positives and negatives are drawn for each anchor, as many as its class has images. With "semi-hard",
    the negative is farther than the positive, by less than the margin; with "hard", it is nearer.
    """
    if mining == "random":
        drawn = indices.get_random_triplet_indices(labels.cpu())  # it loops over anchors, slowly on a GPU
        return across(tuple(part.to(labels.device) for part in drawn), domains)
    miner = TripletMarginMiner(margin=margin, type_of_triplets="semihard" if mining == "semi-hard" else "hard")
    return across(miner(embeddings, labels), domains)


def triplet_losses(embeddings: torch.Tensor, labels: torch.Tensor, triplets: Triplets, margin: float) -> torch.Tensor:
    """Return max(0, d(anchor, positive) − d(anchor, negative) + margin) for each triplet, [T]; embeddings [N, D]."""
    if not len(triplets[0]):
        return embeddings[:0].sum(1)  # empty, but with a gradient (of zero), so that a step works
    loss = TripletMarginLoss(margin=margin, reducer=DoNothingReducer())
    losses: torch.Tensor = loss(embeddings, labels, triplets)["loss"]["losses"]
    return losses


def mean_of_active(losses: torch.Tensor) -> torch.Tensor:
    """Return the mean over the triplets that violate the margin, a scalar: steps do not shrink as these grow fewer."""
    return losses.sum() / (losses > 0).sum().clamp(min=1)
