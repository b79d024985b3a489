"""A fixture that several of these tests use."""

from __future__ import annotations

from tests.support.edited import edited

__all__ = ["edited"]
