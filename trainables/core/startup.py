"""Importing large modules quickly, by keeping the garbage collector out of the way."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Pause garbage collection during imports, and exempt what they load from later collections.

    Collections would take a sixth of the time of importing PyTorch and Ray.
    """
    gc.disable()
    try:
        yield
    finally:
        if "triton" not in sys.modules:  # its bindings would report frozen objects as leaks at exit
            gc.freeze()
        gc.enable()
