"""Ctrl-C and SIGTERM only set a flag, from before Ray starts until the answer is written."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType


class Interrupt:
    """Keeps the signal that came, in `signal` (None until then). A second signal ends the process at once.

    Call `install` again after `ray.init`, which puts handlers of its own in place. Python allows handlers in the main
    thread alone: in any other, such as one of a web application, signals do what they did before.
    """

    NUMBERS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None
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
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = number

    @property
    def exit_code(self) -> int | None:
        """The exit code for the signal: 130 for Ctrl-C, 143 for SIGTERM, None if none has come."""
        return None if self.signal is None else 128 + self.signal


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
