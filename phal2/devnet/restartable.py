"""Parts of the devnet that begin anew when the chains that they work on have gone back: batcher and proposer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from phal2.node.driver.lasting_tasks import end_task


class Part(Protocol):
    """What the chains are all the memory of."""

    async def run(self) -> None:
        """Run until cancelled."""
        ...


class RestartablePart:
    """Runs parts one after the other: `held` ends the present one, and the next begins at what the chains have then."""

    def __init__(self, make: Callable[[], Part]) -> None:
        self._make = make
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Run until cancelled. Raises what a part fails with."""
        while True:
            async with self._turn:
                running = self._running = asyncio.create_task(self._make().run())
            try:
                await asyncio.wait((running,))
            finally:
                await end_task(running)
            if not running.cancelled():
                running.result()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Have no part at work meanwhile, and a new one afterwards."""
        async with self._turn:
            if self._running is not None:
                await end_task(self._running)
            yield
