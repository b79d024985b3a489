"""What is shown while a sweep runs: one table in a terminal, one plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

import rich.live
from rich.console import Console
from rich.table import Table

from sweeps.engine.plan import Plan
from sweeps.engine.search import Agenda, settled
from sweeps.engine.session import Session
from trainables.artifacts.compute import Progress

TERMINAL_SECONDS = 0.5
PLAIN_SECONDS = 5.0


class Live:
    """The live view. `shared` and `update` may be called as often as one likes."""

    def __init__(self, plan: Plan, agenda: Agenda, session: Session, console: Console | None = None) -> None:
        self._plan, self._agenda, self._session = plan, agenda, session
        self._console = console or Console(file=sys.stderr)
        self._live = rich.live.Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._started = time.monotonic()
        self._shown = 0.0
        self._settled_before = self._settled()
        self._trials_started: float | None = None

    def __enter__(self) -> Live:
        if self._session.dashboard:
            self._console.print(
                f"Ray dashboard: http://{self._session.dashboard}  (the token it asks for: `ray get-auth-token`)",
                soft_wrap=True,
            )
        if self._live:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            if self._trials_started is not None:
                self._live.update(self.table(), refresh=True)
            self._live.__exit__(kind, error, trace)

    def shared(self, progress: Progress) -> None:
        """Show how far the artifacts are."""
        if self._due(force=progress.done == progress.total) and progress.total:
            text = f"shared work: {progress.done}/{progress.total} pieces  {', '.join(progress.names)}  {self._clock()}"
            if self._live:
                self._live.update(text, refresh=True)
            else:
                self._plain(text)

    def update(self) -> None:
        """Show how far the trials are."""
        if self._trials_started is None:
            self._trials_started = time.monotonic()
        if self._due():
            if self._live:
                self._live.update(self.table(), refresh=True)
            else:
                self._plain(self.line())

    def table(self) -> Table:
        """The table: a row a condition."""
        table = Table(title=f"{self._plan.sweep.question}  {self.line()}", title_justify="left", expand=False)
        factors = list(self._plan.request.factors)
        for name in (*factors, "done", "running", "failed", "stage", f"best {self._plan.sweep.metric}"):
            table.add_column(name, justify="left" if name in (*factors, "stage") else "right", no_wrap=True)
        counts = self._agenda.counts()
        for condition in self._plan.conditions:
            n, course = counts[condition.key], self._agenda.courses[condition.key]
            best = self._agenda.best.get(condition.key)
            table.add_row(
                *(str(condition.values[name]) for name in factors),
                f"{settled(n)}/{n['planned']}",
                str(n.get("running", 0)),
                str(n.get("failed", 0) + n.get("oom", 0) + n.get("diverged", 0)),
                course.stage,
                "" if best is None else f"{best:.4f}",
            )
        return table

    def line(self) -> str:
        """The state of all conditions in a line."""
        counts = self._agenda.counts().values()
        done, planned = sum(map(settled, counts)), sum(n["planned"] for n in counts)
        failed = sum(n.get("failed", 0) + n.get("oom", 0) for n in counts)
        text = f"{done}/{planned} trials, {sum(n.get('running', 0) for n in counts)} running"
        text += f", {failed} failed" if failed else ""
        return f"{text}  {self._clock()}{self._eta(done, planned)}"

    def _eta(self, done: int, planned: int) -> str:
        here = done - self._settled_before
        if self._trials_started is None or here < 2 or done >= planned:
            return ""
        left = (time.monotonic() - self._trials_started) / here * (planned - done)
        return f", about {clock(left)} to go"

    def _settled(self) -> int:
        return sum(map(settled, self._agenda.counts().values()))

    def _clock(self) -> str:
        return clock(time.monotonic() - self._started)

    def _due(self, *, force: bool = False) -> bool:
        now = time.monotonic()
        if not force and now - self._shown < (TERMINAL_SECONDS if self._live else PLAIN_SECONDS):
            return False
        self._shown = now
        return True

    def _plain(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"
