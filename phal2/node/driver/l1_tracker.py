"""Follows the heads of L1: latest, safe and finalized."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from phal2.node.driver.retries import Retries
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError
from phal2.node.protocol.block_refs import L1BlockRef

log = logging.getLogger("phal2.driver")


class L1Tracker:
    """Polls the L1 endpoint; `head`, `safe` and `finalized` are the last ones seen, None before the first answer.

    A failing endpoint leaves them as they are: the next poll tries again.
    """

    def __init__(self, l1: L1Client, poll_interval: float) -> None:
        self._l1 = l1
        self._poll_interval = poll_interval
        self.retries = Retries("following L1", log, first_seconds=poll_interval)
        self._changed = asyncio.Event()
        self._on_finalized: list[Callable[[L1BlockRef], Awaitable[None]]] = []
        self.head: L1BlockRef | None = None
        self.safe: L1BlockRef | None = None
        self.finalized: L1BlockRef | None = None

    def on_finalized(self, listener: Callable[[L1BlockRef], Awaitable[None]]) -> None:
        """Call `listener` with the finalized L1 block when the L1 head has changed."""
        self._on_finalized.append(listener)

    async def wait_for_change(self, longest: float) -> None:
        """Return when the L1 head has changed, or after `longest` seconds."""
        try:
            async with asyncio.timeout(longest):
                await self._changed.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Poll until cancelled."""
        while True:
            try:
                await self.poll()
            except EndpointError as error:
                delay = self.retries.failed(error)
            else:
                self.retries.succeeded()
                delay = self._poll_interval
            await asyncio.sleep(delay)

    async def poll(self) -> None:
        """Ask once for the three heads; raises `EndpointError`."""
        head = await self._l1.block_ref("latest")
        if head is None or (self.head is not None and head.hash == self.head.hash):
            return
        self.safe = await self._l1.block_ref("safe") or self.safe
        self.finalized = await self._l1.block_ref("finalized") or self.finalized
        self.head = head
        self._changed.set()
        self._changed = asyncio.Event()
        if self.finalized is not None:
            for listener in self._on_finalized:
                await listener(self.finalized)
