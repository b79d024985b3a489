"""A sweep from Python: `SWEEP.run(…)` returns the answer, `SWEEP.trial({…})` is one trial for `trainables.run`.

`sweeps.engine` exports this class, of which questions make one; the engine's other modules know what it declares.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.report.answer import Answer
from common.problems import Problem
from sweeps.engine import sweep
from sweeps.engine.cli import Outcome, carry_through
from sweeps.engine.command import command_of
from sweeps.engine.hardware import machine_of
from sweeps.engine.imported import edit_problems, imports_noted, note_imports
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.keywords import options_of, words_of
from sweeps.engine.lock import lock
from sweeps.engine.preflight import answer_problems, make_plan
from sweeps.engine.single import single_trial
from trainables.core.device import pins_restored
from trainables.core.trial import Trial
from trainables.data.sources import forget


class SweepError(RuntimeError):
    """Ray, the disk or the question's code ended a sweep early; its ledger and its answer have what finished."""


@dataclass(frozen=True)
class Sweep(sweep.Sweep):
    """The sweep that `sweeps/<question>.py` defines, and that is run from a terminal or from Python."""

    def __post_init__(self) -> None:
        super().__post_init__()
        note_imports(self)

    def run(self, **options: Any) -> Answer:
        """Run the sweep, unless its ledger has all trials already, and return the answer.

        The options are those of the command line, by name: `SWEEP.run(builtin=True, set={"train_size": [100, 300]})`.
        The same files are written, and the same ledger is extended. An answer tells in `partial` and `warnings` what
        failed or is missing, and in `faults` what was wrong with the question's file in `analysis/`.

        Raises Refused with all that is wrong, before anything ran, such as code that was edited after this process
        imported it; SweepError where Ray or the disk fails, or the
        question's own code in its first trials; LedgerError where a ledger cannot be read. On an interrupt the partial
        answer is written first, then KeyboardInterrupt is raised, or SystemExit for SIGTERM.
        """
        asked, problems = options_of(options)
        command = command_of(self.question, words_of(asked), asked)
        forget()  # files of data may have changed since this process read them last
        found = [*problems, *answer_problems(self.question), *_ray_problems(), *edit_problems(self)]
        plan = make_plan(self, asked, found, command.folder)
        with pins_restored(), imports_noted(self), lock(command.folder, command.text), Interrupt() as interrupt:
            outcome = carry_through(command, machine_of(asked), plan, interrupt)
        raise_what_ended_it(outcome, interrupt, command.text)
        return outcome.answer

    def trial(self, values: Mapping[str, Any], *, confirm: bool = False, **options: Any) -> Trial:
        """Return one trial of the sweep, to be run by `trainables.run(SWEEP, values, …)`; its id is that of the ledger.

        `values` names each factor and each hyperparameter that the config uses, and `seed` (1 unless given); a row of
        `answer.best` has them, and NaN there stands for a hyperparameter that is not used. Other fields may be named
        too. With `confirm` the trial opens test data. The options are those of `run`: `builtin`, `data_dir`, `out`, …

        Raises Refused with all that is wrong.
        """
        asked, problems = options_of(options)
        return single_trial(self, values, asked, problems, confirm=confirm)


def _ray_problems() -> list[Problem]:
    """Return a problem if this process has a Ray of its own already; do not import Ray to find out."""
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return []
    rule = "not started in this process, since a sweep starts a Ray of its own, or joins one"
    return [Problem("ray", rule, "it runs", "Call ray.shutdown() first.", given=False)]


def raise_what_ended_it(outcome: Outcome, interrupt: Interrupt, text: str) -> None:
    """Raise what tells that a sweep ended early, if it did; `text` is the line to type to go on."""
    if interrupt.signal == signal.SIGINT:
        raise KeyboardInterrupt
    if interrupt.exit_code is not None:
        sys.exit(interrupt.exit_code)
    stop = outcome.failures.stop
    if stop is not None:
        first = f"The first, with {stop.failure.config}:\n\n{stop.failure.error.rstrip()}"
        raise SweepError(f"Stopped, since {stop.reason}. {first}")
    if outcome.report is not None and outcome.report.error:
        raise SweepError(f"{outcome.report.error}. To go on, run it again, here or in a terminal: {text}")
