"""The `evm` namespace of the embedded L1: blocks on demand and control of its time."""

from phal2.devnet.l1.embedded_l1 import EmbeddedL1
from phal2.node.rpc.parameter_types import Count
from phal2.node.rpc.registry import MethodRegistry


class L1EvmNamespace:
    """What tests ask of a development chain."""

    def __init__(self, l1: EmbeddedL1) -> None:
        self._l1 = l1

    def register(self, registry: MethodRegistry) -> None:
        """Offer the namespace's methods."""
        registry.add("evm_mine", self.mine)
        registry.add("evm_increaseTime", self.increase_time)
        registry.add("evm_setNextBlockTimestamp", self.set_next_block_timestamp)

    async def mine(self, timestamp: Count | None = None) -> str:
        """Seal a block now, with the given timestamp or the clock's."""
        await self._l1.mine(timestamp)
        return "0x0"

    async def increase_time(self, seconds: Count) -> int:
        """Move the clock forward and return by how many seconds it is ahead of wall time."""
        self._l1.advance_clock(seconds)
        return self._l1.clock.offset

    async def set_next_block_timestamp(self, timestamp: Count) -> None:
        """Give the next block this timestamp."""
        self._l1.set_next_timestamp(timestamp)
