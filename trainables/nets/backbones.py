"""Backbones: pre-trained classifiers without their output layer, frozen, as maps from images to embeddings.

    describe("vgg19").width                        # 4096, without weights and within milliseconds
    build("resnet18", state_dict).module(images)   # [N, 3, 224, 224] -> [N, 512]

Frozen means that parameters have no gradient and that running statistics do not change (evaluation mode).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from common.problems import Problem, Refused
from trainables.nets.fitting import misfits
from trainables.nets.letters_cnn import WIDTH, LettersCNN

LETTERS = "letters_cnn"
RESOLUTION = 224
IMAGENET_CLASSES = 1000
AUXILIARY = ("aux1", "aux2", "AuxLogits")
"""Heads that GoogLeNet and Inception use in training only."""


@dataclass(frozen=True)
class Description:
    """Facts about a backbone that need no weights."""

    name: str
    width: int
    """Length of an embedding."""
    resolution: int
    """Side of the square images it takes, in pixels."""
    channels: int
    mean: tuple[float, ...]
    """Mean of each channel of images in 0 … 1, which is subtracted."""
    std: tuple[float, ...]
    """Standard deviation of each channel, by which images are divided."""
    dropout: float
    """Probability of the dropout between the embedding and the output layer."""
    pooled: bool
    """Whether the output layer was a convolution before global pooling, so that the embedding is pooled features."""

    def head(self, classes: int) -> str:
        """Return the name of the layer that replaces the output layer."""
        on = " on globally pooled features" if self.pooled else ""
        return f"linear {self.width}→{classes}{on}"


@dataclass(frozen=True)
class Backbone:
    """A backbone with its weights."""

    description: Description
    module: nn.Module
    """A map from [N, channels, resolution, resolution] to [N, width], in evaluation mode, without gradients, fp32."""


@cache
def torchvision_names() -> tuple[str, ...]:
    """Return every classification backbone of the installed torchvision but the quantised ones."""
    from torchvision import models  # late, here and below: it takes a second to import, and `--builtin` never needs it

    return tuple(models.list_models(module=models))


def names() -> tuple[str, ...]:
    """Return every backbone that can be asked for."""
    return (LETTERS, *torchvision_names())


@cache
def describe(name: str) -> Description:
    """Return facts about the backbone of this name, one of `names()`."""
    return _skeleton(name)[0]


def build(name: str, state_dict: Mapping[str, torch.Tensor]) -> Backbone:
    """Return the backbone with these weights, whose tensors it shares. Raises Refused where they do not fit.

    Weights of an output layer of any size may be among them; they are left out.
    """
    problems = check_weights(name, state_dict)
    if problems:
        raise Refused(problems)
    description, module, output = _skeleton(name)
    module.load_state_dict(_fitted(module, output, state_dict), assign=True)
    module.float().eval().requires_grad_(False)
    return Backbone(description, module)


def check_weights(name: str, state_dict: Mapping[str, torch.Tensor]) -> list[Problem]:
    """Return what keeps these weights from fitting: tensors that are missing, unexpected or of another shape."""
    _, module, output = _skeleton(name)
    expected = module.state_dict()
    given = _fitted(module, output, state_dict)
    remedy = f"Give the state dict of torchvision's {name}, as torch.save(model.state_dict(), path) writes it."
    return misfits(given, expected, f"the weights of {name}", remedy)


def _fitted(module: nn.Module, output: str, state_dict: Mapping[str, torch.Tensor]) -> OrderedDict[str, torch.Tensor]:
    """Return the weights as the module without its output layer takes them, whatever release of torchvision saved
    them."""
    dropped = tuple(f"{name}." for name in (output, *AUXILIARY) if name)
    given = OrderedDict(
        (re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12])\.", r"\1\2.", key), value)  # DenseNet of before 2018
        for key, value in state_dict.items()
        if not key.startswith(dropped)
    )
    own = module.state_dict()
    for key in own:
        if key.endswith("num_batches_tracked"):  # absent before 2018, and without effect in evaluation mode
            given.setdefault(key, torch.tensor(0))
    given._metadata = getattr(state_dict, "_metadata", own._metadata)  # type: ignore[attr-defined]
    return given


class _NoMemory(TorchFunctionMode):
    """Within it, new parameters take no memory and no time to initialise; tables that a network computes are real."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:
            kwargs["device"] = "meta"
        return func(*args, **kwargs)


def _skeleton(name: str) -> tuple[Description, nn.Module, str]:
    """Return a backbone's description, its network without the output layer, and that layer's name, or "".

    The network's parameters are on the meta device.
    """
    if name == LETTERS:
        with _NoMemory():
            letters = LettersCNN()
        description = Description(
            name=LETTERS,
            width=WIDTH,
            resolution=28,
            channels=1,
            mean=(0.0,),
            std=(1.0,),
            dropout=0.0,
            pooled=False,
        )
        return description, letters, ""
    from torchvision.models import get_model, get_model_weights

    best = get_model_weights(name).DEFAULT
    options: dict[str, Any] = {}
    resolution = RESOLUTION
    if name.startswith("vit_"):  # has a position embedding for each patch, hence one resolution
        resolution = options["image_size"] = best.meta["min_size"][0]
    if name in ("googlenet", "inception_v3"):
        options |= {"init_weights": False, "transform_input": True}  # as torchvision does with its weights
    with _NoMemory():
        module = get_model(name, weights=None, **options)
    key = _output_layer(module)
    leaves = _leaves(module)
    layer = leaves[key]
    before = list(leaves.values())[list(leaves).index(key) - 1]
    pooled = isinstance(layer, nn.Conv2d)
    module.set_submodule(key, nn.Identity())
    for auxiliary in AUXILIARY:
        if hasattr(module, auxiliary):
            setattr(module, auxiliary, None)
    preset = best.transforms()
    description = Description(
        name=name,
        width=_inputs(layer),
        resolution=resolution,
        channels=3,
        mean=tuple(preset.mean),
        std=tuple(preset.std),
        # SqueezeNet's dropout comes before the pooling, in the frozen part.
        dropout=float(before.p) if isinstance(before, nn.Dropout) and not pooled else 0.0,
        pooled=pooled,
    )
    return description, module, key


def _inputs(layer: nn.Module) -> int:
    """Return the number of inputs of an output layer."""
    return int(layer.in_channels if isinstance(layer, nn.Conv2d) else cast(nn.Linear, layer).in_features)


def _leaves(module: nn.Module) -> dict[str, nn.Module]:
    """Return the parts of a module that have no parts, by name."""
    return {key: part for key, part in module.named_modules() if not any(part.children())}


def _output_layer(module: nn.Module) -> str:
    """Return the name of the last leaf with 1,000 outputs: a linear layer, or SqueezeNet's 1×1 convolution."""
    return [
        key
        for key, part in _leaves(module).items()
        if getattr(part, "out_features", getattr(part, "out_channels", None)) == IMAGENET_CLASSES
    ][-1]
