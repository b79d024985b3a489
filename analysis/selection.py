"""Which config answers for a condition: it is chosen on validation data, before test data is opened.

Configs are compared without their seed, as canonical JSON. The score of a config is the mean over the search seeds of
the selected metric, at the epoch at which trials are read (the last one, unless the question asks for the best). The
configs tried on the most seeds are compared, where seeds that are still running do not count; one that diverged or
collapsed on any seed ranks last, one with a failed or stopped seed is no candidate, and the smaller JSON wins a tie.
The engine asks `best_draws` while it runs and the tables ask `chosen` afterwards: the code is the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd

from analysis.plan_record import PlanRecord
from common.canonical import canonical

Mode = Literal["max", "min"]
Row = Mapping[Hashable, Any]


class Objective(NamedTuple):
    """What configs are chosen by, such as `max val_accuracy`."""

    mode: Mode
    metric: str

    def better(self, value: float) -> float:
        """Return the value, signed so that lower is better."""
        return -value if self.mode == "max" else value


class Declared(Protocol):
    """A measure as a question or a plan's record declares it."""

    @property
    def name(self) -> str: ...
    @property
    def error(self) -> Declared | None:
        """The measure that is 1 − this one, if it has one."""


class Choice(NamedTuple):
    """A candidate config and how it did in the search."""

    config: str
    """Canonical JSON of the config without its seed."""
    draw: int
    prescribed: bool
    score: float
    """Mean of the selected metric over the search seeds; NaN if a seed diverged or collapsed."""
    seeds: int


class Lead(NamedTuple):
    """By how much the best candidate of a condition is ahead of the second best."""

    score: float
    """Of the selected metric, 0 or more."""
    error: float
    """Standard error of the difference over the search seeds on which both ran; NaN for fewer than two."""

    @property
    def is_near_tie(self) -> bool:
        """Whether the second best might as well have been chosen: it is within one standard error of the best.

        That is the rule of L. Breiman et al., "Classification and regression trees", 1984, section 3.4.3. With one
        search seed there is no standard error: then only equal scores are a tie.
        """
        return self.score <= (0.0 if math.isnan(self.error) else self.error)


def objective(select: str) -> Objective:
    """Read `max METRIC` or `min METRIC`. Raises ValueError for anything else, and for a test metric."""
    mode, _, metric = select.partition(" ")
    if mode not in ("max", "min") or not metric.isidentifier():
        raise ValueError(f"select is {select!r}; write 'max METRIC' or 'min METRIC', e.g. 'max val_accuracy'")
    if metric.startswith("test"):
        raise ValueError(f"select is {select!r}; nothing is chosen on test data: name a val_ metric")
    return Objective("max" if mode == "max" else "min", metric)


def ranked_by(goal: Objective, measures: Iterable[Declared]) -> Objective:
    """Return the objective in terms of what trials report: the least error is the greatest accuracy."""
    for measure in measures:
        if measure.error is not None and goal.metric == f"val_{measure.error.name}":
            return Objective("max" if goal.mode == "min" else "min", f"val_{measure.name}")
    return goal


def config_text(config: Mapping[str, Any]) -> str:
    """Return a config without its seed, as canonical JSON: the same for trials that differ in their seed alone."""
    return canonical({key: value for key, value in config.items() if key != "seed"})


def goal_of(plan: PlanRecord) -> Objective:
    """Return what a plan's configs are ranked by, in terms of what trials report."""
    return ranked_by(objective(plan.select), plan.measures)


def ranked(
    trials: pd.DataFrame, last_epochs: pd.DataFrame, goal: Objective, seeds: Collection[int] | None = None
) -> list[Choice]:
    """Return the candidates of one condition, best first; the goal is in terms of what trials report.

    `trials` and `last_epochs` are as `Ledger.trials` and `Ledger.read_epochs` give them; rows of the confirm
    phase do not count. With `seeds`, only trials on these search seeds count.
    """
    column: Mapping[Any, float] = last_epochs[goal.metric].to_dict() if goal.metric in last_epochs else {}
    tried: dict[str, list[Row]] = {}
    for row in trials[trials["phase"] == "search"].to_dict("records"):
        if row["status"] != "running" and (seeds is None or row["seed"] in seeds):
            tried.setdefault(config_text(row["config"]), []).append(row)
    candidates = [
        _choice(text, rows, column)
        for text, rows in tried.items()
        if all(row["status"] in ("done", "diverged", "collapsed") for row in rows)
    ]
    most = max((choice.seeds for choice in candidates), default=0)
    candidates = [choice for choice in candidates if choice.seeds == most]
    return sorted(candidates, key=lambda c: (math.isnan(c.score), _order(goal, c.score), c.config))


def best_draws(
    trials: pd.DataFrame, last_epochs: pd.DataFrame, goal: Objective, n: int, seeds: Collection[int] | None = None
) -> list[str]:
    """Return the configs of the best `n` candidates of a condition, as JSON, best first; all where there are fewer."""
    return [choice.config for choice in ranked(trials, last_epochs, goal, seeds)[:n]]


def winner(trials: pd.DataFrame, last_epochs: pd.DataFrame, goal: Objective) -> Choice | None:
    """Return the best candidate of one condition's trials; None while there is none."""
    return next(iter(ranked(trials, last_epochs, goal)), None)


def lead(trials: pd.DataFrame, last_epochs: pd.DataFrame, plan: PlanRecord, condition: str) -> Lead | None:
    """Return by how much a condition's choice was ahead; None where no second candidate has a score."""
    goal = goal_of(plan)
    own = asked_for(trials, last_epochs, plan, condition)[0]
    candidates = [choice for choice in ranked(own, last_epochs, goal)[:2] if not math.isnan(choice.score)]
    if len(candidates) < 2:
        return None
    texts = own["config"].map(config_text)
    scores: Mapping[Any, float] = last_epochs[goal.metric].to_dict()
    best, second = (
        {row["seed"]: scores[row["id"]] for row in own[texts == candidate.config].to_dict("records")}
        for candidate in candidates
    )
    gaps = [goal.better(second[seed]) - goal.better(best[seed]) for seed in best if seed in second]
    error = float(np.std(gaps, ddof=1)) / math.sqrt(len(gaps)) if len(gaps) > 1 else math.nan
    return Lead(abs(candidates[0].score - candidates[1].score), error)


def chosen(trials: pd.DataFrame, last_epochs: pd.DataFrame, plan: PlanRecord) -> pd.DataFrame:
    """Return a row for each condition that has a candidate: its `condition_key` and the fields of the `Choice`.

    The plan's `select` says by what to choose, `asked_for` among which trials; it has all conditions of `trials`.
    """
    rows, goal = [], goal_of(plan)
    for key, own in trials.groupby("condition_key", sort=True):
        best = winner(asked_for(own, last_epochs, plan, str(key))[0], last_epochs, goal)
        best = _unsearched(own, plan, str(key)) if best is None else best
        if best is not None:
            rows.append({"condition_key": key, **best._asdict()})
    return pd.DataFrame(rows, columns=["condition_key", *Choice._fields])


def _unsearched(trials: pd.DataFrame, plan: PlanRecord, condition: str) -> Choice | None:
    """Return the only config of a condition that has no search, which is hence the chosen one; None without a trial."""
    if plan.search_trials[condition]:
        return None
    rows = drawn(trials, plan, condition)
    return next((Choice(config_text(row["config"]), int(row["draw"]), bool(row["prescribed"]), math.nan, 0)
                 for row in rows.to_dict("records")), None)  # fmt: skip


def asked_for(
    trials: pd.DataFrame, last_epochs: pd.DataFrame, plan: PlanRecord, condition: str
) -> tuple[pd.DataFrame, int]:
    """Return a condition's search trials among which its plan chooses, as far as they ran, and how many it asks for.

    The plan asks for all `drawn` configs on its `search_seeds`; where it has `finalists`, for all on the first seed
    and for the best so many on the others. Other trials count for nothing: an earlier, shorter search had finalists of
    its own. A condition that only an earlier run searched, on other seeds, keeps all of its trials.
    """
    own = drawn(trials, plan, condition)
    own = own[own["phase"] == "search"]
    planned, seeds = plan.search_trials[condition], plan.search_seeds
    if not own["seed"].isin(seeds).any():
        return own, planned
    own = own[own["seed"].isin(seeds)]
    if not plan.finalists or planned == 1:
        return own, planned
    best = best_draws(own, last_epochs, goal_of(plan), plan.finalists, seeds=seeds[:1])
    further = own["config"].map(config_text).isin(best)
    return own[(own["seed"] == seeds[0]) | further], planned + len(best) * (len(seeds) - 1)


def drawn(trials: pd.DataFrame, plan: PlanRecord, condition: str) -> pd.DataFrame:
    """Return the trials whose config the plan may have asked for: the answer is the plan's, not its forerunner's.

    Their config holds one of the plan's `draws`, or, where these were not known beforehand (a model-based search),
    lies in its `space` or is the prescribed config.
    """
    kept = [
        _asked(config, plan, condition, prescribed=bool(prescribed))
        for config, prescribed in zip(trials["config"], trials["prescribed"], strict=True)
    ]
    return trials[np.array(kept, dtype=bool)]


def _asked(config: Mapping[str, Any], plan: PlanRecord, condition: str, *, prescribed: bool) -> bool:
    if plan.draws is not None:
        return any(draw.items() <= config.items() for draw in plan.draws[condition])
    if plan.prescribed and prescribed:
        return True
    space = plan.space[condition].items()
    return all(config[name] in values if name in config else values.optional for name, values in space)


def _choice(config: str, rows: list[Row], column: Mapping[Any, float]) -> Choice:
    values = [column.get(row["id"], math.nan) if row["status"] == "done" else math.nan for row in rows]
    score = math.fsum(values) / len(values)  # fsum: the order of the seeds must not matter to the last digit
    return Choice(config, int(rows[0]["draw"]), any(bool(r["prescribed"]) for r in rows), score, len(rows))


def _order(goal: Objective, score: float) -> float:
    return 0.0 if math.isnan(score) else goal.better(score)
