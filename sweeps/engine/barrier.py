"""All slots work: a barrier for fresh workers.

When a trial ends before the next worker is up, Tune hands the waiting trial to the worker that has just become free
and drops the one still starting: short trials then run on one worker for the whole sweep. So each fresh worker waits,
once, before its first epoch, until all have arrived.
"""

from __future__ import annotations

import asyncio

import ray


class Barrier:
    """Lets workers pass once `parties` have arrived, or `timeout` seconds after the first came."""

    def __init__(self, parties: int, timeout: float = 30.0) -> None:
        self._parties, self._timeout = parties, timeout
        self._arrived = 0
        self._open = asyncio.Event()

    async def arrive(self) -> None:
        """Wait for the others."""
        self._arrived += 1
        if self._arrived >= self._parties:
            self._open.set()
        try:
            await asyncio.wait_for(self._open.wait(), self._timeout)
        except TimeoutError:
            self._open.set()  # fewer came than slots were asked for: go on with these


BarrierActor = ray.remote(num_cpus=0, max_concurrency=1000)(Barrier)
