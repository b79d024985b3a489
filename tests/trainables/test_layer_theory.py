"""What trials of layer_theory find: on layers with known symmetries, and on one that is not listed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import trainables
from common.problems import Refused
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.layer_theory import SWEEP
from trainables import layer_theory
from trainables.core.loop import Loop
from trainables.layer_theory import HOLDS
from trainables.theory.layers import LAYERS, Layer


def found(layer: str, border: str) -> tuple[dict[str, float], Loop]:
    """Return what a trial measured, without `val_` before the names, and its loop."""
    loop = trainables.run(SWEEP, {"layer": layer, "border": border})
    return {name.removeprefix("val_"): value for name, value in loop.rows[-1].items()}, loop


@pytest.mark.parametrize(
    ("layer", "border", "holds", "inside"),
    [
        ("convolution", "circular", True, True),
        ("convolution", "zeros", False, True),
        ("channel_bias", "zeros_rolled", True, True),
        ("channel_bias", "zeros", False, True),
        ("position_bias", "circular", False, False),
        ("tanh", "zeros", True, True),
        ("fully_connected", "circular", False, None),
        ("max_pool", "zeros", True, True),
        ("strided_convolution", "zeros", False, True),
    ],
)
def test_claims_hold_and_fail_where_the_derivations_say(
    layer: str, border: str, holds: bool, inside: bool | None
) -> None:
    measured, loop = found(layer, border)
    assert (measured["violation"] <= HOLDS) == holds
    assert (measured["inside"] <= HOLDS if "inside" in measured else None) == inside
    if LAYERS[layer].stride > 1:
        assert measured["off_stride"] > layer_theory.FAILS
    for name in ("jacobian_input", "jacobian_parameters", "spectrum", "converse"):
        assert measured.get(name, 0.0) <= HOLDS
    arrays = loop.experiment.gathered()
    assert arrays["violations"][arrays["whole"]].max() == measured["violation"]
    assert len(arrays["shifts"]) == 49


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "border", "holds"),
    [
        ("cnn", "circular", True),
        ("strided_cnn", "circular", True),
        ("strided_cnn", "zeros", False),
        ("cnn_global", "circular", True),
        ("strided_cnn_global", "circular", True),
        ("cnn_global", "zeros", False),
    ],
)
def test_networks_keep_what_all_of_their_layers_have(layer: str, border: str, holds: bool) -> None:
    measured, _ = found(layer, border)
    assert (measured["violation"] <= HOLDS) == holds


def test_a_counterexample_is_one() -> None:
    _, loop = found("channel_bias", "zeros")
    arrays = loop.experiment.gathered()
    gap = abs(arrays["example_output"] - arrays["example_expected"])
    assert gap.max() > 1, "the constants are larger than 1"
    assert (gap > 0).sum() == 2 * 12, "in the row that enters, of both channels"
    assert arrays["example_shift"].tolist() == [1, 0]


class Mirror(nn.Module):
    """Turns an image left to right: linear, and no convolution."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.flip(-1)


class Centred(nn.Module):
    """Subtracts the mean of each map: commutes with rolls, though each output sees all of the input."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - x.mean((-2, -1), keepdim=True)


@pytest.mark.parametrize(("module", "holds"), [(Mirror, False), (Centred, True)])
def test_a_layer_that_is_not_listed_is_judged_rightly(
    module: Any, holds: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LAYERS, "mine", Layer(lambda *_: module(), "mine", linear=True, reach=(12, 12)))  # type: ignore[arg-type]
    measured, _ = found("mine", "circular")
    assert (measured["violation"] <= HOLDS) == holds


def test_what_neither_holds_nor_fails_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nearly(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 1e-8 * torch.arange(12, dtype=x.dtype)

    monkeypatch.setitem(LAYERS, "nearly", Layer(lambda *_: Nearly(), "nearly"))  # type: ignore[arg-type]
    with pytest.raises(ArithmeticError, match="violation of nearly"):
        found("nearly", "circular")


def refused(*words: str, tmp_path: Any) -> str:
    options, problems = parse(["--out", str(tmp_path), *words], prog="layer_theory", description="")
    with pytest.raises(Refused) as raised:
        make_plan(SWEEP, options, problems, tmp_path)
    return str(raised.value)


def test_unknown_layers_and_other_precisions_are_refused(tmp_path: Any) -> None:
    assert "convolution" in refused("--set", "layer=convolutions", tmp_path=tmp_path)
    assert "fp64" in refused("--precision", "bf16", tmp_path=tmp_path)
