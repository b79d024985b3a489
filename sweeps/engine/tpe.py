"""Model-based search uses Optuna's TPE, in memory: it is asked for a config, and told how well the config did.

Each condition has a model of its own. With `--search pareto` all conditions share one model, which trades the selection
metric for another measure: it favours configs like those that no other config beats in both, whatever their condition.
Even so, every condition gets equally many configs, and chooses among its own.
Sources: S. Watanabe, "Tree-structured Parzen estimator", 2023; Y. Ozaki et al., "Multiobjective TPE", JAIR 2022.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import optuna

from common.canonical import canonical
from common.seeds import seed_of
from sweeps.engine.plan import Condition, Draw, Plan
from sweeps.engine.space import Values

STARTUP = 4
"""How many configs are those of a random search, before a condition's own model is used."""


def startup(plan: Plan) -> int:
    """Return how many configs a study is told before its model is used; one for all conditions needs twice as many."""
    return 2 * STARTUP if plan.search == "pareto" else STARTUP


def new_study(plan: Plan, *name: int | str) -> optuna.Study:
    """Return a study of the plan's objectives, with a seed derived from `name`."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    shared = plan.search == "pareto"
    seed = seed_of(plan.sweep.question, "tpe", plan.request.draw_seed, *name) % 2**32
    sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True, n_startup_trials=startup(plan))
    goals = [plan.sweep.goal, *([plan.sweep.traded] if shared and plan.sweep.traded else [])]
    up, down = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
    directions = [up if goal.mode == "max" else down for goal in goals]
    return optuna.create_study(directions=directions, sampler=sampler)


class Proposer:
    """Proposes configs for one condition."""

    TRIES = 20
    """How many proposals are drawn, at most, to find a config that was not tried already."""

    def __init__(
        self, plan: Plan, condition: Condition, known: Iterable[Draw], shared: optuna.Study | None = None
    ) -> None:
        self._plan = plan
        self._condition = condition
        self._seen = {canonical(d.values) for d in known}
        self._space = plan.space_of(condition)
        self._study = new_study(plan, len(self._seen)) if shared is None else shared
        self._open: dict[int, optuna.Trial] = {}

    def ask(self, index: int) -> Values:
        """Return a config that the condition has not tried, or a tried one if `TRIES` proposals contain no other."""
        distributions = {name: dimension.distribution() for name, dimension in self._space.items()}
        for tries_left in reversed(range(self.TRIES)):
            self._start_evenly()
            trial = self._study.ask(fixed_distributions=distributions)
            suggested = {name: dimension.decode(trial.params[name]) for name, dimension in self._space.items()}
            values = self._plan.used(self._condition, suggested)
            if canonical(values) not in self._seen or not tries_left:
                break
            self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self._open[index] = trial
        self._seen.add(canonical(values))
        return values

    def _start_evenly(self) -> None:
        """Let the next proposal be a sampled config, as a random search has it, while the model knows too little."""
        before = len(self._study.get_trials(deepcopy=False))
        if before < min(startup(self._plan), len(self._plan.samples)):
            values = self._plan.samples[before]
            self._study.enqueue_trial({name: d.encode(values[name]) for name, d in self._space.items()})

    def tell(self, draw: Draw, values: Sequence[float] | None) -> None:
        """Tell the model a config's values, one for each objective: None if it failed; NaN counts as the worst."""
        if values is not None:
            ups = [direction == optuna.study.StudyDirection.MAXIMIZE for direction in self._study.directions]
            worst = [-math.inf if up else math.inf for up in ups]
            values = [bad if math.isnan(value) else value for value, bad in zip(values, worst, strict=True)]
        trial = self._open.pop(draw.index, None)
        if trial is not None:
            state = optuna.trial.TrialState.FAIL if values is None else optuna.trial.TrialState.COMPLETE
            self._study.tell(trial, values, state=state)
        elif values is not None and all(k in self._space and draw.values[k] in self._space[k] for k in draw.values):
            self._study.add_trial(  # it comes from an earlier run, or is prescribed
                optuna.trial.create_trial(
                    params={k: self._space[k].encode(value) for k, value in draw.values.items()},
                    distributions={k: self._space[k].distribution() for k in draw.values},
                    values=values,
                )
            )
