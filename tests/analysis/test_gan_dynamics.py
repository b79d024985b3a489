"""The answer on the game of two parameters: every sentence agrees with what its trials measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from analysis.findings import Findings
from analysis.ledger import Ledger
from analysis.report.answer import Answer
from analysis.report.make import gathered, make_answer
from analysis.verdicts.games import Game, agreement, games_of, rules, sheet
from analysis.words import Block, Bullets, plain
from sweeps.gan_dynamics import SWEEP
from tests.support.driver import plan, trained_here

RULES = ("simultaneous", "average_alternating", "extragradient", "optimistic", "r1_critical")
ALPHAS = ("0.1", "0.5", "1", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    words = ("--set", f"rule={','.join(RULES)}", f"alpha={','.join(ALPHAS)}", "trajectories=20", "steps=400")
    trained_here(plan(folder, *words, sweep=SWEEP), folder).close()
    return folder


@pytest.fixture(scope="module")
def answer(folder: Path) -> Answer:
    return make_answer(folder, "gan_dynamics", formats=("png",))


@pytest.fixture(scope="module")
def found(folder: Path) -> tuple[Findings, list[Game]]:
    with Ledger(folder, readonly=True) as ledger:
        part = gathered(ledger)
        return part, games_of(part)


def texts(blocks: list[Block]) -> list[str]:
    """Return each paragraph and each item of a list as people read it."""
    pieces = [item for block in blocks for item in (block.items if isinstance(block, Bullets) else (block.text,))]
    return ["".join(map(plain, piece)) for piece in pieces]


@pytest.mark.slow
def test_the_rule_of_the_question_comes_first_and_by_itself(answer: Answer, found: tuple[Findings, list[Game]]) -> None:
    first, *spirals = texts(list(sheet(*found)))
    assert answer.text.replace("**", "").startswith(first)
    for asked in ("A = [[1, α], [−α, 1]]", "one stationary point, (0, 0)", "1 ± iα", "as k → ∞"):
        assert asked in first
    assert first.endswith("Seen: the game diverges at 0.1, 0.5, 1 and 2.")
    assert len(spirals) == len(ALPHAS)
    assert spirals[-1].startswith(
        "α = 2: ρ predicted 2.236067977, measured 2.236067977; 63.43 degrees a step; after 400"
    )
    assert texts(list(sheet(found[0], [game for game in found[1] if game.rule != "simultaneous"]))) == []


@pytest.mark.slow
def test_each_rule_is_told_with_its_verdicts(found: tuple[Findings, list[Game]]) -> None:
    _, *told = texts(list(rules(*found)))
    by_rule = {line.partition(":")[0]: line.partition(":")[2] for line in told}
    arrivals = {(game.rule, game.alpha): game.number("arrival") for game in found[1]}
    assert list(by_rule) == ["simultaneous", "mean, alternating", "extragradient", "optimistic", "R1, γ = 2"]
    assert by_rule["mean, alternating"].startswith(" falls as 1/k at 0.1, 0.5 and 1; stays at a distance at 2. Derived")
    assert by_rule["extragradient"].startswith(
        f" converges at 0.1 and 0.5 ({arrivals['extragradient', 0.5]:.0f}); circles at 1; diverges at 2."
    )
    assert by_rule["optimistic"].startswith(" converges at 0.1; converges as k ρᵏ at 0.5 (")
    assert "arrives at 1 (2); grows linearly at 2" in by_rule["R1, γ = 2"]


@pytest.mark.slow
def test_agreement_is_told_where_it_holds_and_where_it_does_not(found: tuple[Findings, list[Game]]) -> None:
    part, games = found
    first, powers, nilpotent, consensus = texts(list(agreement(part, games)))
    assert first.startswith("In 20 games, measured and predicted ln ρ differ by at most ")
    assert first.endswith("every verdict is the predicted one.")
    assert powers.endswith("optimistic, at 0.5; R1, γ = 2, at 0.1, 0.5 and 2.")
    assert nilpotent.startswith("R1, γ = 2 has 0 as its only eigenvalue at α = 1: it arrives in 2 steps")
    assert consensus.startswith("Consensus with γ = α is extragradient")
    wrong = replace(games[0], facts={**games[0].facts, "verdict": "circles"})
    far = replace(games[-1], row={**games[-1].row, "val_gap": 2e-9})
    first, *_ = texts(list(agreement(part, [wrong, *games[1:-1], far])))
    assert first.endswith("they do not agree for simultaneous at 0.1 and R1, γ = 2 at 2.")
    assert "2e−09" in first


@pytest.mark.slow
def test_the_best_rates_are_ranked_and_have_their_formulas(answer: Answer) -> None:
    ranked = [line for line in answer.text.splitlines() if "ρ = " in line and " at α = " in line and "**" in line]
    assert [line.split("**")[1] for line in ranked] == ["R1, γ = 2", "optimistic", "extragradient"]
    assert "ρ = √3/2 at α = 1/√2, that is ρ = 0.8660 at α = 0.7071" in ranked[-1]


@pytest.mark.slow
def test_figures_derivations_and_the_table_are_there(answer: Answer, folder: Path) -> None:
    assert {*answer.figures} == {"sheet", "phase_portraits", "spectral_radius"}
    page = (folder / "answer.md").read_text()
    trials = {str(row["trial"])[:8] for row in answer.seeds.to_dict("records")}
    derivations = page.partition("## Derivations")[2].partition("## Methods")[0]
    assert all(trial in derivations for trial in trials)
    assert "Korpelevich" in derivations
    assert "## Differences" not in page
    assert "No data; beta -0.5, gamma 1, precision fp64, steps 400, trajectories 20." in page
    table = pd.read_csv(folder / "tables" / "moduli.csv")
    assert len(table) == len(RULES) * len(ALPHAS)
    assert table["gap"].max() < 1e-9
    assert (table["verdict"] == table["predicted_verdict"]).all()
    assert json.loads((folder / "manifest.json").read_text())["partial"] is None


@pytest.mark.slow
def test_weights_that_are_compared_are_answered_one_by_one(tmp_path: Path) -> None:
    words = ("--set", "rule=r1,extragradient", "alpha=0.5", "gamma=0.5,4", "trajectories=20", "steps=300")
    trained_here(plan(tmp_path, *words, sweep=SWEEP), tmp_path).close()
    answer = make_answer(tmp_path, "gan_dynamics", formats=())
    assert "R1, γ = 0.5**: circles at 0.5" in answer.text
    assert "R1, γ = 4**: converges at 0.5 (" in answer.text
    assert "at each α, gamma 0.5, in 300 steps" in answer.text
    assert "ρ = √(1 − 4/γ²) at α = 2/γ, that is ρ = 0.8660 at α = 0.5000" in answer.text
