"""The chain of an `L1World` as an L1 client sees it."""

from dataclasses import dataclass
from typing import Any

from l1_world import L1World

from phal2.node.l1.errors import EndpointRefused


@dataclass(frozen=True, slots=True)
class WorldClient:
    """An L1 client as far as reading contracts goes; it is its own JSON-RPC client."""

    world: L1World
    url: str = "the world"

    @property
    def rpc(self) -> "WorldClient":
        return self

    async def call(self, to: bytes, data: bytes) -> bytes:
        outcome = self.world.chain.transact(to, data, sender=bytes(20))
        if not outcome.succeeded:
            # Also where the gas ran out: that was behind a proxy, which then reverts with nothing.
            raise EndpointRefused(self.url, "eth_call", 3, "execution reverted", f"0x{outcome.output.hex()}")
        return outcome.output

    async def batch(self, calls: Any) -> list[str]:
        requests = [request for _, (request, _) in calls]
        return [
            "0x" + (await self.call(bytes.fromhex(one["to"][2:]), bytes.fromhex(one["data"][2:]))).hex()
            for one in requests
        ]
