"""Looks at a ledger: each answer that is read may claim something, so each spends a part of the level of all of them.

Seeds that are added until something is shown make intervals too narrow: with 5, 10 and 20 seeds at 5 % each, equal
conditions are told apart in 10 % of cases (`python -m bench.coverage`). Here looks at 5, 10 and 20 seeds spend ½, ¼ and
¼ of `ALPHA`. A look between them, such as a partial answer, spends in proportion, and an answer on more seeds has what
is left until there. The first answer of a ledger may be on 10 seeds at once: it has ¾.

Source: K. Lan and D. DeMets, "Discrete sequential boundaries for clinical trials", 1983, for spending a level over
looks whose times are not fixed; parts are added up, which holds however looks depend on each other.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import pandas as pd

from analysis.numbers.intervals import LEVEL
from analysis.numbers.results import REPORTED, Results

ALPHA = 1 - LEVEL
"""What all looks together may spend."""
SEEDS = (5, 10, 20)
"""Seeds of the looks."""
_SPENT = ((0, 0.0), (5, 0.5), (10, 0.75), (20, 1.0))


class Look(NamedTuple):
    """A look at the seeds of a ledger."""

    seeds: int
    """How many a condition has, at most."""
    before: tuple[int, ...]
    """How many each earlier answer was on, where it was on fewer, in ascending order."""

    @property
    def level(self) -> float:
        """The level at which this look may claim something: what is left of the level of all, 0 where nothing is."""
        return ALPHA * max(0.0, spent(self.seeds) - spent(max(self.before, default=0)))

    @property
    def told(self) -> str:
        """The level for people: `at most 2.5 %, which a look at 5 seeds may spend of 5 %`."""
        if not self.level:
            return f"below 0, as looks at {_listed(self.before)} seeds have spent all of {percent(ALPHA)}: none is"
        after = f" after {'one' if len(self.before) == 1 else 'those'} at {_listed(self.before)}" if self.before else ""
        return f"at most {percent(self.level)}, which a look at {self.seeds} seeds{after} may spend of {percent(ALPHA)}"


NONE = Look(0, ())


def percent(level: float) -> str:
    """Return a level for people: `1.25 %`."""
    return f"{100 * level:.3g} %"


def _listed(seeds: tuple[int, ...]) -> str:
    return " and ".join(map(str, seeds))


def spent(seeds: int) -> float:
    """Return which share of the level a look at this many seeds and those before it have spent."""
    for (fewer, least), (more, most) in pairwise(_SPENT):
        if seeds <= more:
            return least + (most - least) * (seeds - fewer) / (more - fewer)
    return 1.0


def next_look(seeds: int) -> int | None:
    """Return how many seeds the next look is on, after an answer on this many; None after the last one."""
    return next((more for more in SEEDS if more > seeds), None)


def next_told(seeds: int) -> str:
    """Return which look would be next after an answer on this many seeds, as a sentence for people."""
    more = next_look(seeds)
    if more is None:
        return f"With {seeds} seeds this was the last look: another one could claim nothing new."
    level = percent(ALPHA * (spent(more) - spent(seeds)))
    return f"The next look would be at {more} seeds, and may spend {level} of {percent(ALPHA)}."


def look_at(results: Results) -> Look:
    """Return the look that an answer made of these results is.

    Earlier answers on two seeds or more count, those that were left partial too: their commands ended, and an answer
    was shown. A command that was killed has shown none.
    """
    now = max((_seeds(results, condition.trials) for condition in results.conditions), default=0)
    ended = [run for run in results.runs[:-1] if run["outcome"] in ("complete", "partial")]
    seen = {_seen(results, run) for run in ended}
    return Look(now, tuple(sorted(n for n in seen if 1 < n < now)))


def _seen(results: Results, run: dict[str, Any]) -> int:
    """Return how many seeds the answer of a command was on, at most, in conditions that the newest command has too."""
    plan = run["plan"]
    shared = set(plan.conditions) & set(results.plan.conditions)
    if not shared:
        return 0
    if run["outcome"] == "complete":
        return len(set(plan.confirm_seeds if plan.confirm else plan.search_seeds) - set(plan.extra_seeds))
    ended = math.nan if run["finished"] is None else float(run["finished"])
    trials = (c.trials[c.trials["finished"] <= ended] for c in results.conditions if c.key in shared)
    return max((_seeds(results, own) for own in trials), default=0)


def _seeds(results: Results, trials: pd.DataFrame) -> int:
    """Return on how many seeds that count some config of a condition was reported, at most."""
    own = trials[(trials["phase"] == results.phase) & trials["status"].isin(REPORTED)]
    own = own[~own["seed"].isin(results.plan.extra_seeds)]
    return int(own.groupby("config_text")["seed"].nunique().max()) if len(own) else 0
