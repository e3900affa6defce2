"""Waits until what was appended is on the disk itself; those who wait at one time share one fsync."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from timonel_serving.detector.spool import Spool


class Commit:
    """The fsync of a spool, shared."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._safe = 0
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="fsync")
        self._running: asyncio.Task[None] | None = None

    async def safe(self, position: int) -> None:
        """Return once the spool is on the disk up to a position; raises OSError if it cannot be."""
        while self._safe < position:
            if self._running is None or self._running.done():
                self._running = asyncio.create_task(self._sync())
            await asyncio.shield(self._running)

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        self._safe = await loop.run_in_executor(self._worker, self._spool.sync)
