"""Rules of play in a game of two parameters: what each was seen to do, how that agrees with theory, and how fast."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.findings import Findings
from analysis.numbers.results import records
from analysis.words import Block, Bullets, Paragraph, Strong, Summary, Text, enumerated, join, listed, text
from common.files import Arrays

SAME = 1e-9
"""Up to which a measured ln ρ counts as the predicted one."""
SHEET = "simultaneous"
"""The rule that the question begins with, and asks for by itself."""


@dataclass(frozen=True)
class Game:
    """A trial: a rule that was played with a step size."""

    row: Mapping[str, Any]
    """Of `Findings.chosen`."""
    trial: str
    facts: Mapping[str, Any]
    arrays: Arrays

    @property
    def rule(self) -> str:
        return str(self.row["rule"])

    @property
    def alpha(self) -> float:
        return float(self.row["alpha"])

    @property
    def verdict(self) -> str:
        return str(self.facts["verdict"])

    def number(self, name: str) -> float:
        """Return what was measured under a name; NaN where that did not happen."""
        return float(self.row.get(f"val_{name}", math.nan))


def games_of(part: Findings) -> list[Game]:
    """Return the games of a part of the ledger, by rule and by step size in the order of the factors."""
    trials = {(row["rule"], row["alpha"]): str(row["trial"]) for row in records(part.chosen_seeds)}
    found = [(row, trials[row["rule"], row["alpha"]]) for row in records(part.chosen)]
    return [Game(row, trial, part.results.facts[trial], part.arrays(trial)) for row, trial in found]


def by_rule(games: Sequence[Game]) -> list[list[Game]]:
    """Return the games of each rule, in order of the step size."""
    rules = dict.fromkeys(game.rule for game in games)
    return [sorted((game for game in games if game.rule == rule), key=lambda game: game.alpha) for rule in rules]


def sheet(part: Findings, games: Sequence[Game]) -> Iterator[Block]:
    """Yield what is asked of the rule that the question begins with, if it was played."""
    own = [game for game in games if game.rule == SHEET]
    if not own:
        return
    yield Paragraph(
        text(
            "{} d⁺ = d + α g and g⁺ = g − α d, hence A = [[1, α], [−α, 1]]. There is one stationary point, (0, 0): both"
            " gradients, g and d, are 0 there and nowhere else; and A z = z only there, since det(A − I) = α² is not 0."
            " The eigenvalues are 1 ± iα, of modulus √(1 + α²), above 1 for every α > 0. So as k → ∞ a game that begins"
            " anywhere else spirals outwards without end: its distance after k steps is (1 + α²)^(k/2) times the first,"
            " turned by k arctan α. Seen: the game {}.",
            Strong("Both players move at once:"), _seen(part, own),
        )
    )  # fmt: skip
    yield Bullets(tuple(_spiral(part, game) for game in own))


def _spiral(part: Findings, game: Game) -> Text:
    """Return what a game was predicted and seen to do."""
    told = text(
        "α = {}: ρ predicted {}, measured {}; {} a step", f"{game.alpha:g}",
        *(part.level(game.row, f"val_{name}") for name in ("predicted", "measured", "angle")),
    )  # fmt: skip
    if not math.isnan(game.number("distance")):
        steps = part.setting("steps")
        told = (*told, *text("; after {} steps 10^{} times as far", steps, part.level(game.row, "val_distance")))
    if not math.isnan(game.number("overflow")):
        told = (*told, *text(", beyond the largest float64 after {}", part.level(game.row, "val_overflow")))
    return told


def rules(part: Findings, games: Sequence[Game]) -> Iterator[Block]:
    """Yield what each rule was seen to do, and what follows from its eigenvalues."""
    yield Paragraph(
        text(
            "What each rule was seen to do at each α{}, in {} steps (in brackets: the steps after which no trajectory"
            " was farther off than a millionth of its first distance), and what was derived. A rule circles where"
            " |ln ρ| is at most 1e-9, ρ the factor of the distance a step in the long run:",
            part.where, part.setting("steps"),
        )
    )  # fmt: skip
    yield Bullets(
        tuple(
            text("{}: {}. Derived: {}; {}.", Strong(titled(part, own[0])), _seen(part, own),
                 own[0].facts["stability"], own[0].facts["spectrum"])
            for own in by_rule(games)
        )
    )  # fmt: skip


def titled(part: Findings, game: Game) -> str:
    """Return what a rule is called, with the weights that it uses."""
    used = [name for name in ("gamma", "beta") if name not in game.facts.get("unused", ())]
    values = {"gamma": f"γ = {part.setting('gamma')}", "beta": f"β = {part.setting('beta')}"}
    return ", ".join([game.facts["title"], *(values[name].replace("-", "−") for name in used)])


def _seen(part: Findings, games: Sequence[Game]) -> Text:
    """Return which verdict stands at which step sizes: `converges at 0.1 (2778) and 0.5 (134), diverges at 2`."""
    told: list[Text] = []
    for verdict, own in itertools.groupby(games, key=lambda game: game.verdict):
        told.append(text("{} at {}", verdict, enumerated([_at(part, game) for game in own])))
    return join("; ", told)


def _at(part: Findings, game: Game) -> Text:
    if math.isnan(game.number("arrival")):
        return (f"{game.alpha:g}",)
    return text("{} ({})", f"{game.alpha:g}", part.level(game.row, "val_arrival"))


def agreement(part: Findings, games: Sequence[Game]) -> Iterator[Block]:
    """Yield how far measured and predicted are apart, and where verdicts differ."""
    worst = max(games, key=lambda game: game.number("gap"))
    claims = tuple(part.level(game.row, "val_gap") for game in games)
    other = [f"{game.facts['title']} at {game.alpha:g}" for game in games
             if game.verdict != game.facts["predicted_verdict"] or not game.number("gap") <= SAME]  # fmt: skip
    outcome = f"they do not agree for {listed(other)}" if other else "every verdict is the predicted one"
    yield Paragraph(
        text(
            "In {}{}, measured and predicted ln ρ differ by {}, where more than 1e-9 would count as different; {}.",
            f"{len(games)} {'game' if len(games) == 1 else 'games'}", part.where,
            Summary(f"at most {part.level(worst.row, 'val_gap').text}", claims), outcome,
        )
    )  # fmt: skip
    yield from _special(games)
    if checked := [game for game in games if not math.isnan(game.number("consensus_gap"))]:
        farthest = max(checked, key=lambda game: game.number("consensus_gap"))
        yield Paragraph(
            text(
                "Consensus with γ = α is extragradient: side by side, their games differ by at most {}, as a share of"
                " the distance.", part.level(farthest.row, "val_consensus_gap"),
            )
        )  # fmt: skip


def _special(games: Sequence[Game]) -> Iterator[Block]:
    """Yield where a power of k stands beside ρᵏ, or nothing is left at all."""
    if lacking := by_rule([game for game in games if game.facts["power"] > 0]):
        told = [f"{own[0].facts['title']}, at {listed(f'{game.alpha:g}' for game in own)}" for own in lacking]
        yield Paragraph((f"The distance goes as k ρᵏ, since the matrix lacks eigenvectors: {'; '.join(told)}.",))
    for game in games:
        if game.verdict == "arrives":
            arrives = f"it arrives in {game.number('arrival'):.0f} steps, up to rounding."
            yield Paragraph((f"{game.facts['title']} has 0 as its only eigenvalue at α = {game.alpha:g}: {arrives}",))


def fastest(part: Findings, games: Sequence[Game]) -> Iterator[Block]:
    """Yield the best rate of each rule that converges, the fastest first."""
    best = [own[0] for own in by_rule(games) if own[0].facts["best"] is not None]
    if not best:
        return
    best.sort(key=lambda game: (float(game.facts["best"]["modulus"]), game.facts["title"]))
    yield Paragraph(
        text(
            "The best rate of each rule that converges exponentially{}, the fastest first, as derived. Measured at that"
            " α, ln ρ differs by what stands in brackets (ρ itself, where it is 0):",
            part.where,
        )
    )
    yield Bullets(
        tuple(
            text("{}: {}{} ({})", Strong(titled(part, game)), game.facts["best"]["formula"], _valued(game),
                 part.level(game.row, "val_best_gap"))
            for game in best
        )
    )  # fmt: skip


def _valued(game: Game) -> str:
    """Return the numbers that a formula for the best rate stands for."""
    best = game.facts["best"]
    return f", that is ρ = {best['modulus']:.4f} at α = {best['alpha']:.4f}" if best["modulus"] else ""


def derivations(part: Findings, games: Sequence[Game]) -> Iterator[Block]:
    """Yield a paragraph for each rule: its derivation, and the trials that check it."""
    for own in by_rule(games):
        worst = max(own, key=lambda game: game.number("gap"))
        trials = listed(game.trial[:8] for game in own)
        yield Paragraph(
            text(
                "{} {} Checked: measured and predicted ln ρ differ by at most {} (trials {}).",
                Strong(f"{own[0].facts['title'].capitalize()}{part.where}."), own[0].facts["derivation"],
                part.level(worst.row, "val_gap"), trials,
            )
        )  # fmt: skip


def table_of(games: Sequence[Game]) -> pd.DataFrame:
    """Return a row for each game: what was predicted and measured, in full precision, and the verdict."""
    names = ("predicted", "measured", "gap", "angle", "angle_gap", "distance", "distance_gap", "arrival", "overflow")
    return pd.DataFrame(
        {"rule": game.rule, "alpha": game.alpha, "verdict": game.verdict, "trial": game.trial,
         "predicted_verdict": game.facts["predicted_verdict"], "power": game.facts["power"],
         **{name: game.number(name) for name in names}}
        for game in games
    )  # fmt: skip
