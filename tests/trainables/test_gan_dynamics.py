"""What trials of gan_dynamics find, and what is refused before any is run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import trainables
from common.problems import Refused
from sweeps.engine.options import parse
from sweeps.engine.preflight import make_plan
from sweeps.gan_dynamics import SWEEP
from trainables.core.loop import Loop
from trainables.gan.dynamics.catalogue import RULES
from trainables.gan.dynamics.outcomes import SAME


def played(rule: str, alpha: float, **more: Any) -> tuple[dict[str, float], Loop]:
    """Return what a small trial measured, without `val_` before the names, and its loop."""
    small = {"trajectories": 50, "steps": 1000}
    loop = trainables.run(SWEEP, {"rule": rule, "alpha": alpha, **small, **more})
    return {name.removeprefix("val_"): value for name, value in loop.rows[-1].items()}, loop


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_measured_as_it_is_predicted(rule: str) -> None:
    measured, loop = played(rule, 0.3)
    assert loop.status == "done"
    assert measured["gap"] <= SAME
    assert measured["angle_gap"] <= SAME
    assert measured["distance_gap"] <= SAME
    assert measured.get("best_gap", 0.0) <= SAME
    facts = loop.outcome()["facts"]
    assert facts["verdict"] == facts["predicted_verdict"]
    assert facts["title"] == RULES[rule].title
    assert len(facts["derivation"]) > 100
    assert ("best_gap" in measured) == (facts["best"] is not None) == RULES[rule].converges
    json.dumps(facts, allow_nan=False)


def test_a_game_that_overflows_is_a_result() -> None:
    measured, loop = played("simultaneous", 2.0)
    assert loop.status == "done"
    assert 870 < measured["overflow"] < 900
    assert measured["distance"] == pytest.approx(500 * np.log10(5), rel=1e-9)
    assert loop.outcome()["facts"]["verdict"] == "diverges"
    path = loop.experiment.gathered()["path"]  # [steps, 2, starts]
    assert np.isnan(path[-1]).all()
    assert path[1].T.tolist() == [[1.0, -2.0], pytest.approx([0.0, 1.0])], "from (1, 0) and (−0.4, 0.2)"


def test_a_game_that_arrives_has_no_logarithm_of_a_distance() -> None:
    measured, loop = played("r1_critical", 1.0)
    assert (measured["arrival"], loop.status) == (2, "done")
    assert "distance" not in measured
    assert measured["gap"] < 1e-15


def test_extragradient_is_checked_by_consensus_and_others_are_not() -> None:
    assert played("extragradient", 0.7)[0]["consensus_gap"] < 1e-12
    assert "consensus_gap" not in played("consensus", 0.7, gamma=0.7)[0]


def test_weights_matter_where_they_are_used() -> None:
    assert played("consensus", 0.5, gamma=2.0)[0]["predicted"] == pytest.approx(0.5)
    assert played("r1", 0.5, gamma=4.0)[1].outcome()["facts"]["unused"] == ["beta"]
    assert played("momentum_alternating", 0.5, beta=-0.8)[0]["predicted"] > 1, "the limit is 2 (1 + β)"
    assert played("momentum_alternating", 0.5)[1].outcome()["facts"]["unused"] == ["gamma"]


def test_the_curve_for_the_figure_is_the_derived_one() -> None:
    alphas, moduli = played("extragradient", 0.7)[1].experiment.gathered()["curve"]
    np.testing.assert_allclose(moduli, np.sqrt(1 - alphas**2 + alphas**4), rtol=1e-12)


def refused(*words: str, tmp_path: Any) -> str:
    options, problems = parse(["--out", str(tmp_path), *words], prog="gan_dynamics", description="")
    with pytest.raises(Refused) as raised:
        make_plan(SWEEP, options, problems, tmp_path)
    return str(raised.value)


@pytest.mark.parametrize("alpha", ["0", "-0.1", "nan", "inf", "1e-4", "5"])
def test_step_sizes_that_make_no_sense_are_refused(alpha: str, tmp_path: Any) -> None:
    text = refused("--set", f"alpha=0.1,{alpha}", tmp_path=tmp_path)
    assert text.startswith("--set alpha: ")
    assert "you gave" in text


def test_what_else_is_wrong_is_refused_all_at_once(tmp_path: Any) -> None:
    assert "Did you mean 'extragradient'?" in refused("--set", "rule=extra_gradient", tmp_path=tmp_path)
    assert "2π/α" in refused("--set", "steps=1000", tmp_path=tmp_path), "at the smallest α that is compared"
    text = refused("--set", "rule=r1,nash", "gamma=0", "beta=0.5", "--precision", "bf16", tmp_path=tmp_path)
    assert all(f"{key}: " in text for key in ("rule", "gamma", "beta"))
    assert "fp64" in text
