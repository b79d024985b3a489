"""Early stopping compares trials within a condition only.

A single ASHA for all conditions would stop the small train sizes first, since their accuracy is lower by nature.
Source: L. Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020.
"""

from __future__ import annotations

from typing import Any

from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import AsyncHyperBandScheduler, FIFOScheduler, TrialScheduler

from sweeps.engine.plan import Plan
from sweeps.engine.space import Choice
from trainables.core.task import Task

REDUCTION = 3
RUNGS = 3


class PerCondition(FIFOScheduler):  # type: ignore[misc]  # Ray is untyped here
    """Runs an ASHA for each condition, on the first search seed; trials on other seeds run to their end."""

    def __init__(self, metric: str, mode: str, longest: int) -> None:
        super().__init__()
        self._metric, self._mode = metric, mode  # FIFOScheduler's properties of these names are read-only
        self._longest = longest
        self._grace = max(1, longest // REDUCTION**RUNGS)
        self._asha: dict[str, AsyncHyperBandScheduler] = {}

    @property
    def rungs(self) -> frozenset[int]:
        """The epochs at which trials are compared, so that trials must report exactly there."""
        return frozenset(self._grace * REDUCTION**k for k in range(RUNGS + 1))

    def on_trial_add(self, tune_controller: Any, trial: TuneTrial) -> None:
        asha = self._of(trial)
        if asha is not None:
            asha.on_trial_add(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> str:
        asha = self._of(trial)
        if asha is None or result["finished"]:
            return str(TrialScheduler.CONTINUE)
        return str(asha.on_trial_result(tune_controller, trial, result))

    def on_trial_complete(self, tune_controller: Any, trial: TuneTrial, result: dict[str, Any]) -> None:
        asha = self._of(trial)
        if asha is not None:
            asha.on_trial_complete(tune_controller, trial, result)

    def on_trial_remove(self, tune_controller: Any, trial: TuneTrial) -> None:
        asha = self._of(trial)
        if asha is not None:
            asha.on_trial_remove(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: TuneTrial) -> None:
        self.on_trial_remove(tune_controller, trial)

    def _of(self, trial: TuneTrial) -> AsyncHyperBandScheduler | None:
        task: Task = trial.config["trial"]
        if not task.stoppable:
            return None
        if task.condition not in self._asha:
            self._asha[task.condition] = AsyncHyperBandScheduler(
                time_attr="epoch",
                metric=self._metric,
                mode=self._mode,
                max_t=max(self._longest, self._grace * REDUCTION**RUNGS) + 1,
                grace_period=self._grace,
                reduction_factor=REDUCTION,
            )
        return self._asha[task.condition]


def scheduler(plan: Plan) -> PerCondition | None:
    """Return the plan's scheduler, or None if every trial runs to its end."""
    if plan.scheduler == "none":
        return None
    epochs = plan.request.space.get("epochs")
    if isinstance(epochs, Choice):
        longest = max(epochs.values)
    elif epochs is not None:
        longest = int(epochs.high)
    else:
        longest = max(int(c.values.get("epochs", 1)) for c in plan.conditions)
    prescribed = int((plan.request.prescribed or {}).get("epochs", 0))
    return PerCondition(plan.sweep.metric, plan.sweep.mode, max(longest, prescribed))
