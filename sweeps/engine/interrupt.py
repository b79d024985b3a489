"""Ctrl-C and SIGTERM set a flag and are answered at once, from before Ray starts until the answer is written."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType

STOPPING = "stopping; writing the answer; again to leave at once"
LEFT = "left; finished trials are in the ledger, and the same command goes on from there"
SHOW_CURSOR = "\x1b[?25h"
"""What a terminal is sent that hides its cursor while a table is drawn."""


class Interrupt:
    """Keeps the signal that came, in `signal` (None until then). A second signal ends the process at once.

    That costs no finished trial, since each is durable in the ledger, and no answer that was made before.
    Call `install` again after `ray.init`, which puts handlers of its own in place. Python allows handlers in the main
    thread alone: in any other, such as one of a web application, signals do what they did before.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None
        self.tell: Callable[[str], object] = _print
        """Prints a line; who draws on the terminal puts a function of its own here."""
        self._before = {number: signal.getsignal(number) for number in self.NUMBERS}

    def __enter__(self) -> Interrupt:
        self.install()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if _in_main_thread():
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def install(self) -> None:
        """Handle the signals from now on."""
        if _in_main_thread():
            for number in self.NUMBERS:
                signal.signal(number, self._receive)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            _write(f"{SHOW_CURSOR if os.isatty(2) else ''}\n{LEFT}\n")
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = number
        try:
            self.tell(STOPPING)
        except RuntimeError:  # the signal came in the middle of other output
            _write(f"\n{STOPPING}\n")

    @contextlib.contextmanager
    def telling(self, tell: Callable[[str], object]) -> Iterator[None]:
        """Answer signals with another function than `print`."""
        before, self.tell = self.tell, tell
        try:
            yield
        finally:
            self.tell = before

    @property
    def exit_code(self) -> int | None:
        """The exit code for the signal: 130 for Ctrl-C, 143 for SIGTERM, None if none has come."""
        return None if self.signal is None else 128 + self.signal


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _write(text: str) -> None:
    """Write to standard error without its buffer, which may be in use."""
    with contextlib.suppress(OSError):
        os.write(2, text.encode())


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
