"""A run starts Ray, fills the ledger with what the plan asks for, and ends Ray."""

from __future__ import annotations

import contextlib
import signal
import sqlite3

from common.problems import Refused
from sweeps.engine.agenda import Agenda
from sweeps.engine.command import Command, Report
from sweeps.engine.environment import environment
from sweeps.engine.hardware import Machine
from sweeps.engine.interrupt import Interrupt
from sweeps.engine.recorded import recorded
from sweeps.engine.session import error_line, session
from sweeps.engine.startup import start_imports_for_answer, start_light_artifacts

PATIENCE = 20.0
"""Seconds to wait for light artifacts that are still being computed when the command ends."""


def carry_out(command: Command, machine: Machine, agenda: Agenda, interrupt: Interrupt) -> Report:
    """Run what the ledger lacks, and record the run in it.

    Returns normally even after a signal or an error of Ray: the ledger then has the trials that finished. Raises
    Refused if a cluster cannot be joined, or has less than was asked for.
    """
    plan, ledger = agenda.plan, agenda.ledger
    report = Report()
    number = ledger.begin_run(
        command=command.text,
        plan=recorded(plan),
        environment=environment(machine, command.words),
        modules=plan.code.modules,
    )
    light = start_light_artifacts(plan, command.artifact_root, interrupt)
    try:
        # Ray is ended by this thread. If another one ended it, an object of Ray's that this thread releases meanwhile
        # could end the process.
        with session(machine, ledger.folder.resolve() / "logs") as ray_session:
            interrupt.install()  # ray.init has put handlers of its own in place
            # Ray Tune takes a second and a half to import; Ray's own processes finish starting meanwhile.
            from sweeps.engine.work import Work

            start_imports_for_answer(plan.sweep.question)
            Work(command, agenda, ray_session, interrupt, report).carry_out(light)
    except Refused:
        ledger.forget_run(number)
        raise
    except SystemExit:  # Ray's SIGTERM handler, in place during ray.init, raises it
        interrupt.signal = signal.SIGTERM
    except OSError as error:
        report.error = error_line(error)
    finally:
        light.join(PATIENCE)
        complete = report.error is None and not agenda.trials_left and not agenda.running
        with contextlib.suppress(sqlite3.Error):  # the disk may be full, and the ledger already has all that fitted
            ledger.end_run(
                number,
                outcome="complete" if complete else "partial",
                slots=report.slots,
                shared_seconds=report.shared_seconds,
            )
    return report
