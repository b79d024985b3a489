"""What figures are drawn for: the width of a page's text as a rule, or of a column, in which titles are left out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

WIDEST = 6.5
"""Inches of a figure, unless another width is asked for: the text of a page."""
NARROWEST = 2.5
"""Inches of the narrowest figure in which a panel and its numbers can be read."""
COLUMN = 4.0
"""Inches up to which a figure stands in a column: its caption there says what a title would."""
_width: ContextVar[float] = ContextVar("width", default=WIDEST)


@contextmanager
def paper(width: float) -> Iterator[None]:
    """Draw figures of this many inches meanwhile. Raises ValueError if it is less than `NARROWEST`."""
    if not width >= NARROWEST:
        raise ValueError(f"a figure is at least {NARROWEST:g} inches wide, not {width:g}")
    token = _width.set(width)
    try:
        yield
    finally:
        _width.reset(token)


def figure_width() -> float:
    """Return how many inches wide figures are drawn."""
    return _width.get()


def is_titled() -> bool:
    """Return whether figures have a title."""
    return figure_width() > COLUMN
