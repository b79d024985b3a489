"""Downloads that give up instead of hanging, and say why."""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
from collections.abc import Callable

SECONDS = 20.0
"""How long each answer of the network is waited for."""


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
