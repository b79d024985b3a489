"""All slots work: a barrier for fresh workers.

When a trial ends before the next worker is up, Tune hands the waiting trial to the worker that has just become free
and drops the one still starting: short trials then run on one worker for the whole sweep. So each fresh worker waits,
once, before its first epoch, until all have arrived.
"""

from __future__ import annotations

import asyncio
from typing import Any

import ray


def start_barrier(parties: int, timeout: float = 30.0) -> Any:
    """An actor whose `arrive` returns once `parties` have called it, or `timeout` seconds after the first did."""

    class Barrier:  # local, so that it travels by value: its process need not import the engine, and PyTorch with it
        def __init__(self) -> None:
            self._arrived = 0
            self._open = asyncio.Event()

        async def arrive(self) -> None:
            self._arrived += 1
            if self._arrived >= parties:
                self._open.set()
            try:
                await asyncio.wait_for(self._open.wait(), timeout)
            except TimeoutError:
                self._open.set()  # fewer came than slots were asked for: go on with these

    return ray.remote(num_cpus=0, max_concurrency=1000)(Barrier).remote()
