"""Methods that seal blocks and move time: evm_mine and its like."""

from phal2.devnet.development.chain import DevelopmentChain
from phal2.devnet.development.parameters import MineRequest, Mining, Number, Seconds
from phal2.node.rpc.block_reference import LATEST, require_header
from phal2.node.rpc.errors import invalid_params
from phal2.node.rpc.parameter_types import Boolean
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, INTEGER, NULL, QUANTITY, optional


class MiningMethods:
    """Blocks on demand, and control of time."""

    def __init__(self, chain: DevelopmentChain) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods under the names that clients know."""
        registry.add("evm_mine", self.mine, result=QUANTITY)
        registry.add("anvil_mine", self.mine_blocks, result=NULL)
        registry.add("hardhat_mine", self.mine_blocks_and_tell, result=BOOLEAN)
        for prefix in ("evm", "anvil"):
            registry.add(f"{prefix}_increaseTime", self.increase_time, result=INTEGER)
            registry.add(f"{prefix}_setNextBlockTimestamp", self.set_next_block_timestamp, result=NULL)
            registry.add(f"{prefix}_setAutomine", self.set_automine, result=BOOLEAN)
            registry.add(f"{prefix}_setIntervalMining", self.set_interval_mining, result=BOOLEAN)
            registry.add(f"{prefix}_setTime", self.set_time, result=INTEGER)
        registry.add("testing_timeTravel", self.set_time, result=INTEGER)
        for prefix in ("anvil", "hardhat"):
            registry.add(f"{prefix}_getAutomine", self.get_automine, result=BOOLEAN)
            registry.add(f"{prefix}_setBlockTimestampInterval", self.set_timestamp_interval, result=NULL)
            registry.add(f"{prefix}_removeBlockTimestampInterval", self.remove_timestamp_interval, result=BOOLEAN)
        registry.add("anvil_getIntervalMining", self.get_interval_mining, result=optional(INTEGER))

    async def mine(self, request: Mining | None = None) -> str:
        """Seal a block now, with a timestamp where given; or as many as a number says; or {timestamp, blocks}."""
        asked = MineRequest() if request is None else request
        await self._chain.mine(asked.blocks, timestamp=asked.timestamp)
        return "0x0"

    async def mine_blocks(self, blocks: Number = 1, interval: Number | None = None) -> None:
        """Seal that many blocks now, `interval` seconds apart."""
        await self._chain.mine(blocks, interval)

    async def mine_blocks_and_tell(self, blocks: Number = 1, interval: Number | None = None) -> bool:
        """Seal that many blocks now, `interval` seconds apart; return true."""
        await self._chain.mine(blocks, interval)
        return True

    async def increase_time(self, seconds: Number) -> int:
        """Move the time forward and return by how many seconds it is ahead of wall time."""
        return await self._chain.increase_time(seconds)

    async def set_next_block_timestamp(self, timestamp: Number) -> None:
        """Give the next block this timestamp."""
        self._chain.set_next_timestamp(timestamp)

    async def set_automine(self, enabled: Boolean) -> bool:
        """Seal a block for each transaction from now on, or no longer; return true."""
        self._chain.set_automine(enabled)
        return True

    async def set_time(self, timestamp: Number) -> int:
        """Move the time forward to a timestamp and return by how many seconds it is ahead of wall time."""
        header = require_header(self._chain.service, LATEST)
        if timestamp < header.timestamp:
            raise invalid_params(
                f"timestamp {timestamp} is before that of the newest block, {header.timestamp}; time goes forward only"
            )
        return await self._chain.increase_time(timestamp - header.timestamp)

    async def set_timestamp_interval(self, seconds: Seconds) -> None:
        """Put the timestamps of later blocks so many seconds apart."""
        self._chain.set_timestamp_interval(seconds)

    async def remove_timestamp_interval(self) -> bool:
        """Let later blocks have the timestamps that come; return true."""
        self._chain.set_timestamp_interval(None)
        return True

    async def set_interval_mining(self, seconds: Seconds) -> bool:
        """Seal a block every so many seconds; 0: on demand alone. Return true."""
        await self._chain.set_interval(seconds)
        return True

    def get_automine(self) -> bool:
        """Tell whether a block is sealed for each transaction."""
        return self._chain.automine

    def get_interval_mining(self) -> int | None:
        """Return the seconds between two blocks that come by themselves, null where none do."""
        return self._chain.interval
