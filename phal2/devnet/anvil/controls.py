"""anvil as L2's development methods see it: it moves by its own methods."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from phal2.devnet.anvil.errors import AnvilSnapshotLost
from phal2.node.driver.clock import Clock
from phal2.node.l1.client import L1Client
from phal2.node.l1.errors import EndpointError, EndpointRefused, EndpointUnavailable, InvalidAnswer

log = logging.getLogger("phal2.anvil")

_POLL_SECONDS: Final = 0.25


class AnvilControls:
    """An anvil at the endpoint of `l1`, whoever started it.

    `senders` are the addresses of the devnet's own parts, which send again what a return to a snapshot has undone.
    """

    def __init__(self, l1: L1Client, clock: Clock, senders: Sequence[bytes] = ()) -> None:
        self._l1 = l1
        self._clock = clock
        self._senders = tuple(senders)
        self._turn = asyncio.Lock()

    async def interval(self) -> int | None:
        """Return the seconds between two blocks that come by themselves, None where none do."""
        answer = await self._l1.rpc.call("anvil_getIntervalMining")
        if answer is not None and not (isinstance(answer, int) and answer > 0):
            raise InvalidAnswer(self._l1.rpc.url, "anvil_getIntervalMining: expected seconds or null")
        return answer

    async def head_time(self) -> int:
        """Return the timestamp of the newest block, in Unix seconds."""
        head = await self._l1.block_ref("latest")
        if head is None:
            raise EndpointUnavailable(self._l1.rpc.url, "the endpoint has no blocks yet")
        return head.timestamp

    async def mine(self, timestamp: int) -> None:
        """Seal a block with this timestamp, from which anvil's time goes on."""
        try:
            await self._l1.rpc.call("evm_mine", {"timestamp": timestamp})
        except EndpointRefused:
            # anvil may have sealed one by itself just before.
            if await self.head_time() < timestamp:
                raise

    async def take_snapshot(self) -> "AnvilSnapshot":
        """Note the present state."""
        return AnvilSnapshot(self, await self._l1.rpc.call("evm_snapshot"), self._clock.now())

    async def return_to(self, snapshot: object, time: float) -> object:
        """Return to anvil's snapshot and the clock to `time`; return what the snapshot, used up, is named from now on.

        Raises `AnvilSnapshotLost` with nothing changed.
        """
        async with self._turn:
            if await self._l1.rpc.call("evm_revert", snapshot) is not True:
                raise AnvilSnapshotLost
            self._clock.go_to(time)
            for sender in self._senders:
                await self._l1.rpc.call("anvil_removePoolTransactions", f"0x{sender.hex()}")
            return await self._l1.rpc.call("evm_snapshot")

    def surround(
        self, first_block: int, reorganised: Callable[[], Awaitable[None]], reset: Callable[[], Awaitable[None]]
    ) -> None:
        """Do nothing: L2 finds out by itself what happens to an L1 that has its own server."""

    async def keep_time(self) -> None:
        """Keep anvil's time and the devnet's clock together, until cancelled.

        Where somebody has moved anvil's time forward the clock follows, and L2 with it. Where anvil is behind, after it
        was taken back or has stood still, it gets a block at the clock's time.
        """
        last: bytes | None = None
        while True:
            try:
                async with self._turn:
                    head = await self._l1.block_ref("latest")
                    if head is not None and head.hash != last:
                        last = head.hash
                        await self._bring_together(head.timestamp)
            except EndpointError as error:
                log.warning("the time of L1 is not known: %s", error)
            await asyncio.sleep(_POLL_SECONDS)

    async def _bring_together(self, head_time: int) -> None:
        ahead = head_time - self._clock.now()
        if ahead > 0:
            if ahead > 1:
                log.info("L1's time is %.0f s ahead: the devnet goes there", ahead)
            self._clock.reach(head_time)
            return
        interval = await self.interval()
        # The clock runs on while a block is on its way, so it is only far behind beyond two blocks.
        if interval is not None and -ahead > 2 * interval + 1:
            await self.mine(int(self._clock.now()))


class AnvilSnapshot:
    """A snapshot of an anvil; `time` in Unix seconds of the devnet's clock."""

    def __init__(self, controls: AnvilControls, name: object, time: float) -> None:
        self._controls = controls
        self._name = name
        self._time = time

    def require_kept(self) -> None:
        """Do nothing: whether anvil still has it shows when it is returned to."""

    async def return_to(self) -> None:
        """Return there. Raises `AnvilSnapshotLost`."""
        self._name = await self._controls.return_to(self._name, self._time)
