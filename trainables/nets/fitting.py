"""Whether a state dict is that of a module: what is missing, what is too much, and what has another shape."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from common.problems import Problem


def misfits(
    given: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], what: str, remedy: str
) -> list[Problem]:
    """Return what keeps the tensors `given` from being those of a module with the state `expected`; `what` they are."""
    found = {
        "lack": [key for key in expected if key not in given],
        "have in addition": [key for key in given if key not in expected],
        "have in another shape": [
            f"{key} {tuple(given[key].shape)}, not {tuple(value.shape)}"
            for key, value in expected.items()
            if key in given and given[key].shape != value.shape
        ],
    }
    return [
        Problem("weights", f"{what} must fit; they {kind}", _shortened(keys), remedy, given=False)
        for kind, keys in found.items()
        if keys
    ]


def _shortened(keys: list[str]) -> str:
    return ", ".join(keys[:3]) + (f", … ({len(keys)})" if len(keys) > 3 else "")
