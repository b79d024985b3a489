"""Seeds derive from names, never from the order of calls."""

from __future__ import annotations

import hashlib


def seed_of(base: int | str, *names: int | str) -> int:
    """A 63-bit seed for the random stream `names` under `base`: the same wherever and whenever it is asked for."""
    text = "/".join(map(str, (base, *names)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
