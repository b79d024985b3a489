"""Importing large modules quickly: the garbage collector stays out of their way."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage while large modules are imported, nor in them later: that takes a sixth of the time."""
    gc.disable()
    try:
        yield
    finally:
        if "triton" not in sys.modules:  # its bindings would take what is frozen for leaks, and say so at exit
            gc.freeze()
        gc.enable()
