"""The live view shows how far a sweep is: a table in a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import math
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import pandas as pd
import rich.live
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from analysis.report import terminal
from analysis.report.failed import headline
from analysis.words import as_text, heading
from sweeps.engine.agenda import Agenda
from sweeps.engine.condition_run import count_finished
from sweeps.engine.hardware import Session
from sweeps.engine.plan import Plan

if TYPE_CHECKING:
    from trainables.artifacts.remote import Progress  # its module imports Ray, which takes seconds

FAILED = ("failed", "oom", "diverged", "collapsed")
TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5.0
FEW = 4
"""With at most this many running trials, the line says how far each of them is."""


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

    def use(self, session: Session) -> None:
        """Use a session with another number of slots, and begin a new estimate."""
        self._session, self._estimate = session, Estimate(self._agenda, session.slots)

    def __enter__(self) -> Live:
        if self._live:
            self._live.__enter__()
            self._live.update(self.view("starting"), refresh=True)
        elif self._session.dashboard:
            self._plain(self.dashboard())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.update(Text(), refresh=True)  # else a table longer than the terminal would leave lines behind
            self._live.__exit__(kind, error, trace)

    def update_shared_work(self, progress: Progress) -> None:
        """Show how much of the shared work is done."""
        if progress.total and self._due(force=progress.done == progress.total):
            made = f", {' and '.join(progress.names)}" if progress.names else ""
            self._show(f"shared work: {progress.done}/{progress.total} pieces{made}  {self._clock()}")

    def update(self) -> None:
        """Show how many trials are done, and the first error as soon as there is one."""
        self._estimate.observe()
        first = self._agenda.failures.first
        if first is not None and not self._failure_told:
            self._failure_told = True
            self._plain(f"a trial failed: {headline(first.error)} ({first.config})")
        if self._due():
            self._show(self.line())

    def view(self, line: str) -> Group:
        """Return all that a terminal shows: a line on the whole sweep, where Ray's dashboard is, and the table."""
        about = [Text(self.dashboard(), style="dim")] if self._session.dashboard else []
        return Group(Text(f"{self._plan.sweep.question}  {line}", style="bold"), *about, Text(), self.table())

    def table(self) -> Table:
        """Return the table, with a row for each condition."""
        counts, rows = self._agenda.counts(), []
        for condition in self._plan.conditions:
            n, best = counts[condition.key], self._agenda.best.get(condition.key)
            row = {name: as_text(condition.values[name]) for name in self._plan.request.factors}
            row |= {"done": f"{count_finished(n)}/{n['planned']}", "running": str(n.get("running", 0))}
            row |= {"failed": str(sum(n.get(status, 0) for status in FAILED))}
            row |= {"stage": self._agenda.condition_runs[condition.key].stage}
            row |= {f"best {self._plan.sweep.metric}": "–" if best is None else f"{best:.4f}"}
            rows.append({heading(name): cell for name, cell in row.items()})
        return terminal.table(pd.DataFrame(rows))

    def line(self) -> str:
        """Return a line on the state of all conditions together."""
        counts = self._agenda.counts().values()
        done, planned = sum(map(count_finished, counts)), sum(n["planned"] for n in counts)
        running = sum(n.get("running", 0) for n in counts)
        failed = sum(n.get(status, 0) for n in counts for status in FAILED)
        text = f"{done}/{planned} trials, {running} running" if running or done else "workers start"
        text += self._shares()
        text += f", {failed} failed" if failed else ""
        left = self._estimate.seconds_left()
        return f"{text}  {self._clock()}" + (f", about {clock(left)} to go" if left is not None else "")

    def _shares(self) -> str:
        """Return how far the running trials are, in percent; nothing until one of them has reported."""
        shares = sorted(round(100 * share) for share in self._agenda.fraction_done.values())
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
            self._plain(line)

    def _plain(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)


class Estimate:
    """Estimates the time that is left from what was done since a trial first reported; until then workers start.

    The longest trials go first, so an estimate by the number of trials is too high; part of a trial's time does not
    depend on its cost, so an estimate by cost is too low. The geometric mean of both is shown. A running trial counts
    by the fraction of its epochs that is done.
    """

    WATCHED = 30.0
    """Seconds after which an estimate is shown even if few trials have finished, as long as epochs have."""

    def __init__(self, agenda: Agenda, slots: int) -> None:
        self._agenda, self._slots = agenda, slots
        self._before = self._done()
        self._first: tuple[float, float, float] | None = None

    def observe(self) -> None:
        """Note how much is done, and the time, when a trial first reports."""
        if self._first is None:
            done = self._done()
            if done[0] > self._before[0]:
                self._first = (time.monotonic(), *done)

    def seconds_left(self) -> float | None:
        """Return the estimate; None while too little is done for one, and when nothing is left."""
        if self._first is None:
            return None
        (count, cost), (began, first_count, first_cost) = self._done(), self._first
        trials_left, cost_left = self._left()
        seconds, early = time.monotonic() - began, count - first_count < 2 * self._slots
        if min(trials_left, cost_left, count - first_count, cost - first_cost) <= 0:
            return None
        if early and seconds < self.WATCHED:
            return None
        by_count = seconds / (count - first_count) * trials_left
        return math.sqrt(by_count * seconds / (cost - first_cost) * cost_left)

    def _done(self) -> tuple[float, float]:
        """Return how many trials are done, and their cost; running ones count by the fraction that is done."""
        runs = self._agenda.condition_runs.values()
        costs = [task.cost for run in runs for task in run.known.values() if task.id not in run.unfinished]
        count, cost = self._under_way()
        return len(costs) + count, sum(costs) + cost

    def _under_way(self) -> tuple[float, float]:
        """Return how much of the running trials is done, as a number of trials and as cost."""
        running, shares = self._agenda.running, self._agenda.fraction_done
        return sum(shares.values()), sum(share * running[trial].cost for trial, share in shares.items())

    def _left(self) -> tuple[float, float]:
        """Return how many trials are left, and their cost; one that is not enqueued yet is taken to cost the mean."""
        count, cost = (-done for done in self._under_way())
        for key, counts in self._agenda.counts().items():
            condition_run = self._agenda.condition_runs[key]
            known = condition_run.known
            mean = sum(t.cost for t in known.values()) / len(known) if known else 0.0
            count += counts["planned"] - count_finished(counts)
            cost += sum(known[trial].cost for trial in condition_run.unfinished)
            cost += mean * (counts["planned"] - len(known))
        return count, cost


def token_command() -> str:
    """Return Ray's command that prints the dashboard's token, with its folder unless the PATH finds the same `ray`."""
    ray = Path(sys.executable).with_name("ray")
    found = shutil.which("ray")
    if not ray.exists() or (found and Path(found).resolve() == ray.resolve()):
        return "ray get-auth-token"
    return f"{ray.relative_to(Path.cwd()) if ray.is_relative_to(Path.cwd()) else ray} get-auth-token"


def clock(seconds: float) -> str:
    """Return a number of seconds as h:mm:ss or m:ss."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
