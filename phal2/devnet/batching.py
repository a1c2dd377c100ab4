"""The devnet's batcher, which begins anew when the chains that it works on have gone back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from phal2.bridge.batcher import Batcher


class RestartableBatcher:
    """Runs batchers one after the other: `held` ends the present one, and the next begins at the safe head."""

    def __init__(self, make: Callable[[], Batcher]) -> None:
        self._make = make
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises what a batcher fails with."""
        while True:
            async with self._turn:
                running = self._running = asyncio.create_task(self._make().run())
            try:
                await asyncio.wait((running,))
            finally:
                await _end(running)
            if not running.cancelled():
                running.result()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Have no batcher at work meanwhile, and a new one afterwards."""
        async with self._turn:
            if self._running is not None:
                await _end(self._running)
            yield


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
