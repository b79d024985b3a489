"""The live view shows how far a sweep is: tables in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pandas as pd
import rich.live
from rich.console import Console, Group, RenderableType
from rich.text import Text

from analysis.numbers.measures import Measures
from analysis.numbers.results import short
from analysis.plan_record import MeasureRecord
from analysis.report import terminal
from analysis.report.failed import headline
from analysis.selection import objective
from analysis.words import NONE, as_text, heading
from sweeps.engine.agenda import Agenda, Counts, together
from sweeps.engine.estimate import Estimate, clock
from sweeps.engine.hardware import Session
from sweeps.engine.plan import Plan

if TYPE_CHECKING:
    from trainables.artifacts.remote import Progress  # its module imports Ray, which takes seconds

TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5.0
FEW = 4
"""With at most this many running trials, the line says how far each of them is."""
AROUND = 15
"""Lines of a terminal's view beside the rows of its tables: the title, headings of up to four lines, rules, gaps."""


class Live:
    """Shows the live view. Its updates may come at any rate: they refresh it only now and then."""

    def __init__(self, plan: Plan, agenda: Agenda, session: Session, console: Console | None = None) -> None:
        self._plan, self._agenda, self._session = plan, agenda, session
        self._console = console or Console(file=sys.stderr, force_jupyter=False)  # else each line is a cell's output
        self._live = None
        if self._console.is_terminal:
            self._live = rich.live.Live(console=self._console, auto_refresh=False, transient=True)
        self._started = time.monotonic()
        self._shown = -math.inf
        self._failure_told = False
        self._estimate = Estimate(agenda, session.slots)
        self._selected = Selected(plan)

    def use(self, session: Session) -> None:
        """Use a session with another number of slots, and begin a new estimate."""
        self._session, self._estimate = session, Estimate(self._agenda, session.slots)

    def __enter__(self) -> Live:
        counts = together(self._agenda.counts().values())
        if counts.ended:
            self.tell(in_ledger(counts))
        if self._live:
            self._live.__enter__()
            self._live.update(self.view("starting"), refresh=True)
        elif self._session.dashboard:
            self.tell(self.dashboard())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(Text(), refresh=True)  # else a table longer than the terminal would leave lines behind
            self._live.__exit__(kind, error, trace)

    def tell(self, line: str) -> None:
        """Print a line that stays, above the tables."""
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def update_shared_work(self, progress: Progress) -> None:
        """Show how much of the shared work is done."""
        if progress.total and self._due(force=progress.done == progress.total):
            made = f", {' and '.join(progress.names)}" if progress.names else ""
            left = "" if progress.seconds_left is None else f", about {clock(progress.seconds_left)} to go"
            self._show(f"shared work: {progress.done}/{progress.total} pieces{made}  {self._clock()}{left}")

    def update(self) -> None:
        """Show how many trials are done, and the first error as soon as there is one."""
        self._estimate.observe()
        first = self._agenda.failures.first
        if first is not None and not self._failure_told:
            self._failure_told = True
            self.tell(f"a trial failed: {headline(first.error)} ({first.config})")
        if self._due():
            self._show(self.line())

    def view(self, line: str) -> Group:
        """Return all that a terminal shows: a line on the whole sweep, where Ray's dashboard is, and the tables.

        Where the conditions are too many for the terminal, those with running trials are shown.
        """
        about = [Text(self.dashboard(), style="dim")] if self._session.dashboard else []
        running = self.running()
        rows = max(3, self._console.height - AROUND - len(about) - len(running))
        below: list[RenderableType] = [Text("\nrunning:"), terminal.table(running)] if len(running) else []
        title = Text(f"{self._plan.sweep.question}  {line}", style="bold")
        return Group(title, *about, Text(), *self._conditions(rows), *below)

    def _conditions(self, most: int) -> list[RenderableType]:
        """Return the table of conditions, with `most` rows at most, and a line on those that are left out."""
        whole = self.conditions()
        if len(whole) <= most:
            return [terminal.table(whole)]
        order = sorted(range(len(whole)), key=lambda i: whole["running"].iloc[i] == "0")  # stable: else as planned
        shown = whole.iloc[sorted(order[:most])]
        return [terminal.table(shown), Text(f"and {len(whole) - most} more conditions", style="dim")]

    def conditions(self) -> pd.DataFrame:
        """Return a row of text for each condition; the best is a config's mean over search seeds."""
        counts, rows = self._agenda.counts(), []
        for condition in self._plan.conditions:
            n, run = counts[condition.key], self._agenda.condition_runs[condition.key]
            row = {name: as_text(condition.values[name]) for name in self._plan.request.factors}
            row |= {"done": f"{n.ended}/{n.planned}", "running": str(n.running), "failed": str(n.failed)}
            row |= {"no number": str(n.diverged)} if any(one.diverged for one in counts.values()) else {}
            row |= {"stage": run.stage}
            row |= {f"best {self._selected.heading}": self._selected.text(self._agenda.best(condition.key))}
            rows.append({name if name.startswith("best ") else heading(name): cell for name, cell in row.items()})
        return pd.DataFrame(rows)

    def running(self) -> pd.DataFrame:
        """Return a row of text for each trial that runs: what varies of its config, seed, epoch, how good so far."""
        conditions = {condition.key: condition.values for condition in self._plan.conditions}
        request, rows = self._plan.request, []
        varying = [name for name, values in request.factors.items() if len(values) > 1]
        varying += [name for name, dimension in request.space.items() if len({*dimension.ends()}) > 1]
        for trial, own in self._agenda.under_way.items():
            task = self._agenda.running[trial]
            values = {**conditions[task.condition], **task.stored_config}
            row = {heading(name): as_text(values[name]) if name in values else NONE for name in varying}
            row |= {"seed": str(task.seed), "phase": task.phase, "epoch": f"{own.epoch}/{own.epochs}"}
            rows.append(row | {self._selected.heading: self._selected.text(own.value)})
        return pd.DataFrame(rows)

    def line(self) -> str:
        """Return a line on the state of all conditions together."""
        n = together(self._agenda.counts().values())
        text = f"{n.ended}/{n.planned} trials, {n.running} running" if n.running or n.ended else "workers start"
        text += self._shares()
        text += f", {n.failed} failed" if n.failed else ""
        text += f", {n.diverged} diverged or collapsed" if n.diverged else ""
        left = self._estimate.seconds_left()
        return f"{text}  {self._clock()}" + (f", about {clock(left)} to go" if left is not None else "")

    def _shares(self) -> str:
        """Return how far the running trials are, in percent; nothing until one of them has reported."""
        shares = sorted(round(100 * own.fraction) for own in self._agenda.under_way.values())
        if not any(shares):
            return ""
        shown = [shares[0], shares[-1]] if len(shares) > FEW else shares
        return f" ({(' to ' if len(shares) > FEW else ', ').join(map(str, shown))} %)"

    def dashboard(self) -> str:
        """Return the address of Ray's dashboard, and the command that prints the token that it asks for."""
        return f"Ray dashboard: http://{self._session.dashboard}  token: `{token_command()}`"

    def _clock(self) -> str:
        return clock(time.monotonic() - self._started)

    def _due(self, *, force: bool = False) -> bool:
        now = time.monotonic()
        if not force and now - self._shown < (TERMINAL_SECONDS if self._live else PLAIN_SECONDS):
            return False
        self._shown = now
        return True

    def _show(self, line: str) -> None:
        if self._live:
            self._live.update(self.view(line), refresh=True)
        else:
            self.tell(line)


class Selected:
    """The measure by which configs are chosen, as people read it: an error where the sweep selects by one."""

    def __init__(self, plan: Plan) -> None:
        experiment = plan.sweep.experiment
        declared = tuple(MeasureRecord.model_validate(asdict(measure)) for measure in experiment.measures)
        values = [plan.conditions[0].values.get(field) for field in experiment.config_class().data_fields()]
        names = zip(experiment.config_class().data_fields(), values, strict=True)
        measures = Measures(declared, {field: short(str(value)) for field, value in names})
        column = measures.column(objective(plan.sweep.select).metric)
        assert column is not None  # preflight has checked it
        self._column, self._form = column, measures.form(column.name, {})
        self.heading = measures.headed(column.name)
        """Such as `validation accuracy, %`."""

    def text(self, value: float | None) -> str:
        """Return a value of the metric that trials report, in the measure's unit; a dash for None."""
        if value is None:
            return NONE
        shown = value if self._column.source is None else 1 - value
        return self._form.number(shown)


def in_ledger(counts: Counts) -> str:
    """Return how many trials a command finds in the ledger, and how many it has to run."""
    done = counts.ended - counts.again
    text = f"{done} of {counts.planned} trials {'is' if done == 1 else 'are'} in the ledger"
    return f"{text}; {counts.planned - done} to run" + (f", {counts.again} of them again" if counts.again else "")


def token_command() -> str:
    """Return Ray's command that prints the dashboard's token, with its folder unless the PATH finds the same `ray`."""
    ray = Path(sys.executable).with_name("ray")
    found = shutil.which("ray")
    if not ray.exists() or (found and Path(found).resolve() == ray.resolve()):
        return "ray get-auth-token"
    return f"{ray.relative_to(Path.cwd()) if ray.is_relative_to(Path.cwd()) else ray} get-auth-token"
