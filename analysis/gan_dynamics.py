"""The game V(d, g) = d g: what each rule of play does at each step size, measured and predicted, and how fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from analysis.figures.functions import draw_functions
from analysis.figures.portraits import Portrait, draw_portraits
from analysis.figures.style import Words
from analysis.findings import Draft, Drawing, Findings
from analysis.verdicts.games import (
    SHEET,
    Game,
    agreement,
    by_rule,
    derivations,
    fastest,
    games_of,
    rules,
    sheet,
    table_of,
    titled,
)

COMPARED = ("rule", "alpha")
TITLE = "A game of two parameters"
TURNING = 0.05
"""The step size from which on the paths that are kept go round the stationary point a few times."""
TYPICAL = 0.3
"""The step size at which rules are drawn beside each other; the compared one nearest to it."""
TOP = 2.4
"""The largest ρ in the figure."""


def answer(part: Findings) -> Draft:
    """Return the figures, the table and the verdict: of the rule that the question begins with, then of all."""
    games = games_of(part)
    verdict = [*sheet(part, games), *rules(part, games), *agreement(part, games), *fastest(part, games)]
    return Draft(
        TITLE,
        verdict,
        dict(_drawings(part, [game for game in games if game.arrays])),
        {"moduli": table_of(games)},
        differences=part.differences.iloc[:0],  # how far rounding differs between rules says nothing
        sections={"Derivations": tuple(derivations(part, games))},
    )


def _drawings(part: Findings, games: Sequence[Game]) -> Iterator[tuple[str, Drawing]]:
    if not games:
        return
    if own := [game for game in games if game.rule == SHEET and TURNING <= game.alpha <= 1]:
        shown = [Portrait(game.arrays["path"], f"α = {game.alpha:g}", game.verdict) for game in own]
        yield "sheet", _portraits(part, "Both players move at once", shown, 4.0)
    alpha = min((game.alpha for game in games), key=lambda alpha: abs(alpha - TYPICAL))
    own = [game for game in games if game.alpha == alpha]
    shown = [Portrait(game.arrays["path"], game.facts["title"], game.verdict) for game in own]
    yield "phase_portraits", _portraits(part, f"Rules of play at α = {alpha:g}", shown, 1.5)
    yield "spectral_radius", _spectral_radius(part, games)


def _portraits(part: Findings, title: str, shown: Sequence[Portrait], half: float) -> Drawing:
    steps = len(shown[0].paths) - 1
    note = part.note(f"Two starts, up to {steps} steps; what lies beyond the panels is cut off.", means=False)
    words = Words(f"{title}{part.where}", "d", "g", note)
    return Drawing(partial(draw_portraits, shown, words, half=half), f"{title}: paths of d and g from two starts.")


def _spectral_radius(part: Findings, games: Sequence[Game]) -> Drawing:
    derived = [_derived(part, own[0]) for own in by_rule(games)]
    marks = pd.DataFrame(
        {"x": game.alpha, "y": game.number("measured"), "rule": titled(part, game), "family": game.facts["family"]}
        for game in games
    )
    note = part.note("Lines: derived. Marks: measured. Of a mean of iterates: ρ of their sum.", means=False)
    words = Words(f"What a step makes of the distance{part.where}", "size of a step, α", "factor a step, ρ", note)
    draw = partial(
        draw_functions, pd.concat(derived, ignore_index=True), marks, words, series="rule", panels="family",
        level=(1.0, "the distance is kept"), top=TOP,
    )  # fmt: skip
    return Drawing(draw, "ρ, the factor of the distance a step in the long run, against the step size.")


def _derived(part: Findings, game: Game) -> pd.DataFrame:
    alphas, moduli = np.asarray(game.arrays["curve"])
    return pd.DataFrame({"x": alphas, "y": moduli, "rule": titled(part, game), "family": game.facts["family"]})
