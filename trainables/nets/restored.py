"""A network from its weights: what others trained, as a module to evaluate or to train further."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from common.problems import Problem, Refused
from trainables.core.network import Pretrained
from trainables.nets import backbones, weights


def restored(
    module: nn.Module,
    state: Mapping[str, torch.Tensor],
    pretrained: Pretrained | None = None,
    weights_dir: Path | None = None,
) -> nn.Module:
    """Return the module with this state, where the state lies, in evaluation mode; the state is copied.

    What is pre-trained is loaded from `weights_dir` into its part. Raises RuntimeError where the state is of another
    module, and Refused where the backbone's weights are missing, or are others.
    """
    module.load_state_dict(state)
    if pretrained is not None:
        module.set_submodule(pretrained.part, _backbone(pretrained, weights_dir))
    return module.to(next(iter(state.values())).device).eval()


def _backbone(pretrained: Pretrained, weights_dir: Path | None) -> nn.Module:
    path = weights.find(pretrained.backbone, weights_dir)
    found = weights.digest(path)
    if found != pretrained.sha256:
        rule = f"the weights of {pretrained.backbone} must be those the network was trained on"
        remedy = f"Name the folder of the file with SHA-256 {pretrained.sha256} as the folder of weights."
        raise Refused([Problem("weights-dir", rule, f"{path} with SHA-256 {found}", remedy, given=False)])
    return backbones.build(pretrained.backbone, weights.load(path)).module
