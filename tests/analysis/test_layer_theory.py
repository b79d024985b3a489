"""The answer on layers: every sentence agrees with what its trials measured."""

from __future__ import annotations

import pytest

from analysis.report.answer import Answer
from analysis.report.make import make_answer
from sweeps.layer_theory import SWEEP
from tests.support.driver import plan, trained_here

LAYERS = ("convolution", "channel_bias", "max_pool", "fully_connected")


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Answer:
    folder = tmp_path_factory.mktemp("theory")
    trained_here(plan(folder, "--set", f"layer={','.join(LAYERS)}", sweep=SWEEP), folder).close()
    return make_answer(folder, "layer_theory", formats=("png",))


@pytest.mark.slow
def test_it_begins_with_how_many_layers_commute_and_lists_those_that_fail(answer: Answer) -> None:
    first, *_ = answer.text.split("\n\n")
    assert first == (
        "Layers that commute with shifts by multiples of their stride: 3 of 4 under circular padding, 1 of 4 under zero"
        " padding where zeros enter and 2 of 4 under zero padding where what leaves enters again."
    )
    best = answer.best.set_index(["layer", "border"])["val_violation"]
    stated = {(claim.where["layer"], claim.where["border"]): claim.estimate for claim in answer.claims
              if claim.metric == "val_violation"}  # fmt: skip
    assert stated == best[best > 1e-10].to_dict(), "every layer that fails, with its largest violation"


@pytest.mark.slow
def test_each_derivation_names_the_trials_that_check_it(answer: Answer) -> None:
    page = next(path for path in answer.files if path.name == "answer.md").read_text()
    _, _, derivations = page.partition("## Derivations")
    trials = answer.seeds.set_index(["layer", "border"])["trial"]
    assert f"largest violation 0 (trial {trials['convolution', 'circular'][:8]})" in derivations
    assert "error of the converse" in derivations
    pointwise = derivations.partition("(c)")[2].partition("(d)")[0]
    assert "Checked" not in pointwise, "no pointwise layer was run"


@pytest.mark.slow
def test_its_figures_and_its_table_of_shifts_are_there(answer: Answer) -> None:
    assert {*answer.figures} == {"counterexamples", "by_shift", "jacobians"}
    assert any(path.name == "shifts.csv" for path in answer.files)
