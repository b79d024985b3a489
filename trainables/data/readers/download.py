"""Downloads: what a request lacks is a problem until it was fetched; a download that hangs gives up, and says why.

Whoever checks a request asks for none (`Sources.download`), gathers these problems among others, and fetches when
nothing else is wrong.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from common.problems import Problem, gather

SECONDS = 20.0
"""How long each answer of the network is waited for."""


@dataclass(frozen=True)
class Absent(Problem):
    """Something that is needed, is not there, and was not to be downloaded yet."""

    what: str = ""
    """What people call it: `MNIST`, `the weights of resnet50`."""
    megabytes: float = 0.0
    """Its size as torchvision tells sizes, in units of 2^20 bytes."""
    fetch: Callable[[], object] = field(default=lambda: None, compare=False, repr=False)
    """Downloads it. Raises Refused where that fails."""

    @property
    def told(self) -> str:
        """What it is and its size, for people."""
        return f"{self.what} ({self.megabytes:,.0f} MB)"


def parted(found: Iterable[Problem]) -> tuple[list[Problem], list[Absent]]:
    """Return the problems that are to be mended, and what is merely absent, each thing once."""
    listed = list(found)
    absent = {problem.what: problem for problem in listed if isinstance(problem, Absent)}
    return [problem for problem in listed if not isinstance(problem, Absent)], list(absent.values())


def told(absent: Iterable[Absent]) -> str:
    """Return what is absent, for people, and how much it is together."""
    listed = list(absent)
    together = f", {sum(one.megabytes for one in listed):,.0f} MB together" if len(listed) > 1 else ""
    return ", ".join(one.told for one in listed) + together


def fetch(absent: Iterable[Absent]) -> list[Problem]:
    """Download what is absent; return a problem for each thing that could not be."""

    def fetched(one: Absent) -> list[Problem]:
        one.fetch()
        return []

    return gather(*(partial(fetched, one) for one in absent))


def patiently(fetch: Callable[[], object]) -> str | None:
    """Run `fetch` with a time limit on each answer of the network; return what went wrong, or None.

    What it prints goes to the standard error: the standard output belongs to the answer.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            fetch()
    except (OSError, RuntimeError, http.client.HTTPException) as error:  # RuntimeError: torchvision's own
        return " ".join(str(error).split()) or type(error).__name__
    finally:
        socket.setdefaulttimeout(before)
    return None
