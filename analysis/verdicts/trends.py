"""Trends of hyperparameters in words."""

from __future__ import annotations

import pandas as pd

from analysis.numbers.intervals import LEVEL
from analysis.numbers.results import records
from analysis.numbers.trends import ENOUGH
from analysis.words import ranged


def describe_trends(found: pd.DataFrame, hyperparameter: str, what: str) -> str:
    """Return `trends` in words: `accuracy falls with the margin in 1 of 6 conditions (hard, gray: ρ −0.71)`."""
    known = found.dropna(subset="rho")
    if known.empty:
        return (
            f"What the {hyperparameter} does is not shown: fewer than {ENOUGH} configs were searched in each condition,"
            " or too few for so many hyperparameters."
        )
    groups: dict[str, list[str]] = {}
    for row in records(known):
        moves = "rises with" if row["rho"] > 0 else "falls with"
        kind = moves if row["p_holm"] < 1 - LEVEL else "shows no trend with"
        rho = f"ρ {row['rho']:+.2f}".replace("-", "−")
        name = ", ".join(str(value) for value in [*row.values()][:-4])
        groups.setdefault(kind, []).append(f"{name}: {rho}")
    texts = [
        f"{kind} the {hyperparameter} in {len(names)} of {len(found)} conditions ({'; '.join(names)})"
        for kind, names in groups.items()
    ]
    tested = (
        f"partial rank correlations over {ranged(known['configs'])} draws, other hyperparameters held fixed, adjusted"
        f" for {len(known)} conditions (Holm, {100 * (1 - LEVEL):.0f} %)"
    )
    return f"In the search, {what} {'; it '.join(texts)}: {tested}."
