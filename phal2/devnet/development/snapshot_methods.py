"""Methods that note where a chain is and return there: evm_snapshot, evm_revert, and the resets."""

from phal2.devnet.development.chain import DevelopmentChain, NotOnThisChain
from phal2.devnet.development.parameters import Number, Options
from phal2.node.rpc.hexadecimal import quantity
from phal2.node.rpc.registry import MethodRegistry
from phal2.node.rpc.result_schemas import BOOLEAN, NULL, QUANTITY


class SnapshotMethods:
    """Snapshots, and the way back to the start."""

    def __init__(self, chain: DevelopmentChain) -> None:
        self._chain = chain

    def register(self, registry: MethodRegistry) -> None:
        """Offer the methods."""
        for prefix in ("evm", "anvil"):
            registry.add(f"{prefix}_snapshot", self.snapshot, result=QUANTITY)
            registry.add(f"{prefix}_revert", self.revert, result=BOOLEAN)
        for prefix in ("anvil", "evm"):
            registry.add(f"{prefix}_reset", self.reset, result=NULL)
        registry.add("hardhat_reset", self.reset_and_tell, result=BOOLEAN)

    async def snapshot(self) -> str:
        """Note the present state of affairs; return the snapshot's number."""
        return quantity(await self._chain.snapshot())

    async def revert(self, snapshot: Number) -> bool:
        """Return to a snapshot, which is used up with all later ones; false where there is none of this number."""
        return await self._chain.revert(snapshot)

    async def reset(self, options: Options | None = None) -> None:
        """Return the devnet to its start."""
        forking = None if options is None else options.get("forking")
        # viem sends the object with nothing in it where nothing is to be forked.
        if forking is not None and (
            not isinstance(forking, dict) or any(each is not None for each in forking.values())
        ):
            raise NotOnThisChain("this chain cannot fork another one; reset without the field forking")
        await self._chain.reset()

    async def reset_and_tell(self, options: Options | None = None) -> bool:
        """Return the devnet to its start; return true."""
        await self.reset(options)
        return True
