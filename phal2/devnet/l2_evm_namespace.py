"""The `evm` namespace of the sequencer: time control, as far as L2 timestamps are fixed by the block number."""

import asyncio
from typing import Final

from phal2.devnet.l1 import EmbeddedL1
from phal2.node.driver.clock import Clock
from phal2.node.driver.rollup_node import RollupNode
from phal2.node.rpc.errors import INVALID_PARAMS, RpcError
from phal2.node.rpc.parameter_types import Count
from phal2.node.rpc.registry import MethodRegistry

LONGEST_ADVANCE_SECONDS: Final = 3_600


class L2EvmNamespace:
    """What tests ask of a development chain, as far as a rollup can give it."""

    def __init__(self, sequencer: RollupNode, l1: EmbeddedL1, clock: Clock) -> None:
        self._sequencer = sequencer
        self._l1 = l1
        self._clock = clock

    def register(self, registry: MethodRegistry) -> None:
        """Offer the namespace's methods."""
        registry.add("evm_mine", self.mine)
        registry.add("evm_increaseTime", self.increase_time)
        registry.add("evm_setNextBlockTimestamp", self.set_next_block_timestamp)

    async def mine(self) -> str:
        """Seal the next L2 block now: the devnet's time goes on to that block's timestamp."""
        timestamp = self._next_timestamp()
        self._clock.advance(max(0, timestamp - int(self._clock.now())))
        await self._reach(timestamp)
        return "0x0"

    async def increase_time(self, seconds: Count) -> int:
        """Move the devnet's time forward, seal the L2 blocks that belong to it, and return the lead over wall time.

        L1 goes along with a block at the new time. At most 3,600 seconds a call.
        """
        if seconds > LONGEST_ADVANCE_SECONDS:
            raise RpcError(
                INVALID_PARAMS,
                f"cannot advance {seconds} s at once: each block time in between gives a block; "
                f"advance at most {LONGEST_ADVANCE_SECONDS} s a call",
            )
        self._clock.advance(seconds)
        await self._l1.mine()
        block_time = self._sequencer.config.block_time
        await self._reach(int(self._clock.now()) - block_time)
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

    async def _reach(self, timestamp: int) -> None:
        """Wait until the head's timestamp is at least `timestamp`."""
        reached = asyncio.Event()

        def check(_: bytes) -> None:
            if self._sequencer.heads.unsafe.timestamp >= timestamp:
                reached.set()

        end = self._sequencer.on_new_head(check)
        try:
            check(b"")
            await reached.wait()
        finally:
            end()
