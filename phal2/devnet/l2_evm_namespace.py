"""The `evm` namespace of the sequencer: time control, as far as L2 timestamps are fixed by the block number."""

import asyncio
from typing import Final

from phal2.devnet.l1 import EmbeddedL1
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.errors import INVALID_PARAMS, SERVER_ERROR, RpcError
from phal2.node.rpc.parameter_types import Count
from phal2.node.rpc.registry import MethodRegistry

LONGEST_ADVANCE_BLOCKS: Final = 3_600
"""By how many L2 blocks the time may be moved forward in one call."""

_LONGEST_PAUSE_SECONDS: Final = 30.0


class L2EvmNamespace:
    """What tests ask of a development chain, as far as a rollup can give it. Calls at once take turns."""

    def __init__(self, sequencer: RollupNode, l1: EmbeddedL1, clock: Clock) -> None:
        self._sequencer = sequencer
        self._l1 = l1
        self._clock = clock
        self._turn = asyncio.Lock()

    def register(self, registry: MethodRegistry) -> None:
        """Offer the namespace's methods."""
        registry.add("evm_mine", self.mine)
        registry.add("evm_increaseTime", self.increase_time)
        registry.add("evm_setNextBlockTimestamp", self.set_next_block_timestamp)

    async def mine(self) -> str:
        """Seal the next L2 block now: the devnet's time goes on to that block's timestamp."""
        async with self._turn:
            timestamp = self._next_timestamp()
            self._clock.reach(timestamp)
            await self._until_head(timestamp)
        return "0x0"

    async def increase_time(self, seconds: Count) -> int:
        """Move the devnet's time forward, seal the L2 blocks that belong to it, and return the lead over wall time.

        L1 goes along with a block at the new time. At most the time of 3,600 L2 blocks a call.
        """
        block_time = self._sequencer.config.block_time
        longest = LONGEST_ADVANCE_BLOCKS * block_time
        if seconds > longest:
            raise RpcError(
                INVALID_PARAMS,
                f"cannot advance {seconds} s at once: each {block_time} s give an L2 block; "
                f"advance at most {longest} s a call",
            )
        async with self._turn:
            self._clock.advance(seconds)
            await self._l1.mine()
            await self._until_head(int(self._clock.now()) - block_time)
        return self._clock.offset

    def set_next_block_timestamp(self, timestamp: Count) -> None:
        """Accept the one timestamp that the next block can have; refuse every other."""
        expected = self._next_timestamp()
        if timestamp != expected:
            raise RpcError(
                INVALID_PARAMS,
                f"the next L2 block has timestamp {expected} and no other: the block number fixes it; "
                "use evm_increaseTime",
            )

    def _next_timestamp(self) -> int:
        return self._sequencer.heads.unsafe.timestamp + self._sequencer.config.block_time

    async def _until_head(self, timestamp: int) -> None:
        """Wait until the head's timestamp is at least `timestamp`, as long as new blocks come."""
        sequencing, new_head = self._sequencer.sequencing, asyncio.Event()
        end = self._sequencer.on_new_head(lambda _: new_head.set())
        try:
            while self._sequencer.heads.unsafe.timestamp < timestamp:
                if sequencing is None or not sequencing.is_active:
                    raise RpcError(SERVER_ERROR, "no L2 block is built, as the sequencer is stopped; start it first")
                new_head.clear()
                async with asyncio.timeout(_LONGEST_PAUSE_SECONDS):
                    await new_head.wait()
        except TimeoutError:
            raise RpcError(
                SERVER_ERROR,
                f"no L2 block for {_LONGEST_PAUSE_SECONDS:.0f} s; the log says what the sequencer waits for",
            ) from None
        finally:
            end()
